import { open } from 'node:fs/promises'
import { addressKind, canonicalHost, inDomains } from '../addresses.ts'
import { type Problem, ProblemError, problem, type Site } from '../model.ts'
import { checkSecretFile, readSecret, Secret, type SecretReference } from '../secrets.ts'
import { isMachineName, pinPattern } from './names.ts'
import type { ReachWords } from './schema.ts'
import type { AlertSettings, ServerSettings } from './server.ts'

/** Who slmctl is to a machine, by reference. A Secret stands only where a person was asked for it. */
export type CredentialReference = { readonly name: string } & (
  | {
      readonly method: 'kerberos'
      readonly principal: string | null
      readonly from: 'cache' | { readonly keytab: string } | { readonly password: SecretReference | Secret }
    }
  /** `domain` is empty for user@domain and for a local account. */
  | { readonly method: 'ntlm'; readonly user: string; readonly domain: string; readonly password: SecretReference | Secret }
  | { readonly method: 'basic'; readonly user: string; readonly password: SecretReference | Secret }
  | { readonly method: 'certificate'; readonly certificate: string; readonly key: SecretReference }
)

/** How a machine is reached, with references instead of secrets: may be shown and kept. */
export type ReachDescription = {
  readonly name: string
  readonly address: string
  readonly port: number
  /** Null: HTTP, where the authentication seals every message. */
  readonly tls: { readonly ca: readonly string[]; readonly pin: string | null } | null
  readonly credential: CredentialReference
  readonly operationTimeoutMs: number
  readonly connectTimeoutMs: number
  /** The group that lists it; null for a machine that the site file does not list. */
  readonly group: string | null
}

/** One machine that was asked for: how it is reached, or why it cannot be. */
export type ReachAnswer =
  | { readonly name: string; readonly ok: true; readonly reach: ReachDescription }
  | { readonly name: string; readonly ok: false; readonly problem: Problem }

/** What a machine room needs to connect; the same shape as `Reach` of `windows`. */
export type ResolvedReach = {
  readonly name: string
  readonly address: string
  readonly port: number
  readonly tls: { readonly ca: string | null; readonly pin: string | null } | null
  readonly credential:
    | { readonly method: 'ntlm'; readonly user: string; readonly domain: string; readonly password: Secret }
    | {
        readonly method: 'kerberos'
        readonly principal: string | null
        readonly from: 'cache' | { readonly keytab: string } | { readonly password: Secret }
      }
    | { readonly method: 'basic'; readonly user: string; readonly password: Secret }
    | { readonly method: 'certificate'; readonly certificate: string; readonly key: Secret }
  readonly operationTimeoutMs: number
  readonly connectTimeoutMs: number
}

/** Words about reaching, from one level: the site, a group, a machine, or the command line. */
export type ReachSettings = ReachWords & { readonly address?: string | undefined; readonly pin?: string | undefined }

export type ListedMachine = { readonly name: string; readonly group: string; readonly settings: ReachSettings }

/** A site file as read: what it declares, and how its machines are reached. */
export type SiteFile = {
  readonly file: string
  readonly site: Site
  /** Line of each KMS host in the file, in the order of `site.kmsHosts`. */
  readonly kmsHostLines: readonly number[]
  readonly credentials: ReadonlyMap<string, CredentialReference>
  /** By domain: the directories that a server may read computers of, as whom, and the domains that their controllers stand in. */
  readonly directories: ReadonlyMap<string, { readonly credential: CredentialReference; readonly domains: readonly string[] }>
  readonly reach: ReachSettings
  readonly groupReach: ReadonlyMap<string, ReachSettings>
  /** By canonical name. */
  readonly machines: ReadonlyMap<string, ListedMachine>
  /** Null: the file does not speak of it. */
  readonly server: ServerSettings | null
  readonly alerts: AlertSettings | null
}

/** What the command line says about reaching, before every word of the site file. */
export type ReachOverrides = ReachSettings & { readonly as?: CredentialReference | undefined }

/** Whoever the ticket cache (on Windows: the session) belongs to. */
const ticketCache: CredentialReference = { name: 'ticket cache', method: 'kerberos', principal: null, from: 'cache' }

/**
 * How a machine, or every machine of a group, is reached. A name that is both is the group's. A machine that the site file does
 * not list gets the defaults, and the credential of the forest that its name stands in.
 */
export function reachOf(
  siteFile: SiteFile | null,
  target: string | { readonly group: string },
  overrides: ReachOverrides = {},
): readonly ReachAnswer[] {
  const group = typeof target === 'string' ? target : target.group
  const members = siteFile?.site.groups.find((g) => g.name === group)
  if (members) return members.machines.map((name) => answer(siteFile, name, overrides))
  if (typeof target === 'string') return [answer(siteFile, target, overrides)]
  const known = siteFile?.site.groups.map((g) => g.name) ?? []
  return [
    {
      name: group,
      ok: false,
      problem: problem('NO_SUCH_GROUP', `The site file has no group ${group}.`, [
        known.length > 0 ? `Its groups: ${known.slice(0, 20).join(', ')}${known.length > 20 ? ', …' : ''}` : 'It has no groups at all.',
      ]),
    },
  ]
}

function answer(siteFile: SiteFile | null, name: string, overrides: ReachOverrides): ReachAnswer {
  if (!isMachineName(name))
    return {
      name,
      ok: false,
      problem: problem('MACHINE_NAME', `${name.slice(0, 80)} is no name of a machine.`, [
        'Name it like pc-001.corp.example, or by its address.',
      ]),
    }
  const found = describe(siteFile, name, overrides)
  if ('code' in found) return { name, ok: false, problem: found }
  const wrong = reachProblem(found)
  return wrong ? { name: found.name, ok: false, problem: wrong } : { name: found.name, ok: true, reach: found }
}

/** Puts the levels together: command line, machine, group, forest, site, and what holds where nobody says anything. */
function describe(siteFile: SiteFile | null, name: string, overrides: ReachOverrides): ReachDescription | Problem {
  const listed = siteFile?.machines.get(canonicalHost(name)) ?? null
  const forest = forestCredential(siteFile?.site.forests ?? [], listed?.name ?? name)
  const wanted = settle([
    siteFile?.reach ?? {},
    forest === null ? {} : { credential: forest },
    (listed && siteFile?.groupReach.get(listed.group)) ?? {},
    listed?.settings ?? {},
    overrides,
  ])
  if (wanted.transport !== 'https' && (overrides.pin ?? overrides.ca) !== undefined)
    return problem('REACH_NEEDS_HTTPS', `${name}: a pin or an authority has a meaning for HTTPS only.`, ['Say https, too.'])
  if (!pinPattern.test(wanted.pin ?? '0'.repeat(64)))
    return problem('REACH_PIN', 'A pin is the SHA-256 of the certificate: 64 hexadecimal digits.', [
      'openssl s_client -connect MACHINE:5986 </dev/null | openssl x509 -noout -fingerprint -sha256',
    ])
  const credential =
    overrides.as ?? (wanted.credential === undefined ? ticketCache : (siteFile?.credentials.get(wanted.credential) ?? null))
  if (credential === null)
    return problem('NO_SUCH_CREDENTIAL', `The site file has no credential ${wanted.credential}.`, [
      siteFile && siteFile.credentials.size > 0
        ? `Its credentials: ${[...siteFile.credentials.keys()].join(', ')}`
        : 'Credentials are listed under credentials: in the site file.',
    ])
  return {
    name: listed?.name ?? name,
    address: wanted.address ?? listed?.name ?? name,
    port: wanted.port ?? (wanted.transport === 'https' ? 5986 : 5985),
    tls: wanted.transport === 'https' ? { ca: wanted.ca ?? [], pin: wanted.pin?.replaceAll(':', '').toLowerCase() ?? null } : null,
    credential,
    operationTimeoutMs: (wanted.timeout ?? 60) * 1000,
    connectTimeoutMs: (wanted['connect-timeout'] ?? 10) * 1000,
    group: listed?.group ?? null,
  }
}

/** The narrower level wins, word by word. A port belongs to the transport it was given with. */
function settle(levels: readonly ReachSettings[]): ReachSettings {
  let settled: ReachSettings = {}
  for (const level of levels) {
    const words = Object.fromEntries(Object.entries(level).filter(([, value]) => value !== undefined)) as ReachSettings
    const { port, ...rest } = settled
    const moved = words.transport !== undefined && words.transport !== (settled.transport ?? 'http')
    settled = { ...(moved || port === undefined ? rest : settled), ...words }
  }
  return settled
}

/** The credential of the forest whose domain is the longest that the name stands in. */
function forestCredential(forests: Site['forests'], name: string): string | null {
  let longest = 0
  let credential: string | null = null
  for (const forest of forests)
    for (const domain of forest.domains)
      if (domain.length > longest && inDomains(name, [domain])) {
        longest = domain.length
        credential = forest.credential
      }
  return credential
}

/** Why a machine cannot be reached in this way; null where it can be tried. */
export function reachProblem(reach: ReachDescription): Problem | null {
  if (reach.tls !== null) return null
  const { credential, name } = reach
  if (reach.port === 5986)
    return problem('REACH_PORT', `${name}: 5986 is the port of WinRM over HTTPS, but the transport is http.`, [
      'Say transport: https, or leave the port out.',
    ])
  if (credential.method === 'basic' || credential.method === 'certificate')
    return problem(
      'REACH_NEEDS_HTTPS',
      `${name}: the credential ${credential.name} (${credential.method}) is for HTTPS only; over HTTP it would seal nothing.`,
      ['Say transport: https for this machine, or give it a credential by kerberos or ntlm.'],
    )
  // On the loopback nobody stands between.
  if (credential.method === 'ntlm' && isLocalAccount(credential, name) && addressKind(reach.address) !== 'loopback')
    return problem(
      'REACH_LOCAL_ACCOUNT',
      `${name}: ${credential.name} is a local account, and over HTTP nothing proves that it is this machine that answers.`,
      [
        'Say transport: https, with the ca that signed its certificate or a pin of it. A domain account is written CORP\\user or user@corp.example.',
        'Remote token filtering: over the network Windows takes the administrator’s rights from every local account but the built-in Administrator, and answers "access denied". Use that one, or let the organisation decide about LocalAccountTokenFilterPolicy.',
      ],
    )
  return null
}

/** No domain, `.`, or the machine's own name before the backslash. */
function isLocalAccount(credential: { readonly user: string; readonly domain: string }, machine: string): boolean {
  if (credential.user.includes('@')) return false
  const domain = credential.domain.toLowerCase()
  return domain === '' || domain === '.' || domain === machine.toLowerCase().split('.')[0]
}

/** Reads what a description refers to (secrets, authorities, certificate). Throws a ProblemError that names the reference. */
export async function resolveReach(description: ReachDescription): Promise<ResolvedReach> {
  return await openReaches().resolve(description)
}

/** The same for many machines: each secret and file is read once (a keyring asks its user once), also where that failed. */
export function openReaches(): {
  readonly resolve: (description: ReachDescription) => Promise<ResolvedReach>
  readonly credential: (reference: CredentialReference) => Promise<ResolvedReach['credential']>
  /** PEM of all of these files; null: the system's authorities. */
  readonly authorities: (paths: readonly string[]) => Promise<string | null>
  readonly wipe: () => void
} {
  const secrets = new Map<string, Promise<Secret>>()
  const files = new Map<string, Promise<string>>()
  const once = <T>(kept: Map<string, Promise<T>>, key: string, read: () => Promise<T>): Promise<T> => {
    let value = kept.get(key)
    if (!value) {
      value = read()
      kept.set(key, value)
    }
    return value
  }
  const secret = (reference: SecretReference | Secret) =>
    reference instanceof Secret ? reference : once(secrets, JSON.stringify(reference), () => readSecret(reference))
  const certificates = (path: string) => once(files, path, () => readCertificates(path))
  const keytabs = new Map<string, Promise<void>>()

  const resolveCredential = async (c: CredentialReference): Promise<ResolvedReach['credential']> => {
    switch (c.method) {
      case 'ntlm':
        return { method: 'ntlm', user: c.user, domain: c.domain === '.' ? '' : c.domain, password: await secret(c.password) }
      case 'basic':
        return { method: 'basic', user: c.user, password: await secret(c.password) }
      case 'certificate':
        return { method: 'certificate', certificate: await certificates(c.certificate), key: await secret(c.key) }
      case 'kerberos': {
        if (c.from === 'cache') return { method: 'kerberos', principal: c.principal, from: 'cache' }
        if ('password' in c.from) return { method: 'kerberos', principal: c.principal, from: { password: await secret(c.from.password) } }
        const { keytab } = c.from
        await once(keytabs, keytab, () => checkSecretFile(keytab))
        return { method: 'kerberos', principal: c.principal, from: { keytab } }
      }
    }
  }
  const authorities = async (paths: readonly string[]) =>
    paths.length === 0 ? null : (await Promise.all(paths.map(certificates))).join('\n')
  return {
    credential: resolveCredential,
    authorities,
    resolve: async ({ name, address, port, tls, credential, operationTimeoutMs, connectTimeoutMs }) => ({
      name,
      address,
      port,
      tls: tls && { ca: await authorities(tls.ca), pin: tls.pin },
      credential: await resolveCredential(credential),
      operationTimeoutMs,
      connectTimeoutMs,
    }),
    wipe: () => {
      for (const value of secrets.values())
        value.then(
          (s) => s.wipe(),
          () => {},
        )
      secrets.clear()
    },
  }
}

/**
 * Looks at every file that the site file refers to: authorities, certificates, keytabs, files with secrets. Secrets are not
 * read; environment and keyring are looked at only when a machine is reached.
 */
export async function checkReferences(siteFile: SiteFile): Promise<readonly Problem[]> {
  const checks = new Map<string, () => Promise<unknown>>()
  const secret = (reference: SecretReference | Secret) => {
    if (!(reference instanceof Secret) && 'file' in reference) checks.set(reference.file, () => checkSecretFile(reference.file))
  }
  const certificates = (path: string) => checks.set(path, () => readCertificates(path))
  for (const c of siteFile.credentials.values()) {
    if (c.method === 'certificate') {
      certificates(c.certificate)
      secret(c.key)
    } else if (c.method !== 'kerberos') secret(c.password)
    else if (c.from !== 'cache') secret('keytab' in c.from ? { file: c.from.keytab } : c.from.password)
  }
  for (const wish of [siteFile.site.wishes, ...siteFile.site.groups.map((g) => g.wishes)].flat()) if (wish.key) secret(wish.key)
  for (const level of [siteFile.reach, ...siteFile.groupReach.values(), ...[...siteFile.machines.values()].map((m) => m.settings)])
    level.ca?.forEach(certificates)
  const found: Problem[] = []
  for (const check of checks.values())
    await check().catch((error: unknown) => {
      if (!(error instanceof ProblemError)) throw error
      found.push(...error.problems)
    })
  return found
}

/** A bundle of all public authorities has some 220 KB. */
const certificatesLimitBytes = 1024 * 1024

async function readCertificates(path: string): Promise<string> {
  const no = (summary: string, next: string) => new ProblemError(problem('CERTIFICATE_FILE', summary, [next]))
  let text: string
  try {
    await using handle = await open(path, 'r')
    const stat = await handle.stat()
    if (!stat.isFile() || stat.size > certificatesLimitBytes)
      throw no(`${path} is no file of certificates.`, 'Name a PEM file of at most 1 MiB.')
    text = await handle.readFile('latin1')
  } catch (error) {
    if (error instanceof ProblemError) throw error
    throw no(
      `The file of certificates ${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown reason'}).`,
      'Paths in the site file are relative to its own folder.',
    )
  }
  if (!text.includes('-----BEGIN CERTIFICATE-----'))
    throw no(`${path} holds no certificate in PEM form.`, `openssl x509 -inform der -in ${path} -out FILE.pem makes one of a DER file.`)
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text))
    throw no(`${path} holds a private key, too.`, 'Keep the key in a file of its own, mode 0600, and name it as key: {file: PATH}.')
  return text
}
