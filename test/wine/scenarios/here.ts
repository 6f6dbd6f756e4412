/** Computers made of fixtures: their files, and slmctl run on them under Wine. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { type Fixture, fixtureText, type RegistryTree, registryFiles } from '../fixture.ts'
import { type Place, tree, type Wine, windowsPath } from '../wine.ts'
import type { Done, Job, Ran } from './worker.ts'

export type Computer = {
  readonly name: string
  readonly fixture: Fixture
  readonly registry: RegistryTree | null
  /** The site file's text; null where there is none. */
  readonly site: string | null
  readonly commands: readonly (readonly string[])[]
  readonly limitMs?: number
}

/** A call as the provider recorded it. */
export type Recorded = {
  readonly op: string
  readonly class?: string
  readonly path?: string
  readonly key?: string | null
  readonly method?: string
  readonly query?: string
  readonly arguments?: Readonly<Record<string, { readonly vt: number; readonly value: string | number | boolean | null }>>
  readonly scripted?: string | null
  readonly result: number
}
export type Seen = { readonly ran: readonly Ran[]; readonly calls: readonly Recorded[] }

/** Runs slmctl on each of them, all in one process; by name, what it said and what the provider was asked. */
export async function onEach(
  wine: Wine,
  computers: readonly Computer[],
  how: { readonly place?: Place; readonly timeoutMs?: number; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<ReadonlyMap<string, Seen>> {
  const folder = join(wine.work, `computers-${++made}`)
  mkdirSync(folder)
  const jobs = computers.map((computer, i): Job => {
    const at = (file: string) => join(folder, `${i}-${file}`)
    writeFileSync(at('fixture'), fixtureText(computer.fixture))
    if (computer.site !== null) writeFileSync(at('slmctl.yaml'), computer.site)
    if (computer.registry) {
      const { set, unset } = registryFiles(computer.registry, hostname())
      writeFileSync(at('set.reg'), set)
      writeFileSync(at('unset.reg'), unset)
    }
    return {
      ...(computer.limitMs === undefined ? {} : { limitMs: computer.limitMs }),
      name: computer.name,
      registry: computer.registry ? { set: windowsPath(at('set.reg')), unset: windowsPath(at('unset.reg')) } : null,
      env: {
        SLMCTL_FIXTURE: windowsPath(at('fixture')),
        SLMCTL_FIXTURE_CALLS: windowsPath(at('calls')),
        SLMCTL_STATE: windowsPath(at('state')),
        ...how.env,
      },
      commands: computer.commands.map((argv) => [...argv, ...(computer.site === null ? [] : ['--site', windowsPath(at('slmctl.yaml'))])]),
    }
  })
  const [file, results] = [join(folder, 'jobs.json'), join(folder, 'results.json')]
  writeFileSync(file, JSON.stringify(jobs))
  const worker = join(tree, 'test/wine/scenarios/worker.ts')
  const { code, stdout, stderr } = await (how.place ?? wine.provided).node([worker, file, results].map(windowsPath), {
    timeoutMs: how.timeoutMs ?? 60_000,
  })
  if (!existsSync(results)) throw new Error(`the worker ended with ${code}: ${stdout}${stderr}`)
  const seen = new Map<string, Seen>()
  for (const [i, { name, ran }] of (JSON.parse(readFileSync(results, 'utf8')) as Done[]).entries()) {
    const calls = join(folder, `${i}-calls`)
    const lines = existsSync(calls) ? readFileSync(calls, 'utf8').trimEnd().split('\n') : []
    seen.set(name, { ran, calls: lines.map((line) => JSON.parse(line) as Recorded) })
  }
  rmSync(folder, { recursive: true })
  return seen
}
let made = 0

/** Calls of methods: all that could have changed a machine. */
export const methodsOf = (seen: Seen): readonly Recorded[] => seen.calls.filter((c) => c.op === 'method')
