import { getServers } from 'node:dns'
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { ProblemError, problem } from '../model.ts'
import { askServer, type Server } from './ask.ts'
import { isName, type SrvRecord, type Wanted } from './message.ts'

export type { SrvRecord }

export type ResolverOptions = {
  /** `address` or `address:port`; empty: the system's own servers, and its own way (hosts file, search list) for addresses. */
  readonly servers: readonly string[]
  /** From 0 to below 1; the draw among SRV records of one priority. */
  readonly random?: () => number
  /** For one question to one server; it is asked twice, the second time with double patience. */
  readonly timeoutMs?: number
  /**
   * True, where left out: a name is asked once for the run, so that it cannot change between check and use. False: as often as it is
   * needed, for names without end and over hours.
   */
  readonly pin?: boolean
}

/** DNS for one run. An empty list means that DNS says there is none; no answer throws a ProblemError DNS_UNANSWERED. */
export type Resolver = {
  /** All records, by priority and then drawn by weight; the records are asked once, the draw is made anew each time. */
  readonly srv: (name: string) => Promise<readonly SrvRecord[]>
  /** IPv4 and IPv6 addresses; aliases are followed. An address is its own. */
  readonly addresses: (name: string) => Promise<readonly string[]>
}

/** After so many a name is no host but a loop. */
const mostAliases = 8
/** Questions under way at once; more would be taken for an attack, and lose datagrams. */
const atOnce = 64
/** A server that was silent is not asked again for the next of a thousand machines, but for a run of hours it is. */
const silenceMs = 30_000

export function openResolver({ servers, random = Math.random, timeoutMs = 2000, pin = true }: ResolverOptions): Resolver {
  const pinned = new Map<string, Promise<readonly (string | SrvRecord)[]>>()
  const gate = openGate(atOnce)
  const asked = servers.length > 0
  // A wrong one is told at once; the system's own are looked up when something is asked.
  const given = asked ? servers.map(server) : null
  const list = () => given ?? getServers().map(server)

  /** One answer for each name and run. A failure is kept for a while only: it decides nothing. */
  const once = (key: string, ask: () => Promise<readonly (string | SrvRecord)[]>) => {
    let answer = pinned.get(key)
    if (!answer) {
      answer = gate(ask)
      pinned.set(key, answer)
      const forget = () => pinned.delete(key)
      answer.then(pin ? () => {} : forget, () => (pin ? setTimeout(forget, silenceMs).unref() : forget()))
    }
    return answer
  }

  /** Every server in turn, twice; an alias that leads out of the message is asked for in its turn. */
  const ask = async (name: string, type: Wanted): Promise<readonly (string | SrvRecord)[]> => {
    let at = name
    for (let aliases = 0; aliases <= mostAliases; aliases++) {
      const answer = await askAll(at, type)
      if (answer.kind === 'records') return answer.records
      if (answer.kind === 'none') return []
      at = answer.name
    }
    throw unanswered(name, type, [`${name} is an alias of an alias without end`])
  }
  const askAll = async (name: string, type: Wanted) => {
    const failures = new Map<string, string>()
    for (const patience of [1, 2])
      for (const s of list()) {
        const answer = await askServer(s, name, type, timeoutMs * patience)
        if (answer.kind === 'records' || answer.kind === 'none' || answer.kind === 'alias') return answer
        failures.set(shown(s), answer.kind === 'failed' ? answer.because : 'its answer is cut')
      }
    throw unanswered(
      name,
      type,
      [...failures].map(([who, why]) => `${who}: ${why}`),
    )
  }

  return {
    srv: async (name) => {
      const plain = checked(name)
      return inOrder((await once(`SRV ${plain}`, () => ask(plain, 'SRV'))) as readonly SrvRecord[], random)
    },
    addresses: async (name) => {
      const literal = name.replace(/^\[|\]$/g, '')
      if (isIP(literal) !== 0) return [literal]
      const plain = checked(name)
      return (await once(`A ${plain}`, async () => {
        if (!asked) return await systemLookup(plain)
        const [v4, v6] = await Promise.all([ask(plain, 'A'), ask(plain, 'AAAA')])
        return [...new Set([...v4, ...v6])]
      })) as readonly string[]
    },
  }
}

/**
 * RFC 2782: lower priority first; within one, each record in turn by chance in proportion to its weight, a weight of 0 with a
 * very small one.
 */
export function inOrder<T extends { readonly priority: number; readonly weight: number }>(
  records: readonly T[],
  random: () => number,
): T[] {
  const ordered: T[] = []
  for (const priority of [...new Set(records.map((r) => r.priority))].sort((a, b) => a - b)) {
    // Those of weight 0 stand first, so that they are chosen only where the draw is 0.
    const left = records.filter((r) => r.priority === priority).sort((a, b) => Number(a.weight > 0) - Number(b.weight > 0))
    while (left.length > 0) {
      const sum = left.reduce((total, r) => total + r.weight, 0)
      const drawn = Math.floor(random() * (sum + 1))
      let chosen = 0
      for (let running = left[0]!.weight; running < drawn; running += left[chosen]!.weight) chosen++
      ordered.push(...left.splice(chosen, 1))
    }
  }
  return ordered
}

/** getaddrinfo, as every other program of this system resolves: it knows the hosts file and the search list. */
async function systemLookup(name: string): Promise<readonly string[]> {
  try {
    return [...new Set((await lookup(name, { all: true, order: 'verbatim' })).map((a) => a.address))]
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOTFOUND' || code === 'ENODATA') return []
    throw unanswered(name, 'A', [`the system's resolver: ${code ?? 'no answer'}`])
  }
}

function checked(name: string): string {
  const plain = name.toLowerCase().replace(/\.$/, '')
  if (isName(plain)) return plain
  throw new ProblemError(problem('DNS_NAME', `${name.slice(0, 80)} is no name that DNS could be asked for.`, ['Correct the name.']))
}

/** `address`, `address:port`, `[IPv6]:port`. */
function server(text: string): Server {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([\d.]+))(?::(\d+))?$/.exec(text) ?? [null, undefined, text, undefined]
  const address = bracketed ?? plain!
  const number = port === undefined ? 53 : Number(port)
  if (isIP(address) === 0 || number < 1 || number > 65_535)
    throw new ProblemError(
      problem('DNS_SERVER', `${text.slice(0, 80)} is no address of a DNS server.`, [
        'dns: {servers: [10.0.0.53, "10.0.1.53:5353"]} in the site file.',
      ]),
    )
  return { address, port: number }
}

function shown({ address, port }: Server): string {
  return port === 53 ? address : address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}

function unanswered(name: string, type: Wanted, why: readonly string[]): ProblemError {
  return new ProblemError(
    problem('DNS_UNANSWERED', `DNS gave no answer about ${name} (${type}): ${why.join('; ') || 'no server is known'}.`, [
      `nslookup -type=${type} ${name} shows what the servers say.`,
      'Servers other than the system’s are named in the site file: dns: {servers: [ADDRESS]}.',
    ]),
  )
}

/** Lets in so many at once; the others wait in order. */
function openGate(places: number): <T>(work: () => Promise<T>) => Promise<T> {
  let free = places
  const waiting: (() => void)[] = []
  return async (work) => {
    if (free > 0) free--
    else await new Promise<void>((go) => waiting.push(go))
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else free++
    }
  }
}
