/**
 * The server: sign-in and roles, the API, the pages of the dashboard, metrics, live events, alerts. It knows no rule about
 * activation: what it says and does are the functions of `app`, as the command line has them.
 */
export type { Role } from './model.ts'
export type { Access, Route, RouteRow, Scope, Who } from './server/route.ts'
