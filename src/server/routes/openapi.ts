/** The description of the API, by the API. */
import { z } from '../../schemas.ts'
import { openApi } from '../openapi.ts'
import { type Route, route } from '../route.ts'

/** `routes`: all of them, this one too. */
export const openApiRoute = (routes: () => readonly Route[]): Route =>
  route(
    {
      method: 'GET',
      path: '/api/v1/openapi.json',
      access: 'open',
      tag: 'site',
      summary: 'This description, as OpenAPI 3.1.',
      changes: false,
      answer: z.looseObject({ openapi: z.string() }),
      example: {},
    },
    async ({ parts }) => openApi(routes(), parts.version),
  )
