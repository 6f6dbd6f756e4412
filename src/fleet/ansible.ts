import { addressKind, machineName } from '../addresses.ts'
import { Found, machinesMax, type SourceReading, shown } from './found.ts'

/** What an inventory says about hosts and groups, before it is put together. Both ways of writing it lead here. */
export class Inventory {
  readonly #hosts = new Map<string, { line: number; readonly groups: Set<string>; address: string | null }>()
  readonly #parents = new Map<string, Set<string>>()
  readonly found: Found
  #count = 0

  constructor(found: Found) {
    this.found = found
  }

  /** False once there are more hosts than can be. */
  get room(): boolean {
    return this.#count <= machinesMax
  }

  /** A host, or a range of them (`web[01:50]`), in a group; `address` is ansible_host, null where it is not told. */
  host(pattern: string, group: string, line: number, address: string | null): void {
    const names = expand(pattern)
    if (typeof names === 'string') {
      this.found.refuse(line, `${shown(pattern)} ${names}`, ['Correct the line and import again. The other lines are taken.'])
      return
    }
    for (const name of names) {
      // `host:22` is a port of SSH; what has more colons is an address.
      const plain = addressKind(name) === null ? name.replace(/:\d{1,5}$/, '') : name
      if (plain === 'localhost' || addressKind(plain) === 'loopback') {
        this.found.passOver()
        continue
      }
      if (++this.#count > machinesMax) {
        this.found.refuse(line, `There are more than ${machinesMax} machines`, ['Import a part at a time.'], 'SOURCE_TOO_MANY')
        return
      }
      const host = this.#hosts.get(plain) ?? { line, groups: new Set<string>(), address: null }
      host.groups.add(group)
      this.#hosts.set(plain, host)
      if (address !== null) this.address(plain, address, line)
    }
  }

  address(name: string, text: string, line: number): void {
    const host = this.#hosts.get(name)
    if (!host) return
    const address = machineName(text)
    if (address === null)
      this.found.refuse(
        line,
        text.includes('{{')
          ? `ansible_host of ${name} is worked out by Ansible, and not known here`
          : `${shown(text)} is no address of ${name}`,
        ['Import the inventory as Ansible sees it: ansible-inventory --list --yaml --output FILE', 'The machine is taken by its name.'],
      )
    // The last one holds, as for Ansible.
    else host.address = address
  }

  child(parent: string, child: string): void {
    const parents = this.#parents.get(child) ?? new Set<string>()
    parents.add(parent)
    this.#parents.set(child, parents)
  }

  done(): SourceReading {
    const above = new Map<string, readonly string[]>()
    /** A group and all that it is in; a group that is in itself is so once. */
    const withParents = (group: string): readonly string[] => {
      const known = above.get(group)
      if (known) return known
      const all = new Set([group])
      for (const one of all) for (const parent of this.#parents.get(one) ?? []) all.add(parent)
      const groups = [...all].filter((g) => g !== 'all' && g !== 'ungrouped')
      above.set(group, groups)
      return groups
    }
    for (const [name, { line, groups, address }] of this.#hosts)
      this.found.take({ name, groups: [...groups].flatMap(withParents), address: address === machineName(name) ? null : address }, line)
    return this.found.done()
  }
}

const rangesMax = 100_000

/** Ansible's ranges: `[01:50]` keeps the zeros in front, `[a:f]`, `[0:100:10]`; several of them. Why it is none, where it is none. */
function expand(pattern: string): readonly string[] | string {
  if (pattern.length > 1000) return 'is longer than a name'
  // An IPv6 address in brackets, with or without a port.
  const bracketed = /^\[([0-9a-f:.]*:[0-9a-f:.]*:[0-9a-f:.]*)\](?::\d+)?$/i.exec(pattern)?.[1]
  if (bracketed !== undefined && addressKind(bracketed) !== null) return [bracketed]
  let names = ['']
  for (const [, plain, range] of pattern.matchAll(/([^[\]]+)|\[([^[\]]*)\]|[[\]]/g)) {
    if (plain !== undefined) names = names.map((name) => name + plain)
    else {
      const values = rangeOf(range ?? '')
      if (values === null) return 'has a range that is none'
      if (names.length * values.length > rangesMax) return `has more than ${rangesMax} machines in it`
      names = names.flatMap((name) => values.map((value) => name + value))
    }
  }
  return names
}

function rangeOf(range: string): string[] | null {
  const [, from, to, by] = /^(\d{1,9}|[a-zA-Z]):(\d{1,9}|[a-zA-Z])(?::(\d{1,9}))?$/.exec(range) ?? []
  if (from === undefined || to === undefined) return null
  const step = Number(by ?? 1)
  const letters = /[a-z]/i.test(from)
  if (step < 1 || letters !== /[a-z]/i.test(to)) return null
  const [first, last] = letters ? [from.charCodeAt(0), to.charCodeAt(0)] : [Number(from), Number(to)]
  if (first > last || (last - first) / step > rangesMax) return null
  if (letters && /[a-z]/.test(from) !== /[a-z]/.test(to)) return null
  // Ansible: zeros in front are kept, and then both ends have one length.
  if (!letters && from.length > 1 && from.startsWith('0') && from.length !== to.length) return null
  const values: string[] = []
  for (let n = first; n <= last; n += step)
    values.push(letters ? String.fromCharCode(n) : String(n).padStart(from.startsWith('0') ? from.length : 0, '0'))
  return values
}

export const inventory = (kind: 'ansible-ini' | 'ansible-yaml', file: string): Inventory => new Inventory(new Found(kind, file))
