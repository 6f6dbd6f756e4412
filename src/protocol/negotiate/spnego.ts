import { NegotiateError } from './context.ts'
import { DerReader, der, derOnly } from './der.ts'

/**
 * SPNEGO (RFC 4178, [MS-SPNG]): the envelope by which the two ends agree on a mechanism. Read strictly and within bounds; an
 * extension that nobody here needs (the hints of NegTokenInit2) is passed over, not looked into.
 */

/** Object identifiers as the DER of their value; [MS-SPNG] 1.9 lists those that Windows offers. */
export const Mechanism = {
  spnego: Buffer.from('2b0601050502', 'hex'),
  kerberos: Buffer.from('2a864886f712010202', 'hex'),
  /** The same, with the wrong number that Windows 2000 sent and every Windows since offers first. */
  kerberosMicrosoft: Buffer.from('2a864882f712010202', 'hex'),
  ntlm: Buffer.from('2b06010401823702020a', 'hex'),
} as const

/** A handshake token is some kilobytes; a ticket with a large PAC may have 64 KiB. */
const tokenMax = 131_072
const mechanismsMax = 16

export type NegState = 'accept-completed' | 'accept-incomplete' | 'reject' | 'request-mic'
const states: readonly NegState[] = ['accept-completed', 'accept-incomplete', 'reject', 'request-mic']

/** RFC 4178 4.2.1. `mechTypesDer` is the list as it stood on the wire: that is what mechListMIC signs. */
export type NegTokenInit = {
  readonly kind: 'init'
  readonly mechTypes: readonly Uint8Array[]
  readonly mechTypesDer: Uint8Array
  readonly mechToken: Uint8Array | null
  readonly mechListMic: Uint8Array | null
}
/** RFC 4178 4.2.2. */
export type NegTokenResp = {
  readonly kind: 'resp'
  readonly state: NegState | null
  readonly supportedMech: Uint8Array | null
  readonly responseToken: Uint8Array | null
  readonly mechListMic: Uint8Array | null
}

const octets = (tag: number, value: Uint8Array | null): Buffer => (value === null ? Buffer.alloc(0) : der(tag, der(0x04, value)))
const octetsIn = (value: Buffer | null): Buffer | null => (value === null ? null : derOnly(value, 0x04))

/** The DER of a MechTypeList. */
export const mechTypeList = (mechTypes: readonly Uint8Array[]): Buffer => der(0x30, ...mechTypes.map((oid) => der(0x06, oid)))

/** NegTokenInit in the framing of an initial GSS token (RFC 2743 3.1). */
export function encodeInit(mechTypes: readonly Uint8Array[], mechToken: Uint8Array | null): Buffer {
  return der(0x60, der(0x06, Mechanism.spnego), der(0xa0, der(0x30, der(0xa0, mechTypeList(mechTypes)), octets(0xa2, mechToken))))
}

export function encodeResp(token: Omit<NegTokenResp, 'kind'>): Buffer {
  return der(
    0xa1,
    der(
      0x30,
      token.state === null ? Buffer.alloc(0) : der(0xa0, der(0x0a, Buffer.from([states.indexOf(token.state)]))),
      token.supportedMech === null ? Buffer.alloc(0) : der(0xa1, der(0x06, token.supportedMech)),
      octets(0xa2, token.responseToken),
      octets(0xa3, token.mechListMic),
    ),
  )
}

export function decodeSpnego(token: Uint8Array): NegTokenInit | NegTokenResp {
  if (token.length > tokenMax) throw new NegotiateError('malformed', 'SPNEGO: the token is too large.')
  if (token[0] === 0xa1) return decodeResp(derOnly(token, 0xa1))
  const frame = new DerReader(derOnly(token, 0x60))
  if (!frame.take(0x06).equals(Mechanism.spnego)) throw new NegotiateError('malformed', 'SPNEGO: a token of another mechanism.')
  const init = decodeInit(frame.take(0xa0))
  frame.end()
  return init
}

function decodeInit(bytes: Uint8Array): NegTokenInit {
  const reader = new DerReader(derOnly(bytes, 0x30))
  const mechTypesDer = reader.take(0xa0)
  const list = new DerReader(derOnly(mechTypesDer, 0x30))
  const mechTypes: Buffer[] = []
  while (list.more) {
    mechTypes.push(list.take(0x06))
    if (mechTypes.length > mechanismsMax) throw new NegotiateError('malformed', 'SPNEGO: too many mechanisms.')
  }
  reader.maybe(0xa1) // reqFlags: RFC 4178 4.2.1 says to ignore them.
  const mechToken = octetsIn(reader.maybe(0xa2))
  // [MS-SPNG] 2.2.1: where RFC 4178 has the MIC, NegTokenInit2 has hints, and the MIC behind them.
  const third = reader.maybe(0xa3)
  const hints = third !== null && third[0] === 0x30
  const mechListMic = octetsIn(hints ? reader.maybe(0xa4) : third)
  reader.end()
  return { kind: 'init', mechTypes, mechTypesDer, mechToken, mechListMic }
}

function decodeResp(bytes: Uint8Array): NegTokenResp {
  const reader = new DerReader(derOnly(bytes, 0x30))
  const negState = reader.maybe(0xa0)
  const number = negState === null ? null : derOnly(negState, 0x0a)
  const state = number === null ? null : number.length === 1 ? states[number[0]!] : undefined
  if (state === undefined) throw new NegotiateError('malformed', 'SPNEGO: no such state.')
  const mech = reader.maybe(0xa1)
  const supportedMech = mech === null ? null : derOnly(mech, 0x06)
  const responseToken = octetsIn(reader.maybe(0xa2))
  const mechListMic = octetsIn(reader.maybe(0xa3))
  reader.end()
  return { kind: 'resp', state, supportedMech, responseToken, mechListMic }
}
