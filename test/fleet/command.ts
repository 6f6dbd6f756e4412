/** `slmctl fleet` over a store of its own, as somebody types it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { main } from '../../src/cli/main.ts'
import type { FoundMachine } from '../../src/model.ts'
import { type Observation, openStore } from '../../src/store.ts'

export type Ran = { readonly code: number; readonly out: string; readonly err: string }

export type Fleet = {
  readonly folder: string
  readonly file: (name: string) => string
  readonly run: (...argv: string[]) => Promise<Ran>
  /** Puts machines in; answers their ids by name. */
  readonly put: (machines: readonly FoundMachine[], source?: string) => Promise<ReadonlyMap<string, number>>
  readonly observe: (list: readonly Observation[]) => Promise<void>
}

export async function withFleet(then: (fleet: Fleet) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'slmctl-fleet-'))
  const file = (name: string) => join(folder, name)
  const place = { file: file('fleet.db') }
  const open = async <T>(work: (store: Awaited<ReturnType<typeof openStore>>) => Promise<T>): Promise<T> => {
    const store = await openStore(place, { create: true })
    try {
      return await work(store)
    } finally {
      await store.close()
    }
  }
  try {
    await then({
      folder,
      file,
      run: async (...argv) => {
        const ran = { out: '', err: '' }
        const code = await main(['fleet', '--store', place.file, ...argv], {
          out: (text) => {
            ran.out += text
          },
          err: (text) => {
            ran.err += text
          },
          columns: 80,
          paint: (_, text) => text,
        })
        process.exitCode = 0
        return { code, ...ran }
      },
      put: (machines, source = 'list:test') =>
        open(async (store) => {
          await store.importMachines(machines, { source, at: Date.now() })
          const { rows } = await store.list({}, { limit: 10_000, after: null })
          return new Map(rows.map((m) => [m.name, m.id]))
        }),
      observe: (list) =>
        open(async (store) => {
          await store.observe(list)
        }),
    })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
