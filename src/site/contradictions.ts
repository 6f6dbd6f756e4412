import { canonicalHost } from '../addresses.ts'
import type { Remark } from './declared.ts'
import { reachOf, type SiteFile } from './reach.ts'
import type { ReachWords, SiteWords, WishWords } from './schema.ts'

type Path = Remark['path']

/** What is well-formed by itself and does not fit the rest of the file. */
export function contradictions(words: SiteWords, siteFile: SiteFile): readonly Remark[] {
  const unfit = [
    ...credentialNames(words),
    ...credentials(words),
    ...forests(words),
    ...wishes(words),
    ...machineNames(words),
    ...mail(words),
  ]
  // Ways to machines are put together from names; where a name is wrong, its own remark says all.
  return unfit.length > 0 ? unfit : ways(words, siteFile)
}

function invalid(path: Path, summary: string, ...next: readonly string[]): Remark {
  return { code: 'SITE_INVALID', summary, next, path }
}

/** Every place that names a credential. */
function credentialNames(words: SiteWords): Remark[] {
  const known = Object.keys(words.credentials)
  const named: [Path, string | undefined][] = [
    [['reach', 'credential'], words.reach?.credential],
    ...words.forests.map((f, i): [Path, string | undefined] => [['forests', i, 'credential'], f.credential]),
    ...words.forests.map((f, i): [Path, string | undefined] => [['forests', i, 'directory'], f.directory]),
    ...Object.entries(words.groups).flatMap(([group, g]): [Path, string | undefined][] => [
      [['groups', group, 'reach', 'credential'], g.reach?.credential],
      ...g.machines.map((m, i): [Path, string | undefined] => [
        ['groups', group, 'machines', i, 'credential'],
        typeof m === 'string' ? undefined : m.credential,
      ]),
    ]),
  ]
  return named.flatMap(([path, name]) =>
    name === undefined || known.includes(name)
      ? []
      : [
          invalid(
            path,
            `${path.join('.')}: there is no credential ${name}.`,
            known.length > 0 ? `The file lists: ${known.join(', ')}.` : 'List it under credentials:.',
          ),
        ],
  )
}

/** Who signs in at the mail server, and by what. */
function mail({ alerts }: SiteWords): Remark[] {
  const words = alerts?.mail
  if (!words || (words.user === undefined) === (words.password === undefined)) return []
  const missing = words.user === undefined ? 'user' : 'password'
  return [
    invalid(
      ['alerts', 'mail'],
      `alerts.mail: the ${missing} is missing.`,
      'user: slmctl, password: {file: mail.password}; or neither of them.',
    ),
  ]
}

function credentials(words: SiteWords): Remark[] {
  return Object.entries(words.credentials).flatMap(([name, c]): Remark[] => {
    const path = ['credentials', name]
    if (c.method === 'kerberos') {
      if (c.keytab !== undefined && c.password !== undefined)
        return [invalid(path, `credentials.${name}: a keytab or a password, not both.`, 'Keep the one that is meant.')]
      if ((c.keytab ?? c.password) !== undefined && c.principal === undefined)
        return [
          invalid(path, `credentials.${name}: a ${c.keytab ? 'keytab' : 'password'} needs its principal.`, 'principal: user@CORP.EXAMPLE'),
        ]
      if (c.principal !== undefined && !/^[^@\s]+@[^@\s]+$/.test(c.principal))
        return [invalid([...path, 'principal'], `credentials.${name}.principal: expected user@REALM.`, 'principal: user@CORP.EXAMPLE')]
    }
    if (c.method === 'ntlm' && /\\$|\\.*\\|[/:]/.test(c.user))
      return [
        invalid(
          [...path, 'user'],
          `credentials.${name}.user: expected DOMAIN\\user, user@domain or a local account.`,
          'One backslash, without quotes: user: CORP\\svc',
        ),
      ]
    return []
  })
}

function forests(words: SiteWords): Remark[] {
  const seen = new Map<string, string>()
  const plain = (name: string) => name.toLowerCase().replace(/\.$/, '')
  return words.forests.flatMap((forest, i) => {
    const domains = (forest.domains ?? [forest.name]).map(plain)
    const method = forest.directory === undefined ? undefined : words.credentials[forest.directory]?.method
    const remarks: Remark[] = []
    if (method === 'ntlm' || method === 'certificate')
      remarks.push(
        invalid(
          ['forests', i, 'directory'],
          `forests.${i}.directory: ${forest.directory} is by ${method}, which is no way into a directory.`,
          'Name a credential by kerberos, or by basic: that goes over LDAPS only.',
        ),
      )
    for (const [j, domain] of domains.entries()) {
      const other = seen.get(domain)
      if (other !== undefined)
        remarks.push(
          invalid(
            ['forests', i, 'domains', j],
            `forests.${i}: the domain ${domain} is listed already, in the forest ${other}.`,
            'A domain belongs to one forest.',
          ),
        )
      seen.set(domain, forest.name)
    }
    for (const [j, object] of forest['activation-objects'].entries()) {
      const spelt = [...object.matchAll(/(?:^|,)\s*DC=([^,]+)/gi)].map((m) => m[1]!.trim().toLowerCase()).join('.')
      if (spelt !== plain(forest.name) && !domains.includes(spelt))
        remarks.push(
          invalid(
            ['forests', i, 'activation-objects', j],
            `forests.${i}.activation-objects: the object stands in ${spelt}, which is not in the forest ${forest.name}.`,
            'Activation objects are in the configuration partition, which has the name of the forest’s root domain.',
          ),
        )
    }
    return remarks
  })
}

function wishes(words: SiteWords): Remark[] {
  const bought = words.entitlements.map((e) => e.product.toLowerCase())
  const one = (wish: WishWords, path: Path): Remark[] => {
    const at = path.join('.')
    if ((wish.by === 'mak' || wish.by === 'esu') && wish.key === undefined)
      return [invalid(path, `${at}: ${wish.by} needs a key.`, 'key: {file: PATH}, {env: NAME} or {keyring: {service, account}}')]
    if ((wish.by === 'kms' || wish.by === 'ad' || wish.by === 'leave') && wish.key !== undefined)
      return [
        invalid(
          [...path, 'key'],
          `${at}: ${wish.by} takes no key.`,
          wish.by === 'leave'
            ? 'Leave the key out.'
            : 'The client key that Microsoft publishes for the edition is used: leave the key out.',
        ),
      ]
    if (wish.by === 'esu' && wish.year === undefined) return [invalid(path, `${at}: esu needs the year of the programme.`, 'year: 1')]
    if (wish.by !== 'esu' && wish.year !== undefined)
      return [invalid([...path, 'year'], `${at}: only esu has a year.`, 'Leave the year out.')]
    if (wish.instead && (wish.by === 'leave' || wish.by === 'esu'))
      return [invalid([...path, 'instead'], `${at}: ${wish.by} puts nothing in the place of a licence.`, 'Leave instead out.')]
    const product = wish.product.toLowerCase()
    if (wish.instead && !bought.some((b) => b.includes(product) || product.includes(b)))
      return [
        invalid(
          path,
          `${at}: instead gives up a machine's own licence, and no entitlement covers ${wish.product}.`,
          'List what was bought: entitlements: [{product: Windows 11 Enterprise, quantity: 500, agreement: …}]',
        ),
      ]
    return []
  }
  return [
    ...words.wishes.flatMap((w, i) => one(w, ['wishes', i])),
    ...Object.entries(words.groups).flatMap(([group, g]) => g.wishes.flatMap((w, i) => one(w, ['groups', group, 'wishes', i]))),
  ]
}

function machineNames(words: SiteWords): Remark[] {
  const seen = new Map<string, string>()
  const remarks: Remark[] = []
  for (const [group, g] of Object.entries(words.groups))
    for (const [i, m] of g.machines.entries()) {
      const name = typeof m === 'string' ? m : m.name
      const other = seen.get(canonicalHost(name))
      if (other !== undefined)
        remarks.push(
          invalid(
            ['groups', group, 'machines', i],
            `groups.${group}: ${name} is listed already, in the group ${other}.`,
            'A machine belongs to one group, so that it is clear what is wished of it.',
          ),
        )
      else if (Object.hasOwn(words.groups, name))
        remarks.push(
          invalid(
            ['groups', group, 'machines', i],
            `groups.${group}: ${name} is the name of a group, too.`,
            'A name on the command line must mean one of them: rename the group.',
          ),
        )
      seen.set(canonicalHost(name), group)
    }
  return remarks
}

/** Whether each listed machine can be reached in the way that the levels add up to. A fault of a whole group is told once. */
function ways(words: SiteWords, siteFile: SiteFile): Remark[] {
  const remarks: Remark[] = []
  const told = new Set<string>()
  for (const [group, g] of Object.entries(words.groups)) {
    const path = g.reach === undefined ? ['groups', group] : ['groups', group, 'reach']
    if (g.reach?.ca !== undefined && transport(g.reach, words.reach) === 'http')
      remarks.push(invalid([...path, 'ca'], `groups.${group}.reach: ca has a meaning for https only.`, 'Say transport: https.'))
    for (const [i, m] of g.machines.entries()) {
      const own = typeof m === 'string' ? null : m
      const name = typeof m === 'string' ? m : m.name
      const answer = reachOf(siteFile, name)[0]!
      if (answer.ok) {
        if (answer.reach.tls === null && (own?.pin ?? own?.ca) !== undefined)
          remarks.push(
            invalid(
              ['groups', group, 'machines', i, own?.pin === undefined ? 'ca' : 'pin'],
              `groups.${group}: ${name}: ${own?.pin === undefined ? 'ca' : 'pin'} has a meaning for https only.`,
              'Say transport: https.',
            ),
          )
        continue
      }
      const alone = own !== null && (own.transport ?? own.credential ?? own.port ?? own.address) !== undefined
      const { code, summary, next } = answer.problem
      if (!alone && told.has(`${group} ${code}`)) continue
      if (!alone) told.add(`${group} ${code}`)
      remarks.push({ code, summary, next, path: alone ? ['groups', group, 'machines', i] : path })
    }
  }
  return remarks
}

function transport(...levels: readonly (ReachWords | undefined)[]): string {
  return levels.find((l) => l?.transport !== undefined)?.transport ?? 'http'
}
