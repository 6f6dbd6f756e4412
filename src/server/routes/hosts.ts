/** KMS hosts: as they were seen last, and looked at now. No KMS is asked for an activation: a check ends after the RPC bind. */
import { type CheckedHost, filterOf, hostHistoryOf, hostsAnswer, keptHosts, machineBy, someHosts, storyHours } from '../../app.ts'
import { ProblemError, problem } from '../../model.ts'
import { api, published, z } from '../../schemas.ts'
import { filterAndPage, pageOf, wordsOf } from '../asked.ts'
import { type Route, route } from '../route.ts'

const hostInPath = z.strictObject({ name: z.string().min(1).max(255), port: z.coerce.number().int().min(1).max(65_535) })
const name = z.string().min(1).max(255)
const id = z.int().min(1)
const { host: _, ...filtersBesideHost } = filterAndPage.shape

export const hostRoutes: readonly Route[] = [
  route(
    {
      method: 'POST',
      path: '/api/v1/hosts/check',
      access: 'operator',
      tag: 'hosts',
      summary: 'Looks at KMS hosts of the site now: whether they answer, what they say of themselves. What they said is kept.',
      command: 'hosts check',
      changes: true,
      body: z.strictObject({ names: z.array(name).max(100).default([]).describe('Left out: all of the site.') }).nullish(),
      answer: published.hosts,
      example: { body: { names: [] } },
    },
    async ({ body, parts: { app, store }, signal }) => {
      const hosts = someHosts(await app.kmsHosts(body?.names ?? []))
      const checked: CheckedHost[] = []
      for await (const host of hosts.check({ hours: null, client: null, retire: null, whole: false, store }, signal)) checked.push(host)
      return hostsAnswer('check', hosts.domains, checked)
    },
  ),
  route(
    {
      method: 'POST',
      path: '/api/v1/hosts/show',
      access: 'operator',
      tag: 'hosts',
      summary: 'Looks at one KMS host now, in full: who uses it, what is to be expected; with hours also who asked it, by its log.',
      command: 'hosts show',
      changes: true,
      body: z.strictObject({
        name,
        hours: z.int().min(1).max(720).optional().describe('Also who asked, by the log of the host, so far back.'),
        client: name.optional().describe('With hours: the requests of one machine, by its name or CMID.'),
        retire: z.int().min(1).max(1_000_000).optional().describe('What if so many machines never ask again.'),
      }),
      answer: published.hosts,
    },
    async ({ body: { name, hours = null, client = null, retire = null }, parts: { app, store }, signal }) => {
      if (client !== null && hours === null)
        throw new ProblemError(problem('USAGE', 'client is of the requests in the log: give hours, too.', ['"hours": 720']))
      const hosts = someHosts(await app.kmsHosts([name]))
      const checked: CheckedHost[] = []
      for await (const host of hosts.check({ hours, client, retire, whole: true, store }, signal)) checked.push(host)
      return hostsAnswer('show', hosts.domains, checked)
    },
  ),
  route(
    {
      method: 'POST',
      path: '/api/v1/hosts/discover',
      access: 'operator',
      tag: 'hosts',
      summary: 'Which KMS hosts the site file and the DNS of its domains name; nothing is sent to them.',
      command: 'hosts discover',
      changes: true,
      answer: published.hosts,
      example: {},
    },
    async ({ parts: { app } }) => {
      const hosts = someHosts(await app.kmsHosts([]))
      return hostsAnswer('discover', hosts.domains, hosts.hosts)
    },
  ),
  route(
    {
      method: 'POST',
      path: '/api/v1/hosts/story',
      access: 'operator',
      tag: 'hosts',
      summary: 'How far the activation of one machine came, by its own log and that of its host.',
      command: 'hosts story',
      changes: true,
      body: z.strictObject({
        machine: z.union([id, name]).describe('A machine of the fleet: its number or its name.'),
        hours: z.int().min(1).max(720).default(storyHours),
      }),
      answer: published['hosts-story'],
    },
    async ({ body: { machine, hours }, parts: { app, store }, signal }) => {
      const card = await machineBy(machine, store)
      const hosts = await app.kmsHosts([], card)
      return { schema: 'slmctl.hosts-story/1', ...(await hosts.story(card.name, hours, signal)) }
    },
  ),
  route(
    {
      method: 'POST',
      path: '/api/v1/hosts/migrate',
      access: 'operator',
      tag: 'hosts',
      summary: 'The plan of a move from one KMS host to another; nothing is changed.',
      command: 'hosts migrate',
      changes: true,
      body: z.strictObject({ from: name, to: name }),
      answer: published['hosts-migrate'],
    },
    async ({ body: { from, to }, parts: { app, store }, signal }) => ({
      schema: 'slmctl.hosts-migrate/1',
      ...(await (await app.kmsHosts([])).move(from, to, store, signal)),
    }),
  ),
  route(
    {
      method: 'GET',
      path: '/api/v1/hosts',
      access: 'viewer',
      tag: 'hosts',
      summary: 'KMS hosts as they were seen last; nothing is asked.',
      command: 'fleet hosts',
      changes: false,
      answer: api.fleetAnswers['fleet-hosts'],
      example: {},
    },
    async ({ parts: { app, store, clock } }) => ({ schema: 'slmctl.fleet-hosts/1', hosts: await keptHosts(store, app.site, clock()) }),
  ),
  route(
    {
      method: 'GET',
      path: '/api/v1/hosts/{name}/{port}',
      access: 'viewer',
      tag: 'hosts',
      summary: 'One KMS host over the last 180 days: checks, counts, what is to be expected, CMIDs that several of its clients have.',
      changes: false,
      params: hostInPath,
      answer: api.hostHistorySchema,
    },
    async ({ params, parts: { app, store, clock } }) => await hostHistoryOf(store, app.site, params.name, params.port, clock()),
  ),
  route(
    {
      method: 'GET',
      path: '/api/v1/hosts/{name}/{port}/clients',
      access: 'viewer',
      tag: 'hosts',
      summary: 'Machines with a product that names this host, page by page.',
      command: 'fleet list',
      changes: false,
      params: hostInPath,
      query: z.strictObject(filtersBesideHost),
      answer: api.machinesPageSchema,
    },
    async ({ params, query, parts: { store, clock } }) => {
      const { limit, after, ...filters } = query
      return await store.list(filterOf({ ...wordsOf(filters), host: params.name }, clock()), pageOf({ limit, after }))
    },
  ),
]
