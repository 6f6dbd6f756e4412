/** Campaigns: ordered, watched, stopped. What works on them is this process and every worker of the store. */
import {
  asShown,
  campaignBy,
  campaignState,
  carriedOutBefore,
  endCampaign,
  mayResume,
  orderCampaign,
  plansBy,
  plansOfCampaign,
  resumeCampaign,
  type Words,
  wishedOf,
} from '../../app.ts'
import { ProblemError, problem, type Role } from '../../model.ts'
import { api, published, z } from '../../schemas.ts'
import { idInPath, pageOf, pageWords, plainText, wordsOf } from '../asked.ts'
import { type Parts, type Route, route, type Who } from '../route.ts'

const [scanBody, planBody, applyBody] = api.newCampaignBody.options
const answer = published['fleet-campaign']
const told = async (store: Parts['store'], id: number) => ({
  schema: 'slmctl.fleet-campaign/1' as const,
  campaign: await campaignState(store, { id }),
})

/** What the trail says that a new campaign is about. */
const ofCampaign = (_: unknown, made: z.output<typeof answer> | undefined) =>
  made ? `campaign ${made.campaign.id}: ${made.campaign.selection}` : ''

/** The kind is in the address; said once more, it has to be the same. */
const withoutKind = <K extends 'scan' | 'plan' | 'apply'>(kind: K) => ({ kind: z.literal(kind).default(kind) })
const scan = z.strictObject({ ...scanBody.shape, ...withoutKind('scan') })
const plan = z.strictObject({ ...planBody.shape, ...withoutKind('plan') })
const apply = z.strictObject({ ...applyBody.shape, ...withoutKind('apply') })
const pace = z.strictObject(
  Object.fromEntries(Object.entries(applyBody.shape).filter(([name]) => !['kind', 'plans', 'expect'].includes(name))),
)

const targetQuery = z.strictObject({
  ...pageWords.shape,
  state: z.enum(['waiting', 'leased', 'done', 'failed', 'cancelled']).optional(),
  result: plainText(2000).optional(),
  problem: plainText(100).optional(),
})

/** Applies are for approvers, however they are begun. */
function mayApply(who: Who, kind: string): void {
  const needed: Role = 'approver'
  if (kind !== 'apply' || who.role === needed) return
  throw new ProblemError(
    problem('NO_RIGHT', 'Going on with an apply changes machines; that is for an approver.', ['Ask somebody who may approve plans.']),
  )
}

export const campaignRoutes: readonly Route[] = [
  route(
    {
      method: 'POST',
      path: '/api/v1/campaigns/scan',
      access: 'operator',
      tag: 'campaigns',
      summary: 'Begins a scan: machines are asked, and what they say is kept.',
      command: 'fleet scan',
      changes: true,
      body: scan,
      answer,
      status: 201,
      about: ofCampaign,
      example: { body: { filter: { text: 'pc' } } },
    },
    async ({ body: { filter, kind, ...pace }, parts }) => {
      const words: Words = { ...wordsOf(filter), ...wordsOf(pace) }
      const made = await orderCampaign(parts.store, parts.app.site, { kind, words, wished: { renew: false, asked: [] }, plansOf: null })
      parts.wake()
      return await told(parts.store, made.id)
    },
  ),
  route(
    {
      method: 'POST',
      path: '/api/v1/campaigns/plan',
      access: 'operator',
      tag: 'campaigns',
      summary: 'Begins a plan: machines are asked what would change on them. Nothing is changed.',
      command: 'fleet plan',
      changes: true,
      body: plan,
      answer,
      status: 201,
      about: ofCampaign,
      example: { body: { filter: { verdict: 'action' } } },
    },
    async ({ body: { filter, kind, ...others }, parts }) => {
      parts.app.needSite('fleet plan')
      const words: Words = { ...wordsOf(filter), ...wordsOf(others) }
      const made = await orderCampaign(parts.store, parts.app.site, { kind, words, wished: wishedOf(words), plansOf: null })
      parts.wake()
      return await told(parts.store, made.id)
    },
  ),
  route(
    {
      method: 'POST',
      path: '/api/v1/campaigns/apply',
      access: 'approver',
      tag: 'campaigns',
      summary: 'Approves what a campaign planned, and carries it out. 409 where it is not what was shown.',
      command: 'fleet apply',
      changes: true,
      body: apply,
      answer,
      status: 201,
      about: ({ body }: { body: { plans: number; expect: number } }, made: z.output<typeof answer> | undefined) =>
        `plans of campaign ${body.plans}, ${body.expect} machines${made ? `: campaign ${made.campaign.id}` : ''}`,
    },
    async ({ body: { kind, plans, expect, ...pace }, parts }) => {
      parts.app.needSite('fleet apply')
      asShown(await plansBy(plans, parts.store), expect)
      const made = await orderCampaign(parts.store, parts.app.site, {
        ...{ kind, words: wordsOf(pace), wished: { renew: false, asked: [] }, plansOf: plans },
      })
      parts.wake()
      return await told(parts.store, made.id)
    },
  ),
  route(
    {
      method: 'GET',
      path: '/api/v1/campaigns',
      access: 'viewer',
      tag: 'campaigns',
      summary: 'Campaigns, newest first.',
      command: 'fleet campaigns',
      changes: false,
      query: pageWords,
      answer: api.campaignsPageSchema,
      example: { query: { limit: 5 } },
    },
    async ({ query: { limit, after }, parts: { store } }) => {
      if (after && !/^\d{1,15}$/.test(after))
        throw new ProblemError(problem('PAGE_UNKNOWN', 'That is no place to continue a list from.', ['Begin the list again.']))
      const list = await store.campaigns({ limit: limit + 1, ...(after ? { before: Number(after) } : {}) })
      const rows = []
      for (const campaign of list.slice(0, limit)) rows.push(await campaignState(store, campaign))
      return { rows, next: list.length > limit ? String(rows.at(-1)!.id) : null }
    },
  ),
  route(
    {
      method: 'GET',
      path: '/api/v1/campaigns/{id}',
      access: 'viewer',
      tag: 'campaigns',
      summary: 'One campaign: how far it is, what came of it.',
      command: 'fleet campaign',
      changes: false,
      params: idInPath,
      answer,
      example: { params: { id: 1 } },
    },
    async ({ params, parts: { store } }) => await told(store, (await campaignBy(params.id, store)).id),
  ),
  route(
    {
      method: 'GET',
      path: '/api/v1/campaigns/{id}/machines',
      access: 'viewer',
      tag: 'campaigns',
      summary: 'The machines of a campaign, each with what came of it.',
      changes: false,
      params: idInPath,
      query: targetQuery,
      answer: api.targetsPageSchema,
      example: { params: { id: 1 }, query: { limit: 2 } },
    },
    async ({ params, query: { limit, after, state, result, problem }, parts: { store } }) => {
      const { id } = await campaignBy(params.id, store)
      const which = {
        ...(state === undefined ? {} : { states: [state] }),
        ...(result === undefined ? {} : { result }),
        ...(problem === undefined ? {} : { problem }),
      }
      const page = await store.targets(id, which, pageOf({ limit, after }))
      return {
        next: page.next,
        rows: page.rows.map((t) => ({
          ...{ machine: t.machine, name: t.name, site: t.site, state: t.state, attempts: t.attempts, dueAt: t.dueAt },
          ...{ result: t.result, problem: t.problem, endedAt: t.endedAt, verdict: t.verdict },
        })),
      }
    },
  ),
  route(
    {
      method: 'GET',
      path: '/api/v1/campaigns/{id}/plans',
      access: 'viewer',
      tag: 'campaigns',
      summary: 'What a campaign planned, machine by machine, those that would change first.',
      command: 'fleet plans',
      changes: false,
      params: idInPath,
      query: pageWords,
      answer: api.plansPageSchema,
      example: { params: { id: 3 }, query: { limit: 2 } },
    },
    async ({ params, query, parts: { store } }) => await plansOfCampaign(store, params.id, pageOf(query)),
  ),
  route(
    {
      method: 'GET',
      path: '/api/v1/campaigns/{id}/applies',
      access: 'viewer',
      tag: 'campaigns',
      summary: 'Campaigns that carry out what this one planned, or did, newest first.',
      changes: false,
      params: idInPath,
      answer: api.appliesSchema,
      example: { params: { id: 1 } },
    },
    async ({ params, parts: { store } }) => {
      const { id } = await campaignBy(params.id, store)
      return { rows: (await carriedOutBefore(id, store)).map((c) => ({ id: c.id, state: c.state })) }
    },
  ),
  route(
    {
      method: 'POST',
      path: '/api/v1/campaigns/{id}/stop',
      access: 'operator',
      tag: 'campaigns',
      summary: 'Stops a campaign. What is under way on machines ends by itself; it goes on with resume.',
      command: 'fleet stop',
      changes: true,
      params: idInPath,
      answer,
      example: { params: { id: 1 } },
    },
    async ({ params, who, parts: { store, wake } }) => {
      await endCampaign(await campaignBy(params.id, store), 'stop', `By ${who.name}.`, store)
      wake()
      return await told(store, params.id)
    },
  ),
  route(
    {
      method: 'POST',
      path: '/api/v1/campaigns/{id}/resume',
      access: 'operator',
      tag: 'campaigns',
      summary: 'Goes on with a campaign that was stopped; with an apply only an approver may.',
      command: 'fleet resume',
      changes: true,
      params: idInPath,
      body: pace.nullish(),
      answer,
    },
    async ({ params, body, who, parts }) => {
      const campaign = await campaignBy(params.id, parts.store)
      mayApply(who, campaign.kind)
      const before = await mayResume(campaign, parts.store)
      if (campaign.kind !== 'scan') parts.app.needSite(`fleet ${campaign.kind}`)
      await resumeCampaign(campaign, before, wordsOf(body ?? {}), parts.store)
      parts.wake()
      return await told(parts.store, params.id)
    },
  ),
  route(
    {
      method: 'POST',
      path: '/api/v1/campaigns/{id}/cancel',
      access: 'operator',
      tag: 'campaigns',
      summary: 'Ends a campaign for good.',
      command: 'fleet cancel',
      changes: true,
      params: idInPath,
      answer,
      example: { params: { id: 1 } },
    },
    async ({ params, who, parts: { store, wake } }) => {
      await endCampaign(await campaignBy(params.id, store), 'cancel', `By ${who.name}.`, store)
      wake()
      return await told(store, params.id)
    },
  ),
]
