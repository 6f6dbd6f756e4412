/** `slmctl fleet` over a store of its own, as somebody types it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FoundMachine } from '../../src/model.ts'
import { type Observation, openStore } from '../../src/store.ts'
import { type Ran, ran } from '../support/ran.ts'

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
      run: (...argv) => ran(['fleet', '--store', place.file, ...argv]),
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
