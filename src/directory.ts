/**
 * What the organisation's DNS publishes: KMS hosts by SRV records, and addresses of names. Every name is asked once and keeps
 * its answer, so that it cannot change between check and use. And what its Active Directory holds: computers and activation
 * objects, by LDAP over verified TLS, or sealed by Kerberos.
 */
export {
  type ActivationObject,
  type ComputerQuery,
  type Directory,
  type DirectoryLogon,
  type DirectoryOptions,
  type DirectoryServer,
  domainControllers,
  openDirectory,
  type SearchNotes,
  searchNotes,
} from './directory/ldap.ts'
export { inOrder, openResolver, type Resolver, type ResolverOptions, type SrvRecord } from './directory/resolver.ts'
