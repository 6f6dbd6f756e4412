import { machineName } from '../addresses.ts'
import { type FoundMachine, type Problem, problem } from '../model.ts'

export type SourceKind = 'csv' | 'ansible-ini' | 'ansible-yaml' | 'zone' | 'list' | 'site'

/** What a source says: its machines, each once, in the order in which they stand; and what could not be read. */
export type SourceReading = {
  readonly kind: SourceKind
  readonly machines: readonly FoundMachine[]
  /** One for each line that was not taken, at most 100; the last one counts the rest. The others were taken all the same. */
  readonly problems: readonly Problem[]
  /** Lines, or places, that were not taken. Where it is more than 0, what is missing from `machines` has not vanished. */
  readonly notTaken: number
  /** Lines that say something about a machine that was named before, and agree with it. */
  readonly repeated: number
  /** What is rightly no machine: service records, the inventory's own computer. */
  readonly passedOver: number
  /** Headings of columns that nothing was taken of, as they stand, none longer than a line. */
  readonly unused: readonly string[]
}

/** A machine as a line tells it; what it leaves out is null. */
export type Told = Partial<Omit<FoundMachine, 'name'>> & { readonly name: string }

/** As many machines no organisation has; a range of an inventory may name more than there are addresses. */
export const machinesMax = 1_000_000
const problemsMax = 100
/** An account of Active Directory is in no more, for which Windows would have no room in its token (1,015). */
const groupsMax = 1000
/** No text of a machine's own is longer: a distinguished name, a description. */
const textMax = 2048

const guidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
/** What boards say that were never given a UUID of their own: all zero, all ones, and the value of AMI's template. Many machines share them. */
const nobodys = new Set([
  '00000000-0000-0000-0000-000000000000',
  'ffffffff-ffff-ffff-ffff-ffffffffffff',
  '03000200-0400-0500-0006-000700080009',
])

/** A GUID in canonical form, from `{…}`, upper case, 32 digits, or the binary form of csvde (`X'…'`, little-endian); null where it is none. */
export function readGuid(text: string): string | null {
  const plain = text.trim().toLowerCase()
  const binary = /^x'([0-9a-f]{32})'$/.exec(plain)?.[1]
  if (binary !== undefined) {
    const b = binary.match(/../g)!
    return hyphens([b[3], b[2], b[1], b[0], b[5], b[4], b[7], b[6], ...b.slice(8)].join(''))
  }
  const bare = plain.replace(/^\{(.*)\}$/, '$1')
  if (/^[0-9a-f]{32}$/.test(bare)) return hyphens(bare)
  return guidPattern.test(bare) ? bare : null
}

const hyphens = (hex: string) => [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')

/** Collects machines of one source: each once, and every line that could not be taken by its number. */
export class Found {
  readonly #kind: SourceKind
  readonly #file: string
  readonly #machines: FoundMachine[] = []
  /** Where each stands, by its identity or, where the source has none, by its name. */
  readonly #places = new Map<string, { readonly at: number; readonly line: number }>()
  readonly #problems: Problem[] = []
  #notTaken = 0
  #repeated = 0
  #passedOver = 0
  readonly #unused: string[] = []

  constructor(kind: SourceKind, file: string) {
    this.#kind = kind
    this.#file = file
  }

  get full(): boolean {
    return this.#machines.length >= machinesMax
  }

  /** A line that cannot be taken. `what` is a sentence without its end; `column` from 1. */
  refuse(line: number, what: string, next: readonly string[], code = 'SOURCE_LINE', column?: number): void {
    this.#notTaken++
    if (this.#problems.length < problemsMax)
      this.#problems.push(problem(code, `${what}.`, next, { file: this.#file, line, ...(column === undefined ? {} : { column }) }))
  }

  passOver(): void {
    this.#passedOver++
  }

  /** A column of a table that nothing is taken of. */
  passColumn(heading: string): void {
    const plain = cut(heading)
    if (plain !== null) this.#unused.push(plain.slice(0, 60))
  }

  /** Takes a machine; `name` as the source writes it. */
  take(told: Told, line: number): void {
    const name = machineName(told.name)
    if (name === null) {
      this.refuse(line, `${shown(told.name)} can be the name of no machine`, [
        'Correct the name, or remove the line. The other lines are taken.',
      ])
      return
    }
    if (this.full) {
      if (this.#notTaken === 0 || this.#problems.at(-1)?.code !== 'SOURCE_TOO_MANY')
        this.refuse(line, `There are more than ${machinesMax} machines`, ['Import a part at a time.'], 'SOURCE_TOO_MANY')
      else this.#notTaken++
      return
    }
    const named = [...new Set(told.groups)]
    if (named.length > groupsMax) {
      this.#manyGroups(name, line)
      return
    }
    const uuid = told.uuid != null && nobodys.has(told.uuid) ? null : (told.uuid ?? null)
    const machine: FoundMachine = {
      name,
      guid: told.guid ?? null,
      uuid,
      address: told.address ?? null,
      system: cut(told.system),
      systemVersion: cut(told.systemVersion),
      enabled: told.enabled ?? null,
      lastSeen: told.lastSeen ?? null,
      distinguishedName: cut(told.distinguishedName),
      groups: [...new Set(named.map((g) => cut(g)).filter((g) => g !== null))],
      pool: cut(told.pool),
    }
    this.#place(machine, line)
  }

  #place(machine: FoundMachine, line: number): void {
    const keys = [
      ...(machine.guid ? [`guid ${machine.guid}`] : []),
      ...(machine.uuid ? [`uuid ${machine.uuid}`] : []),
      // Two accounts may carry one name; a line without an identity is about whichever was named first.
      ...(machine.guid || machine.uuid ? [`known ${machine.name} ${machine.guid} ${machine.uuid}`] : [`name ${machine.name}`]),
    ]
    const before = keys.map((key) => this.#places.get(key)).find((place) => place !== undefined)
    if (before === undefined) {
      const place = { at: this.#machines.push(machine) - 1, line }
      for (const key of keys) this.#places.set(key, place)
      if (!this.#places.has(`name ${machine.name}`)) this.#places.set(`name ${machine.name}`, place)
      return
    }
    const known = this.#machines[before.at]!
    const conflict = differs(known, machine)
    if (conflict !== null) {
      this.refuse(
        line,
        `${machine.name} stands in line ${before.line} as well, with ${conflict} that differs; this line was not taken`,
        ['Which line is right? Remove the other one.'],
        'SOURCE_DUPLICATE',
      )
      return
    }
    const both = joined(known, machine)
    if (both.groups.length > groupsMax) {
      this.#manyGroups(machine.name, line)
      return
    }
    this.#repeated++
    this.#machines[before.at] = both
  }

  #manyGroups(name: string, line: number): void {
    this.refuse(line, `${name} would be in more than ${groupsMax} groups; this line was not taken`, [
      'Leave out groups that nobody asks for, or correct the line: is it the column of groups?',
    ])
  }

  done(): SourceReading {
    const rest = this.#notTaken - this.#problems.length
    const more =
      rest > 0
        ? [
            problem(
              'SOURCE_MORE',
              `${rest} more lines of it could not be taken.`,
              ['Correct the first ones: others often follow from them.'],
              { file: this.#file },
            ),
          ]
        : []
    return {
      kind: this.#kind,
      machines: this.#machines,
      problems: [...this.#problems, ...more],
      notTaken: this.#notTaken,
      repeated: this.#repeated,
      passedOver: this.#passedOver,
      unused: this.#unused,
    }
  }
}

const words = {
  name: 'a name',
  guid: 'an objectGUID',
  uuid: 'a UUID',
  address: 'an address',
  system: 'an operating system',
  systemVersion: 'a version',
  enabled: 'a word on whether it is enabled',
  lastSeen: 'a time',
  distinguishedName: 'a distinguished name',
  pool: 'a pool',
} as const

/** What two lines about one machine say differently; what one leaves out differs from nothing. */
function differs(a: FoundMachine, b: FoundMachine): string | null {
  for (const [field, word] of Object.entries(words) as [keyof typeof words, string][])
    if (a[field] !== null && b[field] !== null && a[field] !== b[field]) return word
  return null
}

function joined(a: FoundMachine, b: FoundMachine): FoundMachine {
  const filled = Object.fromEntries(Object.keys(words).map((field) => [field, a[field as 'name'] ?? b[field as 'name']]))
  // A list of a million lines may be about one machine.
  const more = b.groups.filter((g) => !a.groups.includes(g))
  return { ...a, ...filled, groups: more.length > 0 ? [...a.groups, ...more] : a.groups }
}

const cut = (text: string | null | undefined): string | null => {
  const plain = (text ?? '').replace(/\p{Cc}+/gu, ' ').trim()
  return plain === '' ? null : plain.slice(0, textMax)
}

/** What stands there, short enough for a sentence. */
export function shown(text: string): string {
  const plain = text.trim()
  return plain === '' ? 'An empty name' : `"${plain.length > 60 ? `${plain.slice(0, 60)}…` : plain}"`
}
