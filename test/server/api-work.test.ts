import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { z } from '../../src/schemas.ts'
import { allRoutes } from '../../src/server.ts'
import { type ApiStage, apiStage, type CampaignSaid } from './api-stage.ts'

type Json = Record<string, unknown>
type One = { readonly campaign: CampaignSaid }

/** An answer has to be as its route says. */
function fits(method: string, path: string, answer: unknown): void {
  const route = allRoutes.find((r) => r.method === method && r.path === path)!
  const read = (route.answer as z.ZodType).safeParse(answer)
  assert.ok(read.success, `${method} ${path}: ${read.error?.message.slice(0, 1000)}`)
}

describe('what the API does to machines', () => {
  let on: ApiStage
  let ids: ReadonlyMap<string, number>
  const id = (name: string) => ids.get(`${name}.corp.example`)!
  before(async () => {
    on = await apiStage()
    const { rows } = await on.get<{ rows: { id: number; name: string }[] }>('/api/v1/fleet/machines?limit=1000')
    ids = new Map(rows.map((m) => [m.name, m.id]))
  })
  after(() => on.close())

  test('one machine is asked now, and what it says is kept', async () => {
    const before = await on.get<{ machines: { seenAt: number }[] }>(`/api/v1/fleet/machines/${id('pc-1')}`)
    const said = await on.post<{ machines: Json[] }>(`/api/v1/fleet/machines/${id('pc-1')}/ask`, undefined, 'operator')
    assert.equal(said.machines[0]!.ok, true)
    const now = await on.get<{ machines: { seenAt: number }[] }>(`/api/v1/fleet/machines/${id('pc-1')}`)
    assert.ok(now.machines[0]!.seenAt > before.machines[0]!.seenAt)
    await on.lab.fault('pc-1.corp.example', { kind: 'refused' })
    const away = await on.post<{ machines: Json[] }>(`/api/v1/fleet/machines/${id('pc-1')}/ask`, {}, 'operator')
    assert.equal(away.machines[0]!.ok, false)
    await on.lab.fault('pc-1.corp.example', null)
    const kept = await on.get<{ machines: { seenAt: number; problem: Json | null }[] }>(`/api/v1/fleet/machines/${id('pc-1')}`)
    assert.equal(kept.machines[0]!.seenAt, now.machines[0]!.seenAt, 'what it said before stays')
    assert.ok(kept.machines[0]!.problem)
    assert.equal((await on.ask('/api/v1/fleet/machines/999999/ask', { method: 'POST' })).status, 404)
    assert.equal((await on.ask(`/api/v1/fleet/machines/${id('pc-1')}/ask`, { method: 'POST', as: 'viewer' })).status, 403)
  })

  test('the conversation has every question with its answer, no whole key, and no secret', async () => {
    const path = `/api/v1/fleet/machines/${id('pc-2')}/conversation`
    const said = await on.post<{
      reach: Json
      answered: boolean
      exchanges: { what: string; ms: number; answer: string; problem: string | null }[]
    }>(path, undefined, 'operator')
    fits('POST', '/api/v1/fleet/machines/{id}/conversation', said)
    assert.equal(said.answered, true)
    assert.equal(said.reach.transport, 'HTTP')
    assert.ok(said.exchanges.length >= 3)
    const products = said.exchanges.find((e) => /SoftwareLicensingProduct/.test(e.what))!
    assert.match(products.answer, /LicenseStatus = 1/)
    assert.ok(said.exchanges.every((e) => e.ms >= 0 && e.problem === null))
    const text = JSON.stringify(said)
    assert.ok(!text.includes(on.lab.accounts[0]!.password))
    assert.doesNotMatch(text, /(?<![A-Z0-9-])(?!XXXXX)(?:[A-Z0-9]{5}-){4}[A-Z0-9]{5}/)
    await on.lab.fault('pc-3.corp.example', { kind: 'refused' })
    const away = await on.post<{ answered: boolean; problem: Json }>(`/api/v1/fleet/machines/${id('pc-3')}/conversation`)
    await on.lab.fault('pc-3.corp.example', null)
    fits('POST', '/api/v1/fleet/machines/{id}/conversation', away)
    assert.equal(away.answered, false)
    assert.ok(away.problem)
  })

  test('what would change on one machine is the command’s plan; nothing is changed', async () => {
    const said = await on.post<{ machines: Json[]; problems: Json[] }>(`/api/v1/fleet/machines/${id('pc-4')}/plan`, {}, 'operator')
    const { out } = await on.slmctl('plan', 'pc-4.corp.example', '--json')
    const { machines } = JSON.parse(out) as { machines: Json[] }
    assert.deepEqual(said.machines, machines)
    assert.ok((said.machines[0]!.steps as unknown[]).length > 0)
    assert.deepEqual(
      on.lab.calls('pc-4.corp.example').filter((c) => c.result !== null),
      [],
    )
  })

  test('settings that are asked for are planned, for one machine and for many, as the flags of plan say', async () => {
    const wish = { 'host-caching': 'off', 'clear-key-from-registry': true }
    const one = await on.post<{ machines: { changes: string[] }[] }>(`/api/v1/fleet/machines/${id('pc-2')}/plan`, wish, 'operator')
    const { out } = await on.slmctl('plan', 'pc-2.corp.example', '--host-caching', 'off', '--clear-key-from-registry', '--json')
    assert.deepEqual(one.machines, (JSON.parse(out) as { machines: unknown }).machines)
    assert.ok(one.machines[0]!.changes.includes('host-caching'), JSON.stringify(one.machines[0]!.changes))
    const { campaign } = await on.post<One>('/api/v1/campaigns/plan', { filter: { text: 'pc-2' }, ...wish }, 'operator')
    assert.equal((await on.ended(campaign.id)).planned, 1)
    const kept = await on.get<{ rows: { plan: { changes: string[] } }[] }>(`/api/v1/campaigns/${campaign.id}/plans`)
    assert.deepEqual(kept.rows[0]!.plan.changes, one.machines[0]!.changes)
    const wrong = await on.ask('/api/v1/campaigns/plan', { body: { 'activation-type': 'magic' }, as: 'operator' })
    assert.equal(wrong.status, 400)
  })

  test('the machines of the site file are taken in, and a table whose cells are formulas is harmless when it comes out again', async () => {
    const shown = await on.post<{ dryRun: boolean; imports: { added: string[]; source: string }[] }>(
      '/api/v1/fleet/imports/site',
      {},
      'operator',
    )
    assert.deepEqual([shown.dryRun, shown.imports[0]!.source], [true, 'site'])
    const text = 'name,operatingsystem\npc-formula.corp.example,"=cmd|\'/c calc\'!A1"\npc-script.corp.example,<script>alert(1)</script>\n'
    await on.post('/api/v1/fleet/imports', { source: 'csv:formula', kind: 'csv', text, dryRun: false }, 'operator')
    const { text: csv } = await on.ask('/api/v1/fleet/machines/export?text=formula&columns=name,system')
    assert.match(csv, /pc-formula\.corp\.example,(?:"?)'=cmd/)
    const { rows } = await on.get<{ rows: { system: string }[] }>('/api/v1/fleet/machines?text=pc-script')
    assert.equal(rows[0]!.system, '<script>alert(1)</script>', 'a text is a text')
  })

  test('a plan is looked at, approved as it was shown, carried out and verified', async () => {
    const { campaign } = await on.post<One>('/api/v1/campaigns/plan', { filter: { text: 'pc-4' } }, 'operator')
    const planned = await on.ended(campaign.id)
    assert.deepEqual([planned.state, planned.planned], ['finished', 1])
    const plans = await on.get<{ rows: { machine: number; plan: { steps: unknown[] } }[] }>(`/api/v1/campaigns/${campaign.id}/plans`)
    fits('GET', '/api/v1/campaigns/{id}/plans', plans)
    assert.deepEqual(
      plans.rows.map((p) => p.machine),
      [id('pc-4')],
    )
    const byOperator = await on.ask('/api/v1/campaigns/apply', { body: { plans: campaign.id, expect: 1 }, as: 'operator' })
    assert.equal(byOperator.status, 403)
    const other = await on.ask('/api/v1/campaigns/apply', { body: { plans: campaign.id, expect: 2 } })
    assert.equal(other.status, 409)
    assert.equal((other.json as Json).code, 'PLANS_CHANGED')
    const scan = await on.ask('/api/v1/campaigns/apply', { body: { plans: 1, expect: 1 } })
    assert.deepEqual([scan.status, (scan.json as Json).code], [409, 'CAMPAIGN_NOT_PLANNED'])
    assert.equal((await on.ask('/api/v1/campaigns/apply', { body: { plans: 999, expect: 1 } })).status, 404)

    const applied = await on.post<One>('/api/v1/campaigns/apply', { plans: campaign.id, expect: 1 })
    fits('POST', '/api/v1/campaigns/apply', applied)
    const done = await on.ended(applied.campaign.id)
    assert.equal(done.state, 'finished')
    const targets = await on.get<{ rows: Json[] }>(`/api/v1/campaigns/${applied.campaign.id}/machines?state=done&result=changed`)
    assert.deepEqual(
      targets.rows.map((t) => t.name),
      ['pc-4.corp.example'],
    )
    assert.ok(on.lab.calls('pc-4.corp.example').some((c) => c.result !== null && c.method === 'SetKeyManagementServiceMachine'))
    const card = await on.get<{ machines: { verdict: string }[] }>(`/api/v1/fleet/machines/${id('pc-4')}`)
    assert.equal(card.machines[0]!.verdict, 'ok')
    const history = await on.get<{ outcomes: { result: string }[] }>(`/api/v1/fleet/machines/${id('pc-4')}/history`)
    assert.equal(history.outcomes[0]!.result, 'changed')
  })

  test('a campaign is stopped, goes on, and ends for good; with an apply only an approver goes on', async () => {
    // Outside its hours it waits, so that it can be stopped.
    const now = new Date()
    const at = (minutes: number) => new Date(now.getTime() + minutes * 60_000).toISOString().slice(11, 16)
    const closed = { between: `${at(120)}-${at(180)}`, 'time-zone': 'UTC' }
    const { campaign } = await on.post<One>('/api/v1/campaigns/plan', { filter: { text: 'pc-5' } }, 'operator')
    assert.equal((await on.ended(campaign.id)).planned, 1)
    const applied = await on.post<One>('/api/v1/campaigns/apply', { plans: campaign.id, expect: 1, ...closed })
    const path = `/api/v1/campaigns/${applied.campaign.id}`
    assert.equal((await on.post<One>(`${path}/stop`, undefined, 'operator')).campaign.state, 'stopped')
    const { campaign: stopped } = await on.get<{ campaign: Json }>(path)
    assert.equal(stopped.because, 'By operator.')
    assert.equal((await on.ask(`${path}/resume`, { method: 'POST', as: 'operator' })).status, 403)
    const resumed = await on.post<One>(`${path}/resume`, { 'at-once': 5 })
    fits('POST', '/api/v1/campaigns/{id}/resume', resumed)
    assert.equal(resumed.campaign.state, 'running')
    assert.equal((await on.post<One>(`${path}/cancel`, undefined, 'operator')).campaign.state, 'cancelled')
    const over = await on.ask(`${path}/resume`, { method: 'POST' })
    assert.deepEqual([over.status, (over.json as Json).code], [409, 'CAMPAIGN_OVER'])
    const told = await on.store.trail({}, { limit: 20, after: null } as never)
    const lines = told.rows.map((r) => `${r.who} ${r.what} ${r.about} ${r.result}`)
    assert.ok(
      lines.some((l) => l.startsWith('approver POST /api/v1/campaigns/apply') && l.endsWith('done')),
      lines.join('\n'),
    )
    assert.ok(
      lines.some((l) => l.startsWith('operator POST /api/v1/campaigns/{id}/resume') && l.endsWith('refused')),
      lines.join('\n'),
    )
  })

  test('what is asked twice with one key is done once', async () => {
    const headers = { 'idempotency-key': 'scan-1' }
    const body = { filter: { text: 'pc-8' } }
    const first = await on.ask('/api/v1/campaigns/scan', { body, headers })
    const again = await on.ask('/api/v1/campaigns/scan', { body, headers })
    assert.deepEqual([first.status, again.status], [201, 201])
    assert.deepEqual(again.json, first.json)
    await on.ended((first.json as One).campaign.id)
  })

  test('KMS hosts: checked, kept, their clients, the story of a machine, a move', async () => {
    const checked = await on.post<{ hosts: { name: string; port: number }[] }>('/api/v1/hosts/check', undefined, 'operator')
    fits('POST', '/api/v1/hosts/check', checked)
    assert.ok(checked.hosts.length > 0)
    const { hosts } = await on.get<{ hosts: { name: string; port: number; clients: unknown[]; checkedAt: number | null }[] }>(
      '/api/v1/hosts',
    )
    const host = hosts.find((h) => h.name === 'kms1.corp.example')!
    assert.ok(host.clients.length > 0 && host.checkedAt !== null)
    const path = `/api/v1/hosts/${host.name}/${host.port}`
    fits('GET', '/api/v1/hosts/{name}/{port}', await on.get(path))
    const clients = await on.get<{ rows: Json[] }>(`${path}/clients?limit=1000`)
    assert.ok(clients.rows.length > 0)
    const { rows } = await on.get<{ rows: Json[] }>(`/api/v1/fleet/machines?host=${host.name}&limit=1000`)
    assert.deepEqual(clients.rows, rows)
    const story = await on.post('/api/v1/hosts/story', { machine: 'pc-1.corp.example' }, 'operator')
    fits('POST', '/api/v1/hosts/story', story)
    const byNumber = await on.post<Json>('/api/v1/hosts/story', { machine: id('pc-1') }, 'operator')
    assert.deepEqual([byNumber.machine, byNumber.outcome], ['pc-1.corp.example', 'accepted'])
    // Whoever may scan does not send the site's password to a name of their own.
    const own = await on.ask('/api/v1/hosts/story', { body: { machine: 'pc-900.corp.example' }, as: 'operator' })
    assert.deepEqual([own.status, (own.json as Json).code], [404, 'MACHINE_UNKNOWN'])
    await on.post('/api/v1/fleet/imports', { source: 'list:mine', text: 'trap.elsewhere.example', kind: 'list', dryRun: false }, 'operator')
    const trap = await on.post<{ logs: { side: string; problem: { code: string } | null }[] }>('/api/v1/hosts/story', {
      machine: 'trap.elsewhere.example',
    })
    assert.equal(trap.logs.find((l) => l.side === 'machine')?.problem?.code, 'REACH_NOT_OURS', JSON.stringify(trap))
    const { rows: trapped } = await on.get<{ rows: { id: number }[] }>('/api/v1/fleet/machines?text=trap')
    const asked = await on.post<{ problem: { code: string } }>(`/api/v1/fleet/machines/${trapped[0]!.id}/conversation`)
    assert.equal(asked.problem.code, 'REACH_NOT_OURS')
    const shown = await on.post<{ command: string; hosts: { requests: unknown; forecast: unknown[] }[] }>(
      '/api/v1/hosts/show',
      { name: host.name, hours: 24 },
      'operator',
    )
    fits('POST', '/api/v1/hosts/show', shown)
    assert.ok(shown.hosts[0]!.requests !== null && shown.hosts[0]!.forecast.length > 0)
    assert.equal((await on.ask('/api/v1/hosts/show', { body: { name: host.name, client: 'pc-1' } })).status, 400)
    const [from, to] = checked.hosts.map((h) => h.name)
    const move = await on.ask('/api/v1/hosts/migrate', { body: { from: from!, to: to ?? from! } })
    if (move.status === 200) fits('POST', '/api/v1/hosts/migrate', move.json)
    else assert.equal((move.json as Json).code, 'HOST_NOT_AUTHORISED')
    const strange = await on.ask('/api/v1/hosts/check', { body: { names: ['kms.somewhere.example'] } })
    assert.equal((strange.json as Json).code, 'HOST_NOT_AUTHORISED')
    assert.equal((await on.ask('/api/v1/hosts/nowhere.example/1688')).status, 404)
  })
})
