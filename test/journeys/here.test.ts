import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Here } from '../../src/app/here.ts'
import { type App, openApp } from '../../src/app.ts'
import type { ScenarioId } from '../../src/lab.ts'
import type { MachinePlan } from '../../src/model.ts'
import { Secret } from '../../src/secrets.ts'
import { openMachine } from '../../src/windows.ts'
import { methods, type Stage, stage } from './lab.ts'

/** This computer is a machine of the lab: everything but its door is as on Windows, where test:windows goes the whole way. */
const pc = 'pc-1.corp.example'
let addresses: readonly string[] | null = ['127.0.0.1', '10.4.0.17']
const flags = {
  ...{ user: null, passwordFile: null, askPassword: false, credential: null, method: null },
  ...{ https: false, port: null, ca: null, pin: null, timeoutSeconds: null },
}

async function at(scenario: ScenarioId, elevated: boolean, then: (app: App, s: Stage) => Promise<void>, site = (text: string) => text) {
  const s = await stage({ machines: [{ name: pc, scenario }] }, 'http', site)
  const { address, httpPort } = s.lab.machines[0]!
  const { user, password, domain } = s.lab.accounts[0]!
  const credential = () => ({ method: 'ntlm', user, domain: domain ?? '', password: new Secret(Buffer.from(password)) }) as const
  const reach = () => ({
    name: pc,
    address,
    port: httpPort,
    tls: null,
    credential: credential(),
    operationTimeoutMs: 20_000,
    connectTimeoutMs: 5_000,
  })
  const here: Here = { name: pc, open: () => openMachine(reach()), elevated: async () => elevated, addresses: () => addresses }
  const before = process.env.SLMCTL_STATE
  process.env.SLMCTL_STATE = s.directory
  const app = await openApp({ siteFile: s.site, reach: flags, parallel: 4, replay: null, notice: () => {}, here })
  try {
    await then(app, s)
  } finally {
    await app.close()
    await s.close()
    if (before === undefined) delete process.env.SLMCTL_STATE
    else process.env.SLMCTL_STATE = before
  }
}

async function planOf(app: App, renew = false): Promise<MachinePlan> {
  for await (const { result } of app.plans([app.here!], { renew, asked: [] })) {
    assert.ok(result.ok, JSON.stringify(result))
    return result.value
  }
  throw new Error('no plan')
}

describe('this computer', () => {
  test('is what . and localhost mean, and is asked by its own door', () =>
    at('win11-pro-notification', true, async (app, s) => {
      assert.deepEqual(app.machines(['.', 'localhost', pc]), [pc])
      for await (const { name, result } of app.status([app.here!])) assert.deepEqual([name, result.ok], [pc, true])
      const plan = await planOf(app)
      assert.equal(await app.notElevated([plan]), null)
      for await (const o of app.apply([plan], { renew: false, asked: [] }).outcomes) assert.equal(o.result, 'changed', JSON.stringify(o))
      assert.deepEqual(
        methods(s.lab, pc),
        plan.steps.map((step) => step.method),
      )
    }))
  test('not elevated: what needs an administrator is refused before anything is tried', () =>
    at('wrong-host', false, async (app, s) => {
      const plan = await planOf(app)
      assert.equal(plan.steps[0]!.method, 'SetKeyManagementServiceMachine')
      const why = await app.notElevated([plan])
      assert.equal(why?.code, 'NOT_ELEVATED')
      assert.match(why.summary, /wants an administrator, and slmctl runs without those rights; nothing was tried/)
      assert.equal(s.lab.calls(pc).length, 0)
      // The plans of other machines are none of its business.
      assert.equal(await app.notElevated([{ ...plan, name: 'pc-2.corp.example', id: 'pc-2.corp.example' }]), null)
    }))
  test('not elevated: a KMS activation is renewed all the same', () =>
    at('win11-pro-notification', false, async (app) => {
      const plan = await planOf(app)
      assert.deepEqual(
        plan.steps.map((step) => step.method),
        ['Activate'],
      )
      assert.equal(await app.notElevated([plan]), null)
    }))
  test('a group of the site file may list it by its short name', () =>
    at(
      'win11-pro-notification',
      true,
      async (app) => {
        const plan = await planOf(app)
        assert.deepEqual(plan.steps, [])
      },
      (text) =>
        `${text.replace(/^groups:\n(?: .*\n)*/m, '')}\ngroups:\n  left: { machines: [pc-1], wishes: [{ product: windows, by: leave }] }\n`,
    ))

  test('is inside the site by its own domain and one of its addresses; what cannot be read is not inside', () =>
    at('win11-pro-notification', true, async (app, s) => {
      const outside = () => app.outside(app.site!)
      assert.equal(await outside(), null)
      addresses = ['127.0.0.1', '192.168.7.2']
      assert.match((await outside())!, /no address of this machine/)
      addresses = null
      assert.match((await outside())!, /could not be read/)
      addresses = ['10.4.0.17']
      await s.lab.fault(pc, { kind: 'refused' })
      assert.match((await outside())!, /refuses the connection/)
    }))
  test('--inside-site is about this computer alone, also where a group, a plan or --all would mean others', () =>
    at(
      'win11-pro-notification',
      true,
      async (app, s) => {
        addresses = ['10.4.0.17']
        const io = { columns: 80, out: () => {}, err: () => {}, paint: (_: string, text: string) => text }
        const apply = async (names: string[], flags: Record<string, string | boolean>) => {
          const { carryOut } = await import('../../src/cli/commands/apply.ts')
          return await carryOut(app, names, { renew: false, asked: [] }, { yes: true, json: true, 'inside-site': true, ...flags }, io)
        }
        const alone = (e: { problems: { code: string; summary: string }[] }) => /this computer alone/.test(e.problems[0]!.summary)
        await assert.rejects(apply(['both'], {}), alone)
        await assert.rejects(apply([pc, 'pc-2.corp.example'], {}), alone)
        await assert.rejects(apply([], { all: true }), alone)
        await assert.rejects(apply([], { plan: 'slmctl.plan' }), alone)
        assert.equal(s.lab.calls(pc).length, 0)
        assert.equal(await apply(['.'], {}), 0)
        assert.ok(s.lab.calls(pc).length > 0)
      },
      (text) => `${text.replace(/^groups:\n(?: .*\n)*/m, '')}\ngroups:\n  both: { machines: [${pc}, pc-2.corp.example] }\n`,
    ))
  test('in another domain it is outside, whatever DHCP says', () =>
    at(
      'win11-pro-notification',
      true,
      async (app) => assert.match((await app.outside(app.site!))!, /the domain of this machine, corp\.example, is none of the site file/),
      (text) => text.replace(/^domains:.*$/m, 'domains: [labs.example]').replace(/^ {2}hosts:.*$/m, '  hosts: [10.0.0.10]'),
    ))
})
