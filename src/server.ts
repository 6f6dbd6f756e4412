/**
 * `slmctl serve`: the API, the pages, the metrics, and how people sign in. No rule about licences or machines is here: every answer is
 * a function of `app`, and the command line gives the same.
 */
export type { Limits } from './server/http-server.ts'
export { type Running, type ServerOptions, startServer, usualSettings } from './server/listen.ts'
export { type Pages, readPages } from './server/pages.ts'
export { isPassword, passwordHash, shortest as shortestPassword } from './server/password.ts'
export { longestDays, newProof, roleOfScope, tokenPrefix } from './server/proof.ts'
export type { Access, Parts, Route, Scope, Who } from './server/route.ts'
export { allRoutes } from './server/routes.ts'
