import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { isMap, isScalar, LineCounter, parseDocument } from 'yaml'
import type * as z from 'zod'
import { canonicalHost } from '../addresses.ts'
import { type Problem, problem, type Site, type Wish } from '../model.ts'
import type { SecretReference } from '../secrets.ts'
import { contradictions } from './contradictions.ts'
import { declaredTooMuch } from './declared.ts'
import type { CredentialReference, ListedMachine, SiteFile } from './reach.ts'
import { type CredentialWords, type SiteWords, siteSchema, type WishWords } from './schema.ts'
import { alertsOf, serverOf } from './server.ts'

const example = 'A site file looks like this:  domains: [corp.example]  networks: [10.0.0.0/8]  kms: {hosts: [kms1.corp.example]}'
/** More problems than anybody mends at once. */
const mostProblems = 100

type Path = readonly (string | number)[]

/** What a site file says, or every problem that it has, each with line and column. */
export type SiteReading = {
  readonly site: Site | null
  /** The site with what is needed to reach its machines. */
  readonly siteFile: SiteFile | null
  readonly problems: readonly Problem[]
}

/**
 * Reads a site file. No problem shows a value: what stands in the wrong place may be a password, so messages are our own and
 * name places only.
 */
export function readSite(file: string, text: string): SiteReading {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const where = (offset: number | undefined) => {
    const at = offset === undefined ? { line: 1, col: 1 } : lines.linePos(offset)
    return { file, line: at.line, column: at.col }
  }
  const failed = (problems: readonly Problem[]): SiteReading => ({
    site: null,
    siteFile: null,
    problems:
      problems.length <= mostProblems
        ? problems
        : [
            ...problems.slice(0, mostProblems),
            problem('SITE_INVALID', `There are ${problems.length - mostProblems} more problems.`, ['Mend these first.'], { file }),
          ],
  })
  const notYaml = (what: string, offset: number | undefined) =>
    problem('SITE_NOT_YAML', `The site file is not valid YAML: ${what}.`, [example], where(offset))
  if (document.errors.length > 0) return failed(document.errors.map((e) => notYaml(yamlError(e.code, e.message), e.pos[0])))
  let content: unknown
  try {
    // Aliases are not needed in a site file, and a few of them can stand for a million values.
    content = document.toJS({ maxAliasCount: 20 })
  } catch {
    return failed([notYaml(yamlError('BAD_ALIAS', ''), undefined)])
  }
  const offsetOf = (path: Path): number | undefined => {
    for (let n = path.length; n > 0; n--) {
      const node = document.getIn(path.slice(0, n), true) as { range?: [number, number, number] } | undefined
      if (node?.range) return node.range[0]
    }
    return undefined
  }
  const offsetOfKey = (path: Path, key: string): number | undefined => {
    const map = path.length === 0 ? document.contents : document.getIn(path, true)
    const pair = isMap(map) ? map.items.find((item) => isScalar(item.key) && String(item.key.value) === key) : undefined
    return (pair?.key as { range?: [number, number, number] } | undefined)?.range?.[0] ?? offsetOf(path)
  }
  const parsed = siteSchema.safeParse(content ?? {})
  if (!parsed.success)
    return failed(
      parsed.error.issues.map((issue) => {
        const { code, what, path, key } = explain(issue, content)
        return problem(
          code,
          `${what}.`,
          code === 'SITE_SECRET_IN_CLEAR'
            ? [
                'Write where it is: {env: NAME}, {file: PATH} (mode 0600) or {keyring: {service, account}}. Change the secret if others read the file.',
              ]
            : [example],
          where(key === null ? offsetOf(path) : offsetOfKey(path, key)),
        )
      }),
    )
  const words = parsed.data
  const nothing =
    words.domains.length + words.networks.length + (words.kms?.hosts.length ?? 0) + words.platforms.length + words.forests.length === 0 &&
    Object.keys(words.groups).length + Object.keys(words.credentials).length === 0
  const tooMuch = declaredTooMuch(words)
  const siteFile = build(file, words, (path) => where(offsetOf(path)).line)
  const remarks = [
    ...tooMuch,
    ...(nothing && tooMuch.length === 0
      ? [
          {
            code: 'SITE_INVALID',
            summary: 'The site file declares nothing: no domains, networks, KMS hosts or platforms.',
            next: [example],
            path: [],
          },
        ]
      : []),
    ...contradictions(words, siteFile),
  ]
  if (remarks.length > 0) return failed(remarks.map((r) => problem(r.code, r.summary, r.next, where(offsetOf(r.path)))))
  return { site: siteFile.site, siteFile, problems: [] }
}

/** Codes of the YAML reader whose own words never repeat what stands in the file. */
const plainCodes: readonly string[] = [
  'BAD_INDENT',
  'BLOCK_AS_IMPLICIT_KEY',
  'BLOCK_IN_FLOW',
  'DUPLICATE_KEY',
  'MISSING_CHAR',
  'MULTILINE_IMPLICIT_KEY',
  'MULTIPLE_ANCHORS',
  'MULTIPLE_DOCS',
  'MULTIPLE_TAGS',
  'TAB_AS_INDENT',
]

function yamlError(code: string, message: string): string {
  if (plainCodes.includes(code)) return message.split('\n')[0]!.replace(/\.$/, '')
  if (code === 'BAD_DQ_ESCAPE') return 'a backslash in double quotes begins an escape; write CORP\\user without quotes or in single quotes'
  if (code === 'BAD_SCALAR_START') return 'a value may not begin with this character; put it in quotes'
  if (code === 'BAD_ALIAS')
    return 'a word with * refers to one with & that is not there, or does so too often; a value that begins with * or & goes in quotes'
  return 'something stands here that does not belong; a value with special characters goes in quotes'
}

/** Where the schema wants a reference to a secret. */
function isSecretPath(path: readonly PropertyKey[]): boolean {
  const [first, , third, , fifth] = path
  return (
    (first === 'credentials' && path.length >= 3 && (third === 'password' || third === 'key')) ||
    (first === 'wishes' && path.length >= 3 && third === 'key') ||
    (first === 'groups' && path.length >= 5 && third === 'wishes' && fifth === 'key') ||
    (first === 'server' && ((path[1] === 'tls' && third === 'key') || (third === 'openid' && path[3] === 'client-secret'))) ||
    (first === 'alerts' && ((path[1] === 'mail' && third === 'password') || (path[1] === 'webhooks' && path[3] === 'secret')))
  )
}

/** What a union of the schema expects, by the last word of the path that is no number. */
const expected: Readonly<Record<string, string>> = {
  hosts: 'expected a host name, or {name, port, priority, weight}',
  machines: 'expected a machine name, or {name, address, port, transport, credential, ca, pin}',
  credentials: 'expected {method: kerberos}, {method: ntlm, user, password}, {method: basic, …} or {method: certificate, …}',
}

/** A remark of the schema in plain words: which, where, and the key it is about, if it is about one. */
function explain(
  issue: z.core.$ZodIssue,
  content: unknown,
): { readonly code: string; readonly what: string; readonly path: Path; readonly key: string | null } {
  const path = issue.path as (string | number)[]
  const name = path.join('.') || 'the file'
  if (isSecretPath(path)) {
    const length = path[0] === 'groups' ? 5 : path[2] === 'openid' || path[1] === 'webhooks' ? 4 : 3
    const secretPath = path.slice(0, length)
    const value = secretPath.reduce<unknown>((v, p) => (v as Record<string | number, unknown> | undefined)?.[p], content)
    const clear = value !== null && value !== undefined && typeof value !== 'object'
    return {
      code: clear ? 'SITE_SECRET_IN_CLEAR' : 'SITE_INVALID',
      what: clear
        ? `${secretPath.join('.')}: a secret has no place in the site file`
        : `${secretPath.join('.')}: expected {env: NAME}, {file: PATH} or {keyring: {service, account}}`,
      path: secretPath,
      key: null,
    }
  }
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0]!
    const at = path.reduce<unknown>((v, p) => (v as Record<string | number, unknown> | undefined)?.[p], content)
    // `{method: kerberos, hunter2}` makes a word of what was meant as a value.
    const bare = path[0] === 'credentials' && (at as Record<string, unknown> | undefined)?.[key] === null
    return {
      code: 'SITE_INVALID',
      what: bare
        ? `${name}: a word without a value is not known here`
        : `${path.length > 0 ? `${name}.` : ''}${key} is not a word of the site file`,
      path,
      key,
    }
  }
  if (issue.code === 'invalid_union') {
    // One alternative is a group of words: where the value is one, too, its own remark says more.
    const deeper = (issue.errors ?? []).find(
      (branch) => branch.length > 0 && !branch.some((i) => i.code === 'invalid_type' && i.path.length === 0),
    )?.[0]
    const value = path.reduce<unknown>((v, p) => (v as Record<string | number, unknown> | undefined)?.[p], content)
    if (deeper && typeof value === 'object') return explain({ ...deeper, path: [...path, ...deeper.path] } as z.core.$ZodIssue, content)
    const last = path.findLast((p) => typeof p === 'string' && p in expected) as string | undefined
    return { code: 'SITE_INVALID', what: `${name}: ${expected[last ?? ''] ?? 'expected something else'}`, path, key: null }
  }
  if (issue.code === 'invalid_key') {
    const key = String(path.at(-1))
    return {
      code: 'SITE_INVALID',
      what: `${path.slice(0, -1).join('.')}: names consist of letters, digits, dots, hyphens and underscores`,
      path: path.slice(0, -1),
      key,
    }
  }
  return { code: 'SITE_INVALID', what: `${name}: ${plainly(issue.message)}`, path, key: null }
}

/** A validation message in plain words. */
function plainly(message: string): string {
  const kind = (word: string) =>
    ({
      array: 'a list',
      object: 'a group of words',
      record: 'a group of words',
      int: 'a whole number',
      null: 'nothing',
      undefined: 'nothing',
    })[word] ?? `a ${word}`
  return message
    .replace(
      /^Invalid input: expected (\w+), received (\w+)/,
      (_, want: string, got: string) => `expected ${kind(want)}, found ${kind(got)}`,
    )
    .replace(/^Invalid option: expected one of /, 'expected one of ')
    .replace(
      /^Too (?:big|small): expected (?:\w+) to be ([<>]=?)\s*/,
      (_, sign: string) => `expected ${sign === '<=' ? 'at most ' : sign === '>=' ? 'at least ' : `${sign} `}`,
    )
}

/** The words of the file as the types that the program works with; paths are relative to the file's own folder. */
function build(file: string, words: SiteWords, lineOf: (path: Path) => number): SiteFile {
  const at = (path: string) => (/^~[/\\]/.test(path) ? join(homedir(), path.slice(2)) : resolve(dirname(file), path))
  const secret = (reference: SecretReference): SecretReference => ('file' in reference ? { file: at(reference.file) } : reference)
  const wish = (w: WishWords): Wish => ({
    product: w.product,
    by: w.by,
    year: w.year ?? null,
    key: w.key === undefined ? null : secret(w.key),
    instead: w.instead,
  })
  const settings = <T extends { ca?: string[] | undefined }>(s: T): T => (s.ca === undefined ? s : { ...s, ca: s.ca.map(at) })
  const forests = words.forests.map((f) => ({
    name: domain(f.name),
    domains: (f.domains ?? [f.name]).map(domain),
    activationObjects: f['activation-objects'],
    credential: f.credential ?? null,
  }))
  const groups = Object.entries(words.groups)
  const machines = new Map<string, ListedMachine>()
  for (const [group, g] of groups)
    for (const m of g.machines) {
      const { name, ...rest } = typeof m === 'string' ? { name: m } : m
      machines.set(canonicalHost(name), { name, group, settings: settings(rest) })
    }
  const credentials = new Map(Object.entries(words.credentials).map(([name, c]) => [name, credential(name, c, secret, at)]))
  return {
    file,
    kmsHostLines: (words.kms?.hosts ?? []).map((_, i) => lineOf(['kms', 'hosts', i])),
    credentials,
    directories: new Map(
      words.forests.flatMap((f, i) => {
        const as = f.directory === undefined ? undefined : credentials.get(f.directory)
        const { domains } = forests[i]!
        return as === undefined ? [] : domains.map((name) => [name, { credential: as, domains }] as const)
      }),
    ),
    reach: settings(words.reach ?? {}),
    groupReach: new Map(groups.map(([name, g]) => [name, settings(g.reach ?? {})])),
    machines,
    server: words.server ? serverOf(words.server, { at, secret }) : null,
    alerts: words.alerts ? alertsOf(words.alerts, { at, secret }) : null,
    site: {
      organisation: words.organisation ?? null,
      domains: [...new Set([...words.domains.map(domain), ...forests.flatMap((f) => f.domains)])],
      networks: words.networks,
      kmsHosts: (words.kms?.hosts ?? []).map((h) =>
        typeof h === 'string'
          ? { name: h, port: 1688, priority: null, weight: null }
          : { name: h.name, port: h.port, priority: h.priority ?? null, weight: h.weight ?? null },
      ),
      platforms: words.platforms,
      forests,
      ...(words.lab ? { lab: true } : {}),
      dnsServers: words.dns?.servers ?? [],
      wishes: words.wishes.map(wish),
      groups: groups.map(([name, g]) => ({
        name,
        machines: g.machines.map((m) => (typeof m === 'string' ? m : m.name)),
        wishes: g.wishes.map(wish),
      })),
      locations: Object.entries(words.locations).map(([name, l]) => ({
        name,
        domains: l.domains.map(domain),
        networks: l.networks,
        groups: l.groups,
        atOnce: l['at-once'] ?? null,
      })),
      entitlements: words.entitlements.map((e) => ({ product: e.product, quantity: e.quantity, agreement: e.agreement ?? null })),
      schedule: { repair: words.schedule?.repair ?? false },
      planSigners: words.plans?.signers ?? [],
    },
  }
}

/** Lower case, without the dot at the end. */
function domain(name: string): string {
  return name.toLowerCase().replace(/\.$/, '')
}

function credential(
  name: string,
  words: CredentialWords,
  secret: (reference: SecretReference) => SecretReference,
  at: (path: string) => string,
): CredentialReference {
  switch (words.method) {
    case 'kerberos':
      return {
        name,
        method: 'kerberos',
        principal: words.principal ?? null,
        from:
          words.keytab !== undefined
            ? { keytab: at(words.keytab) }
            : words.password !== undefined
              ? { password: secret(words.password) }
              : 'cache',
      }
    case 'ntlm': {
      const [, domainPart, user] = /^([^\\]*)\\(.*)$/s.exec(words.user) ?? [null, '', words.user]
      return { name, method: 'ntlm', user: user!, domain: domainPart!, password: secret(words.password) }
    }
    case 'basic':
      return { name, method: 'basic', user: words.user, password: secret(words.password) }
    case 'certificate':
      return { name, method: 'certificate', certificate: at(words.certificate), key: secret(words.key) }
  }
}
