/** Every route of the API: the server registers them, OpenAPI is made from them, and the tests go through them. */
import type { Route } from './route.ts'
import { alertRoutes } from './routes/alerts.ts'
import { auditRoutes } from './routes/audit.ts'
import { campaignRoutes } from './routes/campaigns.ts'
import { eventRoutes } from './routes/events.ts'
import { fleetRoutes } from './routes/fleet.ts'
import { hostRoutes } from './routes/hosts.ts'
import { importRoutes } from './routes/imports.ts'
import { machineRoutes } from './routes/machines.ts'
import { openApiRoute } from './routes/openapi.ts'
import { peopleRoutes } from './routes/people.ts'
import { signInRoutes } from './routes/sign-in.ts'
import { siteRoutes } from './routes/site.ts'
import { textRoutes } from './routes/texts.ts'

export const allRoutes: readonly Route[] = [
  ...signInRoutes,
  ...peopleRoutes,
  ...importRoutes,
  ...fleetRoutes,
  ...auditRoutes,
  ...machineRoutes,
  ...hostRoutes,
  ...campaignRoutes,
  ...alertRoutes,
  ...textRoutes,
  ...siteRoutes,
  ...eventRoutes,
  openApiRoute(() => allRoutes),
]
