import { type HostUpdateRow, hostUpdates, numberOf, officeChannels } from '../../catalogue.ts'
import type { MachineFacts } from '../facts/machine.ts'
import { multiSession } from '../facts/system.ts'
import { at, called, capital, days, productRule, rule } from './rule.ts'

/** What could not be asked is said: nothing follows from silence. */
export const couldNotAsk = rule('could-not-ask', 'A question that the machine did not answer', ({ facts }) =>
  facts.unasked.map((u) => ({
    severity: 'info' as const,
    summary: `Could not ask for ${u.about}: ${u.problem.summary}`,
    evidence: [],
    next: u.problem.next,
  })),
)

const skew = numberOf('clock.maxSkewHours') * 60

/** A KMS host compares clocks in UTC and refuses what is more than four hours apart; certificates and Kerberos fail sooner. */
export const clockAway = rule('clock-away', 'A machine whose clock is hours away from ours', ({ facts }) => {
  const ahead = facts.system?.clockAheadMinutes ?? null
  if (ahead === null || Math.abs(ahead) <= skew) return []
  const index = facts.products.findIndex((p) => p.channel === 'kms-client' && !p.addOn)
  return [
    {
      severity: index >= 0 ? 'action' : 'attention',
      summary: `The machine’s clock is ${days(Math.abs(ahead))} ${ahead > 0 ? 'ahead of' : 'behind'} ours; a KMS host refuses a request that is more than ${skew / 60} hours off.`,
      honest: 'Our own clock may be the wrong one.',
      evidence: at(facts.system?.cells.get('LocalDateTime'), 'the machine’s time'),
      next: ['Set the clock and the time zone right: w32tm /query /status, w32tm /resync'],
      ...(index >= 0 ? { product: index } : {}),
    },
  ]
})

/** True where the licences were told, and none of Windows has a key. */
export function lacksWindows(facts: MachineFacts): boolean {
  return (
    facts.system !== null &&
    !facts.unasked.some((u) => u.question === 'products') &&
    !facts.products.some((p) => p.application === 'windows' && !p.addOn)
  )
}

export const noWindowsKey = rule('no-windows-key', 'A machine on which no entry of Windows has a product key', ({ facts }) =>
  lacksWindows(facts)
    ? [
        {
          severity: 'action' as const,
          summary: 'No entry of Windows has a product key: nothing activates this Windows.',
          honest: 'The key may just have been removed to install another one.',
          evidence: at(facts.system?.cells.get('Caption'), 'the system'),
          next: ['Give it its own licence, or the client key of its edition where a volume licence covers it: slmctl keys windows'],
        },
      ]
    : [],
)

/** Enterprise multi-session away from Azure, by what the firmware says. */
export function isAway(facts: MachineFacts): boolean {
  return facts.system?.sku === multiSession && facts.system.platform !== 'azure' && !facts.unasked.some((u) => u.question === 'enclosure')
}

/** Enterprise multi-session is for Azure Virtual Desktop; elsewhere it is not licensed and no KMS activates it (Microsoft's FAQ on it). */
export const multiSessionAway = rule('multi-session-away', 'An Enterprise multi-session edition outside Azure', ({ facts }) => {
  const { system } = facts
  if (!system || !isAway(facts)) return []
  const index = facts.products.findIndex((p) => p.application === 'windows' && !p.addOn)
  return [
    {
      severity: 'attention',
      summary:
        'This is Windows Enterprise multi-session, which is licensed for Azure Virtual Desktop only; the machine does not look like one of Azure.',
      honest: 'A session host on Azure Local is allowed and may look like this.',
      evidence: [
        ...at(system.cells.get('OperatingSystemSKU'), 'Enterprise for Virtual Desktops'),
        ...at(system.cells.get('SMBIOSAssetTag') ?? system.cells.get('Manufacturer'), 'where it runs'),
      ],
      next: ['If it is no session host of Azure Virtual Desktop, install Windows Enterprise or Windows Server in its place.'],
      ...(index >= 0 ? { product: index } : {}),
    },
  ]
})

/** `VOLUME_KMS_WS25 channel`: the release whose clients the host key serves. */
const keyRelease = /VOLUME_KMS_W?S?(?:20)?(25|22|19|16)\b/
const serverBuilds: Readonly<Record<number, string>> = {
  20348: 'Windows Server 2022',
  17763: 'Windows Server 2019',
  14393: 'Windows Server 2016',
}

/** A host key of a newer release works on an older host only with an update (Microsoft's planning page). */
export const hostKeyUpdate = productRule(
  'host-key-update',
  'A KMS host key of a newer release on an older host without its update',
  (p, { facts }) => {
    const release = keyRelease.exec(p.description ?? '')?.[1]
    const host = serverBuilds[facts.system?.build ?? 0]
    if (p.channel !== 'kms-host' || !release || !host) return null
    const serves = `Windows Server 20${release}`
    const row = (hostUpdates as readonly HostUpdateRow[]).find((r) => r.hostOS === host && r.toActivate.includes(serves))
    const needs = row?.revisions?.find((r) => r.toActivate === serves && r.build === facts.system?.build)
    if (!row || !needs || serves === host) return null
    const { revision } = facts.system!
    if (revision !== null && revision >= needs.least) return null
    const update = row.update[row.toActivate.indexOf(serves)] ?? row.update[0]!
    return {
      severity: revision === null ? 'attention' : 'action',
      summary:
        revision === null
          ? `The host key of ${serves} on ${host} needs ${update}; whether it is installed could not be found out.`
          : `The host key of ${serves} on ${host} needs ${update} (revision ${needs.least}); this host has revision ${revision} and will not activate ${serves}.`,
      evidence: [
        ...at(p.cells.get('Description'), `the host key of ${serves}`),
        ...at(facts.system?.cells.get('BuildNumber'), host),
        ...at(facts.system?.cells.get('UBR'), `revision ${revision}`),
      ],
      next: [`Install the latest cumulative update on the host, then activate the host key again: slmgr /ato`],
    }
  },
)

/** A volume Office is updated by the channel of its own release; on another one it is brought to what it has no licence for. */
export const ltscChannel = rule('ltsc-channel', 'A volume Office on the update channel of another product', ({ facts }) => {
  const { office } = facts
  if (!office) return []
  const volume = office.releaseIds.flatMap((id) => {
    const year = /(2019|2021|2024)Volume$/i.exec(id)?.[1]
    return year ? [{ id, year }] : []
  })
  const wrong = volume.find((v) => office.channelId !== null && officeChannels.find((c) => c.volume === v.year)?.id !== office.channelId)
  if (!wrong) return []
  const right = officeChannels.find((c) => c.volume === wrong.year)!.channel
  const index = facts.products.findIndex((p) => p.application === 'office' && (p.edition?.includes(wrong.year) ?? false))
  return [
    {
      severity: 'attention',
      summary: `${wrong.id} is on the update channel ${office.channel ?? office.channelId}; a volume Office ${wrong.year} belongs on ${right} and gets wrong builds, or none, elsewhere.`,
      evidence: [
        ...at(office.cells.get('ProductReleaseIds'), 'what is installed'),
        ...at(office.cells.get('UpdateChannel') ?? office.cells.get('CDNBaseUrl'), 'the update channel'),
      ],
      next: [
        `Change the channel with the Office Deployment Tool (Updates Channel="${right}"), or by policy; where a retail Office was turned into a volume one, remove it and install the volume product.`,
      ],
      ...(index >= 0 ? { product: index } : {}),
    },
  ]
})

/** Shared computer licensing: every user brings the licence along; nothing of it is in WMI. */
export const sharedComputer = rule('shared-computer', 'Microsoft 365 Apps with shared computer licensing', ({ facts }) =>
  facts.office?.sharedComputer
    ? [
        {
          severity: 'info' as const,
          summary: 'Office uses shared computer licensing: each user’s own licence is fetched at sign-in, and WMI shows none of them.',
          evidence: at(facts.office.cells.get('SharedComputerLicensing'), 'shared computer licensing is on'),
        },
      ]
    : [],
)

/** Microsoft 365 Apps are licensed to users; no product key of theirs may be there at all. */
export const perUserOffice = rule('per-user-office', 'An Office whose licences belong to users', ({ facts }) => {
  const ids = facts.office?.releaseIds.filter((id) => /^(?:O365|M365)|^(?:ProjectPro|ProjectStd|VisioPro|VisioStd)Retail$/i.test(id)) ?? []
  const seen = facts.products.some((p) => p.channel === 'subscription' && p.application === 'office' && p.state === 'licensed')
  if (ids.length === 0 || seen || facts.office?.sharedComputer) return []
  return [
    {
      severity: 'info' as const,
      summary: `${ids.join(', ')} is installed. Licences of single users are not visible to WMI: whether its users are licensed, Office itself (File, Account) and the Microsoft 365 admin centre tell.`,
      evidence: at(facts.office?.cells.get('ProductReleaseIds'), 'what is installed'),
    },
  ]
})

/** The machine is a KMS host itself. */
export const kmsHostMachine = rule('kms-host-machine', 'A machine that is a KMS host, and its counters', ({ facts }) => {
  const role = facts.hostRole
  if (!role) return []
  const asked =
    role.totalRequests === null ? '' : `, ${role.totalRequests} requests${role.failedRequests ? ` (${role.failedRequests} failed)` : ''}`
  return [
    {
      severity: 'info' as const,
      summary: `This machine is a KMS host: count ${role.count ?? 'not known'}${asked}${role.publishes === false ? '; it does not publish itself in DNS' : ''}${role.listeningPort && role.listeningPort !== 1688 ? `; it listens on port ${role.listeningPort}` : ''}.`,
      evidence: [
        ...at(role.cells.get('KeyManagementServiceCurrentCount'), `count ${role.count}`),
        ...at(role.cells.get('KeyManagementServiceTotalRequests'), 'all requests'),
      ],
      ...(role.product === null ? {} : { product: role.product }),
    },
  ]
})

/** A host set for one application is in the registry alone: neither slmgr nor WMI shows it. */
export const applicationHostSet = productRule('application-host', 'A KMS host that is set for one application', (p) => {
  const cell = p.cells.get('KmsForApplication')
  if (!cell) return null
  return {
    severity: 'info',
    summary: `${capital(called(p))} uses ${cell.value}, which is set in the registry for ${p.application === 'office' ? 'Office' : 'Windows'} alone; slmgr does not show it.`,
    evidence: at(cell, 'the KMS host of the application'),
  }
})
