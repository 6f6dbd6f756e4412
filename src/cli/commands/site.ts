import { closeSync, openSync, readFileSync, renameSync, unlinkSync, writeSync } from 'node:fs'
import { hostname } from 'node:os'
import { hostStanding } from '../../addresses.ts'
import { openResolver, type Resolver } from '../../directory.ts'
import { type Problem, ProblemError, problem, type Site } from '../../model.ts'
import { checkReferences, readSite, type SiteFile, siteJsonSchema } from '../../site.ts'
import { readText } from '../files.ts'
import { type Io, json, wrap } from '../io.ts'

type Flags = Readonly<Record<string, string | boolean | undefined>>

export async function run(words: readonly string[], flags: Flags, io: Io): Promise<number> {
  const [verb, file = 'slmctl.yaml', ...more] = words
  if (more.length === 0) {
    if (verb === 'init') return await init(file, flags, io)
    if (verb === 'check') return await check(file, flags.json === true, io)
    if (verb === 'schema' && words.length === 1) {
      io.out(json(siteJsonSchema()))
      return 0
    }
  }
  throw new ProblemError(
    problem(
      'USAGE',
      verb === undefined ? 'site wants to know what to do: init, check or schema.' : 'site knows init, check and schema, and one file.',
      [
        'slmctl site init: write one to begin with',
        'slmctl site check slmctl.yaml: read it, and look at its hosts',
        'slmctl site schema > slmctl.schema.json: for your editor',
      ],
    ),
  )
}

/** A KMS host of the site file, or one that DNS publishes for a domain of it, held against the declaration. */
type HostCheck = {
  readonly name: string
  readonly port: number
  /** `site`: the file names it; a domain: DNS publishes it there. */
  readonly from: string
  readonly addresses: readonly string[]
  readonly verdict: 'authorised' | 'not-authorised' | 'unknown' | 'could-not-ask'
  readonly because: string | null
}

/** The answer of `site check`: schema `slmctl.site-check/1`. */
type SiteCheck = {
  readonly schema: 'slmctl.site-check/1'
  readonly file: string
  readonly organisation: string | null
  readonly domains: readonly string[]
  readonly networks: readonly string[]
  readonly machines: number
  readonly groups: number
  readonly hosts: readonly HostCheck[]
  /** What is not as it should be. */
  readonly findings: readonly Problem[]
  /** What could not be asked: not a finding, and not "nothing found". */
  readonly problems: readonly Problem[]
}

async function check(file: string, asJson: boolean, io: Io): Promise<number> {
  const read = readText(file)
  if (read.text === null)
    throw new ProblemError({ ...read.problem, next: ['slmctl site init writes one to begin with; slmctl site check FILE names another.'] })
  const { siteFile, problems } = readSite(file, read.text.text)
  if (problems.some((p) => p.code === 'SITE_NOT_YAML')) throw new ProblemError(...problems)
  const answer: SiteCheck =
    siteFile === null
      ? {
          schema: 'slmctl.site-check/1',
          file,
          organisation: null,
          domains: [],
          networks: [],
          machines: 0,
          groups: 0,
          hosts: [],
          findings: problems,
          problems: [],
        }
      : await checked(siteFile)
  if (asJson) io.out(json(answer))
  else show(answer, io)
  return answer.findings.length > 0 ? 1 : answer.problems.length > 0 ? 2 : 0
}

async function checked(siteFile: SiteFile): Promise<SiteCheck> {
  const { site, file } = siteFile
  const findings: Problem[] = []
  const problems: Problem[] = []
  const names = openResolver({ servers: site.dnsServers })
  const note = (host: HostCheck, line: number | undefined, next: string): HostCheck => {
    const where = { file, ...(line === undefined ? {} : { line }) }
    const summary = `${host.name}: ${host.because}`
    if (host.verdict === 'not-authorised') findings.push(problem('HOST_NOT_AUTHORISED', summary, [next], where))
    if (host.verdict === 'unknown')
      findings.push(problem('HOST_UNKNOWN', summary, ['Correct the name, or publish its address in DNS.'], where))
    if (host.verdict === 'could-not-ask') problems.push(problem('DNS_UNANSWERED', summary, ['Try again when DNS answers.'], where))
    return host
  }
  const named = await Promise.all(
    site.kmsHosts.map(async ({ name, port }) => ({
      name,
      port,
      from: 'site',
      ...(await hostStanding(name, site, names.addresses, site.domains.length > 0)),
    })),
  )
  const hosts = named.map((host, i) =>
    note(host, siteFile.kmsHostLines[i], 'Correct the host, or declare its domain and network if they are yours: slmctl uses no other.'),
  )
  const published = await Promise.all(site.domains.map(async (domain) => ({ domain, ...(await publishedIn(domain, site, names)) })))
  for (const { domain, found, unasked } of published) {
    if (unasked) problems.push(unasked)
    hosts.push(
      ...found.map((host) =>
        note(host, undefined, `Correct the records _vlmcs._tcp.${domain}: machines that look for a host may take it.`),
      ),
    )
  }
  findings.push(...(await checkReferences(siteFile)))
  return {
    schema: 'slmctl.site-check/1',
    file,
    organisation: site.organisation,
    domains: site.domains,
    networks: site.networks,
    machines: siteFile.machines.size,
    groups: site.groups.length,
    hosts,
    findings,
    problems,
  }
}

/** What machines of a domain find by themselves. */
async function publishedIn(domain: string, site: Site, names: Resolver): Promise<{ found: HostCheck[]; unasked: Problem | null }> {
  try {
    const records = await names.srv(`_vlmcs._tcp.${domain}`)
    const known = new Set(site.kmsHosts.map((h) => h.name.toLowerCase().replace(/\.$/, '')))
    const found = await Promise.all(
      records.map(async ({ target, port }) => ({
        name: target,
        port,
        from: domain,
        ...(await hostStanding(target, site, names.addresses, !known.has(target))),
      })),
    )
    return { found, unasked: null }
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error
    return { found: [], unasked: error.problems[0]! }
  }
}

const colour = { authorised: 'green', 'not-authorised': 'red', unknown: 'yellow', 'could-not-ask': 'yellow' } as const

function show(answer: SiteCheck, io: Io): void {
  io.out(`${io.paint('bold', answer.file)}${answer.organisation ? `  ${answer.organisation}` : ''}\n`)
  const row = (label: string, values: readonly string[]) => {
    if (values.length > 0) io.out(wrap(values.join(', '), io.columns, `  ${label.padEnd(10)}`))
  }
  row('domains', answer.domains)
  row('networks', answer.networks)
  if (answer.groups > 0) row('machines', [`${answer.machines} in ${answer.groups} ${answer.groups === 1 ? 'group' : 'groups'}`])
  const sources = [...new Set(answer.hosts.map((h) => h.from))]
  for (const from of sources) {
    io.out(`\n${from === 'site' ? 'KMS hosts of the file' : `Published by _vlmcs._tcp.${from}`}\n`)
    for (const host of answer.hosts.filter((h) => h.from === from)) {
      const label = host.port === 1688 ? host.name : `${host.name}:${host.port}`
      io.out(`  ${io.paint(colour[host.verdict], host.verdict.padEnd(16))}${label}\n`)
      if (host.addresses.length > 0) io.out(io.paint('dim', wrap(host.addresses.join(', '), io.columns, ' '.repeat(18))))
    }
  }
  const tell = (title: string, problems: readonly Problem[]) => {
    if (problems.length > 0) io.out(`\n${io.paint('bold', title)}\n`)
    for (const p of problems) {
      const where = p.line === null ? '' : `line ${p.line}${p.column === null ? '' : `, column ${p.column}`}: `
      io.out(wrap(`${p.code}: ${where}${p.summary}`, io.columns, '  '))
      for (const next of p.next) io.out(wrap(next, io.columns, '    - ', '      '))
    }
  }
  tell('Not as it should be', answer.findings)
  tell('Could not ask', answer.problems)
  if (answer.findings.length + answer.problems.length === 0) io.out(`\n${io.paint('green', 'Nothing to remark.')}\n`)
}

/** Writes a first site file, with what this computer's own settings tell. A file that is there stays, `--force` keeps it aside. */
async function init(file: string, flags: Flags, io: Io): Promise<number> {
  const domain = domainsHere().find((d) => readSite(file, firstFile(d, [])).problems.length === 0) ?? null
  const published = domain === null ? [] : await publishedNames(domain)
  const text = firstFile(domain, published)
  let kept: string | null = null
  if (flags.force === true) kept = keepAside(file)
  let fd: number
  try {
    fd = openSync(file, 'wx', 0o644)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new ProblemError(
      code === 'EEXIST'
        ? problem(
            'FILE_EXISTS',
            'It is there already, and is left as it is.',
            ['slmctl site check reads it.', 'Another name: slmctl site init FILE. --force keeps the old one aside.'],
            { file },
          )
        : problem('FILE_UNWRITABLE', `It cannot be written (${code}).`, ['Name a file in a folder that you may write to.'], { file }),
    )
  }
  try {
    writeSync(fd, text)
  } finally {
    closeSync(fd)
  }
  if (flags.json) {
    io.out(json({ schema: 'slmctl.site-init/1', file, kept, domain }))
    return 0
  }
  io.out(
    wrap(
      `Wrote ${file}${kept ? `; the old one is now ${kept}` : ''}. It declares ${domain === null ? 'the domain corp.example: put in your own' : `the domain ${domain}, as this computer is in it`}, and the private networks. Correct both: only what it declares may be used.`,
      io.columns,
    ),
  )
  io.out(`\nNext:  slmctl site check ${file}\n`)
  return 0
}

/** Moves a file out of the way by the first free name; its name, or null where there was none. */
function keepAside(file: string): string | null {
  for (let n = 1; n < 1000; n++) {
    const aside = `${file}.${n}`
    try {
      // Claims the name first, so that nothing that is there is written over.
      closeSync(openSync(aside, 'wx'))
    } catch {
      continue
    }
    try {
      renameSync(file, aside)
      return aside
    } catch (error) {
      unlinkSync(aside)
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
      throw new ProblemError(problem('FILE_UNWRITABLE', 'The old file cannot be moved aside.', ['Name another file.'], { file }))
    }
  }
  throw new ProblemError(
    problem('FILE_EXISTS', 'Too many old files stand beside it.', ['Clear them away, or name another file.'], { file }),
  )
}

/** DNS domains that this computer's own settings name, the likeliest first. */
function domainsHere(): string[] {
  const found = [process.env.USERDNSDOMAIN, hostname().split('.').slice(1).join('.')]
  if (process.platform !== 'win32') {
    try {
      for (const line of readFileSync('/etc/resolv.conf', 'utf8').split('\n')) {
        const [word, ...values] = line.trim().split(/\s+/)
        if (word === 'search' || word === 'domain') found.push(...values)
      }
    } catch {
      // No such settings here, then.
    }
  }
  return [...new Set(found.flatMap((d) => (d ? [d.toLowerCase().replace(/\.$/, '')] : [])))].filter(
    (d) => d.includes('.') && !/(?:^|\.)(?:local|localdomain|lan|home|internal|arpa|invalid|localhost)$/.test(d),
  )
}

async function publishedNames(domain: string): Promise<readonly string[]> {
  try {
    return (await openResolver({ servers: [], timeoutMs: 700 }).srv(`_vlmcs._tcp.${domain}`)).map((r) => r.target)
  } catch {
    return []
  }
}

function firstFile(domain: string | null, published: readonly string[]): string {
  const d = domain ?? 'corp.example'
  const hosts = published.length > 0 ? published : [`kms1.${d}`]
  return `# The site file of slmctl: what this organisation owns. Nothing outside it is used.
# Check it with: slmctl site check. Every word: docs/guide/README.md, "The site file".
# For completion in an editor: slmctl site schema > slmctl.schema.json, and as the first line here
#   yaml-language-server: $schema=slmctl.schema.json

organisation: Our organisation

# DNS domains whose records may publish our KMS hosts.${domain === null ? ' CHANGE THIS.' : ''}
domains: [${d}]

# Where our KMS hosts may stand. Narrow these; public networks have a prefix of /16 or longer.
networks: [10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16]

# Our KMS hosts. Without them, what the domains publish is used.${published.length > 0 ? ' DNS publishes these today:' : ''}
# kms:
#   hosts:
${hosts.map((h) => `#     - ${h}\n`).join('')}
# Clouds whose own KMS is right for our machines there: azure, aws, google, oracle.
# platforms: [azure]

# What is wished; the first that fits a product holds. Others: ad, mak, esu, avma, leave.
wishes:
  - { product: windows, by: kms }
  - { product: office, by: kms }

# Who slmctl is to the machines: references, never a password. Without any, the Kerberos ticket of whoever runs it.
# credentials:
#   admin: { method: kerberos }
#   other: { method: ntlm, user: CORP\\admin, password: { file: admin.password } }  # chmod 600
#   local: { method: ntlm, user: Administrator, password: { keyring: { service: slmctl, account: local } } }

# How machines are reached: http (sealed by Kerberos or NTLM) or https (verified).
# reach: { transport: http, credential: admin }

# Machines that are looked after alike; a group may have its own reach and wishes.
# groups:
#   clients:
#     machines: [pc-001.${d}, { name: kiosk-1, transport: https, credential: local, ca: [ca.pem] }]
`
}
