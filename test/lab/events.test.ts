/** What machines and hosts of a lab write down, as slmctl reads it; and what a running lab is told to do. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { attemptEvents, attemptsQuestion, type LoggedEvent, requestEvents, requestsQuestion } from '../../src/activation.ts'
import { storyOf } from '../../src/hosts.ts'
import { type Lab, type LabMachine, type LabOptions, obey, startLab } from '../../src/lab.ts'
import { Secret } from '../../src/secrets.ts'
import { openMachine } from '../../src/windows.ts'

const open: Lab[] = []
const lab = async (options: LabOptions) => {
  const started = await startLab({ seed: 7, ...options })
  open.push(started)
  return started
}
after(() => Promise.all(open.map((l) => l.close())))
const days = (n: number) => new Date(Date.now() - n * 86_400_000)

async function logOf(l: Lab, name: string, whose: 'host' | 'machine', since = days(8)): Promise<readonly LoggedEvent[]> {
  const m = l.machines.find((o) => o.name === name)!
  const machine = openMachine({
    name: m.name,
    address: m.name,
    port: m.httpPort,
    tls: null,
    credential: { method: 'ntlm', user: 'slmctl', domain: 'CORP', password: new Secret(Buffer.from(l.accounts[0]!.password)) },
    operationTimeoutMs: 5000,
    connectTimeoutMs: 2000,
    lookup: (_host, options, done) => (options.all ? done(null, [{ address: m.address, family: 4 }]) : done(null, m.address, 4)),
  })
  try {
    const question = whose === 'host' ? requestsQuestion(since) : attemptsQuestion(since)
    assert.ok('class' in question)
    const { id: _, ...asked } = question
    const { events, unread } = (whose === 'host' ? requestEvents : attemptEvents)((await machine.ask(asked))!, name)
    // slmctl understands every event that the lab writes.
    assert.equal(unread, 0)
    return events
  } finally {
    await machine.close()
  }
}
async function story(l: Lab, name: string, host: string) {
  const log = async (who: string, whose: 'host' | 'machine') => ({
    ...{ name: who, events: await logOf(l, who, whose), unread: 0, problem: null, clockAheadMinutes: 0 },
  })
  const cmid = String(l.state(name).service.ClientMachineID)
  return storyOf({ machine: name, hours: 192, clientMachineId: cmid, own: await log(name, 'machine'), hosts: [await log(host, 'host')] })
}
const host1 = 'kms1.corp.example'

test('both logs tell the same story, of what was before the lab as of what is in it', async () => {
  const kinds = ['win11-enterprise-office-2021', 'clock-off', 'threshold-not-reached', 'win10-expired', 'wrong-host'] as const
  const l = await lab({ machines: kinds.map((scenario) => ({ scenario })), hosts: true, spread: true })
  const [well, clock, count, expired, wrong] = l.machines.map((m) => m.name) as [string, string, string, string, string]
  const before = async () =>
    Promise.all([
      story(l, well, host1),
      story(l, clock, host1),
      story(l, count, 'kms-small.corp.example'),
      story(l, expired, host1),
      story(l, wrong, host1),
    ])
  for (const at of ['before', 'later']) {
    const told = await before()
    assert.deepEqual(
      told.map((s) => [s.outcome, s.attempts[0]!.code]),
      [
        ['accepted', null],
        ['refused', '0xC004F06C'],
        ['refused', '0xC004F038'],
        at === 'before' ? ['not-reached', '0x800706BA'] : ['accepted', null],
        ['not-sent', '0x80072AF9'],
      ],
      at,
    )
    assert.equal(told[1]!.attempts[0]!.clockGapMinutes, -302)
    assert.ok(told[0]!.attempts[0]!.events.some((e) => e.side === 'host'))
    assert.match(told[2]!.because, /counts [34] machines/)
    l.advance(3 * 1440)
  }
})

test('a host’s log fits the fleet: who renews, once in seven days each; nobody else’s requests', async () => {
  const l = await lab({ count: 1500, hosts: true })
  const handled = await logOf(l, host1, 'host', days(6.99))
  const licensed = handled.filter((e) => e.code === 0)
  const clients = new Set(licensed.map((e) => e.client))
  assert.ok(clients.size > 500, String(clients.size))
  // Each product once.
  assert.equal(new Set(licensed.map((e) => `${e.client} ${e.activationId}`)).size, licensed.length)
  for (const name of [...clients].slice(0, 20)) {
    const of = licensed.find((e) => e.client === name)!
    const products = l.state(name!).products.filter((p) => p.ID === of.activationId)
    assert.equal(of.clientMachineId, l.state(name!).service.ClientMachineID)
    // The licence that the machine shows was given by this request.
    const ago = (Date.now() - Date.parse(of.loggedAt!)) / 60_000
    assert.ok(Math.abs(259_200 - Number(products[0]!.GracePeriodRemaining) - ago) < 3, name!)
  }
  // Spread over the week: no hour has a tenth of all.
  const hours = Map.groupBy(licensed, (e) => e.loggedAt!.slice(0, 13))
  assert.ok(Math.max(...[...hours.values()].map((h) => h.length)) < licensed.length / 10)
  l.advance(1440)
  const later = await logOf(l, host1, 'host', days(1))
  assert.ok(later.length > licensed.length / 14, 'machines that nobody asked have renewed all the same')
})

test('a story: a dead host that is still published, copies of one image, wrong clocks, somebody else’s host', async () => {
  const l = await lab({ count: 200, hosts: true, story: true })
  const cmids = Map.groupBy(l.machines, (m) => String(l.state(m.name).service.ClientMachineID))
  const shared = [...cmids.values()].filter((list) => list.length > 1)
  assert.equal(shared.length, 1)
  assert.ok(shared[0]!.length >= 2)
  assert.equal(l.absence('kms2.corp.example'), 'refused')
  const kinds = new Set(l.machines.map((m) => m.scenario))
  for (const kind of ['clock-off', 'outside-host', 'other-domain', 'win10-expired'] as const) assert.ok(kinds.has(kind), kind)
  const other = l.machines.find((m) => m.scenario === 'other-domain')!
  l.advance(1440)
  assert.notEqual(l.state(other.name).products.find((p) => p.PartialProductKey !== null)!.LicenseStatus, 1)
})

test('a host that was down and is up again: a machine that is asked only later has lived through it', async () => {
  const machines = [{ scenario: 'win10-pro-grace' }] as const
  const [late, early] = [await lab({ machines }), await lab({ machines })]
  const { name } = late.machines[0] as LabMachine
  for (const l of [late, early]) {
    for (const host of ['kms1.corp.example', 'kms2.corp.example']) l.host(host, { up: false })
    l.advance(1440)
    if (l === early) l.state(name)
    l.host('kms1.corp.example', { up: true })
    l.advance(121)
  }
  const left = (l: Lab) => l.state(name).products.find((p) => p.PartialProductKey !== null)!.GracePeriodRemaining
  assert.equal(left(late), left(early))
  assert.ok(Number(left(late)) > 259_200 - 122)
})

test('what a running lab is told: one line, one answer', async () => {
  const l = await lab({ count: 501, hosts: true })
  const say = async (line: string) => (await obey(l, line))!
  assert.equal(await obey(l, '  '), null)
  assert.deepEqual((await say('advance 2d')).value, { minute: 2880 })
  const { name } = l.machines[0]!
  assert.equal((await say(`off ${name.split('.')[0]} silent`)).ok, true)
  assert.equal(l.absence(name), 'silent')
  assert.equal((await say(`on ${name.toUpperCase()}`)).says, `${name} is on.`)
  assert.equal(l.absence(name), null)
  assert.deepEqual((await say('host kms1 down')).value, { host: host1, up: false })
  assert.equal(l.absence(host1), 'refused')
  await assert.rejects(logOf(l, host1, 'host'))
  assert.deepEqual((await say('host kms1 up')).value, { host: host1, up: true })
  assert.ok((await logOf(l, host1, 'host')).length > 0)
  assert.equal((await say('count')).value.machines, 504)
  assert.match((await say('calls')).says, /^0 calls at 0 machines/)
  for (const line of ['advance', 'advance -1d', 'off nobody', 'host kms9 up', 'host kms1', 'jump', 'off pc-0001 away'])
    assert.equal((await say(line)).ok, false, line)
  for (const line of ['help', 'count', 'jump', 'calls']) assert.ok(!(await say(line)).says.includes('\n'))
})
