/**
 * The site file `slmctl.yaml`: what the organisation owns. It is the switch for everything that slmctl may do and the base of
 * every statement about whose an activation is.
 */
export { readSite } from './site/read.ts'
export { siteSchema } from './site/schema.ts'
