/**
 * The nouns of slmctl as plain types: what a machine says, what we conclude, what would change.
 * No code of other rooms is needed here, and every room may use it.
 */

/** `ok` as wished, `attention` holds but should be looked at, `action` is broken or about to be, `cannot-tell` the facts do not decide. */
export type Verdict = 'ok' | 'attention' | 'action' | 'cannot-tell'

/** Whose activation it is; the words are explained in the guide, "Whose activation is it?". */
export type Origin = 'own' | 'platform' | 'vendor' | 'cannot-tell' | 'suspect' | 'foreign'

export type Application = 'windows' | 'office' | 'other'

/** The kind of the installed key. */
export type Channel = 'kms-client' | 'kms-host' | 'mak' | 'retail' | 'oem' | 'evaluation' | 'subscription' | 'avma' | 'unknown'

/** How the product is, or would be, activated. */
export type Method = 'kms' | 'adba' | 'token' | 'avma' | 'online' | 'none' | 'unknown'

/** LicenseStatus in words; `additional-grace` is slmgr's word for the state that WMI calls OOTGrace. */
export type State =
  | 'licensed'
  | 'initial-grace'
  | 'additional-grace'
  | 'out-of-tolerance-grace'
  | 'non-genuine-grace'
  | 'extended-grace'
  | 'notification'
  | 'unlicensed'
  | 'unknown'

/** What somebody may do in the server, each with all before it: look; plan and scan; apply. */
export type Role = 'viewer' | 'operator' | 'approver'

/** Where the name of the KMS host comes from. */
export type HostFound = 'override' | 'dns' | 'cache' | 'unknown'

/** How much a row of the catalogue may be relied on. */
export type Basis = 'documented' | 'system-code' | 'name-only' | 'unknown'

/** A place in a text that a statement rests on. `text` is the line as it stands there, product keys masked, long lines cut. */
export type Evidence = {
  /** Name of the source as given (a file name, or `-` for standard input). */
  readonly source: string
  /** Line number, from 1. */
  readonly line: number
  readonly text: string
  /** What the line says, in our words. */
  readonly means: string
}

/** The KMS host of a product, as the machine tells it. */
export type KmsHost = {
  readonly host: string | null
  readonly port: number | null
  readonly ip: string | null
  readonly found: HostFound
  /** The extended PID of the KMS host. */
  readonly hostId: string | null
  readonly activationIntervalMinutes: number | null
  readonly renewalIntervalMinutes: number | null
}

/** One thing that a rule has to say. */
export type Finding = {
  /** The rule's id. */
  readonly rule: string
  readonly severity: 'info' | 'attention' | 'action'
  readonly summary: string
  /** What an honest explanation could be, where the finding could be read as an accusation. */
  readonly honest: string | null
  readonly evidence: readonly Evidence[]
  readonly next: readonly string[]
  /** Id of the machine, and index into `products` where the finding is about one. */
  readonly machine: string
  readonly product: number | null
}

/** One product of a machine, judged. */
export type Product = {
  readonly name: string | null
  readonly application: Application
  readonly edition: string | null
  readonly channel: Channel
  readonly method: Method
  readonly addOn: boolean
  readonly partialKey: string | null
  readonly activationId: string | null
  readonly state: State
  /** The reason code, `0x` and eight upper-case digits. */
  readonly reason: string | null
  readonly minutesLeft: number | null
  /** ISO 8601; without a zone it is the machine's own local time. */
  readonly expires: string | null
  readonly kms: KmsHost | null
  /** The object of Active Directory that activated it, its DN or its name. */
  readonly activationObject: string | null
  /** The count of a KMS host, or the count that a host told its client. */
  readonly count: number | null
  readonly verdict: Verdict
  /** Why it is not as wished, in one sentence; null where nothing is wrong or nothing is known. */
  readonly cause: string | null
  readonly next: readonly string[]
  readonly origin: Origin
  /** Why the origin is judged so, in one sentence. */
  readonly originBecause: string
  /** What an honest explanation of that could be; null: none is needed, or none is known. */
  readonly originHonest: string | null
  readonly evidence: readonly Evidence[]
  /** Name of the source it was first read from. */
  readonly source: string
  /** Id of the machine it belongs to. */
  readonly machine: string
}

/** One event of the software protection service, read from a log. */
export type EventReading = {
  readonly id: number
  readonly log: string | null
  readonly side: string | null
  readonly computer: string | null
  readonly time: string | null
  readonly code: string | null
  readonly host: string | null
  readonly port: number | null
  readonly clientMachineId: string | null
  readonly client: string | null
  readonly activationId: string | null
  readonly applicationId: string | null
  readonly state: State | null
  readonly minutesLeft: number | null
  /** What the host must count before it activates this product. */
  readonly requiredCount: number | null
  readonly count: number | null
  readonly activated: boolean | null
  readonly activationIntervalMinutes: number | null
  readonly renewalIntervalMinutes: number | null
  readonly activationObject: string | null
  readonly meaning: string
  readonly source: string
  readonly machine: string
  readonly evidence: readonly Evidence[]
}

export type CodeReading = {
  /** `0x` and eight upper-case digits. */
  readonly code: string
  readonly name: string | null
  readonly meaning: string
  readonly basis: Basis
  readonly source: string
  readonly machine: string
  readonly evidence: readonly Evidence[]
}

export type MachineReading = {
  readonly id: string
  /** The name that the text gives it; null where it gives none. */
  readonly name: string | null
  /** The operating system by its own name, `Microsoft Windows 11 Enterprise`; null where it was not told. */
  readonly system: string | null
  readonly sources: readonly string[]
  readonly verdict: Verdict
  readonly origin: Origin
  readonly headline: string
  readonly next: readonly string[]
}

export type SourceReading = {
  readonly file: string
  /** The layouts found in it, joined by ` + `; `unknown` where there was none. */
  readonly kind: string
  readonly lines: number
  readonly encoding: string
}

export type UnreadLine = { readonly source: string; readonly line: number; readonly text: string }

/** The answer of `diagnose`: schema `slmctl.diagnosis/1`. */
export type Diagnosis = {
  readonly schema: 'slmctl.diagnosis/1'
  readonly sources: readonly SourceReading[]
  /** The most urgent machine. */
  readonly machine: MachineReading
  readonly machines: readonly MachineReading[]
  readonly products: readonly Product[]
  readonly events: readonly EventReading[]
  readonly codes: readonly CodeReading[]
  readonly findings: readonly Finding[]
  readonly unread: readonly UnreadLine[]
  readonly problems: readonly Problem[]
}

/** One call that a plan would make on a machine. Keys in `arguments` are published client keys only; any other key is a `secret`. */
export type Step = {
  readonly change: string
  readonly what: string
  readonly because: string
  readonly class: string
  /**
   * Key properties of the instance; null for the only instance of a class. An entry that comes into being by an earlier step has
   * no known ID yet: then the properties tell which one it will be, and `resolveStep` finds it in fresh facts.
   */
  readonly key: Readonly<Record<string, string>> | null
  readonly method: string
  readonly arguments: Readonly<Record<string, string | number | boolean>>
  /** Activation ID of the product that it is about, `key:XXXXX` or `new:…` where the ID is not known yet; null for the machine as a whole. */
  readonly product: string | null
  /** The KMS host that an activation makes the machine ask; null where none is asked, or where DNS names it. */
  readonly host: { readonly name: string; readonly port: number } | null
  /** An argument whose value is secret (MAK, ESU key): where it is, never the key. */
  readonly secret: { readonly argument: string; readonly reference: NonNullable<Wish['key']> } | null
  /** True where the step makes the machine ask for an activation. */
  readonly activates: boolean
}

/** What to do when a host refuses a product or is away: the next host, and the steps to it. */
export type Fallback = {
  /** The product of the step that failed. */
  readonly product: string
  /** 1 or 2: three hosts in all for one product. */
  readonly attempt: number
  readonly host: { readonly name: string; readonly port: number }
  readonly steps: readonly Step[]
}

/** What is planned for one machine. */
export type MachinePlan = {
  readonly id: string
  readonly name: string | null
  readonly holds: readonly string[]
  readonly steps: readonly Step[]
  readonly refused: readonly Refusal[]
  readonly missing: readonly MissingFact[]
  readonly fallbacks: readonly Fallback[]
  /** Equal where the facts that the plan rests on are equal: a plan is stale when it is another one. */
  readonly fingerprint: string
  /** The changes that its steps make, by id, in their order. */
  readonly changes: readonly string[]
}

/** Something that the plan will not do, and why. */
export type Refusal = {
  readonly code: string
  readonly product: number | null
  readonly machine: string
  readonly because: string
  readonly next: readonly string[]
}

/** A fact that the plan needs and the text does not tell. */
export type MissingFact = { readonly machine: string; readonly fact: string; readonly why: string; readonly get: string }

/** The answer of `plan`: schema `slmctl.plan/1`. */
export type Plan = {
  readonly schema: 'slmctl.plan/1'
  readonly machines: readonly MachinePlan[]
  readonly problems: readonly Problem[]
}

/** A machine as a directory, a file or a zone lists it: what a fleet is made of. */
export type FoundMachine = {
  /** Its DNS name, lower case; a short one where the source has no domain. */
  readonly name: string
  /** objectGUID, lower case with hyphens: what a machine of a directory is, whatever it is called. */
  readonly guid: string | null
  /** The board's UUID (Win32_ComputerSystemProduct.UUID), lower case. */
  readonly uuid: string | null
  /** Where to connect, if not to the name. */
  readonly address: string | null
  readonly system: string | null
  readonly systemVersion: string | null
  /** Null where the source does not tell. */
  readonly enabled: boolean | null
  /** When the directory last saw it (lastLogonTimestamp, which is up to 14 days behind); ISO 8601. */
  readonly lastSeen: string | null
  readonly distinguishedName: string | null
  /** Groups of the source: an inventory's, a CSV column's, the site file's. */
  readonly groups: readonly string[]
  /** Name of the non-persistent pool that it belongs to; null: a machine of its own. */
  readonly pool: string | null
}

/** Activated products of one name, counted by whose activation they are. */
export type AuditRow = { readonly product: string; readonly channel: Channel; readonly count: Readonly<Record<Origin, number>> }

/** A product of a machine whose activation is not plainly in order, with what the statement rests on. */
export type AuditRemark = {
  readonly machine: string
  readonly product: string
  readonly origin: 'foreign' | 'suspect' | 'cannot-tell'
  readonly because: string
  readonly honest: string | null
  readonly evidence: readonly Evidence[]
  readonly next: readonly string[]
}

/** Origins that are shown product by product, the worst first. */
export const remarkedOrigins: readonly AuditRemark['origin'][] = ['foreign', 'suspect', 'cannot-tell']

/** Whether a product is shown by itself: what is not activated is nobody's, but for what somebody was told to use. */
export const isRemarked = (p: Pick<Product, 'state' | 'origin'>): p is { state: Product['state']; origin: AuditRemark['origin'] } =>
  p.origin === 'foreign' || p.origin === 'suspect' || (p.origin === 'cannot-tell' && p.state === 'licensed')

/** Activations that count as own, by what activated them. `provedAt`: when a host itself last showed a licensed KMS host key; null: the site file declares it. */
export type OwnUse = { readonly host: string | null; readonly products: number; readonly provedAt: string | null }

/** What was bought, against what is in use by volume activation. */
export type EntitlementUse = Entitlement & { readonly used: number }

/** The answer of `audit`: schema `slmctl.audit/1`. */
export type Audit = {
  readonly schema: 'slmctl.audit/1'
  /** `problems` says why the others could not be asked: what they hold is not known. */
  readonly machines: { readonly asked: number; readonly notAsked: number }
  readonly products: readonly AuditRow[]
  /** What is own, by host: proved, or declared only. `host` is null where no host is involved, or none is named. */
  readonly own: readonly OwnUse[]
  /** Products with a key that are not activated now. */
  readonly notActivated: number
  readonly entitlements: readonly EntitlementUse[]
  /** Activated by volume and covered by no entitlement; empty where the site file lists none. */
  readonly uncovered: readonly { readonly product: string; readonly used: number }[]
  readonly remarks: readonly AuditRemark[]
  readonly problems: readonly Problem[]
}

/** What people see when something cannot be done: a stable code, one sentence, what to try next. */
export type Problem = {
  readonly code: string
  readonly summary: string
  readonly next: readonly string[]
  /** The file, line and column it is about, where there is one. */
  readonly file: string | null
  readonly line: number | null
  readonly column: number | null
}

/** What the organisation's site file declares, as far as an answer about activation needs it. */
export type Site = {
  readonly organisation: string | null
  /** DNS domains, lower case, whose records may publish our hosts. */
  readonly domains: readonly string[]
  /** CIDR prefixes in which our hosts may stand. */
  readonly networks: readonly string[]
  readonly kmsHosts: readonly {
    readonly name: string
    readonly port: number
    readonly priority: number | null
    readonly weight: number | null
  }[]
  readonly platforms: readonly ('azure' | 'aws' | 'google' | 'oracle')[]
  /** Forests of the organisation beside `domains`: where AD-based activation objects may be. Their domains are in `domains`, too. */
  readonly forests: readonly Forest[]
  /** A site of simulated machines: the addresses of its KMS hosts may be anybody's, and are not contacted. */
  readonly lab?: boolean
  /** DNS servers that are asked for SRV records and addresses, `address` or `address:port`; empty: the system's own. */
  readonly dnsServers: readonly string[]
  /** What is wished where a group says nothing; the first wish that fits a product holds. */
  readonly wishes: readonly Wish[]
  readonly groups: readonly Group[]
  /** Where machines stand, in the order in which they are looked through; left out: one place for all. */
  readonly locations?: readonly Location[]
  /** What was bought. Needed where a machine's own licence (OEM, retail) would be given up. */
  readonly entitlements: readonly Entitlement[]
  /** What a scheduled check may do beyond looking: `repair` lets it apply what is wished. */
  readonly schedule: { readonly repair: boolean }
  /** Who may sign plans that are carried to machines by file: Ed25519 public keys, base64 of the 32 bytes. Where any is named, an unsigned plan file is refused. */
  readonly planSigners: readonly string[]
}

/** A place with machines near to each other, which a worker near them serves. */
export type Location = {
  readonly name: string
  readonly domains: readonly string[]
  readonly networks: readonly string[]
  readonly groups: readonly string[]
  /** At most so many machines at once; null: no limit of its own. */
  readonly atOnce: number | null
}

export type Forest = {
  readonly name: string
  readonly domains: readonly string[]
  /** Distinguished names of activation objects that are ours; empty: any in the forest's domains. */
  readonly activationObjects: readonly string[]
  /** Name of the credential for machines of these domains; null: the default. */
  readonly credential: string | null
}

/** How a product should be activated. */
export type WishedMethod = 'kms' | 'ad' | 'mak' | 'avma' | 'esu' | 'leave'

export type Wish = {
  /** `windows`, `office`, or a part of the product's name ("Visio", "Windows 10"), case-insensitive. */
  readonly product: string
  readonly by: WishedMethod
  /** Year of the ESU programme, from 1; null where `by` is not `esu`. */
  readonly year: number | null
  /** Reference to the key for `mak`, `esu` and `avma`; null where none is given. Never the key. */
  readonly key:
    | { readonly env: string }
    | { readonly file: string }
    | { readonly keyring: { readonly service: string; readonly account: string } }
    | null
  /** True where the site wishes volume activation in place of a machine's own OEM or retail licence; needs an entitlement. */
  readonly instead: boolean
}

/** Machines that are looked after alike. How they are reached is for `site` and `app`; here is what they are wished to be. */
export type Group = {
  readonly name: string
  /** Names as written. */
  readonly machines: readonly string[]
  /** Before the site's own wishes. */
  readonly wishes: readonly Wish[]
}

export type Entitlement = { readonly product: string; readonly quantity: number; readonly agreement: string | null }

/** Every file of a bundle has its own copy of this class; the mark is one for all of them. */
const mark = Symbol.for('slmctl.ProblemError')

/** A refused use of the program; carries the Problem that the user sees. */
export class ProblemError extends Error {
  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && mark in value
  }
  readonly [mark] = true
  /** At least one; the first is the one that the message names. */
  readonly problems: readonly Problem[]
  constructor(...problems: readonly Problem[]) {
    super(problems[0]?.summary ?? 'unknown problem')
    this.problems = problems
  }
}

/** Makes a Problem; file, line and column are optional. What a user typed may hold a product key: it is masked here. */
export function problem(
  code: string,
  summary: string,
  next: readonly string[],
  where: { file?: string; line?: number; column?: number } = {},
): Problem {
  return {
    code,
    summary: maskKeys(summary),
    next: next.map((n) => maskKeys(n)),
    file: where.file === undefined ? null : maskKeys(where.file),
    line: where.line ?? null,
    column: where.column ?? null,
  }
}

/** How urgent a verdict is: the larger, the sooner somebody should look. */
export const urgency: Readonly<Record<Verdict, number>> = { ok: 0, 'cannot-tell': 1, attention: 2, action: 3 }

/** Characters of a product key of Windows 8 and later, and of the older ones: no 0, 1, 5, no vowels, no ambiguous letters. */
const keyCharacter = '[2-46-9BCDFGHJKMNPQRTVWXY]'
/** What may stand between the groups of a key: dashes, blanks, points and quotation marks of any kind, as entities and escapes too, or nothing. */
const between =
  '(?:[-\\s\\u00ad\\u2010-\\u2015\\u2212\\u200b-\\u200f\\u2060\\ufe58\\ufe63\\uff0d\\ufeff._/|,;:+="\'\\\\]|&#45;|&#x2d;|&shy;|&nbsp;|<wbr>|%2d|\\\\(?:u002d|[nrt])){0,3}'
/** A whole key as it is printed (any letter and digit, dashes), or as it is typed (the key alphabet, anything between). */
const printedKey = /(?<![A-Z0-9])[A-Z0-9]{5}([-\u2010-\u2015])[A-Z0-9]{5}\1[A-Z0-9]{5}\1[A-Z0-9]{5}\1([A-Z0-9]{5})(?![A-Z0-9])/gi
const typedKey = new RegExp(`(?<![A-Z0-9])(?:${keyCharacter}{5}${between}){4}(${keyCharacter}{5})(?![A-Z0-9])`, 'gi')
/** A piece of a key, as a wrapped line leaves it: two or more whole groups in the key alphabet. */
const keyPiece = new RegExp(`(?<![A-Z0-9])(?:${keyCharacter}{1,5}-)?(?:${keyCharacter}{5}-)+${keyCharacter}{1,5}(?![A-Z0-9])`, 'gi')
/** A cheap look first: most lines have neither a dash between groups nor anything as long as a key. */
const mayHaveKey = /[A-Z0-9][-\u2010-\u2015][A-Z0-9]|\S{25}|[A-Z0-9]{5}(?:[^A-Z0-9]{1,8}[A-Z0-9]{5}){4}/i

const dashed = /[-\u2010-\u2015][A-Z0-9]{5}[-\u2010-\u2015][A-Z0-9]{5}[-\u2010-\u2015]/i
const piece = new RegExp(`-(?<=(?<![A-Z0-9])${keyCharacter}{5}-)${keyCharacter}`, 'i')
const typed = new RegExp(`(?<![A-Z0-9])${keyCharacter}{5}[^A-Za-z0-9]{0,18}${keyCharacter}{5}[^A-Za-z0-9]{0,18}${keyCharacter}{5}`, 'i')
/** Entities, and characters that become letters and digits when they are normalised. */
const disguised =
  /[^\P{Cc}\t\r\n]|%2d|<wbr>|\\[unrt]|&#|&shy|&nbsp|[\u2070-\u209f\u2100-\u214f\u2460-\u24ff\ufb00-\ufb06\uff10-\uff5a\u{1d400}-\u{1d7ff}]/iu

/** False only where `maskKeys` would change nothing: one quick look at a whole text instead of one at each of its lines. */
export function mayHoldKey(text: string): boolean {
  return dashed.test(text) || piece.test(text) || typed.test(text) || disguised.test(text)
}

/** Replaces every product key by `XXXXX-XXXXX-XXXXX-XXXXX-` and its last five characters: the only form in which a key is shown or kept. */
export function maskKeys(text: string): string {
  if (text.length < 11 || !mayHaveKey.test(text)) return text
  const masked = mask(text)
  if (masked !== text || !/[^\x20-\x7e\t]/.test(text)) return masked
  // Full-width letters and their like are the same key; so is UTF-16 that was taken for something else, and one with a colour in it.
  const plain = text.replace(/\u001b\[[\d;]*[A-Za-z]|[^\P{Cc}\t\r\n]/gu, '').normalize('NFKC')
  const again = plain === text ? masked : mask(plain)
  return again === plain ? masked : again
}

function mask(text: string): string {
  const whole = (key: string, last: string) => (/[A-Z]/i.test(key) ? `XXXXX-XXXXX-XXXXX-XXXXX-${last}` : key)
  return text
    .replace(printedKey, (key, _dash, last: string) => whole(key, last))
    .replace(typedKey, (key, last: string) => (key.startsWith('XXXXX') ? key : whole(key, last)))
    .replace(keyPiece, (piece) => (/[A-Z]/i.test(piece) && !piece.startsWith('XXXXX-') ? piece.replace(/[A-Z0-9]/gi, 'X') : piece))
}

/** The colours that views use: bold, dim, red, green, yellow, cyan, and their ends. */
const colour = /^\u001b\[(?:1|2|22|31|32|33|36|39)m$/
/** Control characters but for line ends and tabs, and what turns the direction of writing. */
const unprintable = /[^\P{Cc}\n\t]|[\u202a-\u202e\u2066-\u2069]/u
const eachUnprintable = /[^\P{Cc}\n\t](?:\[\d\d?m)?|[\u202a-\u202e\u2066-\u2069]/gu

/**
 * A text that does nothing to a terminal but appear: what a machine, a file or a command line brought may hold orders to it.
 * Control characters are written as `\u001b`, which JSON reads back as what it was; colours of our own stay.
 */
export function printable(text: string): string {
  if (!unprintable.test(text)) return text
  return text.replace(eachUnprintable, (found) =>
    colour.test(found) ? found : `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}${found.slice(1)}`,
  )
}

/** The word that was meant by one that is not there: it begins so, or differs in a letter or two. Null where none is near. */
export function nearest(typed: string, words: readonly string[]): string | null {
  const begins = words.filter((w) => typed.length > 2 && w.startsWith(typed))
  if (begins.length === 1) return begins[0]!
  const [first] = words.map((w) => ({ w, d: distance(typed.toLowerCase(), w.toLowerCase()) })).sort((a, b) => a.d - b.d)
  return first && first.d <= Math.min(2, Math.floor(first.w.length / 3)) ? first.w : null
}

/** Letters to put in, leave out, replace or swap with their neighbour. */
function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2) return 3
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)]
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      row[j] = Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, rows[i - 1]![j - 1]! + same)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) row[j] = Math.min(row[j]!, rows[i - 2]![j - 2]! + 1)
    }
    rows.push(row)
  }
  return rows[a.length]![b.length]!
}
