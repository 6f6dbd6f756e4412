/** One machine, asked now. Nothing is changed on it; what it said is kept. */
import { machineBy, wishedOf } from '../../app.ts'
import { api, published, z } from '../../schemas.ts'
import { idInPath, wordsOf } from '../asked.ts'
import { type Route, route } from '../route.ts'

/** No body, or an empty one. */
const nothing = z.strictObject({}).nullish()

export const machineRoutes: readonly Route[] = [
  route(
    {
      method: 'POST',
      path: '/api/v1/fleet/machines/{id}/ask',
      access: 'operator',
      tag: 'fleet',
      summary: 'Asks one machine now, and keeps what it says, as a scan does.',
      command: 'status',
      changes: true,
      params: idInPath,
      body: nothing,
      answer: published.status,
      example: { params: { id: 1 } },
    },
    async ({ params, parts: { app, store } }) => {
      const entry = await app.machineNow(await machineBy(params.id, store), store).ask()
      return { schema: 'slmctl.status/1', machines: [entry] }
    },
  ),
  route(
    {
      method: 'POST',
      path: '/api/v1/fleet/machines/{id}/plan',
      access: 'operator',
      tag: 'fleet',
      summary: 'Asks one machine now what would change on it, and why. Nothing is changed, and no plan is kept.',
      command: 'plan',
      changes: true,
      params: idInPath,
      body: z.strictObject(api.wishBody).nullish(),
      answer: published.plan,
      example: { params: { id: 1 }, body: { renew: false } },
    },
    async ({ params, body, parts: { app, store } }) => {
      const card = await machineBy(params.id, store)
      app.needSite('plan')
      return { schema: 'slmctl.plan/1', ...(await app.machineNow(card, store).plan(wishedOf(wordsOf(body ?? {})))) }
    },
  ),
  route(
    {
      method: 'POST',
      path: '/api/v1/fleet/machines/{id}/conversation',
      access: 'operator',
      tag: 'fleet',
      summary: 'Asks one machine now, keeps what it says, and tells every question with its answer; product keys are masked.',
      changes: true,
      params: idInPath,
      body: nothing,
      answer: api.conversationSchema,
      example: { params: { id: 1 } },
    },
    async ({ params, parts: { app, store } }) => await app.machineNow(await machineBy(params.id, store), store).converse(),
  ),
]
