import { addressKind, canonicalHost } from '../../addresses.ts'
import { numberOf, platformNames, platformOfHost } from '../../catalogue.ts'
import type { Site } from '../../model.ts'
import { hex } from '../clues/shapes.ts'
import { applying, at, called, inReach, overtaken, productRule, type Remark, rule, shown, toOwnHost } from './rule.ts'

const windowsClient = numberOf('threshold.windowsClient')
const windowsServer = numberOf('threshold.windowsServer')
const office = numberOf('threshold.office')

/** A KMS host whose count is under the thresholds activates nobody; a count of 0 is normal where AD-based activation is used. */
export const hostCount = productRule('host-count', 'A KMS host below its threshold, or one that nobody has asked', (p, { facts }) => {
  if (p.channel !== 'kms-host' || p.count === null) return null
  const seen = shown(
    p,
    ['KeyManagementServiceCurrentCount', `the host counts ${p.count}`],
    ['KeyManagementServiceTotalRequests', `it has had ${p.totalRequests ?? '?'} requests`],
  )
  const adba = facts.events.some((e) => e.id === 12308)
  if (p.count === 0 && (adba || !p.totalRequests)) {
    return {
      severity: 'info',
      summary: adba
        ? 'The KMS count is 0, and that is normal: clients here are activated through Active Directory, which never raises a KMS count.'
        : `No client has asked this KMS host yet (${p.application === 'office' ? `Office needs ${office} different machines` : `client Windows needs ${windowsClient}, Windows Server and Office ${windowsServer}`}). Where Active Directory-based activation is used, 0 is normal.`,
      evidence: seen,
      next: adba
        ? []
        : ['On a client, see which host it would ask: slmgr /dlv (the line "KMS machine name"), or nslookup -type=srv _vlmcs._tcp.'],
    }
  }
  const need = p.application === 'office' ? office : windowsClient
  if (p.count >= need) return null
  const servers = p.application !== 'office' && p.count >= windowsServer
  return {
    severity: servers ? 'attention' : 'action',
    summary: servers
      ? `The KMS count is ${p.count}: enough for Windows Server and Office (${windowsServer}), not for client Windows (${windowsClient}).`
      : `The KMS count is ${p.count}, below ${p.application === 'office' ? `the ${office} that Office needs` : `the ${windowsServer} that Windows Server needs and the ${windowsClient} that client Windows needs`}: this host activates no client at the moment${p.totalRequests ? `, although ${p.totalRequests} requests came` : ''}.`,
    evidence: seen,
    next: [
      `Let more different machines ask this host: it counts each CMID once and forgets it after ${numberOf('count.windowDays')} days.`,
      'Look for copied images that share one CMID (event 12290 on the host names them).',
      'For a small number of machines use Active Directory-based activation or a MAK.',
    ],
  }
})

/** What a client was told: the host answered, its count is too low. */
export const clientCount = rule('client-count', 'A client that was told a count below its threshold', ({ facts }) => {
  const answer = facts.events.findLast((e) => e.id === 12289 && e.count !== null)
  const asked = facts.events.findLast((e) => e.id === 12288 && e.requiredCount !== null)
  if (!answer || !asked || answer.count! >= asked.requiredCount!) return []
  return [
    {
      severity: 'action',
      summary: `The KMS host counts ${answer.count}, this product needs ${asked.requiredCount}.`,
      evidence: [...at(answer.cell, `count ${answer.count}`), ...at(asked.cell, `needs ${asked.requiredCount}`)],
      next: ['Let more different machines ask this host, or use Active Directory-based activation or a MAK.'],
    },
  ]
})

const declares = (site: Site | null, host: string): boolean =>
  site?.kmsHosts.some((h) => canonicalHost(h.name) === canonicalHost(host)) ?? false

/** Codes that say no host was found or none answered. */
const unreachable = new Set([
  0xc004f074, 0xc004f039, 0x8007232b, 0x8007232a, 0x8007251d, 0x8007267c, 0x8007007b, 0x800706ba, 0x80092328, 0x8007274c, 0x8007274d,
  0x80072af9,
])

export const hostNotFound = rule('host-not-found', 'No KMS host was found, or none answered', (asked) => {
  const { facts } = asked
  const own = applying(asked)
  const remarks: Remark[] = []
  const seen = new Set<number>()
  for (const clue of facts.codes) {
    if (!unreachable.has(clue.code) || seen.has(clue.code) || overtaken(facts, clue.cell)) continue
    seen.add(clue.code)
    // A clock difference, when the events show one, is the cause behind "no host could be contacted".
    if (clue.code === 0xc004f074 && facts.codes.some((c) => c.code === 0xc004f06c)) continue
    const dns =
      clue.code === 0x8007232b ||
      clue.code === 0x8007251d ||
      clue.code === 0x8007232a ||
      clue.code === 0x8007267c ||
      clue.code === 0x80092328
    // The product whose line the code stands in; else the first KMS client that is not activated.
    const saying = facts.products.findIndex(
      (p) =>
        p.attempt?.cell.line === clue.cell.line ||
        ['LicenseStatusReason', 'ErrorCode', 'EventCode'].some(
          (c) => p.cells.get(c)?.line === clue.cell.line && p.cells.get(c)?.source === clue.cell.source,
        ),
    )
    const index = saying >= 0 ? saying : facts.products.findIndex((p) => p.channel === 'kms-client' && p.state !== 'licensed' && !p.addOn)
    // What a key that is left over asked for is nobody's trouble.
    if (facts.products[index]?.stale) continue
    const licensed =
      index < 0
        ? facts.products.some((p) => p.state === 'licensed' && p.channel === 'kms-client')
        : facts.products[index]!.state === 'licensed'
    const asking = facts.products[index] ?? facts.products.find((p) => p.host.found === 'override')
    const override = asking?.host.found === 'override' ? asking.host.name : null
    const platform = override ? platformOfHost(override) : null
    const who = facts.products.length > 1 && facts.products[index] ? ` (${called(facts.products[index])})` : ''
    remarks.push({
      severity: licensed ? 'attention' : 'action',
      summary: dns
        ? `The machine looked for a KMS host in DNS and found none${who} (${hex(clue.code)}).`
        : `No KMS host could be reached${who}${override ? `; the machine is told to use ${override}` : ''} (${hex(clue.code)}).`,
      evidence: at(clue.cell, 'the code that was reported'),
      next: dns
        ? [
            'Check the record on the machine: nslookup -type=srv _vlmcs._tcp',
            `Check that the machine’s DNS suffix is a domain in which your KMS host publishes itself; else set your host: ${own ?? 'slmgr /skms HOST'}`,
          ]
        : [
            platform
              ? `${override} is the cloud platform’s own KMS: see the provider’s page; the machine must reach it on TCP 1688.`
              : override
                ? declares(asked.site, override)
                  ? `${override} is in the site file: see whether it answers: slmctl hosts check ${override}`
                  : `Check that ${override} is your KMS host; if not, ${toOwnHost(own, asking!)}`
                : 'See which host the machine asks: slmgr /dlv, or nslookup -type=srv _vlmcs._tcp',
            'Check that TCP port 1688 of that host answers from this machine: Test-NetConnection HOST -Port 1688',
            inReach(asked)
              ? `How far it came, by its own log and that of the host: slmctl hosts story ${facts.id}`
              : 'The events 12288 and 12289 in the Application log carry the real code and the host that was asked.',
          ],
      ...(index >= 0 ? { product: index } : {}),
    })
  }
  return remarks
})

/** A host that was set by hand turns DNS discovery off. */
export const hostOverride = productRule('host-override', 'A KMS host set by hand, against what DNS publishes', (p) => {
  const dns = p.cells.get('KmsFromDns') ?? p.cells.get('DiscoveredKeyManagementServiceMachineName')
  const discovered = dns?.value.replace(/:\d+$/, '')
  if (
    p.host.found !== 'override' ||
    !p.host.name ||
    !discovered ||
    /not available/i.test(discovered) ||
    discovered.toLowerCase() === p.host.name.toLowerCase()
  )
    return null
  return {
    severity: 'info',
    summary: `A host is set by hand (${p.host.name}), so the one that DNS publishes (${discovered}) is not asked.`,
    evidence: [
      ...shown(p, ['KmsRegistered', 'set by hand'], ['KeyManagementServiceMachine', 'set by hand']),
      ...at(dns, 'published in DNS'),
    ],
    next: ['If DNS is right, clear the setting: slmgr /ckms'],
  }
})

/** Names that say that a machine has another job. */
const otherRole = /^(?:ftp|www|mail|smtp|pop|imap|proxy|vpn|gw|router|fw|firewall|printer?|backup|db|sql|web|gate(?:way)?)\d*[.-]/i

export const hostRole = productRule('host-role', 'A KMS host whose name speaks of another role', (p) => {
  const name = p.host.name
  if (!name || !otherRole.test(`${name}.`)) return null
  return {
    severity: 'info',
    summary: `The KMS host is called ${name}, a name for another role. Check that it is the machine that holds your KMS host key.`,
    honest: 'Small networks let one server do several jobs.',
    evidence: shown(p, ['KmsFromDns', 'the KMS host'], ['KmsRegistered', 'the KMS host'], ['KeyManagementServiceMachine', 'the KMS host']),
    next: [`On ${name}: slmgr /dlv must show a licensed KMS host key (channel Volume:CSVLK).`],
  }
})

const activationDefault = numberOf('activation.defaultMinutes')
const renewalDefault = numberOf('renewal.defaultMinutes')

export const intervals = productRule('intervals', 'Intervals of a KMS client that are not the defaults', (p) => {
  const a = p.activationIntervalMinutes
  const r = p.renewalIntervalMinutes
  if (p.channel !== 'kms-client' || a === null || r === null) return null
  if (a === activationDefault && r === renewalDefault) return null
  const min = numberOf('interval.minMinutes')
  const max = numberOf('interval.maxMinutes')
  const outside = [a, r].some((n) => n < min || n > max)
  return {
    severity: outside ? 'attention' : 'info',
    summary: outside
      ? `The intervals (${a} and ${r} minutes) are outside what Windows accepts (${min} to ${max}).`
      : `The intervals are ${a} and ${r} minutes, not the defaults (${activationDefault} and ${renewalDefault}): the host or the client was tuned.`,
    evidence: shown(
      p,
      ['VLActivationInterval', `${a} minutes between attempts before activation`],
      ['VLRenewalInterval', `${r} minutes between renewals`],
    ),
    next: ['Ask who set them and why; the host’s values are taken over by its clients (slmgr /sai, slmgr /sri).'],
  }
})

export const loopbackHost = productRule('host-loopback', 'A KMS host that is the machine itself', (p, asked) => {
  const { facts } = asked
  const address = [p.host.ip, p.host.name].find((h) => h && (addressKind(h) === 'loopback' || /^localhost$/i.test(h)))
  if (!address || p.channel === 'kms-host' || facts.products.some((o) => o.channel === 'kms-host' && o.state === 'licensed')) return null
  return {
    severity: 'attention',
    summary: `${called(p)} asks the machine itself (${address}) for activation.`,
    honest:
      'An Office client on the KMS host itself may ask it there; a port forwarder or tunnel may listen there. A Windows client cannot be its own KMS host.',
    evidence: shown(
      p,
      ['KmsRegistered', 'the KMS host'],
      ['KmsFromDns', 'the KMS host'],
      ['KeyManagementServiceMachine', 'the KMS host'],
      ['DiscoveredKeyManagementServiceMachineIpAddress', 'the address of the KMS host'],
    ),
    next: [
      'See what listens on TCP port 1688 of this machine: netstat -abno | findstr 1688',
      `If it is not your KMS host, ${toOwnHost(applying(asked), p)}`,
    ],
  }
})

export const platformNotes = rule('cloud-platform', 'What a cloud’s agent says about activation', ({ facts }) => {
  const remarks: Remark[] = []
  const byol = facts.notes.find((n) => n.note === 'aws-byol')
  if (byol) {
    remarks.push({
      severity: 'attention',
      summary: 'This AWS instance runs with its owner’s licence (BYOL): AWS does not activate it, your own KMS host or AD must.',
      evidence: at(byol.cell, 'the agent skipped activation because of BYOL'),
      next: [
        'Check the state on the machine: slmgr /dlv',
        'Let the instance reach your own KMS host (TCP 1688, or DNS publishing in its domain), then slmgr /ato',
      ],
    })
  }
  const attempt = facts.notes.findLast((n) => n.note === 'aws-attempt')
  if (attempt && !byol) {
    const failed = /fail|unable|error|could not|cannot|timed? ?out/i.test(attempt.value)
    remarks.push({
      severity: failed ? 'action' : 'info',
      summary: failed
        ? 'The agent of AWS could not activate this instance against AWS’s own KMS.'
        : 'The agent of AWS activates this instance against AWS’s own KMS; your KMS host has no part in it.',
      evidence: at(attempt.cell, 'what the agent says'),
      next: failed
        ? [
            'See AWS’s page on Windows activation: routes to 169.254.169.250 and .251, the right DNS suffix.',
            'slmgr /dlv on the machine tells its state.',
          ]
        : ['slmgr /dlv on the machine tells its state.'],
    })
  }
  const named = facts.notes.find((n) => n.note === 'platform-host')
  if (named && !attempt) {
    remarks.push({
      severity: 'info',
      summary: `The text names the KMS of ${platformNames[named.value as keyof typeof platformNames] ?? 'a cloud platform'}, which is for its own virtual machines only.`,
      evidence: at(named.cell, 'a cloud platform’s own KMS'),
      next: ['slmgr /dlv on the machine tells its state; for a virtual machine there see the provider’s page on Windows activation.'],
    })
  }
  return remarks
})

/** A host that turns many of its clients away. */
export const failedRequests = productRule('failed-requests', 'A KMS host of whose requests many failed', (p) => {
  if (
    p.channel !== 'kms-host' ||
    !p.totalRequests ||
    p.failedRequests === null ||
    p.failedRequests < 20 ||
    p.failedRequests < p.totalRequests / 10
  )
    return null
  return {
    severity: 'info',
    summary: `${p.failedRequests} of ${p.totalRequests} requests to this KMS host failed.`,
    evidence: shown(p, ['KeyManagementServiceFailedRequests', 'failed requests'], ['KeyManagementServiceTotalRequests', 'all requests']),
    next: ['Event 12290 in the Key Management Service log of the host carries the code and the client of each request.'],
  }
})
