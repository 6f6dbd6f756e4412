import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { answer, found, product } from '../store/fixture.ts'
import { type Ask, type Stage, stage } from './stage.ts'

type Row = { readonly id: number; readonly name: string }
type Page = { readonly rows: readonly Row[]; readonly next: string | null }

const count = 230
const name = (i: number) => `pc-${String(i).padStart(3, '0')}.corp.example`

describe('lists of the API', () => {
  let on: Stage
  let token: string
  let ids: number[]
  const ask = (path: string, more: Ask = {}) => on.ask(`/api/v1${path}`, { token, ...more })
  const observe = (list: readonly number[], from: number) =>
    on.store.observe(
      list.map((id, i) =>
        answer(id, from + i, [
          product({
            verdict: (['ok', 'attention', 'action', 'cannot-tell'] as const)[(id + from) % 4]!,
            origin: (['own', 'foreign', 'suspect'] as const)[(id + from) % 3]!,
            minutesLeft: 1440 * (1 + ((id * 7 + from) % 180)),
          }),
        ]),
      ),
    )
  before(async () => {
    on = await stage()
    await on.store.importMachines(
      Array.from({ length: count }, (_, i) => found(name(i))),
      { source: 'list:test', at: 1 },
    )
    ids = [...(await on.store.ids({}))]
    // A tenth never answered.
    await observe(
      ids.filter((id) => id % 10 !== 0),
      on.clock.now - 1_000_000,
    )
    token = (await on.token(await on.person('viewer'), 'read')).value
  })
  after(() => on.close())

  for (const sort of ['name', 'verdict', 'origin', 'expires', 'seen', 'system', 'problem'].flatMap((s) => [s, `-${s}`]))
    test(`by ${sort}, page by page: no machine twice, none lost, while others change`, async () => {
      const heard: number[] = []
      let turn = 0
      // These change in every way while they are listed.
      const moving = new Set(ids.filter((id) => id % 5 === 0))
      for (let next: string | null = ''; next !== null; turn++) {
        const said = await ask(`/fleet/machines?sort=${sort}&limit=17${next === '' ? '' : `&after=${encodeURIComponent(next)}`}`)
        assert.equal(said.status, 200, said.text)
        const page: Page = said.json
        heard.push(...page.rows.map((r) => r.id))
        next = page.next
        // By the last answer whoever answers moves ahead of the page: it ends when they do.
        if (turn < 8) await observe([...moving], on.clock.now - 900_000 + turn * 1000)
        assert.ok(turn < 60)
      }
      const still = heard.filter((id) => !moving.has(id))
      assert.equal(new Set(still).size, still.length, 'none twice')
      assert.deepEqual(
        still.toSorted((a, b) => a - b),
        ids.filter((id) => !moving.has(id)),
        'none lost',
      )
      if (sort === 'name') assert.deepEqual(heard, ids, 'names do not move')
    })

  test('what ends, with and without filters, page by page', async () => {
    for (const filter of ['', '&verdict=action', '&host=kms1.corp.example', '&text=pc-1']) {
      const { rows: whole }: { rows: readonly { machine: number }[] } = (await ask(`/fleet/expiring?days=400&limit=1000${filter}`)).json
      const parts: { machine: number }[] = []
      for (let next: string | null = ''; next !== null; ) {
        const said = await ask(`/fleet/expiring?days=400&limit=13${filter}${next === '' ? '' : `&after=${encodeURIComponent(next)}`}`)
        const page: { rows: { machine: number }[]; next: string | null } = said.json
        assert.ok(page.rows.length <= 13)
        parts.push(...page.rows)
        next = page.next
      }
      assert.deepEqual(parts, whole, filter)
    }
  })

  test('campaigns, page by page, while new ones are made', async () => {
    const make = async () =>
      await on.store.createCampaign({ key: crypto.randomUUID(), kind: 'scan', name: 'x', settings: {}, at: Date.now() })
    const made: number[] = []
    for (let i = 0; i < 12; i++) made.push(await make())
    const heard: number[] = []
    for (let next: string | null = ''; next !== null; ) {
      const page: Page = (await ask(`/campaigns?limit=5${next === '' ? '' : `&after=${next}`}`)).json
      heard.push(...page.rows.map((r) => r.id))
      next = page.next
      await make()
    }
    assert.deepEqual(heard, made.toReversed())
  })

  test('what is no page, no filter and no order is refused as a problem, never a fault', async () => {
    const key = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const lists = [
      '/fleet/machines',
      '/fleet/expiring',
      '/fleet/changes',
      '/campaigns',
      '/campaigns/1/machines',
      '/campaigns/1/plans',
      '/audit/remarks',
    ]
    const cursors = [
      ...['x', '%00', '-1', 'null', '1e9', "1' or '1'='1", 'a'.repeat(2001), key(['a']), key([1, 2, 3, 4, 5]), key({}), key(null)],
      ...[key([[1]]), key(['x', 1.5]), key(['x', 1e300]), key([null, null]), key(['pc', '1'])],
    ]
    for (const list of lists)
      for (const after of cursors) {
        const said = await ask(`${list}?after=${encodeURIComponent(after)}`)
        const where = `${list} after ${after.slice(0, 40)}: ${said.text.slice(0, 200)}`
        // A list that is a plan's of a campaign that is none, or a place before the first campaign, may say so.
        if (said.status === 200 && /^\d+$/.test(after)) continue
        assert.ok(said.status === 400 || said.status === 409, where)
        assert.match(String(said.headers['content-type']), /^application\/problem\+json/, where)
        const { code, next } = said.json as { code: string; next: string[] }
        assert.ok(code !== 'INTERNAL' && next.length > 0, where)
      }
    const wrong = [
      ...['limit=0', 'limit=1001', 'limit=x', 'limit=1.5', 'sort=shoe', 'sort=name;drop', 'verdict=fine', 'origin=theirs', 'state=asleep'],
      ...['days=0', 'days=x', 'days=1e9', 'cause=0', 'cause=x', 'error=xyz', 'not-seen-for=-1', 'never-seen=maybe', 'vanished=1'],
      ...['never-seen=true&not-seen-for=3', 'verdict=ok&verdict=action', 'verdct=action', 'text=%00', 'group=a%00b', '__proto__=x'],
    ]
    for (const query of wrong) {
      const said = await ask(`/fleet/machines?${query}`)
      assert.equal(said.status, 400, `${query}: ${said.text}`)
      assert.match(String(said.headers['content-type']), /^application\/problem\+json/)
    }
    for (const [path, body] of [
      ['/campaigns/scan', { filter: { verdict: 'fine' } }],
      ['/campaigns/scan', { filter: { shoe: 'x' } }],
      ['/campaigns/scan', { 'at-once': 0 }],
      ['/campaigns/scan', { on: 'mon' }],
      ['/campaigns/scan', { canary: 'many' }],
      ['/campaigns/scan', { kind: 'apply' }],
      ['/fleet/imports', { source: '', text: 'x' }],
      ['/fleet/imports', { source: 'x', text: 'pc-1', kind: 'scroll' }],
      ['/diagnose', { texts: [] }],
      ['/image', { products: [] }],
    ] as const) {
      const operator = await on.token(await on.person('operator', `operator${path}${JSON.stringify(body).length}`), 'operate')
      const said = await ask(path, { body, token: operator.value })
      assert.equal(said.status, 400, `${path} ${JSON.stringify(body)}: ${said.text}`)
    }
    assert.ok(
      on.log.every((line) => !/ERR|Error:/.test(line)),
      on.log.join('\n'),
    )
  })

  test('filters of hostile text are texts', async () => {
    for (const text of ["'; drop table machine; --", '%', '_', '\\', '"', '<script>alert(1)</script>', 'é𝕏', '"\u2028'])
      for (const word of ['text', 'group', 'pool', 'source', 'host', 'product', 'problem']) {
        const said = await ask(`/fleet/machines/count?${word}=${encodeURIComponent(text)}`)
        assert.deepEqual([said.status, said.json], [200, { count: 0 }], `${word} ${text}`)
      }
    assert.deepEqual((await ask('/fleet/machines/count')).json, { count })
  })
})
