/**
 * What the organisation's DNS publishes: KMS hosts by SRV records, and addresses of names. Every name is asked once and keeps
 * its answer, so that it cannot change between check and use.
 */
export { inOrder, openResolver, type Resolver, type ResolverOptions, type SrvRecord } from './directory/resolver.ts'
