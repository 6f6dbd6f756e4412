/** An interface or a transfer syntax: its UUID and version ([C706] 12.6.3.1, p_syntax_id_t). */
export type Interface = { readonly uuid: string; readonly major: number; readonly minor: number }

/**
 * The management interface that every DCE/RPC runtime has by itself, whatever the server is for ([C706] appendix Q). A bind to
 * it asks for nothing that a service does.
 */
const management: Interface = { uuid: 'afa8bd80-7d8a-11c9-bef4-08002b102989', major: 1, minor: 0 }
/** NDR, the transfer syntax that everybody speaks ([C706] appendix I). */
const ndr: Interface = { uuid: '8a885d04-1ceb-11c9-9fe8-08002b104860', major: 2, minor: 0 }

/** What an Ethernet of 1,500 bytes carries in four segments; Windows offers the same. No answer to a bind comes near. */
export const maxFragmentBytes = 5840

const types = { fault: 3, bind: 11, bindAck: 12, bindNak: 13 } as const
/** PFC_FIRST_FRAG and PFC_LAST_FRAG: a bind and its answers are whole in one fragment. */
const whole = 3
const headerBytes = 16
const syntaxBytes = 20

/** What answered does not speak DCE/RPC, or breaks its rules; the message says how. */
export class NotRpc extends Error {}

/** The answer of a server to a bind. Each of them is one that only a DCE/RPC server gives. */
export type BindAnswer =
  | {
      readonly kind: 'ack'
      /** Whether it has the interface; a provider that rejects it is an RPC server all the same. */
      readonly accepted: boolean
      /** p_reason_t where it was not accepted, 1: the interface is not known. */
      readonly reason: number
      /** The endpoint as the server calls it: for TCP its port. */
      readonly endpoint: string
    }
  | { readonly kind: 'nak'; readonly reason: number }
  /** Some servers refuse a bind by a fault: nca_s_… or a Windows code. */
  | { readonly kind: 'fault'; readonly status: number }

/** The bind that a check sends: to the management interface, without authentication. */
export const bindPdu = (callId: number): Buffer => encodeBind({ callId, wants: management })

export function encodeBind({ callId, wants }: { readonly callId: number; readonly wants: Interface }): Buffer {
  const body = Buffer.alloc(12 + 4 + 2 * syntaxBytes)
  body.writeUInt16LE(maxFragmentBytes, 0)
  body.writeUInt16LE(maxFragmentBytes, 2)
  // assoc_group_id 0: a new association. Then one presentation context, number 0, with one transfer syntax.
  body.writeUInt8(1, 8)
  body.writeUInt8(1, 14)
  writeSyntax(body, 16, wants)
  writeSyntax(body, 16 + syntaxBytes, ndr)
  return withHeader(types.bind, callId, body)
}

/** Reads a bind, as a server would; one context and one transfer syntax are read, others are passed over. Throws NotRpc. */
export function decodeBind(bytes: Buffer): { readonly callId: number; readonly wants: Interface } {
  const pdu = header(bytes)
  if (pdu === null || bytes.length < pdu.length) throw new NotRpc('it is cut')
  if (pdu.type !== types.bind) throw new NotRpc('it is no bind')
  const read = reader(bytes.subarray(headerBytes, pdu.length), pdu.little)
  read.skip(8)
  if (read.u8() === 0) throw new NotRpc('it names no interface')
  read.skip(3 + 4)
  return { callId: pdu.callId, wants: read.syntax() }
}

export function encodeBindAnswer(callId: number, answer: BindAnswer): Buffer {
  if (answer.kind === 'nak') {
    const body = Buffer.alloc(5)
    body.writeUInt16LE(answer.reason, 0)
    // One version of the protocol: 5.0.
    body.writeUInt8(1, 2)
    body.writeUInt8(5, 3)
    return withHeader(types.bindNak, callId, body)
  }
  if (answer.kind === 'fault') {
    const body = Buffer.alloc(16)
    body.writeUInt32LE(answer.status, 8)
    return withHeader(types.fault, callId, body)
  }
  const endpoint = Buffer.from(`${answer.endpoint}\0`, 'latin1')
  const results = (10 + endpoint.length + 3) & ~3
  const body = Buffer.alloc(results + 8 + syntaxBytes)
  body.writeUInt16LE(maxFragmentBytes, 0)
  body.writeUInt16LE(maxFragmentBytes, 2)
  body.writeUInt32LE(1, 4)
  body.writeUInt16LE(endpoint.length, 8)
  endpoint.copy(body, 10)
  body.writeUInt8(1, results)
  body.writeUInt16LE(answer.accepted ? 0 : 2, results + 4)
  body.writeUInt16LE(answer.accepted ? 0 : answer.reason, results + 6)
  if (answer.accepted) writeSyntax(body, results + 8, ndr)
  return withHeader(types.bindAck, callId, body)
}

/**
 * Reads the answer to the bind `callId` from what has arrived; null where more has to come. Throws NotRpc as soon as the bytes
 * cannot be one: of a server of another kind the first byte mostly tells.
 */
export function decodeBindAnswer(bytes: Buffer, callId: number): BindAnswer | null {
  const pdu = header(bytes)
  if (pdu === null) return null
  if (pdu.type !== types.bindAck && pdu.type !== types.bindNak && pdu.type !== types.fault)
    throw new NotRpc(`its answer is of kind ${pdu.type}, which answers no bind`)
  if (pdu.callId !== callId) throw new NotRpc('it answers another call')
  if (bytes.length < pdu.length) return null
  const read = reader(bytes.subarray(headerBytes, pdu.length), pdu.little)
  if (pdu.type === types.bindNak) return { kind: 'nak', reason: read.u16() }
  if (pdu.type === types.fault) {
    read.skip(8)
    return { kind: 'fault', status: read.u32() }
  }
  read.skip(8)
  const endpoint = read.text(read.u16())
  read.align(4)
  if (read.u8() !== 1) throw new NotRpc('it answers about another number of interfaces than it was asked about')
  read.skip(3)
  const result = read.u16()
  const reason = read.u16()
  read.skip(syntaxBytes)
  return { kind: 'ack', accepted: result === 0, reason: result === 0 ? 0 : reason, endpoint }
}

/** [C706] 12.6.3.1: version 5, whole fragment, little-endian integers, ASCII, IEEE floats, no authentication. */
function withHeader(type: number, callId: number, body: Buffer): Buffer {
  const head = Buffer.alloc(headerBytes)
  head.writeUInt8(5, 0)
  head.writeUInt8(type, 2)
  head.writeUInt8(whole, 3)
  head.writeUInt8(0x10, 4)
  head.writeUInt16LE(headerBytes + body.length, 8)
  head.writeUInt32LE(callId, 12)
  return Buffer.concat([head, body])
}

type Header = { readonly type: number; readonly little: boolean; readonly length: number; readonly callId: number }

function header(bytes: Buffer): Header | null {
  if (bytes.length > 0 && bytes[0] !== 5) throw new NotRpc('it speaks another protocol')
  if (bytes.length > 1 && bytes[1]! > 1) throw new NotRpc('it speaks another protocol')
  if (bytes.length < headerBytes) return null
  const order = bytes[4]! >> 4
  if (order > 1) throw new NotRpc('its order of bytes is none')
  const little = order === 1
  const length = little ? bytes.readUInt16LE(8) : bytes.readUInt16BE(8)
  const authLength = little ? bytes.readUInt16LE(10) : bytes.readUInt16BE(10)
  if (length < headerBytes || length > maxFragmentBytes) throw new NotRpc('its length is none that was agreed')
  if ((bytes[3]! & whole) !== whole) throw new NotRpc('it cuts its answer, which may not be cut')
  // Nobody authenticated, so there is nothing to verify.
  if (authLength !== 0) throw new NotRpc('it authenticates, unasked')
  return { type: bytes[2]!, little, length, callId: little ? bytes.readUInt32LE(12) : bytes.readUInt32BE(12) }
}

function reader(bytes: Buffer, little: boolean) {
  let at = 0
  const take = (n: number): Buffer => {
    if (at + n > bytes.length) throw new NotRpc('it ends before it should')
    at += n
    return bytes.subarray(at - n, at)
  }
  const u16 = () => (little ? take(2).readUInt16LE() : take(2).readUInt16BE())
  const u32 = () => (little ? take(4).readUInt32LE() : take(4).readUInt32BE())
  return {
    u8: () => take(1)[0]!,
    u16,
    u32,
    skip: (n: number) => void take(n),
    /** Counted from the begin of the PDU; the header is a multiple of eight. */
    align: (n: number) => void take((n - (at % n)) % n),
    text: (n: number) =>
      take(n)
        .toString('latin1')
        .replace(/\0.*$/s, '')
        .replace(/[^\x20-\x7e]/g, '?')
        .slice(0, 64),
    syntax: (): Interface => {
      const [a, b, c] = [u32(), u16(), u16()]
      const rest = take(8).toString('hex')
      const hex = (n: number, digits: number) => n.toString(16).padStart(digits, '0')
      const uuid = `${hex(a, 8)}-${hex(b, 4)}-${hex(c, 4)}-${rest.slice(0, 4)}-${rest.slice(4)}`
      const version = u32()
      return { uuid, major: version & 0xffff, minor: version >>> 16 }
    },
  }
}

function writeSyntax(bytes: Buffer, at: number, { uuid, major, minor }: Interface): void {
  const raw = Buffer.from(uuid.replaceAll('-', ''), 'hex')
  bytes.writeUInt32LE(raw.readUInt32BE(0), at)
  bytes.writeUInt16LE(raw.readUInt16BE(4), at + 4)
  bytes.writeUInt16LE(raw.readUInt16BE(6), at + 6)
  raw.copy(bytes, at + 8, 8)
  bytes.writeUInt16LE(major, at + 16)
  bytes.writeUInt16LE(minor, at + 18)
}
