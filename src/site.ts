/**
 * The site file `slmctl.yaml`: what the organisation owns, wishes, and how its machines are reached. It is the switch for
 * everything that slmctl may do and the base of every statement about whose an activation is.
 */

export { siteJsonSchema } from './site/json-schema.ts'
export {
  type CredentialReference,
  checkReferences,
  openReaches,
  type ReachAnswer,
  type ReachDescription,
  type ReachOverrides,
  type ResolvedReach,
  reachOf,
  resolveReach,
  type SiteFile,
} from './site/reach.ts'
export { readSite } from './site/read.ts'
export type { AlertRules, AlertSettings, OpenIdSettings, ServerSettings } from './site/server.ts'
