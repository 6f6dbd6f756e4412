/** Whose the activations of the fleet are, out of what is kept. */
import { auditRemarks, fleetAudit, remarkGroups } from '../../app.ts'
import { type AuditRemark, ProblemError, problem, remarkedOrigins } from '../../model.ts'
import { api, published, z } from '../../schemas.ts'
import { pageAnswer, pageOf, pageWords } from '../asked.ts'
import { type Route, route } from '../route.ts'

const count = z.int().nonnegative()
const auditAnswer = z.strictObject({
  ...published.audit.unwrap().shape,
  remarks: published.audit.unwrap().shape.remarks.describe('The first 50; /audit/remarks has all.'),
  remarksBy: z.strictObject({ foreign: count, suspect: count, 'cannot-tell': count }).describe('How many remarks there are.'),
})
const remark = z.strictObject({
  id: count.describe('Of the machine.'),
  ...published.audit.unwrap().shape.remarks.unwrap().element.unwrap().shape,
})

const originWords = z.strictObject({
  ...pageWords.shape,
  origin: z
    .string()
    .max(100)
    .default(remarkedOrigins.join(','))
    .describe(`${remarkedOrigins.join(', ')}; several with commas.`),
})

/** Origins with commas, as the filter has them. Throws USAGE. */
function originsOf(given: string): readonly AuditRemark['origin'][] {
  const origins = given.split(',').map((o) => o.trim())
  const wrong = origins.find((o) => !(remarkedOrigins as readonly string[]).includes(o))
  if (wrong !== undefined)
    throw new ProblemError(
      problem('USAGE', `origin ${wrong.slice(0, 60)}: expected ${remarkedOrigins.join(', ')}.`, [`origin=${remarkedOrigins[0]}`]),
    )
  return origins as readonly AuditRemark['origin'][]
}

export const auditRoutes: readonly Route[] = [
  route(
    {
      method: 'GET',
      path: '/api/v1/audit',
      access: 'viewer',
      tag: 'fleet',
      summary: 'Whose the activations of the fleet are, as its machines answered last; what was bought and what is used.',
      command: 'fleet audit',
      changes: false,
      answer: auditAnswer,
      example: {},
    },
    async ({ parts: { app, store, clock } }) => {
      const { audit, remarks } = await fleetAudit(store, app.site, clock())
      return { ...audit, remarksBy: remarks }
    },
  ),
  route(
    {
      method: 'GET',
      path: '/api/v1/audit/remarks',
      access: 'viewer',
      tag: 'fleet',
      summary: 'Products whose activation is not plainly in order, with the evidence, page by page.',
      command: 'fleet audit',
      changes: false,
      query: originWords,
      answer: pageAnswer(remark),
      example: { query: { limit: 2 } },
    },
    async ({ query: { origin, ...page }, parts: { store } }) => await auditRemarks(store, originsOf(origin), pageOf(page)),
  ),
  route(
    {
      method: 'GET',
      path: '/api/v1/audit/groups',
      access: 'viewer',
      tag: 'fleet',
      summary: 'The same, once for all machines of which the same is remarked about the same host; the filter remark means these machines.',
      command: 'fleet audit',
      changes: false,
      query: originWords,
      answer: pageAnswer(api.remarkGroupSchema),
      example: { query: { origin: 'foreign,suspect', limit: 3 } },
    },
    async ({ query: { origin, ...page }, parts: { store } }) => await remarkGroups(store, originsOf(origin), pageOf(page)),
  ),
]
