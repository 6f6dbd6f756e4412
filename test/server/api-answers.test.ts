import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { csvRows } from '../../src/fleet/csv.ts'
import { ran } from '../support/ran.ts'
import { type ApiStage, apiStage } from './api-stage.ts'

type Json = Record<string, unknown>
type Page = { readonly rows: readonly (Json & { readonly id: number; readonly name: string })[]; readonly next: string | null }

describe('the API answers as the command line does', () => {
  let on: ApiStage
  before(async () => {
    on = await apiStage()
  })
  after(() => on.close())

  const fleet = async (...words: string[]) => {
    const { code, out, err } = await on.slmctl('fleet', ...words, '--store', join(on.directory, 'fleet.db'), '--json')
    assert.ok(out !== '', `${code} ${err}`)
    return JSON.parse(out) as Json
  }

  test('status, with and without filters', async () => {
    assert.deepEqual(await on.get('/api/v1/fleet/status'), await fleet('status'))
    const some = await on.get<{ counts: { machines: { listed: number } } }>('/api/v1/fleet/status?verdict=action')
    assert.deepEqual(some, await fleet('status', '--verdict', 'action'))
    const all = await on.get<{ counts: { machines: { listed: number } } }>('/api/v1/fleet/status')
    assert.ok(some.counts.machines.listed > 0 && some.counts.machines.listed < all.counts.machines.listed)
  })

  test('list, show, history, what ends, and how many there are', async () => {
    const { machines } = await fleet('list')
    const { rows, next } = await on.get<Page>('/api/v1/fleet/machines?limit=1000')
    assert.deepEqual(rows, machines)
    assert.equal(next, null)
    const lapsed = await on.get<Page>('/api/v1/fleet/machines?verdict=action&text=pc-')
    assert.deepEqual(lapsed.rows, (await fleet('list', '--verdict', 'action', '--text', 'pc-')).machines)
    assert.deepEqual(await on.get('/api/v1/fleet/machines/count?verdict=action&text=pc-'), { count: lapsed.rows.length })
    for (const { id, name } of rows.slice(0, 3)) {
      assert.deepEqual(await on.get(`/api/v1/fleet/machines/${id}`), await fleet('show', name))
      assert.deepEqual(await on.get(`/api/v1/fleet/machines/${id}/history`), await fleet('history', name))
    }
    const ending = await on.get<Page>('/api/v1/fleet/expiring?days=200&limit=1000')
    assert.ok(ending.rows.length > 3)
    assert.deepEqual(ending.rows, (await fleet('expiring', '--days', '200')).products)
    // One day, in UTC, of which nothing is left out and nothing is of another.
    const ends = ending.rows.map((r) => r.expiresAt as number)
    const day = new Date(ends.find((at) => at > Date.now() + 2 * 86_400_000)!).toISOString().slice(0, 10)
    const one = await on.get<Page>(`/api/v1/fleet/expiring?from=${day}&days=1&limit=1000`)
    assert.deepEqual(
      one.rows,
      ending.rows.filter((_, i) => new Date(ends[i]!).toISOString().startsWith(day)),
    )
    assert.deepEqual(one.rows, (await fleet('expiring', '--from', day, '--days', '1')).products)
    const office = await on.get<Page>('/api/v1/fleet/expiring?days=200&product=office')
    assert.deepEqual(office.rows, (await fleet('expiring', '--days', '200', '--product', 'office')).products)
    assert.ok(office.rows.length > 0 && office.rows.length < ending.rows.length)
  })

  test('campaigns, hosts, the audit, today', async () => {
    assert.deepEqual(await on.get('/api/v1/campaigns/1'), await fleet('campaign', '1'))
    assert.deepEqual((await on.get<Page>('/api/v1/campaigns')).rows, (await fleet('campaigns')).campaigns)
    assert.deepEqual(await on.get('/api/v1/hosts'), await fleet('hosts'))
    const { remarksBy, ...audit } = await on.get<Json & { remarksBy: Record<string, number>; remarks: unknown[] }>('/api/v1/audit')
    const told = await fleet('audit')
    assert.deepEqual(audit, told)
    const sum = Object.values(remarksBy).reduce((a, b) => a + b, 0)
    assert.equal(sum, (told.remarks as unknown[]).length)
    const remarks = await on.get<Page>('/api/v1/audit/remarks?origin=foreign,suspect,cannot-tell&limit=1000')
    assert.deepEqual(
      remarks.rows.map(({ id: _, ...remark }) => remark),
      told.remarks,
    )
    const { at: _, ...today } = await on.get<Json>('/api/v1/fleet/today')
    const { at: __, ...said } = await fleet('today')
    const { changes, ...others } = today as { changes: { since: number; rows: unknown[] } }
    const { changes: saidChanges, ...saidOthers } = said as { changes: { since: number; rows: unknown[] } }
    assert.deepEqual(others, saidOthers)
    assert.deepEqual({ ...changes, since: 0 }, { ...saidChanges, since: 0 })
  })

  test('diagnose, explain and keys', async () => {
    const text = readFileSync('test/cases/diagnose/07-win11-pro-gvlk-notification-c004f056-dlv.txt', 'utf8')
    const copy = join(on.directory, 'paste.txt')
    writeFileSync(copy, text)
    const { out } = await on.slmctl('diagnose', copy, '--json')
    const said = await on.post('/api/v1/diagnose', { texts: [{ name: copy, text }] }, 'viewer')
    assert.deepEqual(said, JSON.parse(out), 'as the command')
    for (const word of ['0xC004F074', '12288', '/skms', 'threshold', '-1073418124'])
      assert.deepEqual(await on.get(`/api/v1/explain/${encodeURIComponent(word)}`), await plain('explain', word, '--json'))
    assert.deepEqual(await on.get('/api/v1/keys?words=server%202022'), await plain('keys', 'server', '2022', '--json'))
    const unknown = await on.ask('/api/v1/explain/nonsenseword')
    assert.equal(unknown.status, 404)
    assert.equal((unknown.json as Json).code, 'NOT_IN_CATALOGUE')
  })

  test('an export is what the list shows: chosen columns and order, safe cells, as the command’s table without a choice', async () => {
    const bare = await on.ask('/api/v1/fleet/machines/export?verdict=action')
    assert.match(String(bare.headers['content-disposition']), /attachment; filename="machines.csv"/)
    const { out } = await on.slmctl('fleet', 'list', '--verdict', 'action', '--csv', '--store', join(on.directory, 'fleet.db'))
    assert.equal(bare.text, `\ufeff${out.replaceAll('\n', '\r\n')}`)
    const chosen = await on.ask('/api/v1/fleet/machines/export?sort=-name&columns=name,verdict,soonest_end_utc')
    const rows = csvRows(chosen.text.slice(1))
    const { rows: listed } = await on.get<Page>('/api/v1/fleet/machines?sort=-name&limit=1000')
    assert.deepEqual(
      [...rows].slice(1).map(({ cells }) => cells[0]),
      listed.map((m) => m.name),
    )
    const json = await on.ask('/api/v1/fleet/machines/export?format=json&columns=id,name')
    const { rows: byName } = await on.get<Page>('/api/v1/fleet/machines?limit=1000')
    assert.deepEqual(
      json.json,
      byName.map(({ id, name }) => ({ id, name })),
    )
    const wrong = await on.ask('/api/v1/fleet/machines/export?columns=name,password')
    assert.equal(wrong.status, 400)
  })

  const plain = async (...argv: string[]) => JSON.parse((await ran(argv)).out) as Json
})
