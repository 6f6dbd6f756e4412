import { isIP } from 'node:net'
import { type Answer, decode, encode, type Packet, RECURSION_DESIRED, type SrvData } from 'dns-packet'

/** Record types that slmctl asks for. */
export type Wanted = 'A' | 'AAAA' | 'SRV'

export type SrvRecord = {
  readonly target: string
  readonly port: number
  readonly priority: number
  readonly weight: number
  readonly ttlSeconds: number
}

export type Question = { readonly id: number; readonly name: string; readonly type: Wanted }

/** What a server says: the records, another name to ask for (an alias), that there are none, or that it will not or cannot say. */
export type Answered =
  | { readonly kind: 'records'; readonly records: readonly (string | SrvRecord)[] }
  | { readonly kind: 'alias'; readonly name: string }
  | { readonly kind: 'none' }
  | { readonly kind: 'truncated' }
  | { readonly kind: 'failed'; readonly because: string; readonly withoutEdns: boolean }

/** Whoever answers breaks the rules: nothing of the message is used. */
export class BadAnswer extends Error {}

/** A UDP datagram that no path has to cut (DNS flag day 2020). */
const udpPayloadBytes = 1232
/** An organisation has tens of KMS hosts; a message beyond this is no answer to us. */
const mostRecords = 256
/** Aliases of aliases in one message. */
const longestChain = 8

/** RFC 1035 2.3.4: names of at most 253 characters, labels of at most 63. Underscores are for _vlmcs._tcp. */
export function isName(name: string): boolean {
  return (
    name.length <= 253 &&
    /^[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*$/.test(name)
  )
}

/** RFC 1035 4.1; with EDNS (RFC 6891), unless the server does not know it. */
export function encodeQuestion({ id, name, type }: Question, edns: boolean): Buffer {
  return encode({
    type: 'query',
    id,
    flags: RECURSION_DESIRED,
    questions: [{ type, name, class: 'IN' }],
    ...(edns
      ? {
          additionals: [
            {
              type: 'OPT',
              name: '.',
              udpPayloadSize: udpPayloadBytes,
              extendedRcode: 0,
              ednsVersion: 0,
              flags: 0,
              flag_do: false,
              options: [],
            },
          ],
        }
      : {}),
  } as Packet)
}

/** Whether a datagram is the answer to this question at all; anything else on the socket is not for us (RFC 5452 9.1). */
export function answers(bytes: Uint8Array, question: Question): boolean {
  if (bytes.length < 12) return false
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const flags = view.readUInt16BE(2)
  return view.readUInt16BE(0) === question.id && (flags & 0x8000) !== 0 && (flags & 0x7800) === 0
}

/**
 * Reads the answer to a question. Throws BadAnswer where the message is malformed, answers another question, or is larger than
 * an honest one. Only records of the name that was asked for, or of its aliases within the message, count; what a server adds
 * beside them is not used.
 */
export function readAnswer(bytes: Uint8Array, question: Question): Answered {
  if (!answers(bytes, question)) throw new BadAnswer('it answers another question')
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  // Counted before anything is decoded: 65,535 records of each kind may be announced.
  const counts = [4, 6, 8, 10].map((at) => view.readUInt16BE(at))
  if (counts.some((n) => n > mostRecords)) throw new BadAnswer('it announces too many records')
  const rcode = view.readUInt16BE(2) & 0xf
  // FORMERR and NOTIMP come from servers that do not know EDNS, often without the question.
  if (rcode === 1 || rcode === 4) return { kind: 'failed', because: rcode === 1 ? 'it says FORMERR' : 'it says NOTIMP', withoutEdns: true }
  let packet: ReturnType<typeof decode>
  try {
    packet = decode(view)
  } catch {
    // A cut message may end in the middle of a record; that it is cut stands in its header.
    if ((view.readUInt16BE(2) & 0x0200) !== 0) return { kind: 'truncated' }
    throw new BadAnswer('it is malformed')
  }
  const [asked, ...more] = packet.questions ?? []
  const wanted = plain(question.name)
  if (!asked || more.length > 0 || asked.type !== question.type || asked.class !== 'IN' || plain(asked.name) !== wanted)
    throw new BadAnswer('it answers another question')
  if ((view.readUInt16BE(2) & 0x0200) !== 0) return { kind: 'truncated' }
  if (rcode !== 0 && rcode !== 3) return { kind: 'failed', because: `it says ${rcodes[rcode] ?? `code ${rcode}`}`, withoutEdns: false }

  const records = (packet.answers ?? []).filter((a) => a.type !== 'OPT' && a.class === 'IN')
  let name = wanted
  for (let n = 0; ; n++) {
    const mine = records.filter((a) => a.type === question.type && plain(a.name) === name)
    if (mine.length > 0) return { kind: 'records', records: mine.flatMap((a) => record(a, question.type)) }
    const alias = records.find((a) => a.type === 'CNAME' && plain(a.name) === name)
    if (!alias) break
    if (n === longestChain) throw new BadAnswer('its aliases have no end')
    name = plain(dataOf(alias) as string)
    if (!isName(name)) throw new BadAnswer('its alias is no host name')
  }
  // RFC 2308 2.1: with an alias in the message, NXDOMAIN is about the alias's target.
  if (rcode === 3 || name === wanted) return { kind: 'none' }
  return { kind: 'alias', name }
}

const rcodes: Readonly<Record<number, string>> = { 2: 'SERVFAIL', 5: 'REFUSED' }

function record(answer: Answer, type: Wanted): (string | SrvRecord)[] {
  if (type !== 'SRV') {
    const address = dataOf(answer) as string
    if (isIP(address) !== (type === 'A' ? 4 : 6)) throw new BadAnswer('its address is none')
    return [address]
  }
  const { target, port, priority, weight } = dataOf(answer) as SrvData
  // RFC 2782: a target of "." says that the service is decidedly not there.
  if (target === '.') return []
  if (!isName(target)) throw new BadAnswer('its target is no host name')
  return [{ target: plain(target), port, priority: priority ?? 0, weight: weight ?? 0, ttlSeconds: ('ttl' in answer && answer.ttl) || 0 }]
}

function dataOf(answer: Answer): unknown {
  return 'data' in answer ? answer.data : null
}

function plain(name: string): string {
  return name.toLowerCase().replace(/\.$/, '')
}
