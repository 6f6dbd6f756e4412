/** One computer on which the single file runs: a machine of the lab, played by the provider as it was over WinRM. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { LabOptions, ScenarioId } from '../../../src/lab.ts'
import { type Stage, stage } from '../../journeys/lab.ts'
import { run as command } from '../../peers/checks.ts'
import { classesOf, fixtureText, registryFiles } from '../fixture.ts'
import { Film } from '../scenarios/doors.ts'
import type { Recorded } from '../scenarios/here.ts'
import { type Ended, type Place, tree, windowsPath } from '../wine.ts'
import type { Exe } from './run.ts'

export const pc = 'pc-1.corp.example'

export type Computer = {
  /** The lab on Linux; the machine there has been through everything already. */
  readonly s: Stage
  /** A file in the stage's folder. */
  readonly at: (file: string) => string
  /** Runs slmctl.exe; the working directory is the stage's folder, so that files are named alike there and on Linux. */
  readonly slmctl: (...args: string[]) => Promise<Ended>
  /** What the provider was asked since the last `rewind`. */
  readonly calls: () => readonly Recorded[]
  /** Calls of methods: all that could have changed the computer. */
  readonly methods: () => readonly Recorded[]
  /** The computer is as it was in the beginning, and nothing is recorded; slmctl's own folder stays. */
  readonly rewind: () => void
}

/**
 * Wine takes its computer's name anew whenever its server starts, and that ends soon after the last program: one goes on from here
 * until what is returned is called.
 */
export function hold(place: Place, file: string): () => Promise<void> {
  writeFileSync(file, '')
  const waits = `setInterval(() => require('node:fs').existsSync(${JSON.stringify(windowsPath(file))}) || process.exit(), 100)`
  const running = place.node(['-e', waits], { timeoutMs: 300_000 })
  running.catch(() => {})
  return async () => {
    rmSync(file, { force: true })
    await running
  }
}

/** `wire` does over WinRM what slmctl.exe will do: the provider can play what it was asked then. */
export async function onComputer(
  exe: Exe,
  machine: { readonly scenario: ScenarioId } & LabOptions,
  wire: (s: Stage) => Promise<unknown>,
  then: (computer: Computer) => Promise<void>,
): Promise<void> {
  const { scenario, ...options } = machine
  let film: Film | null = null
  const s = await stage({ ...options, machines: [{ name: pc, scenario, methodFailure: 'return-value' }], onExchange: () => film?.look() })
  const at = (file: string) => join(s.directory, file)
  try {
    film = new Film(pc, s.lab)
    await wire(s)
    const [fixture, record] = [at('provider.fixture'), at('provider.calls')]
    writeFileSync(fixture, fixtureText({ classes: classesOf(s.lab.tables(pc)), states: film.states(false) }))
    const { set, unset } = registryFiles(film.registry, hostname())
    writeFileSync(at('set.reg'), set)
    writeFileSync(at('unset.reg'), unset)
    const env = {
      SLMCTL_FIXTURE: windowsPath(fixture),
      SLMCTL_FIXTURE_CALLS: windowsPath(record),
      SLMCTL_STATE: windowsPath(at('target')),
    }
    const calls = (): Recorded[] =>
      existsSync(record)
        ? readFileSync(record, 'utf8')
            .trimEnd()
            .split('\n')
            .map((line) => JSON.parse(line) as Recorded)
        : []
    const { provided } = exe.wine
    const letGo = hold(provided, at('held'))
    await provided.run('reg', ['import', windowsPath(at('set.reg'))])
    try {
      await then({
        s,
        at,
        slmctl: (...args) => provided.run(exe.path, args, { env, cwd: s.directory }),
        calls,
        methods: () => calls().filter((c) => c.op === 'method'),
        rewind: () => {
          for (const file of [record, `${fixture}.state`]) rmSync(file, { force: true })
        },
      })
    } finally {
      await provided.run('reg', ['import', windowsPath(at('unset.reg'))])
      await letGo()
    }
  } finally {
    await s.close()
  }
}

/** The command line on Linux, from the sources. */
export const sources = (args: readonly string[], cwd = tree) =>
  command(process.execPath, [join(tree, 'bin', 'slmctl.cjs'), ...args], { cwd })

/** The answer of a command with --json; what it said instead where there is none. */
export function answerOf<T>({ code, stdout, stderr }: { code: number | null; stdout: string; stderr: string }): T {
  try {
    return JSON.parse(stdout) as T
  } catch {
    throw new Error(`no JSON, exit code ${code}: ${stdout}${stderr}`)
  }
}
