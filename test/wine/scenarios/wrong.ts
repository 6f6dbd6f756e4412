/** What slmctl does on the machine itself where something is wrong: it says so, and nothing is changed that nobody knows of. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stage } from '../../journeys/lab.ts'
import { check } from '../../peers/checks.ts'
import { classesOf, type Fixture, type FixtureFault, type FixtureRow, hresults } from '../fixture.ts'
import { buildProvider, registerProvider } from '../provider.ts'
import type { Wine } from '../wine.ts'
import { Film } from './doors.ts'
import { type Computer, methodsOf, onEach, type Seen } from './here.ts'

const pc = 'pc-1.corp.example'
const products = 'SoftwareLicensingProduct'
const setHost = 'SetKeyManagementServiceMachine'

type Problem = { readonly code: string; readonly summary: string; readonly next: readonly string[] }
/** One machine of an answer of `status` or `apply`. */
type Told = {
  readonly ok?: boolean
  readonly result?: string
  readonly problem?: Problem | null
  readonly machine?: { readonly verdict: string; readonly headline: string; readonly next: readonly string[]; readonly origin: string }
  readonly steps?: readonly { readonly result: string; readonly returnValue: number | null }[]
}
type Answer = { readonly machines: readonly Told[]; readonly problems?: readonly Problem[] }

const looks = [
  ['status', '--json'],
  ['apply', '--yes', '--json'],
]
const applies = [['apply', '--yes', '--json']]

const answer = (seen: Seen, command: string): Answer => {
  const ran = seen.ran.find(({ argv }) => argv[0] === command)
  assert.ok(ran && ran.out !== '', ran?.err ?? `${command} was not run`)
  return JSON.parse(ran.out) as Answer
}
const exit = (seen: Seen, command: string) => seen.ran.find(({ argv }) => argv[0] === command)!.code
const untouched = (seen: Seen) => assert.deepEqual(methodsOf(seen), [])

/** The machine cannot be asked at all: a Problem with this code, exit code 2. */
const problem = (code: string) => (seen: Seen) => {
  for (const one of [answer(seen, 'status').machines[0]!.problem, answer(seen, 'apply').problems![0]]) {
    assert.equal(one?.code, code, JSON.stringify(seen.ran))
    assert.ok(one.next.length > 0)
    assert.ok(one.summary.includes(pc))
  }
  assert.deepEqual([exit(seen, 'status'), exit(seen, 'apply')], [2, 2])
  untouched(seen)
}

/** One question had no answer: no verdict, the sentence says why, and nothing is done. */
const cannotTell = (says: RegExp) => (seen: Seen) => {
  if (seen.ran.some(({ argv }) => argv[0] === 'status')) {
    const { machine } = answer(seen, 'status').machines[0]!
    assert.equal(machine?.verdict, 'cannot-tell', JSON.stringify(seen.ran))
    assert.match(machine.headline, says)
    assert.ok(machine.next.length > 0)
  }
  const { machines, problems = [] } = answer(seen, 'apply')
  assert.ok(problems.length > 0 || machines[0]!.problem?.code === 'COULD_NOT_ASK', JSON.stringify(machines))
  for (const { code, argv } of seen.ran) assert.equal(code, 2, argv.join(' '))
  untouched(seen)
}

/** Whatever else is said: it is not well, and nothing is done. */
const notWell = (seen: Seen) => {
  assert.notEqual(answer(seen, 'status').machines[0]!.machine?.verdict, 'ok')
  assert.ok(exit(seen, 'status') !== 0 && exit(seen, 'apply') !== 0)
  untouched(seen)
}

/** How one step went, and what the provider was asked to do: once each, in this order. */
const went = (result: string, steps: readonly string[], methods: readonly string[], code: string | null) => (seen: Seen) => {
  const outcome = answer(seen, 'apply').machines[0]!
  assert.equal(outcome.result, result, JSON.stringify(outcome))
  assert.deepEqual(
    outcome.steps!.map((s) => s.result),
    steps,
  )
  assert.equal(outcome.problem?.code ?? null, code)
  assert.deepEqual(
    methodsOf(seen).map((c) => c.method),
    methods,
  )
}

type Wrong = {
  readonly title: string
  readonly faults?: readonly FixtureFault[]
  readonly change?: (fixture: Fixture) => Fixture
  readonly commands: Computer['commands']
  readonly limitMs?: number
  readonly shows: (seen: Seen) => void
}

const without =
  (name: RegExp) =>
  (fixture: Fixture): Fixture => ({
    classes: fixture.classes.filter((c) => !name.test(c.class)),
    states: fixture.states.map(({ rows }) => ({ rows: rows.filter((r) => !name.test(r.class)) })),
  })

/** Other values in the rows of the products, in the first state. */
const saying =
  (values: Readonly<Record<string, string>>) =>
  ({ classes, states }: Fixture): Fixture => ({
    classes,
    states: states.map((state, i) => ({
      ...state,
      rows: state.rows.map((row) => (i === 0 && row.class === products ? { ...row, values: { ...row.values, ...values } } : row)),
    })),
  })

/** A few properties of one product, so many times. */
const many =
  (count: number) =>
  ({ classes, states }: Fixture): Fixture => {
    const few = /^(?:ID|Name|Description|ApplicationID|PartialProductKey|LicenseStatus)$/
    const kept = (values: FixtureRow['values']) => Object.fromEntries(Object.entries(values).filter(([name]) => few.test(name)))
    return {
      classes: classes.map((c) =>
        c.class === products ? { ...c, properties: c.properties.filter((p) => few.test(p.name)), generated: count } : c,
      ),
      states: states.map(({ rows }) => ({ rows: rows.map((r) => (r.class === products ? { ...r, values: kept(r.values) } : r)) })),
    }
  }

const inRows = (hresult: number): FixtureFault[] => [{ where: 'next', what: products, from: 1, hresult }]

const wrongs: readonly Wrong[] = [
  { title: 'rows end with E_FAIL', faults: inRows(hresults.unspecified), commands: looks, shows: cannotTell(/0x80004005/) },
  {
    title: 'the provider ends in the middle of its rows',
    faults: inRows(hresults.callFailed),
    commands: looks,
    shows: problem('LOCAL_WMI_UNAVAILABLE'),
  },
  {
    title: 'the provider is broken',
    faults: [{ where: 'query', what: products, hresult: hresults.providerLoadFailure }],
    commands: looks,
    shows: cannotTell(/0x80041013/),
  },
  {
    title: 'access to WMI is denied',
    faults: [{ where: 'connect', hresult: hresults.accessDenied }],
    commands: looks,
    shows: problem('LOCAL_ACCESS_DENIED'),
  },
  {
    title: 'access to the licences is denied',
    faults: [{ where: 'query', what: products, hresult: hresults.accessDenied }],
    commands: looks,
    shows: cannotTell(/does not let this account.*0x80041003/),
  },
  {
    title: 'the classes of licences are missing',
    change: without(/^SoftwareLicensing/),
    commands: looks,
    shows: cannotTell(/class SoftwareLicensingProduct/),
  },
  {
    title: 'the namespace is missing',
    change: () => ({ classes: [{ namespace: 'root/other', class: 'Other', properties: [] }], states: [] }),
    commands: looks,
    shows: notWell,
  },
  {
    title: 'over 100,000 rows',
    change: many(100_001),
    commands: looks,
    shows: cannotTell(/answers more than can be right/),
  },
  {
    title: 'a provider that hangs in the middle of its rows is not waited for',
    faults: [{ where: 'next', what: products, from: 1, delayMs: 3_600_000 }],
    commands: looks,
    limitMs: 1500,
    shows: (seen) => {
      problem('LOCAL_SLOW')(seen)
      for (const { ms, argv } of seen.ran) assert.ok(ms < 10_000, `${argv[0]} took ${ms} ms`)
    },
  },
  {
    title: 'a host with a null character in its name is not the host before it',
    change: saying({ KeyManagementServiceMachine: 'kms1.corp.example\0.elsewhere.example' }),
    commands: [['status', '--json'], ['status'], ['plan', '--json']],
    shows: odd,
  },
  {
    title: 'half a character in a name is carried as it is, and is no host of ours',
    change: saying({ KeyManagementServiceMachine: 'kms1.corp.example\ud800', Name: 'Windows(R), \udc00Enterprise\ud83d' }),
    commands: [['status', '--json'], ['status'], ['plan', '--json']],
    shows: odd,
  },
  {
    title: 'a call that was done and whose answer is lost: asked, not repeated, and it goes on',
    faults: [{ where: 'lost', what: setHost, hresult: hresults.callFailed }],
    commands: applies,
    shows: went('changed', ['held', 'done'], [setHost, 'Activate'], null),
  },
  {
    title: 'a call that was not done and whose answer is lost: asked, not repeated, and told as unknown',
    faults: [{ where: 'method', what: setHost, hresult: hresults.callFailed }],
    commands: applies,
    shows: (seen) => {
      went('unknown', ['unknown'], [setHost], 'CALL_UNANSWERED')(seen)
      assert.equal(exit(seen, 'apply'), 2)
    },
  },
  {
    title: 'a call that comes back after its time: asked, not repeated, and it goes on',
    faults: [{ where: 'method', what: setHost, delayMs: 6_000 }],
    commands: applies,
    limitMs: 1500,
    shows: went('changed', ['held', 'done'], [setHost, 'Activate'], null),
  },
  {
    title: 'a method that this account may not call: it stops there',
    faults: [{ where: 'method', what: setHost, hresult: hresults.accessDenied }],
    commands: applies,
    shows: went('failed', ['failed'], [setHost], 'STEP_FAILED'),
  },
  {
    title: 'a product that is gone when its method is called: it stops there',
    faults: [{ where: 'method', what: 'Activate', hresult: hresults.notFound }],
    commands: applies,
    shows: went('failed', ['done', 'failed'], [setHost, 'Activate'], 'STEP_FAILED'),
  },
]

function odd(seen: Seen): void {
  const { machine } = answer(seen, 'status').machines[0]!
  assert.notEqual(machine?.origin, 'own')
  const { machines } = answer(seen, 'plan') as unknown as { machines: { steps: { method: string; arguments: unknown }[] }[] }
  const set = machines[0]!.steps.find((s) => s.method === setHost)
  assert.deepEqual(set?.arguments, { MachineName: 'kms1.corp.example' })
  // Nothing that a terminal would act on.
  assert.doesNotMatch(seen.ran[1]!.out, /[\x00-\x09\x0b-\x1f\x7f]/)
  untouched(seen)
}

/** A machine with something to do, as the lab has it, and everything that can be wrong with it. */
export async function wrongUses(wine: Wine): Promise<void> {
  let look = () => {}
  const s = await stage({ machines: [{ name: pc, scenario: 'wrong-host', methodFailure: 'return-value' }], onExchange: () => look() })
  try {
    const film = new Film(pc, s.lab)
    look = () => film.look()
    await s.slmctl('apply', pc, '--yes')
    const fixture: Fixture = { classes: classesOf(s.lab.tables(pc)), states: film.states(false) }
    const common = { registry: film.registry, site: s.lab.siteYaml() }
    const computer = ({ title, faults = [], change = (f) => f, commands, limitMs }: Wrong): Computer => ({
      ...common,
      name: title,
      fixture: { ...change(fixture), faults },
      commands,
      ...(limitMs === undefined ? {} : { limitMs }),
    })
    const seen = await onEach(wine, wrongs.map(computer), { timeoutMs: 180_000 })
    for (const wrong of wrongs) await check(wrong.title, () => wrong.shows(seen.get(wrong.title)!))

    const damaged = join(wine.work, 'damaged.dll')
    writeFileSync(damaged, 'no library', { mode: 0o755 })
    for (const [library, title] of [
      [damaged, 'the library that WMI is does not load'],
      [join(wine.work, 'missing.dll'), 'the library that WMI is is missing'],
      [await buildProvider(wine.work, 'not_in_this_ntdll'), 'the provider itself refuses to load where Wine is not'],
    ] as const) {
      await registerProvider(wine.provided, library)
      try {
        const found = await onEach(wine, [computer({ title, commands: looks, shows: () => {} })])
        // What Wine says of every library that does not load (E_ACCESSDENIED); Windows tells more.
        await check(title, () => problem('LOCAL_ACCESS_DENIED')(found.get(title)!))
      } finally {
        await registerProvider(wine.provided, wine.library)
      }
    }
  } finally {
    await s.close()
  }
}
