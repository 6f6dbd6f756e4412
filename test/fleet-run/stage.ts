/** What the proofs of campaigns share: a lab, a store of either kind, and slmctl as processes that can be killed. */
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { LabOptions, MachineOption } from '../../src/lab.ts'
import { openStore, type Place, postgresUrl, type Store } from '../../src/store.ts'
import { found } from '../store/fixture.ts'
import { programs, type Server, startServer } from '../store/postgres-server.ts'
import type { Questions } from './lab-host.ts'

export { pause }

const bundle = resolve('dist/slmctl.cjs')
if (!existsSync(bundle)) throw new Error('npm run build')
/** As a package runs it: the bundle, whose start is a tenth of that of the sources. */
const start = `require('node:module').enableCompileCache(); require(${JSON.stringify(bundle)}).main(process.argv.slice(1))`

type Asking = { readonly [Q in keyof Questions]: (...given: Parameters<Questions[Q]>) => Promise<Awaited<ReturnType<Questions[Q]>>> }
export type LabHost = Asking & {
  readonly siteYaml: string
  readonly password: string
  readonly machines: readonly { readonly name: string; readonly address: string; readonly place: string }[]
  readonly close: () => Promise<void>
}

/** A lab in a process of its own. */
export async function labHost(options: LabOptions): Promise<LabHost> {
  const child = fork(new URL('lab-host.ts', import.meta.url), [JSON.stringify(options)], { serialization: 'advanced' })
  const waiting = new Map<number, PromiseWithResolvers<unknown>>()
  let last = 0
  child.on('message', ({ id, answer, error }: { id: number; answer?: unknown; error?: string }) => {
    const asked = waiting.get(id)
    waiting.delete(id)
    if (error === undefined) asked?.resolve(answer)
    else asked?.reject(new Error(error))
  })
  child.once('exit', (code) => {
    for (const asked of waiting.values()) asked.reject(new Error(`the lab ended with ${code}`))
  })
  const wait = (id: number) => {
    const asked = Promise.withResolvers<unknown>()
    waiting.set(id, asked)
    return asked.promise
  }
  const first = (await wait(0)) as Pick<LabHost, 'siteYaml' | 'password' | 'machines'>
  const ask = (what: string, given: readonly unknown[]) => {
    const id = ++last
    child.send({ id, what, given })
    return wait(id)
  }
  const asking = Object.fromEntries(
    ['seen', 'reset', 'counts', 'calls', 'states', 'fault', 'absent'].map((what) => [what, (...given: unknown[]) => ask(what, given)]),
  ) as unknown as Asking
  return {
    ...first,
    ...asking,
    close: async () => {
      child.kill()
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    },
  }
}

/** One slmctl. */
export type Running = {
  readonly child: ChildProcess
  readonly out: () => string
  readonly err: () => string
  /** Its exit code; null where a signal ended it. */
  readonly ended: Promise<number | null>
  readonly kill: (signal?: NodeJS.Signals) => Promise<void>
}

export type Stage = {
  readonly lab: LabHost
  readonly folder: string
  readonly place: Place
  readonly store: Store
  /** Runs a command line to its end; throws where it ended otherwise than with one of these codes. */
  readonly slmctl: (codes: readonly number[], ...argv: string[]) => Promise<string>
  /** Begins one and lets it run. `clock`: a file that the clock is read from; `state`: a folder of its own, as on another computer. */
  readonly begin: (argv: readonly string[], options?: { readonly clock?: string; readonly state?: string }) => Running
  /** Puts machines into the store; all of the lab's, where none are named. Answers their ids by name. */
  readonly take: (machines: readonly Listed[], source: string) => Promise<ReadonlyMap<string, number>>
  readonly close: () => Promise<void>
}
export type Listed = { readonly name: string; readonly place: string; readonly groups?: readonly string[]; readonly address?: string }

/** How long a worker that is not heard of keeps its machines here, ms. */
export const leaseMs = 2000

/** A store of its own over a lab that several stages may share. `change`: of the site file. */
export async function stage(
  lab: LabHost,
  where: { readonly server: Server; readonly schema: string } | null,
  change: (site: string) => string = (text) => text,
  inFolder?: string,
): Promise<Stage> {
  const folder = inFolder ?? mkdtempSync(join(tmpdir(), 'slmctl-fleet-run-'))
  writeFileSync(join(folder, 'lab.password'), `${lab.password}\n`, { mode: 0o600 })
  const site = join(folder, 'slmctl.yaml')
  writeFileSync(site, change(lab.siteYaml))
  const url = where && `postgresql://boss@127.0.0.1:${where.server.port}/postgres?schema=${where.schema}`
  const place: Place = url ? { postgres: postgresUrl(url) } : { file: join(folder, 'fleet.db') }
  const store = await openStore(place, { create: true, patienceMs: 60_000 })
  const named = url ?? join(folder, 'fleet.db')
  const running = new Set<Running>()
  const begin: Stage['begin'] = (argv, { clock, state = folder } = {}) => {
    mkdirSync(state, { recursive: true })
    const before = clock ? ['--import', new URL('clock.ts', import.meta.url).href] : []
    const child = spawn(process.execPath, [...before, '-e', start, ...argv, '--site', site, '--store', named], {
      env: {
        ...process.env,
        SLMCTL_STATE: state,
        SLMCTL_LEASE_MS: String(leaseMs),
        NODE_COMPILE_CACHE: join(tmpdir(), 'slmctl-fleet-run-cache'),
        ...(clock ? { SLMCTL_TEST_CLOCK: clock } : {}),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let out = ''
    let err = ''
    child.stdout!.on('data', (text) => {
      out += text
    })
    child.stderr!.on('data', (text) => {
      err += text
    })
    const ended = new Promise<number | null>((done) => child.once('close', (code) => done(code)))
    const one: Running = {
      child,
      out: () => out,
      err: () => err,
      ended,
      kill: async (signal = 'SIGKILL') => {
        child.kill(signal)
        await ended
      },
    }
    running.add(one)
    void ended.then(() => running.delete(one))
    return one
  }
  return {
    lab,
    folder,
    place,
    store,
    begin,
    slmctl: async (codes, ...argv) => {
      const one = begin(argv)
      const code = await one.ended
      if (code === null || !codes.includes(code)) throw new Error(`slmctl ${argv.join(' ')} ended with ${code}\n${one.out()}\n${one.err()}`)
      return one.out()
    },
    take: async (machines, source) => {
      await store.importMachines(
        machines.map((m) => found(m.name, { groups: [m.place, ...(m.groups ?? [])], address: m.address ?? null })),
        { source, at: Date.now(), partial: true },
      )
      const ids = new Map<string, number>()
      let after: string | null = null
      do {
        const page: Awaited<ReturnType<Store['list']>> = await store.list({}, { limit: 5000, after })
        for (const m of page.rows) ids.set(m.name, m.id)
        after = page.next
      } while (after !== null)
      return ids
    },
    close: async () => {
      for (const one of running) await one.kill()
      await store.close()
      if (inFolder === undefined) rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** What tests over one lab and one server stand on. */
export type Ground = { readonly lab: LabHost; readonly server: Server }

let schemas = 0
/** A store with the machines of a lab whose names begin so. `site`: changes the site file; `folder`: where all of it is, and stays. */
export async function over(
  { lab, server }: Ground,
  where: 'SQLite' | 'PostgreSQL',
  purpose: string,
  then: (on: Stage, names: readonly string[]) => Promise<void>,
  { site, folder }: { readonly site?: (text: string) => string; readonly folder?: string } = {},
): Promise<void> {
  const on = await stage(lab, where === 'SQLite' ? null : { server, schema: `o${schemas++}` }, site, folder)
  const mine = lab.machines.filter((m) => m.name.startsWith(purpose))
  const names = mine.map((m) => m.name)
  try {
    await on.take(mine, 'list')
    await lab.reset()
    await then(on, names)
  } finally {
    await lab.fault(names, null)
    await on.close()
  }
}

/** So many machines of one kind, called by what they are for. */
export const some = (purpose: string, count: number, scenario: MachineOption['scenario']): MachineOption[] =>
  Array.from({ length: count }, (_, i) => ({ name: `${purpose}-${i}.corp.example`, scenario }))

/** Begins a campaign for workers; answers its number. */
export async function campaign(on: Stage, ...argv: string[]): Promise<number> {
  await on.slmctl([0], 'fleet', ...argv, '--by-workers', ...(argv[0] === 'apply' ? ['--yes'] : []))
  return (await newest(on.store)).id
}

/** Plans every machine; answers the number of the campaign, as a flag wants it. */
export async function planned(on: Stage): Promise<string> {
  await on.slmctl([0, 1], 'fleet', 'plan')
  return String((await newest(on.store)).id)
}

export const finished = (on: Stage, id: number) => until(`campaign ${id} ends`, async () => (await stateOf(on.store, id)) === 'finished')
export const leftOf = (on: Stage, id: number) => on.store.left({ campaign: id, upTo: null, sites: null })

/** A PostgreSQL for these tests. */
export async function postgres(): Promise<Server> {
  const bin = programs()
  if (bin === null) throw new Error('PostgreSQL is not installed (apt-get install postgresql)')
  return await startServer(bin)
}

/** Starts a server that was killed, as soon as what it left behind is gone. */
export async function startAgain(server: Server): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      server.start()
      return
    } catch (error) {
      if (tries > 60) throw error
      await pause(250)
    }
  }
}

/** Waits until something holds, however slow the machine is; says what it waited for where it never does. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, withinMs = 120_000): Promise<void> {
  for (const end = performance.now() + withinMs; !(await holds()); await pause(30))
    if (performance.now() > end) throw new Error(`waited ${withinMs / 1000} s for: ${what}`)
}

/** All targets of a campaign. */
export async function targetsOf(store: Store, campaign: number) {
  const rows: Awaited<ReturnType<Store['targets']>>['rows'][number][] = []
  let after: string | null = null
  do {
    const page: Awaited<ReturnType<Store['targets']>> = await store.targets(campaign, {}, { limit: 5000, after })
    rows.push(...page.rows)
    after = page.next
  } while (after !== null)
  return rows
}

/** All outcomes of a campaign. */
export async function outcomesOf(store: Store, campaign: number) {
  const rows: Awaited<ReturnType<Store['outcomes']>>['rows'][number][] = []
  let after: string | null = null
  do {
    const page: Awaited<ReturnType<Store['outcomes']>> = await store.outcomes({ campaign }, { limit: 1000, after })
    rows.push(...page.rows)
    after = page.next
  } while (after !== null)
  return rows
}

/** The newest campaign. */
export const newest = async (store: Store) => (await store.campaigns({ limit: 1 }))[0]!

export async function stateOf(store: Store, campaign: number) {
  return (await store.campaigns({ id: campaign, limit: 1 }))[0]!.state
}

/** The word by which the store calls a LicenseStatus. */
const states = [
  ...['unlicensed', 'licensed', 'initial-grace', 'additional-grace', 'non-genuine-grace', 'notification', 'extended-grace'],
] as const

/** Machines of which the store says otherwise than what the lab knows of their products: none may be. */
export async function differing(on: Stage, names: readonly string[]): Promise<string[]> {
  const wrong: string[] = []
  const kept = new Map<string, Map<string, string>>()
  let after: string | null = null
  do {
    const page: Awaited<ReturnType<Store['list']>> = await on.store.list({}, { limit: 2000, after })
    for (const m of page.rows)
      kept.set(m.name, new Map(m.products.flatMap((p) => (p.activationId ? [[p.activationId.toLowerCase(), p.state ?? '']] : []))))
    after = page.next
  } while (after !== null)
  for (let i = 0; i < names.length; i += 500) {
    const truth = await on.lab.states(names.slice(i, i + 500))
    for (const [name, products] of Object.entries(truth))
      for (const [id, status] of Object.entries(products)) {
        const said = kept.get(name.toLowerCase())?.get(id)
        if (said !== states[status]) wrong.push(`${name} ${id}: kept ${said}, is ${states[status]}`)
      }
  }
  return wrong
}
