/**
 * Machines of a lab through both doors: over WinRM from Linux, and on the machine itself under Wine, where the provider serves the rows
 * of the lab's store, not what the WinRM door made of them. Verdicts, plans, calls and what is so afterwards must be the same.
 */
import assert from 'node:assert/strict'
import type { Lab, LabOptions, MachineOption } from '../../../src/lab.ts'
import { type Stage, stage } from '../../journeys/lab.ts'
import { check } from '../../peers/checks.ts'
import { classesOf, type FixtureAnswer, type FixtureState, rowsOf } from '../fixture.ts'
import type { Wine } from '../wine.ts'
import { type Computer, methodsOf, onEach, type Seen } from './here.ts'

type Named = { readonly name: string }
type Answer = { readonly machines: readonly Named[] }
type Planned = Named & { readonly steps: readonly unknown[] }

/** What one door said of one machine, as JSON. */
type Said = { readonly status: Named; readonly plan: Planned; readonly applied: Named | null; readonly after: Named | null }

export type Cast = MachineOption & {
  /** What is shown where a check tells about this machine; its scenario where left out. */
  readonly title?: string
  /** Flags of `plan` and `apply`. */
  readonly flags?: readonly string[]
}
export type Play = {
  readonly cast: readonly Cast[]
  readonly lab?: LabOptions
  /** What is changed in the site file that the lab writes. */
  readonly site?: (text: string) => string
  /** For slmctl, through both doors. */
  readonly env?: Readonly<Record<string, string>>
}

/** Plays it through both doors; one check of status and plan for each machine, and one of apply where there is something to do. */
export async function bothDoors(wine: Wine, { cast, lab: options, site = (text) => text, env = {} }: Play): Promise<void> {
  const films = new Map<string, Film>()
  // Half of the machines tell a failure of a method by its ReturnValue, the others by the call's own result.
  const machines = cast.map(({ title: _, flags: __, ...machine }, i) => ({
    ...machine,
    methodFailure: i % 2 === 0 ? ('return-value' as const) : ('wmi-error' as const),
  }))
  Object.assign(process.env, env)
  const s = await stage({ ...options, machines, onExchange: (name) => films.get(name)?.look() }, 'http', site)
  try {
    for (const m of s.lab.machines) films.set(m.name, new Film(m.name, s.lab))
    const wire = await overWinRm(s, cast)
    const computers = s.lab.machines.map((m, i): Computer => {
      const film = films.get(m.name)!
      const flags = cast[i]!.flags ?? []
      const apply = [
        ['apply', ...flags, '--yes', '--json'],
        ['status', '--json'],
      ]
      return {
        name: m.name,
        fixture: { classes: classesOf(s.lab.tables(m.name)), states: film.states(machines[i]!.methodFailure === 'wmi-error') },
        registry: film.registry,
        site: site(s.lab.siteYaml()),
        commands: [['status', '--json'], ['plan', ...flags, '--json'], ...(wire.get(m.name)!.plan.steps.length > 0 ? apply : [])],
      }
    })
    const seen = await onEach(wine, computers, { timeoutMs: 240_000, env })
    for (const [i, { name }] of s.lab.machines.entries())
      await compare(cast[i]!.title ?? cast[i]!.scenario, films.get(name)!, wire.get(name)!, seen.get(name)!)
  } finally {
    await s.close()
    for (const name of Object.keys(env)) delete process.env[name]
  }
}

async function overWinRm(s: Stage, cast: readonly Cast[]): Promise<ReadonlyMap<string, Said>> {
  const ask = async (...argv: string[]): Promise<ReadonlyMap<string, Named>> => {
    const { out, err } = await s.slmctl(...argv, '--json')
    assert.notEqual(out, '', err)
    return new Map((JSON.parse(out) as Answer).machines.map((m) => [m.name, m]))
  }
  /** All at once where they have the same flags, which is much faster. */
  const each = async (command: string, ...more: string[]): Promise<ReadonlyMap<string, Named>> => {
    if (cast.every(({ flags }) => !flags)) return ask(command, '--all', ...more)
    const all: (readonly [string, Named])[] = []
    for (const [i, { name }] of s.lab.machines.entries()) all.push(...(await ask(command, name, ...(cast[i]!.flags ?? []), ...more)))
    return new Map(all)
  }
  const status = await ask('status', '--all')
  const plan = (await each('plan')) as ReadonlyMap<string, Planned>
  const applied = await each('apply', '--yes')
  const after = await ask('status', '--all')
  return new Map(
    s.lab.machines.map(({ name }) => [
      name,
      { status: status.get(name)!, plan: plan.get(name)!, applied: applied.get(name) ?? null, after: after.get(name) ?? null },
    ]),
  )
}

/** A machine of the lab, state by state: a new one after each call that it carried out. */
export class Film {
  readonly registry: ReturnType<Lab['state']>['registry']
  readonly #name: string
  readonly #lab: Lab
  readonly #rows: FixtureState['rows'][]

  constructor(name: string, lab: Lab) {
    this.#name = name
    this.#lab = lab
    this.registry = lab.state(name).registry
    this.#rows = [rowsOf(lab.tables(name))]
  }

  get calls(): ReturnType<Lab['calls']> {
    return this.#lab.calls(this.#name)
  }

  look(): void {
    if (this.calls.length < this.#rows.length) return
    this.#rows.push(rowsOf(this.#lab.tables(this.#name)))
    assert.equal(this.#rows.length, this.calls.length + 1)
  }

  /** `byHresult`: a failing call fails itself; else its ReturnValue tells. */
  states(byHresult: boolean): FixtureState[] {
    return this.#rows.map((rows, i): FixtureState => {
      const call = this.calls[i]
      if (!call) return { rows }
      const key = Object.values(call.key)[0]
      const failed = byHresult && call.result !== 0
      const answer: FixtureAnswer = {
        class: call.class,
        method: call.method,
        ...(key === undefined ? {} : { key }),
        ...(failed ? { hresult: call.result! } : { gives: { ReturnValue: String(call.result) } }),
        next: i + 1,
      }
      return { rows, answers: [answer] }
    })
  }

  /** Names of the registry's values: Wine lists those of a key by name, the lab as they were made, and Windows promises no order. */
  get registryNames(): ReadonlySet<string> {
    return new Set(Object.values(this.registry).flatMap((values) => Object.keys(values)))
  }
}

const time = /\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?/g

/** What is compared: times are those of a run, and lines of the registry's values are as the machine listed them. */
function comparable(value: unknown, registryNames: ReadonlySet<string>): unknown {
  if (typeof value === 'string') return value.replaceAll(time, '‹time›')
  if (Array.isArray(value)) return value.map((one) => comparable(one, registryNames))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([name, one]) => [name, comparable(one, registryNames)])
  const evidence = Object.fromEntries(entries) as { text?: unknown; line?: unknown }
  const of = typeof evidence.text === 'string' ? /^([^:]+): /.exec(evidence.text)?.[1] : undefined
  return of !== undefined && registryNames.has(of) && typeof evidence.line === 'number' ? { ...evidence, line: '‹line›' } : evidence
}

async function compare(title: string, film: Film, wire: Said, seen: Seen): Promise<void> {
  const [status, plan, applied, after] = seen.ran
  const same = (ran: Seen['ran'][number] | undefined, other: Named | null) => {
    assert.ok(ran && ran.out !== '', ran?.err ?? 'it was not run')
    const { machines } = JSON.parse(ran.out) as Answer
    assert.equal(machines.length, 1, ran.out)
    assert.deepEqual(comparable(machines[0], film.registryNames), comparable(other, film.registryNames))
  }
  await check(`${title}: status and plan are the same through both doors`, () => {
    same(status, wire.status)
    same(plan, wire.plan)
    if (wire.plan.steps.length === 0) assert.deepEqual(methodsOf(seen), [])
  })
  if (wire.plan.steps.length === 0) return
  await check(`${title}: apply makes the same calls, with the same end`, () => {
    same(applied, wire.applied)
    const calls = methodsOf(seen).map((c) => {
      assert.equal(c.scripted, 'yes', JSON.stringify(c))
      const given = Object.entries(c.arguments!).map(([n, { value }]) => [n, n === 'ProductKey' ? `…${value}` : value])
      return { class: c.class, key: c.key, method: c.method, ...Object.fromEntries(given) }
    })
    assert.deepEqual(
      calls,
      film.calls.map((c) => ({ class: c.class, key: Object.values(c.key)[0] ?? null, method: c.method, ...c.arguments })),
    )
    assert.ok(calls.length > 0)
    same(after, wire.after)
  })
}
