/** What stands, as `slmctl alerts` shows it. */
import { alertsNow } from '../../app.ts'
import { api, z } from '../../schemas.ts'
import { type Route, route } from '../route.ts'

const answer = z.strictObject({ rows: z.array(api.alertSchema).readonly(), next: z.null() })

export const alertRoutes: readonly Route[] = [
  route(
    {
      method: 'GET',
      path: '/api/v1/alerts',
      access: 'viewer',
      tag: 'fleet',
      summary: 'What stands and is told by mail or webhook, worst first: since when, and when somebody was told.',
      command: 'alerts',
      changes: false,
      answer,
      example: {},
    },
    async ({ parts }) => {
      const { alerts } = await alertsNow(parts.store, parts.app.siteFile, parts.clock())
      return {
        rows: alerts.map(({ key, rule, severity, title, text, number, since, sentAt, link }) => ({
          ...{ key, rule, severity, title, text, number, since, sentAt, link },
        })),
        next: null,
      }
    },
  ),
]
