/** The site file, as the server understands it. */
import { siteAnswer } from '../../app.ts'
import { api } from '../../schemas.ts'
import { type Route, route } from '../route.ts'

export const siteRoutes: readonly Route[] = [
  route(
    {
      method: 'GET',
      path: '/api/v1/site',
      access: 'viewer',
      tag: 'site',
      summary: 'The site file as it was understood, with what is wrong with it now. Of secrets only where they are referred to.',
      command: 'site check',
      changes: false,
      answer: api.siteAnswerSchema,
      example: {},
    },
    async ({ parts: { app, siteFile, loadedAt } }) => siteAnswer(siteFile, app.siteFile, loadedAt, app.siteNow()),
  ),
]
