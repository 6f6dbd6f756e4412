/** A lab that was scanned once, its site file and its store: what answers out of the store are held against. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Site } from '../../src/model.ts'
import { readSite } from '../../src/site.ts'
import { openStore, type Store } from '../../src/store.ts'
import { type Stage, stage } from '../journeys/lab.ts'

export type Kept = Stage & {
  readonly site: string
  readonly read: Site
  /** Runs a command, which must end with this code, and reads its answer. */
  readonly json: <T>(code: number | readonly number[], ...argv: string[]) => Promise<T>
  readonly withStore: <T>(work: (store: Store) => Promise<T>) => Promise<T>
}

/** Starts a lab, takes its machines in, and asks them once. */
export async function scanned(
  options: Parameters<typeof stage>[0],
  then: (on: Kept) => Promise<void>,
  change?: (site: string) => string,
): Promise<void> {
  const s = await stage(options, 'http', change)
  try {
    const on: Kept = {
      ...s,
      read: readSite(s.site, readFileSync(s.site, 'utf8')).siteFile!.site,
      json: async <T>(code: number | readonly number[], ...argv: string[]) => {
        const ran = await s.slmctl(...argv, '--json')
        if (![code].flat().includes(ran.code)) throw new Error(`slmctl ${argv.join(' ')} ended with ${ran.code}\n${ran.out}\n${ran.err}`)
        return JSON.parse(ran.out) as T
      },
      withStore: async (work) => {
        const store = await openStore({ file: join(s.directory, 'fleet.db') }, { create: false })
        try {
          return await work(store)
        } finally {
          await store.close()
        }
      },
    }
    await on.json(0, 'fleet', 'import', '--site-groups')
    await on.json([0, 1, 2], 'fleet', 'scan')
    await then(on)
  } finally {
    await s.close()
  }
}

export type Line = {
  readonly id: number
  readonly name: string
  readonly verdict: string | null
  readonly origin: string | null
  readonly seenAt: number | null
  readonly problem: { readonly code: string } | null
  readonly products: readonly {
    readonly state: string
    readonly application: string
    readonly channel: string
    readonly origin: string
    readonly host: string | null
    readonly expiresAt: number | null
  }[]
}
/** Machines as `fleet list` has them. */
export const listed = async (on: Kept, ...filter: string[]): Promise<readonly Line[]> =>
  (await on.json<{ machines: readonly Line[] }>(0, 'fleet', 'list', ...filter)).machines
