import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { MachineOption } from '../../src/lab.ts'
import { published } from '../../src/schemas.ts'
import { openStore } from '../../src/store.ts'
import { type Stage, stage } from './lab.ts'

type Run = (...argv: string[]) => Promise<{ code: number; out: string; err: string }>
type Told = {
  id: number
  state: string
  because: string | null
  machines: number
  done: number
  failed: number
  bad: number
  unreachable: number
  retrying: number
  waiting: number
  planned: number
  groups: {
    state: string
    result: string | null
    problem: string | null
    machines: number
    reasons: { code: string; text: string; next: string[] }[]
  }[]
  locations: { name: string; machines: number; left: number }[]
}

/** A fleet of these machines, taken in from a list. */
async function fleet(
  machines: readonly MachineOption[],
  then: (s: Stage, run: Run) => Promise<void>,
  change: (site: string) => string = (t) => t,
) {
  const s = await stage({ machines }, 'http', change)
  try {
    const run: Run = (...argv) => s.slmctl('fleet', ...argv, '--store', join(s.directory, 'fleet.db'))
    const list = join(s.directory, 'names.txt')
    writeFileSync(list, machines.map((m) => `${m.name}\n`).join(''))
    assert.equal((await run('import', list)).code, 0)
    await then(s, run)
  } finally {
    await s.close()
  }
}

const told = ({ out }: { out: string }) => {
  const { schema, campaign } = JSON.parse(out) as { schema: string; campaign: Told }
  assert.equal(schema, 'slmctl.fleet-campaign/1')
  published['fleet-campaign'].parse(JSON.parse(out))
  return campaign
}
const calls = (s: Stage, name: string) => s.lab.calls(name).map((c) => c.method)
const lapsed = (name: string, more: Partial<MachineOption> = {}): MachineOption => ({
  name: `${name}.corp.example`,
  scenario: 'win11-pro-notification',
  ...more,
})
const good = (name: string): MachineOption => ({ name: `${name}.corp.example`, scenario: 'win11-enterprise-office-2021' })

describe('campaigns', () => {
  test('what was planned is shown, asked for, and nothing else is carried out', async () => {
    await fleet([lapsed('a'), lapsed('b'), good('c')], async (s, run) => {
      const planned = told(await run('plan', '--json'))
      assert.deepEqual([planned.state, planned.machines, planned.planned], ['finished', 3, 2])
      assert.deepEqual(calls(s, 'a.corp.example'), [], 'a plan changes nothing')
      const unasked = await run('apply', '--plans', '1')
      assert.equal(unasked.code, 2)
      assert.match(unasked.err, /NEEDS_YES/)
      // Somebody was at b meanwhile: its plan is stale, and nothing is sent to it.
      const b = await s.slmctl('apply', 'b.corp.example', '--yes')
      assert.equal(b.code, 0, b.err)
      const before = calls(s, 'b.corp.example').length
      const applied = await run('apply', '--plans', '1', '--yes', '--json')
      assert.equal(applied.code, 1)
      const campaign = told(applied)
      assert.deepEqual([campaign.done, campaign.failed, campaign.bad], [1, 1, 1])
      assert.deepEqual(campaign.groups.map((g) => [g.state, g.result, g.problem]).sort(), [
        ['done', 'changed', null],
        ['failed', 'stale', 'PLAN_STALE'],
      ])
      // A code comes with its sentence and the next step, as the machine's own Problem has them.
      const [stale] = campaign.groups.find((g) => g.problem === 'PLAN_STALE')!.reasons
      assert.match(stale!.text, /^b\.corp\.example/)
      assert.ok(stale!.next.length > 0)
      assert.deepEqual(campaign.groups.find((g) => g.problem === null)!.reasons, [])
      const shown = (await run('campaign', String(campaign.id))).out.replace(/\s+/g, ' ')
      assert.ok(shown.includes(`${stale!.text} → ${stale!.next[0]}`), shown)
      assert.ok(calls(s, 'a.corp.example').includes('Activate'))
      assert.equal(calls(s, 'b.corp.example').length, before)
      // What the machine said at the end is known at once, without another scan.
      assert.match((await run('list', '--verdict', 'ok')).out, /^a\.corp\.example/)
      assert.equal((await run('apply', '--plans', '2', '--yes')).code, 2, 'an apply is no plan')
    })
  })

  test('no machine is led to a host that the latest check found dead while another answers; where all refuse, nothing is planned', async () => {
    const elsewhere: MachineOption = { name: 'a.corp.example', scenario: 'outside-host' }
    await fleet([elsewhere], async (s, run) => {
      const hosts = ['kms1.corp.example', 'kms2.corp.example', 'kms-small.corp.example']
      const checked = async (states: readonly ('rpc' | 'refused')[], ago = 0) => {
        const store = await openStore({ file: join(s.directory, 'fleet.db') }, { create: false })
        const ids = await store.saveHosts(
          hosts.map((name) => ({ name, port: 1688, sources: ['site'] })),
          Date.now(),
        )
        for (const [i, state] of states.entries())
          for (const [address, word] of [
            ['', state === 'rpc' ? 'ok' : 'action'],
            [`10.0.0.1${i}`, state],
          ] as const)
            await store.saveCheck({ host: ids[i]!, at: Date.now() - ago, address, state: word, problem: null, told: null })
        await store.close()
      }
      type OnePlan = {
        steps: { because: string; host: { name: string } | null; activates: boolean }[]
        refused: { code: string; because: string }[]
      }
      const planned = async () => {
        const { id } = told(await run('plan', '--json'))
        const { plans } = JSON.parse((await run('plans', String(id), '--json')).out) as { plans: { plan: OnePlan }[] }
        return { ...plans[0]!.plan, campaign: id }
      }
      const target = ({ steps }: OnePlan) => steps.find((x) => x.activates)?.host?.name
      const usual = target(await planned())!
      // Three hours ago is nothing to rely on, an hour ago is.
      await checked(['refused', 'refused', 'refused'], 3 * 3_600_000)
      assert.equal(target(await planned()), usual)
      await checked(
        hosts.map((h) => (h === usual ? 'refused' : 'rpc')),
        3_600_000,
      )
      const other = await planned()
      assert.ok(target(other) !== undefined && target(other) !== usual, JSON.stringify(other))
      const passed = `${usual} did not answer when it was checked last`
      assert.ok(other.steps.some((x) => x.because.includes(passed)))
      // One machine by itself, too, where there is a fleet.
      process.env.SLMCTL_STORE = join(s.directory, 'fleet.db')
      try {
        assert.ok((await s.slmctl('plan', 'a.corp.example', '--json')).out.includes(passed))
      } finally {
        delete process.env.SLMCTL_STORE
      }
      await checked(['refused', 'refused', 'refused'])
      const none = await planned()
      assert.deepEqual([none.steps.length, none.refused.map((r) => r.code)], [0, ['KMS_HOSTS_DOWN']])
      assert.ok(hosts.every((h) => none.refused[0]!.because.includes(h)))
      const campaign = await run('campaign', String(none.campaign))
      assert.match(campaign.out.replaceAll(/\s+/g, ' '), /refused: KMS_HOSTS_DOWN .*→ See to the hosts first/)
      // What was planned is carried out as it was shown, also when the host that was passed over answers again.
      await checked(['rpc', 'rpc', 'rpc'])
      const applied = told(await run('apply', '--plans', String(other.campaign), '--yes', '--json'))
      assert.deepEqual(
        applied.groups.map((g) => [g.state, g.result]),
        [['done', 'changed']],
      )
    })
  })

  test('machines that are away are tried again, and named when time is over', async () => {
    await fleet([good('a'), { ...good('b'), faults: [{ kind: 'refused' }] }], async (s, run) => {
      const once = await run('scan', '--json')
      assert.equal(once.code, 2)
      assert.deepEqual([told(once).state, told(once).unreachable], ['finished', 1])
      // Left to a worker: the one that is away waits for its next try.
      const left = told(await run('scan', '--by-workers', '--retry-for', '1', '--json'))
      assert.equal(left.waiting, 2)
      const work = s.slmctl('worker', '--store', join(s.directory, 'fleet.db'))
      for (;;) {
        const now = told(await run('campaign', String(left.id), '--json'))
        if (now.retrying === 1 && now.done === 1) break
        assert.ok(now.done + now.waiting + now.retrying <= 2)
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
      process.emit('SIGTERM')
      const worked = await work
      assert.equal(worked.code, 0)
      assert.match(worked.out, /^\d machines\./)
      const waiting = await run('campaign', String(left.id))
      assert.match(waiting.out, /tried again later \(WINRM_UNREACHABLE\)\n +b\.corp\.example refuses the connection[^→]+→ Is WinRM on\?/)
      const cancelled = told(await run('cancel', String(left.id), '--json'))
      assert.deepEqual([cancelled.state, cancelled.retrying], ['cancelled', 0])
      assert.match((await run('resume', String(left.id))).err, /CAMPAIGN_OVER/)
    })
  })

  test('the share that goes first stops a campaign that fails, and whoever looked at it lets it go on', async () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
    await fleet(
      names.map((n) => lapsed(n)),
      async (s, run) => {
        assert.equal(told(await run('plan', '--json')).planned, 8)
        for (const host of ['kms1.corp.example', 'kms2.corp.example', 'kms-small.corp.example']) s.lab.host(host, { up: false })
        const stopped = await run('apply', '--plans', '1', '--yes', '--canary', '2', '--json')
        assert.equal(stopped.code, 2)
        const campaign = told(stopped)
        assert.equal(campaign.state, 'stopped')
        assert.match(campaign.because ?? '', /of 2 failed|1 of 1 failed/)
        assert.ok(campaign.failed <= 2 && campaign.waiting >= 6, JSON.stringify(campaign))
        assert.equal(names.filter((n) => calls(s, `${n}.corp.example`).length > 0).length, campaign.failed)
        for (const host of ['kms1.corp.example', 'kms2.corp.example', 'kms-small.corp.example']) s.lab.host(host, { up: true })
        const resumed = told(await run('resume', String(campaign.id), '--json'))
        assert.deepEqual([resumed.state, resumed.done, resumed.failed], ['finished', 8 - campaign.failed, campaign.failed])
      },
    )
  })

  test('the share that goes first still goes first after somebody stopped and resumed it', async () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
    await fleet(
      names.map((n) => lapsed(n)),
      async (s, run) => {
        assert.equal(told(await run('plan', '--json')).planned, 8)
        for (const host of ['kms1.corp.example', 'kms2.corp.example', 'kms-small.corp.example']) s.lab.host(host, { up: false })
        const { id } = told(await run('apply', '--plans', '1', '--yes', '--canary', '2', '--by-workers', '--json'))
        assert.equal((await run('stop', String(id))).code, 0)
        const resumed = told(await run('resume', String(id), '--json'))
        assert.equal(resumed.state, 'stopped')
        assert.ok(resumed.failed <= 2 && resumed.waiting >= 6, JSON.stringify(resumed))
      },
    )
  })

  test('plan and apply in one: what could not be planned is in the exit code', async () => {
    await fleet([lapsed('a'), { ...lapsed('b'), faults: [{ kind: 'refused' }] }], async (s, run) => {
      const applied = await run('apply', '--yes', '--json')
      assert.deepEqual([told(applied).done, told(applied).failed], [1, 0])
      assert.ok(calls(s, 'a.corp.example').includes('Activate'))
      assert.equal(applied.code, 2, 'b is not as wished, and nobody knows more')
    })
  })

  test('a worker takes machines of its locations only', async () => {
    const here: MachineOption[] = [good('a'), good('b'), { name: 'pc.labs.example', scenario: 'win11-enterprise-office-2021' }]
    await fleet(
      here,
      async (s, run) => {
        const unknown = await s.slmctl('worker', '--serves', 'paris', '--store', join(s.directory, 'fleet.db'))
        assert.equal(unknown.code, 2)
        assert.match(unknown.err, /LOCATION_UNKNOWN/)
        const { id } = told(await run('scan', '--by-workers', '--json'))
        const work = s.slmctl('worker', '--serves', 'main', '--store', join(s.directory, 'fleet.db'))
        const state = async () => told(await run('campaign', String(id), '--json'))
        while ((await state()).done < 2) await new Promise((resolve) => setTimeout(resolve, 100))
        await new Promise((resolve) => setTimeout(resolve, 1500))
        const now = await state()
        assert.deepEqual([now.state, now.done, now.waiting], ['running', 2, 1])
        assert.deepEqual(
          now.locations.map((l) => [l.name, l.machines, l.left]),
          [
            ['-', 1, 1],
            ['main', 2, 0],
          ],
        )
        process.emit('SIGTERM')
        await work
        assert.equal((await s.slmctl('worker', '--serves', '-', '--store', join(s.directory, 'none.db'))).code, 2, 'it makes no store')
      },
      (site) => `${site}\nlocations:\n  main: { domains: [corp.example] }\n`,
    )
  })

  test('plans are carried out as they stand: what is beside them is refused, and what was done with them is said', async () => {
    await fleet([lapsed('a'), lapsed('b')], async (s, run) => {
      await run('plan')
      // A filter that is passed over would change more than was meant.
      for (const beside of [['--text', 'a.corp'], ['--renew'], ['--activation-type', 'kms']]) {
        const refused = await run('apply', '--plans', '1', '--yes', ...beside)
        assert.equal(refused.code, 2)
        assert.match(refused.err, new RegExp(`${beside[0]} is for the\\s+plan`))
      }
      assert.deepEqual([...calls(s, 'a.corp.example'), ...calls(s, 'b.corp.example')], [])
      const unasked = await run('apply', '--plans', '1', '--canary', '1', '--rate', '60')
      const asked = unasked.err.replace(/\s+/g, ' ')
      assert.match(asked, /1 machine first, the others only if no more than 10 % of these fail; at most 60 activations a minute\./)
      assert.match(unasked.err, /- slmctl fleet apply --plans 1 --yes/)
      assert.equal((await run('apply', '--plans', '1', '--yes')).code, 0)
      const again = await run('apply', '--plans', '1', '--yes')
      assert.match(again.err, /campaign 2 had these plans, and is finished/)
      assert.match(again.out, /stale \(PLAN_STALE\).*slmctl fleet plan/s)
      for (const [id, why] of [
        ['2', /Campaign 2 is no plan that has finished: it is of kind apply, and\s+finished/],
        ['77', /There is no campaign 77\. \(CAMPAIGN_UNKNOWN\)/],
      ] as const)
        assert.match((await run('apply', '--plans', id, '--yes')).err, why)
      const list = (await run('campaigns')).out
      assert.match(list, / 3 {2}apply .* 2 of 2 machines, 2 failed\n +what campaign 1 planned\n/)
    })
  })

  test('where nobody at all could be reached, that is said as such', async () => {
    await fleet([good('a'), good('b')], async (s, run) => {
      writeFileSync(join(s.directory, 'others.txt'), 'x1.invalid\nx2.invalid\n')
      await run('import', join(s.directory, 'others.txt'))
      const none = await run('scan', '--text', '.invalid')
      assert.equal(none.code, 2)
      assert.match(none.out, /None of them could be reached/)
      assert.doesNotMatch((await run('scan', '--text', 'a.corp')).out, /could be reached/)
    })
  })

  test('wrong limits are told before a campaign is made', async () => {
    await fleet([good('a')], async (_s, run) => {
      for (const wrong of [
        ['scan', '--between', '25-26'],
        ['scan', '--on', 'mon'],
        ['scan', '--canary', '0%'],
        ['scan', '--stop-above', '5%'],
        ['scan', '--retry-for', 'long'],
        ['scan', '--at-once', '0'],
        ['scan', 'pc-1'],
        ['scan', '--verdict', 'fine'],
        ['campaign', 'one'],
        ['stop', '7'],
        ['apply', '--by-workers'],
        ['apply', '--plans', '99', '--yes'],
        ['scan', '--time-zone', 'Europe/Berlin'],
        ['campaigns', '1'],
      ]) {
        const { code, err } = await run(...wrong)
        assert.equal(code, 2, wrong.join(' '))
        assert.match(err, /\n {2}- /, `${wrong.join(' ')}: a next step`)
      }
      const list = await run('campaigns', '--json')
      assert.deepEqual((JSON.parse(list.out) as { campaigns: unknown[] }).campaigns, [])
    })
  })
})
