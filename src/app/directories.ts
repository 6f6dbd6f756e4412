/** Computers of an Active Directory: as flags say how to sign in there, or as the site file does. */
import { canonicalHost, inDomains } from '../addresses.ts'
import {
  type ComputerQuery,
  type Directory,
  type DirectoryLogon,
  domainControllers,
  openDirectory,
  openResolver,
  searchNotes,
} from '../directory.ts'
import { readWhole } from '../files.ts'
import { type FoundMachine, ProblemError, problem, type Site } from '../model.ts'
import { readSecret, type Secret, secretFromPrompt } from '../secrets.ts'
import { openReaches, type ResolvedReach, type SiteFile } from '../site.ts'
import type { Source } from './fleet.ts'

export type DirectorySource = {
  readonly domain: string
  readonly query: ComputerQuery
  /** Null: Kerberos, by the ticket that is there. */
  readonly user: string | null
  readonly passwordFile: string | null
  readonly startTls: boolean
  readonly ca: string | null
}

/** How one signs in at a domain controller. `domains`: only at those whose names stand in them; null: at whichever DNS names. */
type SignIn = {
  readonly domain: string
  readonly logon: DirectoryLogon
  readonly tls: 'ldaps' | 'starttls'
  /** PEM; null: the system's authorities. */
  readonly ca: string | null
  readonly domains: readonly string[] | null
}

/** For the connection, and then for each answer. */
const timeoutMs = 120_000
/** Authorities of a certificate: a bundle of all public ones has some 220 kB. */
const authoritiesMaxBytes = 1024 * 1024

async function signedIn<T>({ domain, domains, ...how }: SignIn, site: Site | null, work: (directory: Directory) => Promise<T>): Promise<T> {
  const all = await domainControllers(domain, openResolver({ servers: site?.dnsServers ?? [] }))
  const servers = domains === null ? all : all.filter(({ name }) => inDomains(name, domains))
  if (servers.length === 0)
    throw new ProblemError(
      problem(
        'DIRECTORY_NOT_OURS',
        `DNS names ${all[0]!.name} for ${domain}, which stands in no domain of its forest: nobody signs in there.`,
        ['Look who answers for _ldap._tcp.dc._msdcs of the domain; if it is yours, list its domain under forests: in the site file.'],
      ),
    )
  const directory = await openDirectory({ servers, ...how, timeoutMs })
  try {
    return await work(directory)
  } finally {
    directory.close()
  }
}

/** Signs in at an Active Directory, works there, and leaves. */
export async function withDirectory<T>(from: DirectorySource, site: Site | null, work: (directory: Directory) => Promise<T>): Promise<T> {
  let password: Secret | null = null
  if (from.user !== null)
    password =
      from.passwordFile === null ? await secretFromPrompt(`Password of ${from.user}: `) : await readSecret({ file: from.passwordFile })
  const logon: DirectoryLogon =
    from.user !== null && password ? { method: 'simple', user: from.user, password } : { method: 'kerberos', credential: { from: 'cache' } }
  const ca = from.ca === null ? null : readWhole(from.ca, authoritiesMaxBytes).toString('utf8')
  try {
    return await signedIn({ domain: from.domain, logon, tls: from.startTls ? 'starttls' : 'ldaps', ca, domains: null }, site, work)
  } finally {
    password?.wipe()
  }
}

/** Computers of an Active Directory. */
export const directorySource = (from: DirectorySource, site: Site | null, told: (read: number) => void): Promise<Source> =>
  withDirectory(from, site, (directory) => computersOf(directory, from, told))

/**
 * Computers of a domain whose directory the site file lets the server read, by the credential that it gives for it: nothing about who signs in,
 * or where, comes from whoever asks. Each is read once at a time: all of its computers are in memory. Throws
 * NO_SITE_FILE, DIRECTORY_NOT_OURS, DIRECTORY_BUSY, and what the directory says.
 */
export async function siteDirectorySource(siteFile: SiteFile | null, asked: string, query: ComputerQuery): Promise<Source> {
  if (siteFile === null)
    throw new ProblemError(
      problem('NO_SITE_FILE', 'Which directories may be asked is for a site file to say, and there is none.', [
        'slmctl site init writes one to begin with; its forests: name the domains.',
      ]),
    )
  const domain = canonicalHost(asked)
  const own = siteFile.directories.get(domain)
  if (!own)
    throw new ProblemError(
      problem('DIRECTORY_NOT_OURS', `The site file does not say that the server may read the directory of ${domain}.`, [
        'If it is yours, list it under forests: in the site file, and say as whom: directory: CREDENTIAL.',
        'slmctl fleet import --directory DOMAIN takes it in with a ticket of your own.',
      ]),
    )
  if (beingRead.has(domain))
    throw new ProblemError(
      problem('DIRECTORY_BUSY', `The directory of ${domain} is being read already.`, [
        'Try again when that has ended: it takes seconds, with a hundred thousand computers a minute.',
      ]),
    )
  beingRead.add(domain)
  const reaches = openReaches()
  try {
    const logon = logonOf(await reaches.credential(own.credential))
    const ca = await reaches.authorities(siteFile.reach.ca ?? [])
    return await signedIn({ domain, logon, tls: 'ldaps', ca, domains: own.domains }, siteFile.site, (directory) =>
      computersOf(directory, { domain, query }, () => {}),
    )
  } finally {
    beingRead.delete(domain)
    reaches.wipe()
  }
}
const beingRead = new Set<string>()

/** A credential of the site file at a directory: by Kerberos, or by a password that goes over verified TLS. The file names no other. */
function logonOf(credential: ResolvedReach['credential']): DirectoryLogon {
  if (credential.method === 'basic') return { method: 'simple', user: credential.user, password: credential.password }
  if (credential.method !== 'kerberos') throw new TypeError(`${credential.method} is no way into a directory`)
  const { from, principal } = credential
  if (from === 'cache') return { method: 'kerberos', credential: { from } }
  const as = { principal: principal! }
  return {
    method: 'kerberos',
    credential: 'keytab' in from ? { from: 'keytab', ...from, ...as } : { from: 'password', ...from, ...as },
  }
}

async function computersOf(
  directory: Directory,
  { domain, query }: Pick<DirectorySource, 'domain' | 'query'>,
  told: (read: number) => void,
): Promise<Source> {
  const notes = searchNotes()
  const machines: FoundMachine[] = []
  for await (const machine of directory.computers(query, notes)) {
    machines.push(machine)
    if (machines.length % 1000 === 0) told(machines.length)
  }
  return {
    name: `directory:${domain}`,
    machines,
    problems: notes.problems,
    // What a filter leaves out has not vanished.
    whole: Object.keys(query).length === 0 && notes.unusable === 0,
    notes: [
      ...(notes.clusters > 0 ? [`${notes.clusters} ${notes.clusters === 1 ? 'name of a cluster' : 'names of clusters'}`] : []),
      ...(notes.elsewhere > 0 ? [`${notes.elsewhere} entries in other domains`] : []),
      ...(notes.unusable > 0 ? [`${notes.unusable} entries without a name`] : []),
    ],
  }
}
