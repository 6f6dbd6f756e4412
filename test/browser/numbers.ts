/** Every number of a page is the one that the command says: after a scan, and again after machines changed and were asked again. */
import assert from 'node:assert/strict'
import type { Today } from '../../src/schemas/api.ts'
import { check } from '../peers/checks.ts'
import { settled, type Visitor, visitor } from './browser.ts'
import { column, numberIn, seen, table, texts } from './reading.ts'
import { command } from './served.ts'
import type { Stage } from './stage.ts'

const verdictWords = { action: 'action needed', attention: 'look at this', 'cannot-tell': 'cannot tell', ok: 'OK' } as const
const originWords = ['foreign', 'suspect', 'cannot-tell', 'vendor', 'platform', 'own'] as const

/** The first page against `slmctl fleet today`. */
export async function overviewSays(visit: Visitor, today: Today): Promise<void> {
  const { page } = visit
  await page.goto('/')
  await settled(page)
  const { counts, causes } = today.summary
  assert.deepEqual(
    await texts(page, '.need-text'),
    today.needs.map((n) => n.text.replaceAll(/\s+/g, ' ').trim()),
  )
  assert.equal(numberIn((await texts(page, 'main .lead'))[0]!), counts.machines.listed)

  const states = await table(page, /How the machines are/)
  const expected = Object.entries(verdictWords).map(([v, word]) => [word, counts.verdict[v as keyof typeof verdictWords] ?? 0])
  assert.deepEqual(
    states.rows.map(([name, value]) => [name, numberIn(value!)]),
    [...expected, ['never answered', counts.machines.never]],
  )
  const origins = await table(page, /Whose activations they have/)
  assert.deepEqual(
    origins.rows.map(([name, value]) => [name, numberIn(value!)]),
    originWords.map((o) => [o.replace('-', ' '), counts.origin[o] ?? 0]),
  )

  const expiry = await table(page, /What ends in the next/)
  let until = 0
  const days = today.expiry.days.flatMap((n) => {
    until += n
    return n === 0 ? [] : [[n, until]]
  })
  assert.deepEqual(
    expiry.rows.map(([, n, sum]) => [numberIn(n!), numberIn(sum!)]),
    days,
  )

  // Each bar leads to exactly what it counts: to as many rows as it says.
  const bars = await page
    .locator('a[href^="/expiring?from="]')
    .evaluateAll((all) => all.map((a) => [a.getAttribute('href')!, a.getAttribute('aria-label') ?? a.textContent] as const))
  const said = bars.flatMap(([href, label]) => {
    const n = / (\d[\d,]*) products?\b/.exec(label)
    return n ? [[href, numberIn(n[1]!)] as const] : []
  })
  assert.ok(said.length >= Math.min(1, days.length), JSON.stringify(bars))
  for (const [href, n] of [...new Map(said)].sort((a, b) => b[1] - a[1]).slice(0, 3)) {
    await page.goto(href)
    await settled(page)
    assert.equal((await table(page, /^Products that end/)).rows.length, Math.min(100, n), href)
  }
  if (said.length > 0) {
    await page.goto('/')
    await settled(page)
  }

  const why = await table(page, /What keeps machines from being in order/)
  assert.deepEqual(
    column(why, /^Machines$/).map(numberIn),
    causes.slice(0, why.rows.length).map((c) => c.machines),
  )
  assert.equal(why.rows.length, Math.min(8, causes.length))

  const hosts = await table(page, /KMS hosts/)
  assert.deepEqual(
    hosts.rows.map(([name]) => name!.replace(/:\d+$/, '')),
    today.hosts.map((h) => h.name),
  )
  for (const [i, h] of today.hosts.entries()) {
    const row = hosts.rows[i]!
    for (const g of h.groups) if (g.count !== null) assert.match(row[2]!, new RegExp(`\\b${g.count}\\b`), `${h.name}: ${row[2]}`)
    assert.equal(numberIn(row[3]!), Math.max(0, ...h.clients.map((c) => c.machines)), h.name)
  }

  const { counts: changed, rows } = today.changes
  const told = (await texts(page, '.change-counts li')).map(numberIn)
  assert.deepEqual(
    [...told].sort((a, b) => a - b),
    Object.values(changed)
      .filter((n) => n > 0)
      .sort((a, b) => a - b),
  )
  // Many machines that are new are counted and not listed.
  const listed = rows.filter((r) => r.kind !== 'added' || (changed.added ?? 0) <= 5)
  if (listed.length > 0)
    assert.deepEqual(
      column(await table(page, /latest changes/), /^Machine$/),
      listed.map((r) => r.name),
    )
}

type Line = {
  readonly name: string
  readonly verdict: keyof typeof verdictWords
  readonly products: readonly { readonly expiresAt: number | null; readonly goneAt: number | null }[]
}
/** Filters as the page and as the command have them. */
const filters: readonly (readonly [query: string, flags: readonly string[]])[] = [
  ['', []],
  ['verdict=action', ['--verdict', 'action']],
  ['verdict=action,attention&group=clients', ['--verdict', 'action,attention', '--group', 'clients']],
  ['origin=foreign', ['--origin', 'foreign']],
  ['host=kms2.corp.example', ['--host', 'kms2.corp.example']],
  ['product=visio&state=licensed', ['--product', 'visio', '--state', 'licensed']],
  ['days=30', ['--days', '30']],
  ['problem=any', ['--problem', 'any']],
  ['text=pc-lib', ['--text', 'pc-lib']],
]

async function machinesSay(on: Stage, { page }: Visitor): Promise<void> {
  for (const [query, flags] of filters) {
    const { machines } = await on.json<{ machines: readonly Line[] }>('list', ...flags)
    await page.goto(`/machines${query === '' ? '' : `?${query}`}`)
    await settled(page)
    assert.equal(numberIn((await texts(page, 'main .lead'))[0]!), machines.length, query)
    const shown = await table(page, /^Machines/)
    const first = machines.slice(0, shown.rows.length)
    assert.equal(shown.rows.length, Math.min(100, machines.length), query)
    assert.deepEqual(
      column(shown, /^Machine/),
      first.map((m) => m.name),
      query,
    )
    assert.deepEqual(
      column(shown, /^Verdict/),
      first.map((m) => verdictWords[m.verdict]),
      query,
    )
  }
}

type Card = Omit<Line, 'products'> & {
  readonly headline: string
  readonly next: readonly string[]
  readonly products: readonly (Line['products'][number] & { readonly name: string })[]
}
async function machineSays(on: Stage, { page }: Visitor): Promise<void> {
  for (const name of ['pc-law-01.corp.example', 'pc-loan-01.corp.example', 'pc-desk-01.corp.example', 'pc-news-02.corp.example']) {
    const [card] = (await on.json<{ machines: readonly (Card & { id: number })[] }>('show', name)).machines
    await page.goto(`/machines/${card!.id}`)
    await settled(page)
    const said = (await seen(page.locator('main'))).replaceAll(/\s+/g, ' ')
    for (const text of [name, card!.headline, ...card!.next, ...card!.products.map((p) => p.name)])
      assert.ok(said.includes(text.replaceAll(/\s+/g, ' ')), `${name}: ${text}`)
    const now = Date.now()
    for (const p of card!.products)
      if (p.expiresAt !== null && p.goneAt === null) {
        const days = Math.floor((p.expiresAt - now) / 86_400_000)
        assert.match(said, new RegExp(`\\b${days} days?\\b`), `${name}: ${days} days`)
      }
  }
}

async function hostsSay(on: Stage, { page }: Visitor): Promise<void> {
  const { hosts } = await on.json<{ hosts: Today['hosts'] }>('hosts')
  await page.goto('/hosts')
  await settled(page)
  const shown = await Promise.all([table(page, /KMS hosts of yours/), table(page, /not known as yours/)])
  const rows = shown.flatMap((t) => t.rows)
  assert.deepEqual(rows.map(([name]) => name).sort(), hosts.map((h) => h.name).sort())
  for (const h of hosts) {
    const row = rows.find(([name]) => name === h.name)!
    assert.equal(numberIn(row[3]!), Math.max(0, ...h.clients.map((c) => c.machines)), h.name)
    for (const g of h.groups) {
      assert.match(row[2]!, new RegExp(`\\b${g.count} machines`), h.name)
      for (const t of g.thresholds)
        assert.match(
          row[2]!,
          g.count! < t.count ? new RegExp(`\\b${t.count - g.count!} too few for ${t.of}`) : new RegExp(`${t.count} for ${t.of}|too few`),
          h.name,
        )
    }
  }
  for (const h of hosts.filter((one) => one.declared)) {
    await page.goto(`/hosts/${h.name}/${h.port}`)
    await settled(page)
    const clients = await table(page, /by the kind of product/)
    assert.deepEqual(
      clients.rows.map((row) => row.slice(1, 5).map(numberIn)),
      h.clients.map((c) => [c.machines, c.licensed, c.inGrace, c.ending]),
      h.name,
    )
  }
}

type Audit = {
  readonly machines: { readonly asked: number }
  readonly products: readonly { readonly product: string; readonly count: Readonly<Record<string, number>> }[]
}
async function originSays(on: Stage, { page }: Visitor): Promise<void> {
  const audit = await on.json<Audit>('audit')
  await page.goto('/origin')
  await settled(page)
  const of = (origin: string) => audit.products.reduce((n, p) => n + (p.count[origin] ?? 0), 0)
  const origins = await table(page, /by whose activation it is/)
  assert.deepEqual(
    origins.rows.map(([name, n]) => [name, numberIn(n!)]),
    originWords.map((o) => [o.replace('-', ' '), of(o)]),
  )
  const channels = await table(page, /by channel and origin/)
  const inColumns = ['own', 'platform', 'vendor', 'cannot-tell', 'suspect', 'foreign']
  assert.deepEqual(
    channels.rows.map(([product, , ...numbers]) => [product, ...numbers.slice(0, 6).map((n) => (n === '–' ? 0 : numberIn(n)))]),
    audit.products.map((p) => [p.product, ...inColumns.map((o) => p.count[o] ?? 0)]),
  )
  assert.match(await seen(page.locator('main')), new RegExp(`\\b${audit.machines.asked} machines asked`))
  // What is remarked of several machines leads to exactly as many.
  const groups = await page
    .locator('article.remark h3 a[href*="remark="]')
    .evaluateAll((all) => all.map((a) => [a.getAttribute('href')!, a.textContent] as const))
  // Where one machine of two was brought back, the other stands alone, by its name.
  assert.equal(
    groups.length,
    await page
      .locator('article.remark h3')
      .filter({ hasText: /\d machines/ })
      .count(),
  )
  for (const [href, said] of groups.slice(0, 3)) {
    await page.goto(href)
    await settled(page)
    assert.equal(numberIn((await texts(page, 'main .lead'))[0]!), numberIn(said), href)
  }
}

type Campaign = {
  readonly id: number
  readonly machines: number
  readonly done: number
  readonly failed: number
  readonly state: string
  readonly groups: readonly { readonly machines: number }[]
}
async function campaignsSay(on: Stage, { page }: Visitor): Promise<void> {
  const { campaigns } = await on.json<{ campaigns: readonly Campaign[] }>('campaigns')
  await page.goto('/campaigns')
  await settled(page)
  const list = await table(page, /Campaigns, the newest first/)
  assert.deepEqual(
    list.rows.map(([name]) => numberIn(name!)),
    campaigns.map((c) => c.id),
  )
  for (const { id } of campaigns) {
    const { campaign } = await on.json<{ campaign: Campaign }>('campaign', String(id))
    await page.goto(`/campaigns/${id}`)
    await settled(page)
    const said = await seen(page.locator('.progress'))
    assert.match(said, new RegExp(`\\b${campaign.machines} machines?:`))
    if (campaign.done > 0) assert.match(said, new RegExp(`\\b${campaign.done} done`))
    if (campaign.failed > 0) assert.match(said, new RegExp(`\\b${campaign.failed} failed`))
    const results = await table(page, /by what came of them/)
    assert.deepEqual(
      column(results, /^Machines$/).map(numberIn),
      campaign.groups.map((g) => g.machines),
      `campaign ${id}`,
    )
  }
}

async function expiringSays(on: Stage, { page }: Visitor): Promise<void> {
  for (const days of [14, 180]) {
    const { products } = await on.json<{ products: readonly { name: string; product: string; expiresAt: number }[] }>(
      'expiring',
      '--days',
      String(days),
    )
    await page.goto(`/expiring?days=${days}`)
    await settled(page)
    const shown = await table(page, /Products that end/)
    const now = Date.now()
    assert.deepEqual(
      shown.rows.map(([left, , name, product]) => [left, name, product]),
      products.slice(0, shown.rows.length).map((p) => {
        const n = Math.floor((p.expiresAt - now) / 86_400_000)
        return [n === 0 ? 'today' : `${n} ${n === 1 ? 'day' : 'days'}`, p.name, p.product]
      }),
    )
    assert.equal(shown.rows.length, Math.min(products.length, 100))
  }
}

const pages: readonly (readonly [string, (on: Stage, visit: Visitor) => Promise<void>])[] = [
  ['Overview: slmctl fleet today', async (on, visit) => await overviewSays(visit, await on.json<Today>('today'))],
  ['Machines, by nine filters: slmctl fleet list', machinesSay],
  ['Machine: slmctl fleet show', machineSays],
  ['Hosts, and each of them: slmctl fleet hosts', hostsSay],
  ['Origin: slmctl fleet audit', originSays],
  ['Campaigns, and each of them: slmctl fleet campaign', campaignsSay],
  ['Expiring: slmctl fleet expiring', expiringSays],
]

export async function numbers(on: Stage): Promise<void> {
  const visit = await visitor(on.browser, on.origin, { state: on.people.operator })
  const { page } = visit
  try {
    for (const [name, says] of pages) await check(`after a scan, every number is the command’s: ${name}`, () => says(on, visit))
    await check('one machine is brought back from somebody else’s host, past the fleet, and asked again by its page', async () => {
      const before = await on.json<Today>('today')
      const { code, err } = await command(on, ['apply', 'pc-loan-01.corp.example', '--renew', '--yes', '--site', on.site])
      assert.equal(code, 0, err)
      await page.goto(`/machines/${await on.withStore(async (store) => (await store.find('pc-loan-01.corp.example'))[0]!.id)}`)
      await settled(page)
      assert.match(await seen(page.locator('.verdict')), /198\.51\.100\.20/)
      await page.getByRole('button', { name: 'Ask now' }).click()
      await page.getByRole('heading', { name: 'What it says now' }).waitFor()
      await settled(page)
      await page.locator('.verdict', { hasText: 'licensed by kms' }).waitFor()
      const after = await on.json<Today>('today')
      assert.equal(after.summary.counts.origin.foreign, before.summary.counts.origin.foreign! - 1)
    })
    for (const [name, says] of pages) await check(`and again after it: ${name}`, () => says(on, visit))
    await check('no fault on the way', () => assert.deepEqual(visit.faults, []))
  } finally {
    await visit.context.close()
  }
}
