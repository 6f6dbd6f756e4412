/** Every route of the API: the server registers them, OpenAPI is made from them, and the tests go through them. */
import type { Route } from './route.ts'
import { peopleRoutes } from './routes/people.ts'
import { signInRoutes } from './routes/sign-in.ts'

export const allRoutes: readonly Route[] = [...signInRoutes, ...peopleRoutes]
