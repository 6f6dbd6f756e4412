import { isIP } from 'node:net'
import { maskKeys } from '../model.ts'
import { hider, ordinary } from './hide.ts'

/** What a name is the name of. */
export type NameKind =
  | 'machine'
  | 'host'
  | 'domain'
  | 'user'
  | 'organisation'
  | 'client-machine-id'
  | 'product-id'
  | 'address'
  | 'serial'
  | 'directory-name'
  | 'number'
  /** Beyond what machines say: what a site file and a command line name. */
  | 'group'
  | 'network'
  | 'credential'
  | 'file'
  | 'agreement'
  | 'signer'

/** Properties, registry values and arguments whose values name somebody or something, by lower-case name. */
const kinds: ReadonlyMap<string, NameKind> = new Map<string, NameKind>(
  (
    [
      ['machine', ['CSName', 'DNSHostName', 'PSComputerName', '__SERVER', 'SystemName', 'ComputerName', 'NodeName']],
      [
        'host',
        [
          'KeyManagementServiceMachine',
          'DiscoveredKeyManagementServiceMachineName',
          'KeyManagementServiceName',
          'MachineName',
          'AutomaticVMActivationHostMachineName',
        ],
      ],
      ['domain', ['Domain', 'KeyManagementServiceLookupDomain', 'LookupDomain', 'Workgroup', 'NV Domain', 'DhcpDomain']],
      ['user', ['UserName', 'RegisteredUser', 'RegisteredOwner', 'PrimaryOwnerName', 'PrimaryOwnerContact', 'LastLoggedOnUser']],
      ['organisation', ['Organization', 'RegisteredOrganization']],
      ['client-machine-id', ['ClientMachineID', 'AutomaticVMActivationGuestId', 'UUID', 'MachineGuid']],
      [
        'product-id',
        [
          'ProductKeyID',
          'ProductKeyID2',
          'KeyManagementServiceProductKeyID',
          'ADActivationCsvlkPid',
          'AutomaticVMActivationHostDigitalPid2',
          'GenuineProductKeyID',
          'ProductId',
          'DigitalProductId',
          'DigitalProductId4',
        ],
      ],
      ['address', ['DiscoveredKeyManagementServiceMachineIpAddress', 'IPAddress', 'KeyManagementServiceIpAddress']],
      [
        'serial',
        [
          'SerialNumber',
          'IdentifyingNumber',
          'SMBIOSAssetTag',
          'AssetTag',
          'SMBIOSBIOSSerial',
          'OA3xOriginalProductKey',
          'TokenActivationCertificateThumbprint',
        ],
      ],
      ['directory-name', ['ADActivationObjectDN', 'ADActivationObjectName']],
      ['number', ['OfflineInstallationId']],
    ] as const
  ).flatMap(([kind, names]) => names.map((name): [string, NameKind] => [name.toLowerCase(), kind])),
)
/** SerialNumber of Win32_SystemEnclosure is where clouds leave their mark; it is hidden all the same, AssetTag of clouds is not. */
const cloudTags: ReadonlySet<string> = new Set(['7783-7084-3265-9085-8269-3286-77', 'amazon ec2', 'oraclecloud.com', 'google'])

/**
 * A name of three labels or more that nobody has declared: a host that DNS named, or somebody typed. Microsoft's own names, as
 * their clouds' KMS hosts, tell nothing about anybody; a number at the end is a version.
 */
const looksLikeHost = (parents: readonly string[]): boolean =>
  parents.length >= 3 && /^[a-z]{2,}$/.test(parents.at(-1)!) && !/^(?:microsoft\.com|windows\.net|azure\.com)$/.test(parents.at(-2)!)

export type Redactor = {
  /** A copy with every text hidden that has to be. */
  readonly all: <T>(value: T) => T
  /** Takes in a name that is known to be one. */
  readonly name: (kind: NameKind, value: string) => void
  /** Takes in what a machine's answers name. */
  readonly machine: (machine: { readonly name: string; readonly entries: readonly unknown[] }) => void
  /** Looks for names in a text of whatever origin: hosts of known domains, addresses, mail addresses, security identifiers. */
  readonly look: (text: string) => void
  /** Hides in a text, or in the texts within a value, every name that is known from anywhere; keys masked. Once nothing more is taken in. */
  readonly everywhere: <T>(value: T) => T
  readonly table: () => readonly { readonly kind: string; readonly count: number }[]
}

/**
 * Finds everything that names somebody, then replaces it everywhere, also within other texts and conditions: the same value by the
 * same word throughout, numbered in the order of appearance, so that nothing can be counted back. What kind of thing it was stays
 * visible: a private address becomes a private one, a name with a domain one with a domain.
 */
export function redactor(machines: readonly { readonly name: string; readonly entries: readonly unknown[] }[]): Redactor {
  const words = new Map<string, string>()
  /** Which of them each machine's own answers hold: the others need not be looked for there. */
  const wordsOf = new Map<unknown, Set<string>>()
  let seen = new Set<string>()
  const counts = new Map<string, number>()
  const number = (kind: string) => {
    const next = (counts.get(kind) ?? 0) + 1
    counts.set(kind, next)
    return next
  }

  const domains = new Set<string>()
  const domainWord = (domain: string): string => {
    domains.add(domain.toLowerCase())
    const by = learn(domain, () => (domain.includes('.') ? `domain-${number('domain')}.example` : `DOMAIN-${number('domain')}`))
    // As DNS writes it.
    const ascii = /[^\x20-\x7e]/.test(domain) ? URL.parse(`http://${domain}`)?.hostname : undefined
    if (ascii) learn(ascii, () => by)
    // The domains above it are as much somebody's, and so are their short names.
    const [, ...above] = domain.split('.')
    if (above.length >= 2 && !domains.has(above.join('.').toLowerCase())) {
      if (above[0]!.length >= 3 && !ordinary.has(above[0]!.toLowerCase())) domainWord(above[0]!)
      domainWord(above.join('.'))
    }
    return by
  }
  const hostWord = (host: string, kind: 'machine' | 'host'): string => {
    if (isIP(host)) return addressWord(host)
    const dot = host.indexOf('.')
    if (dot < 0) return learn(host, () => `${kind}-${number(kind)}`)
    const label = host.slice(0, dot)
    const domain = domainWord(host.slice(dot + 1))
    return learn(host, () => `${hostWord(label, kind)}.${domain}`)
  }
  const addressWord = (address: string): string =>
    learn(address, () => {
      const n = number('address')
      const low = 1 + (n % 250)
      if (/^(127\.|::1$|0\.0\.0\.0$)/.test(address)) return address
      if (isIP(address) === 6)
        return /^f[cd]/i.test(address) ? `fd00::${low}` : /^fe80/i.test(address) ? `fe80::${low}` : `2001:db8::${low}`
      if (/^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.)/.test(address)) return `10.0.${n >> 8}.${low}`
      return `198.51.100.${low}`
    })
  const idWord = (id: string): string =>
    learn(id, () => {
      const n = String(number('product-id')).padStart(6, '0')
      // An extended PID tells the kind of key, the build and the day; the middle is the serial number.
      const extended = /^(\d{5}-\d{5})-\d{3}-\d{6}-(\d{2}-\d{3,5}-[\d.]+-\d{7})$/.exec(id)
      if (extended) return `${extended[1]}-000-${n}-${extended[2]}`
      return id.includes('OEM') ? `00000-OEM-${n}-00000` : `00000-00000-${n}-AAAAA`
    })
  function learn(value: string, word: () => string): string {
    const key = value.toLowerCase()
    seen.add(key)
    const before = words.get(key)
    if (before !== undefined) return before
    const made = word()
    words.set(key, made)
    return made
  }

  const see = (kind: NameKind, value: string): void => {
    const said = value.trim()
    if (said === '' || cloudTags.has(said.toLowerCase())) return
    if (kind === 'machine' || kind === 'host') hostWord(said, kind)
    else if (kind === 'domain') {
      if (!/^workgroup$/i.test(said)) domainWord(said)
    } else if (kind === 'address') {
      for (const one of said.split(/[,;\s]+/)) if (isIP(one)) addressWord(one)
      if (!/^[\d.:a-f,;\s]+$/i.test(said)) learn(said, () => `address-${number('address')}`)
    } else if (kind === 'product-id') idWord(said)
    else if (kind === 'client-machine-id') learn(said, () => `00000000-0000-4000-8000-${String(number(kind)).padStart(12, '0')}`)
    else if (kind === 'user' && said.includes('\\')) {
      const [domain, user] = said.split('\\') as [string, string]
      domainWord(domain)
      learn(user, () => `user-${number('user')}`)
    } else if (kind === 'directory-name' && /^CN=/i.test(said)) learn(said, () => `CN=object-${number(kind)},DC=domain,DC=example`)
    else learn(said, () => `${kind}-${number(kind)}`)
  }
  const look = (value: unknown, name: string | null, of: string | null): void => {
    if (Array.isArray(value)) for (const one of value) look(one, name, of)
    else if (typeof value === 'string') {
      const kind = name === null ? undefined : kinds.get(name.toLowerCase())
      if (kind) see(kind, value)
      else if (name?.toLowerCase() === 'name' && of?.toLowerCase() === 'win32_computersystem') see('machine', value)
      for (const mail of value.match(/[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+/g) ?? []) learn(mail, () => `user-${number('user')}@domain.example`)
    } else if (typeof value === 'object' && value !== null) {
      const asked = (value as { ask?: { class?: string } }).ask?.class ?? of
      for (const [key, one] of Object.entries(value)) look(one, key, asked)
    }
  }
  const takeIn: Redactor['machine'] = (machine) => {
    see('machine', machine.name)
    look(machine.entries, null, null)
  }
  for (const machine of machines) {
    seen = new Set()
    wordsOf.set(machine, seen)
    takeIn(machine)
  }
  const all = <T>(machine: T): T => {
    // Longest first: a name within a longer one must not spoil it. Short ones would hit by chance.
    const found = [...(wordsOf.get(machine) ?? [])].filter((word) => word.length >= 3).sort((a, b) => b.length - a.length)
    const any = found.map((word) => word.replace(/[^A-Za-z0-9]/g, '\\$&')).join('|')
    const pattern = found.length === 0 ? null : new RegExp(`(?<![A-Za-z0-9])(?:${any})(?![A-Za-z0-9])`, 'gi')
    const text = (value: string): string =>
      words.get(value.trim().toLowerCase()) ?? maskKeys(pattern ? value.replace(pattern, (word) => words.get(word.toLowerCase())!) : value)
    const hide = (value: unknown): unknown => {
      if (typeof value === 'string') return text(value)
      if (Array.isArray(value)) return value.map(hide)
      if (typeof value !== 'object' || value === null) return value
      const pairs = Object.entries(value)
      return Object.fromEntries(pairs.map(([key, one]) => [key, structural.has(key) ? one : hide(one)]))
    }
    return hide(machine) as T
  }
  const lookIn = (text: string): void => {
    for (const [mail] of text.matchAll(/[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+/g)) learn(mail, () => `user-${number('user')}@domain.example`)
    for (const [sid] of text.matchAll(/S-1-(?:5-21|12-1)(?:-\d{1,10}){3,4}/gi)) learn(sid, () => `S-1-5-21-0-0-0-${number('sid')}`)
    // A name in a directory: its parts are labels of a domain, each by itself.
    for (const [parts] of text.matchAll(/DC=[\p{L}\p{N}_-]{1,63}(?:,DC=[\p{L}\p{N}_-]{1,63})+/giu))
      learn(parts, () => `DC=domain-${number('directory-name')},DC=example`)
    // Addresses of the fourth and the sixth version: what looks like one is asked whether it is.
    for (const [one] of text.matchAll(/(?<![\w.:-])[\da-f]{0,4}(?:[.:][\da-f]{0,4}){2,}(?![\w-])/gi)) {
      const address = one.replace(/[.:]$|:\d+$/, (end) => (isIP(one) ? end : ''))
      if (isIP(address)) addressWord(address)
    }
    for (const [host] of text.matchAll(/(?<=^|:\/\/|\\\\|[^\w.\\/-])[a-z0-9][\w-]*(?:\.[a-z0-9][\w-]*)+(?![\w-])/gi)) {
      const parents = host
        .toLowerCase()
        .split('.')
        .map((_, n, labels) => labels.slice(n).join('.'))
      const known = parents.slice(1).some((domain) => domains.has(domain))
      if (!words.has(parents[0]!) && (known || looksLikeHost(parents))) hostWord(host, 'host')
    }
  }
  let hideWords: ((text: string) => string) | null = null
  /** An accent may be a character of its own. */
  const composed = (text: string) => (/\p{M}/u.test(text) ? text.normalize('NFC') : text)
  const everywhere = <T>(value: T): T => {
    hideWords ??= hider(words)
    if (typeof value === 'string') return (words.get(value.trim().toLowerCase()) ?? maskKeys(hideWords(composed(value)))) as T
    if (Array.isArray(value)) return value.map((one) => everywhere(one)) as T
    if (typeof value !== 'object' || value === null) return value
    const pairs = Object.entries(value)
    return Object.fromEntries(pairs.map(([key, one]) => [key, structural.has(key) ? one : everywhere(one)])) as T
  }
  return { all, name: see, machine: takeIn, look: lookIn, everywhere, table: () => [...counts].map(([kind, count]) => ({ kind, count })) }
}

/** What a question is about: never a name of somebody. */
const structural: ReadonlySet<string> = new Set(['class', 'namespace', 'method', 'columns', 'code'])
