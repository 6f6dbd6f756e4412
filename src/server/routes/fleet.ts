/** The fleet, out of what is kept: no machine is asked here. */
import { columnNames, expiringOf, filtered, filterOf, historyAnswer, machineBy, needLimits, rowsOf, summaryOf, todayOf } from '../../app.ts'
import { api, published, z } from '../../schemas.ts'
import { filterAndPage, filterWords, idInPath, pageAnswer, pageOf, pageWords, sortOf, wordsOf } from '../asked.ts'
import { columnsOf, csvOf, jsonOf } from '../csv.ts'
import { type Route, route } from '../route.ts'

const machinesQuery = z.strictObject({ ...filterAndPage.shape, ...api.sortQuery.shape })
const exportQuery = z.strictObject({
  ...filterWords.shape,
  ...api.sortQuery.shape,
  columns: z
    .string()
    .max(2000)
    .optional()
    .describe(`Columns with commas: ${columnNames.join(', ')}.`),
  format: z.enum(['csv', 'json']).default('csv'),
})
const expiringQuery = z.strictObject({
  ...filterAndPage.shape,
  from: z.string().max(100).optional().describe('A day in UTC, 2026-12-01: days are whole days from 00:00 of it on, not from now.'),
})

export const fleetRoutes: readonly Route[] = [
  route(
    {
      method: 'GET',
      path: '/api/v1/fleet/today',
      access: 'viewer',
      tag: 'fleet',
      summary: 'What needs somebody today, worst first, with what is behind it.',
      command: 'fleet today',
      changes: false,
      answer: published['fleet-today'],
      example: {},
    },
    async ({ parts: { app, store, clock } }) => await todayOf(store, app.site, clock(), needLimits(app.siteFile)),
  ),
  route(
    {
      method: 'GET',
      path: '/api/v1/fleet/status',
      access: 'viewer',
      tag: 'fleet',
      summary: 'The fleet, or the part of it that filters mean, in numbers, with what keeps machines from being in order.',
      command: 'fleet status',
      changes: false,
      query: filterWords,
      answer: published['fleet-status'],
      example: { query: { verdict: 'action,attention' } },
    },
    async ({ query, parts }) => {
      const words = wordsOf(query)
      const filter = filtered(words) ? filterOf(words, parts.clock()) : null
      return { schema: 'slmctl.fleet-status/1', ...(await summaryOf(parts.store, filter, parts.clock())) }
    },
  ),
  route(
    {
      method: 'GET',
      path: '/api/v1/fleet/machines',
      access: 'viewer',
      tag: 'fleet',
      summary: 'Machines that filters mean, sorted, page by page.',
      command: 'fleet list',
      changes: false,
      query: machinesQuery,
      answer: api.machinesPageSchema,
      example: { query: { verdict: 'action', sort: 'expires', limit: 2 } },
    },
    async ({ query, parts }) => {
      const { sort, limit, after, ...filters } = query
      return await parts.store.list(filterOf(wordsOf(filters), parts.clock()), { ...pageOf({ limit, after }), sort: sortOf(sort) })
    },
  ),
  route(
    {
      method: 'GET',
      path: '/api/v1/fleet/machines/count',
      access: 'viewer',
      tag: 'fleet',
      summary: 'How many machines filters mean.',
      changes: false,
      query: filterWords,
      answer: z.strictObject({ count: z.int().nonnegative() }),
      example: { query: { days: '30' } },
    },
    async ({ query, parts }) => ({ count: await parts.store.count(filterOf(wordsOf(query), parts.clock())) }),
  ),
  route(
    {
      method: 'GET',
      path: '/api/v1/fleet/machines/export',
      access: 'viewer',
      tag: 'fleet',
      summary: 'Every machine that filters mean, as a table or as JSON; without product columns one row for each machine.',
      command: 'fleet list',
      changes: false,
      query: exportQuery,
      answer: 'text/csv',
      example: { query: { verdict: 'action', columns: 'name,verdict,soonest_end_utc,next' } },
    },
    async ({ query, parts }) => {
      const { sort, columns: given, format, ...filters } = query
      const columns = columnsOf(given)
      const filter = filterOf(wordsOf(filters), parts.clock())
      const machines = rowsOf((after) => parts.store.list(filter, { limit: 200, after, sort: sortOf(sort) }))
      return format === 'csv' ? csvOf(machines, columns) : jsonOf(machines, columns)
    },
  ),
  route(
    {
      method: 'GET',
      path: '/api/v1/fleet/machines/{id}',
      access: 'viewer',
      tag: 'fleet',
      summary: 'All that is known of one machine, and what is next.',
      command: 'fleet show',
      changes: false,
      params: idInPath,
      answer: published['fleet-show'],
      example: { params: { id: 1 } },
    },
    async ({ params, parts }) => ({ schema: 'slmctl.fleet-show/1', machines: [await machineBy(params.id, parts.store)] }),
  ),
  route(
    {
      method: 'GET',
      path: '/api/v1/fleet/machines/{id}/history',
      access: 'viewer',
      tag: 'fleet',
      summary: 'What became of one machine, newest first.',
      command: 'fleet history',
      changes: false,
      params: idInPath,
      answer: published['fleet-history'],
      example: { params: { id: 1 } },
    },
    async ({ params, parts }) => await historyAnswer(await machineBy(params.id, parts.store), parts.store),
  ),
  route(
    {
      method: 'GET',
      path: '/api/v1/fleet/machines/{id}/plans',
      access: 'viewer',
      tag: 'fleet',
      summary: 'What campaigns planned for one machine, newest first.',
      changes: false,
      params: idInPath,
      query: z.strictObject({ limit: api.pageQuery.shape.limit }),
      answer: api.plansPageSchema,
      example: { params: { id: 1 }, query: { limit: 3 } },
    },
    async ({ params, query, parts }) => {
      const { id, name } = await machineBy(params.id, parts.store)
      const kept = await parts.store.plans(id, query.limit)
      return { rows: kept.map(({ at, plan }) => ({ machine: id, name, madeAt: at, plan })), next: null }
    },
  ),
  route(
    {
      method: 'GET',
      path: '/api/v1/fleet/expiring',
      access: 'viewer',
      tag: 'fleet',
      summary: 'Products that end within some days (30), from now or from a day on, if nothing renews them, soonest first.',
      command: 'fleet expiring',
      changes: false,
      query: expiringQuery,
      answer: pageAnswer(published['fleet-expiring'].shape.products.unwrap().element),
      example: { query: { days: '90', limit: 3 } },
    },
    async ({ query, parts }) => {
      const { limit, after, ...filters } = query
      const { page } = expiringOf(parts.store, wordsOf(filters), parts.clock())
      return await page(pageOf({ limit, after }))
    },
  ),
  route(
    {
      method: 'GET',
      path: '/api/v1/fleet/changes',
      access: 'viewer',
      tag: 'fleet',
      summary: 'What changed in the fleet since a time (ms since 1970; left out: since yesterday), the latest first.',
      changes: false,
      query: z.strictObject({ ...pageWords.shape, since: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).optional() }),
      answer: api.fleetAnswers['fleet-changes'],
      example: { query: { limit: 3 } },
    },
    async ({ query: { since, ...page }, parts }) => await parts.store.changes(since ?? parts.clock() - 86_400_000, pageOf(page)),
  ),
  route(
    {
      method: 'GET',
      path: '/api/v1/fleet/words',
      access: 'viewer',
      tag: 'fleet',
      summary: 'What filters may mean here: groups, sources, pools, hosts, products, problems, causes.',
      changes: false,
      answer: api.wordsSchema,
      example: {},
    },
    async ({ parts }) => await parts.store.words(),
  ),
]
