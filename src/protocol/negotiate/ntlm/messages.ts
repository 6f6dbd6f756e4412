import { NegotiateError } from '../context.ts'

/**
 * The three messages of an NTLM logon, [MS-NLMP] 2.2.1, written and read. A message is a fixed head whose fields point into the
 * payload behind it; a reader here never looks outside the message and never takes more than a message may sensibly hold.
 */

/** [MS-NLMP] 2.2.2.5, by the names of the specification without NTLMSSP_. */
export const Flag = {
  NEGOTIATE_UNICODE: 0x0000_0001,
  NEGOTIATE_OEM: 0x0000_0002,
  REQUEST_TARGET: 0x0000_0004,
  NEGOTIATE_SIGN: 0x0000_0010,
  NEGOTIATE_SEAL: 0x0000_0020,
  NEGOTIATE_NTLM: 0x0000_0200,
  ANONYMOUS: 0x0000_0800,
  OEM_DOMAIN_SUPPLIED: 0x0000_1000,
  OEM_WORKSTATION_SUPPLIED: 0x0000_2000,
  NEGOTIATE_ALWAYS_SIGN: 0x0000_8000,
  TARGET_TYPE_DOMAIN: 0x0001_0000,
  TARGET_TYPE_SERVER: 0x0002_0000,
  NEGOTIATE_EXTENDED_SESSIONSECURITY: 0x0008_0000,
  NEGOTIATE_TARGET_INFO: 0x0080_0000,
  NEGOTIATE_VERSION: 0x0200_0000,
  NEGOTIATE_128: 0x2000_0000,
  NEGOTIATE_KEY_EXCH: 0x4000_0000,
  NEGOTIATE_56: 0x8000_0000,
} as const

/** What a session is not begun without: integrity, confidentiality, and the 128 bit keys of extended session security. */
export const required =
  Flag.NEGOTIATE_SIGN | Flag.NEGOTIATE_SEAL | Flag.NEGOTIATE_NTLM | Flag.NEGOTIATE_EXTENDED_SESSIONSECURITY | Flag.NEGOTIATE_128

export const has = (flags: number, wanted: number): boolean => (flags & wanted) === (wanted | 0)

/** [MS-NLMP] 2.2.2.1 AV_PAIR, the ids. */
export const Av = {
  EOL: 0,
  NbComputerName: 1,
  NbDomainName: 2,
  DnsComputerName: 3,
  DnsDomainName: 4,
  DnsTreeName: 5,
  Flags: 6,
  Timestamp: 7,
  SingleHost: 8,
  TargetName: 9,
  ChannelBindings: 10,
} as const
export type AvPair = { readonly id: number; readonly value: Uint8Array }

/** [MS-NLMP] 2.2.2.1: the bit of MsvAvFlags that says a MIC is in the AUTHENTICATE message. */
export const avFlagMic = 0x2

/** Largest message that is looked at. A ticket-less NTLM message has some hundred bytes; names are short. */
const messageMax = 16_384

const signature = Buffer.from('NTLMSSP\0', 'latin1')
/** [MS-NLMP] 2.2.2.10: for the eyes of whoever debugs; 15 is NTLMSSP_REVISION_W2K3. */
export const ourVersion = Buffer.from([10, 0, 0, 0, 0, 0, 0, 15])

const malformed = (what: string) => new NegotiateError('malformed', `NTLM: ${what}.`)

export const isNtlm = (token: Uint8Array): boolean => token.length >= 12 && signature.equals(token.subarray(0, 8))

/** Message type of a token that begins like NTLM. */
export function messageType(token: Uint8Array): number {
  if (!isNtlm(token)) throw malformed('not an NTLMSSP message')
  return view(token).readUInt32LE(8)
}

const view = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)

function head(token: Uint8Array, type: number, size: number): Buffer {
  if (!isNtlm(token)) throw malformed('not an NTLMSSP message')
  if (token.length > messageMax) throw malformed('the message is too large')
  const message = view(token)
  if (message.readUInt32LE(8) !== type) throw malformed(`message ${message.readUInt32LE(8)} where ${type} was due`)
  if (message.length < size) throw malformed('the message is cut')
  return message
}

/** Fields of 8 bytes: Len, MaxLen, BufferOffset. */
function field(message: Buffer, at: number): Buffer {
  const length = message.readUInt16LE(at)
  if (length === 0) return Buffer.alloc(0)
  const offset = message.readUInt32LE(at + 4)
  if (offset < 12 || offset + length > message.length) throw malformed('a field points outside the message')
  return message.subarray(offset, offset + length)
}

/** Text is UTF-16 or, with NEGOTIATE_OEM, in a code page that nobody names: only its ASCII part can be told for certain. */
function text(bytes: Buffer, flags: number): string {
  if (!has(flags, Flag.NEGOTIATE_UNICODE)) return bytes.toString('latin1')
  if (bytes.length % 2 !== 0) throw malformed('half a character')
  return bytes.toString('utf16le')
}

function bytesOf(name: string, flags: number): Buffer {
  if (has(flags, Flag.NEGOTIATE_UNICODE)) return Buffer.from(name, 'utf16le')
  if (/[^\x20-\x7e]/.test(name)) throw new NegotiateError('refused', 'NTLM: the server cannot take a name outside ASCII.')
  return Buffer.from(name, 'latin1')
}

/** Lays out a message: the head, then each field's payload in the order given. */
function layOut(type: number, size: number, fields: readonly (readonly [at: number, value: Uint8Array])[]): Buffer {
  const message = Buffer.alloc(fields.reduce((sum, [, value]) => sum + value.length, size))
  signature.copy(message)
  message.writeUInt32LE(type, 8)
  let end = size
  for (const [at, value] of fields) {
    message.writeUInt16LE(value.length, at)
    message.writeUInt16LE(value.length, at + 2)
    message.writeUInt32LE(end, at + 4)
    message.set(value, end)
    end += value.length
  }
  return message
}

/** [MS-NLMP] 2.2.1.1 NEGOTIATE_MESSAGE. Domain and workstation are always OEM; nothing here needs them. */
export type Negotiate = { readonly flags: number }

export function encodeNegotiate({ flags }: Negotiate): Buffer {
  const message = layOut(1, 40, [
    [16, Buffer.alloc(0)],
    [24, Buffer.alloc(0)],
  ])
  message.writeUInt32LE(flags >>> 0, 12)
  if (has(flags, Flag.NEGOTIATE_VERSION)) ourVersion.copy(message, 32)
  return message
}

export function decodeNegotiate(token: Uint8Array): Negotiate {
  // Some peers leave out everything behind the flags.
  const message = head(token, 1, 16)
  return { flags: message.readUInt32LE(12) }
}

/** [MS-NLMP] 2.2.1.2 CHALLENGE_MESSAGE. */
export type Challenge = {
  readonly flags: number
  readonly targetName: string
  readonly serverChallenge: Uint8Array
  readonly targetInfo: readonly AvPair[] | null
  readonly version?: Uint8Array
}

export function encodeChallenge(challenge: Challenge): Buffer {
  const message = layOut(2, 56, [
    [12, bytesOf(challenge.targetName, challenge.flags)],
    [40, challenge.targetInfo === null ? Buffer.alloc(0) : encodeAvPairs(challenge.targetInfo)],
  ])
  message.writeUInt32LE(challenge.flags >>> 0, 20)
  message.set(challenge.serverChallenge, 24)
  if (has(challenge.flags, Flag.NEGOTIATE_VERSION)) message.set(challenge.version ?? ourVersion, 48)
  return message
}

export function decodeChallenge(token: Uint8Array): Challenge {
  const message = head(token, 2, 32)
  const flags = message.readUInt32LE(20)
  const withInfo = has(flags, Flag.NEGOTIATE_TARGET_INFO)
  if (withInfo && message.length < 48) throw malformed('the message is cut')
  return {
    flags,
    targetName: text(field(message, 12), flags),
    serverChallenge: message.subarray(24, 32),
    targetInfo: withInfo ? decodeAvPairs(field(message, 40)).pairs : null,
    ...(has(flags, Flag.NEGOTIATE_VERSION) && message.length >= 56 ? { version: message.subarray(48, 56) } : {}),
  }
}

/** [MS-NLMP] 2.2.1.3 AUTHENTICATE_MESSAGE. `mic` is null where none is sent; the writer leaves its 16 bytes zero. */
export type Authenticate = {
  readonly flags: number
  readonly domain: string
  readonly user: string
  readonly workstation: string
  readonly lmResponse: Uint8Array
  readonly ntResponse: Uint8Array
  readonly encryptedSessionKey: Uint8Array
  readonly version?: Uint8Array
}

/** Where the MIC stands: behind head and version. */
export const micAt = 72

export function encodeAuthenticate(authenticate: Authenticate, withMic: boolean): Buffer {
  const { flags } = authenticate
  const message = layOut(3, withMic ? micAt + 16 : micAt, [
    [28, bytesOf(authenticate.domain, flags)],
    [36, bytesOf(authenticate.user, flags)],
    [44, bytesOf(authenticate.workstation, flags)],
    [12, authenticate.lmResponse],
    [20, authenticate.ntResponse],
    [52, authenticate.encryptedSessionKey],
  ])
  message.writeUInt32LE(flags >>> 0, 60)
  if (has(flags, Flag.NEGOTIATE_VERSION)) message.set(authenticate.version ?? ourVersion, 64)
  return message
}

export function decodeAuthenticate(token: Uint8Array): Authenticate {
  const message = head(token, 3, 64)
  const flags = message.readUInt32LE(60)
  return {
    flags,
    domain: text(field(message, 28), flags),
    user: text(field(message, 36), flags),
    workstation: text(field(message, 44), flags),
    lmResponse: field(message, 12),
    ntResponse: field(message, 20),
    encryptedSessionKey: field(message, 52),
    ...(has(flags, Flag.NEGOTIATE_VERSION) && message.length >= micAt ? { version: message.subarray(64, micAt) } : {}),
  }
}

/** The MIC of a message that has one: its bytes, and the message with zeros in their place, which is what was signed. */
export function micOf(token: Uint8Array): { readonly mic: Buffer; readonly zeroed: Buffer } {
  if (token.length < micAt + 16) throw malformed('a MIC is announced and missing')
  const zeroed = Buffer.from(token)
  const mic = Buffer.from(zeroed.subarray(micAt, micAt + 16))
  zeroed.fill(0, micAt, micAt + 16)
  return { mic, zeroed }
}

/** [MS-NLMP] 2.2.2.1: a list of pairs ended by MsvAvEOL. Few, each at most once. */
export function decodeAvPairs(bytes: Uint8Array): { readonly pairs: AvPair[]; readonly length: number } {
  const list = view(bytes)
  const pairs: AvPair[] = []
  for (let at = 0; at + 4 <= list.length; ) {
    const id = list.readUInt16LE(at)
    const length = list.readUInt16LE(at + 2)
    at += 4
    if (id === Av.EOL) return { pairs, length: at }
    if (at + length > list.length) throw malformed('an AV pair is cut')
    if (pairs.some((pair) => pair.id === id)) throw malformed('an AV pair stands twice')
    pairs.push({ id, value: list.subarray(at, at + length) })
    at += length
    if (pairs.length > 32) throw malformed('too many AV pairs')
  }
  throw malformed('the AV pairs have no end')
}

export function encodeAvPairs(pairs: readonly AvPair[]): Buffer {
  const out = Buffer.alloc(pairs.reduce((sum, pair) => sum + 4 + pair.value.length, 4))
  let at = 0
  for (const { id, value } of pairs) {
    at = out.writeUInt16LE(id, at)
    at = out.writeUInt16LE(value.length, at)
    out.set(value, at)
    at += value.length
  }
  return out
}

export const avValue = (pairs: readonly AvPair[], id: number): Uint8Array | null => pairs.find((pair) => pair.id === id)?.value ?? null

/** [MS-NLMP] 2.2.2.7 NTLMv2_CLIENT_CHALLENGE, as it stands behind NTProofStr in the response. */
export type ClientChallenge = { readonly time: Uint8Array; readonly challenge: Uint8Array; readonly pairs: readonly AvPair[] }

export function encodeClientChallenge({ time, challenge, pairs }: ClientChallenge): Buffer {
  return Buffer.concat([Buffer.from([1, 1, 0, 0, 0, 0, 0, 0]), time, challenge, Buffer.alloc(4), encodeAvPairs(pairs), Buffer.alloc(4)])
}

export function decodeClientChallenge(bytes: Uint8Array): ClientChallenge {
  if (bytes.length < 32 || bytes[0] !== 1 || bytes[1] !== 1) throw malformed('not an NTLMv2 response')
  return { time: bytes.subarray(8, 16), challenge: bytes.subarray(16, 24), pairs: decodeAvPairs(bytes.subarray(28)).pairs }
}

/** Milliseconds since 1970 as a FILETIME: 100 ns since 1601. */
export function fileTime(ms: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE((BigInt(Math.floor(ms)) + 11_644_473_600_000n) * 10_000n)
  return bytes
}
