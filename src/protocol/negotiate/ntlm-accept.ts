import { randomBytes } from 'node:crypto'
import { bindingHash } from './bindings.ts'
import { NegotiateError, type SecurityContext } from './context.ts'
import { hmacMd5, ntowfv2 } from './ntlm/keys.ts'
import {
  type Authenticate,
  Av,
  type AvPair,
  avFlagMic,
  avValue,
  decodeAuthenticate,
  decodeClientChallenge,
  decodeNegotiate,
  encodeChallenge,
  Flag,
  fileTime,
  has,
  isNtlm,
  micOf,
  required,
} from './ntlm/messages.ts'
import { rc4 } from './ntlm/rc4.ts'
import { proofOf } from './ntlm/response.ts'
import { NtlmSession, sameBytes } from './ntlm/session.ts'
import { decodeSpnego, encodeResp, Mechanism, type NegTokenInit, type NegTokenResp } from './spnego.ts'

export type NtlmAccept = {
  /** The NT hash of an account (see `ntHash`), null where there is none. Domain and user are as the client wrote them. */
  readonly account: (domain: string, user: string) => Uint8Array | null
  /** NetBIOS name of this machine; null domain means a workgroup machine. */
  readonly computer: string
  readonly domain: string | null
  readonly dnsDomain: string
  readonly dnsHost: string
  /** From `channelBindings`: a client that names another channel or none is rejected. null: not looked at. */
  readonly channelBinding: Uint8Array | null
  /** Milliseconds since 1970, for the timestamp of the challenge. */
  readonly now: () => number
}

/** NEGOTIATE_NTLM must be set ([MS-NLMP] 2.2.2.5) and says nothing: python's ntlm-auth leaves it out, and Windows lets it in. */
const needed = required & ~Flag.NEGOTIATE_NTLM

const supported =
  required |
  Flag.NEGOTIATE_UNICODE |
  Flag.NEGOTIATE_OEM |
  Flag.REQUEST_TARGET |
  Flag.NEGOTIATE_ALWAYS_SIGN |
  Flag.NEGOTIATE_VERSION |
  Flag.NEGOTIATE_KEY_EXCH |
  Flag.NEGOTIATE_56

/** The server end of NTLMv2: takes raw tokens and tokens in SPNEGO. `peer` is `DOMAIN\user`. */
export function ntlmAccept(options: NtlmAccept): SecurityContext {
  let state: 'begin' | 'negotiate' | 'authenticate' | 'complete' | 'failed' | 'closed' = 'begin'
  let offer: NegTokenInit | null = null
  let negotiate: Uint8Array | null = null
  let challenge: { readonly token: Buffer; readonly server: Buffer; readonly flags: number } | null = null
  let session: NtlmSession | null = null
  let peer: string | null = null

  function challengeFor(token: Uint8Array): Buffer {
    negotiate = Buffer.from(token)
    challenge = makeChallenge(decodeNegotiate(token).flags, options)
    state = 'authenticate'
    return challenge.token
  }

  function logOn(token: Uint8Array): { withMic: boolean } {
    const logon = verify(options, negotiate!, challenge!, token)
    session = new NtlmSession(logon.sessionKey, challenge!.flags & logon.flags, 'server')
    logon.sessionKey.fill(0)
    peer = logon.peer
    return logon
  }

  function raw(token: Uint8Array): Uint8Array | null {
    if (state === 'begin') return challengeFor(token)
    logOn(token)
    state = 'complete'
    return null
  }

  /** RFC 4178: NTLM at once where it stands first in the list; asked for where it stands further down. */
  function wrapped(token: NegTokenInit | NegTokenResp): Uint8Array {
    if (token.kind === 'init') {
      if (state !== 'begin') throw new NegotiateError('malformed', 'SPNEGO: a second beginning.')
      const place = token.mechTypes.findIndex((oid) => Mechanism.ntlm.equals(oid))
      if (place < 0) throw new NegotiateError('rejected', 'SPNEGO: the client does not offer NTLM.')
      offer = token
      state = 'negotiate'
      if (place > 0 || token.mechToken === null)
        return encodeResp({
          state: place > 0 ? 'request-mic' : 'accept-incomplete',
          supportedMech: Mechanism.ntlm,
          responseToken: null,
          mechListMic: null,
        })
      return encodeResp({
        state: 'accept-incomplete',
        supportedMech: Mechanism.ntlm,
        responseToken: challengeFor(token.mechToken),
        mechListMic: null,
      })
    }
    if (offer === null || token.responseToken === null) throw new NegotiateError('malformed', 'SPNEGO: a token is missing.')
    if (state === 'negotiate')
      return encodeResp({
        state: 'accept-incomplete',
        supportedMech: Mechanism.ntlm,
        responseToken: challengeFor(token.responseToken),
        mechListMic: null,
      })
    const { withMic } = logOn(token.responseToken)
    const first = Mechanism.ntlm.equals(offer.mechTypes[0]!)
    // [MS-SPNG] 3.3.5.1, RFC 4178 section 5: without it somebody may have struck a better mechanism from the list.
    if (token.mechListMic === null && (withMic || !first))
      throw new NegotiateError('rejected', 'SPNEGO: the list of mechanisms is not signed.')
    let mechListMic: Buffer | null = null
    if (token.mechListMic !== null) {
      session!.verifyListMic(offer.mechTypesDer, token.mechListMic)
      mechListMic = session!.listMic(offer.mechTypesDer)
    }
    state = 'complete'
    return encodeResp({ state: 'accept-completed', supportedMech: null, responseToken: null, mechListMic })
  }

  function ready(): NtlmSession {
    if (state !== 'complete' || session === null) throw new NegotiateError('refused', 'NTLM: the handshake is not done.')
    return session
  }

  return {
    mechanism: 'ntlm',
    scheme: 'Negotiate',
    get complete() {
      return state === 'complete'
    },
    get peer() {
      return state === 'complete' ? peer : null
    },
    async step(token) {
      try {
        if (token === null || state === 'complete' || state === 'failed' || state === 'closed')
          throw new NegotiateError('malformed', 'NTLM: no token was due.')
        if (offer === null && isNtlm(token)) return raw(token)
        if (offer === null && state !== 'begin') throw new NegotiateError('malformed', 'NTLM: raw and wrapped tokens are mixed.')
        return wrapped(decodeSpnego(token))
      } catch (error) {
        state = state === 'closed' ? state : 'failed'
        session?.close()
        throw error
      }
    },
    seal: (message) => ready().seal(message),
    unseal: (sealed) => ready().unseal(sealed),
    close() {
      state = 'closed'
      session?.close()
    },
  }
}

/** [MS-NLMP] 3.2.5.1.1. */
function makeChallenge(client: number, options: NtlmAccept): { token: Buffer; server: Buffer; flags: number } {
  if (!has(client, needed))
    throw new NegotiateError('refused', 'The client offers weaker NTLM than NTLMv2 with 128 bit, signed and sealed.')
  let flags = (client & supported) | Flag.NEGOTIATE_NTLM | Flag.NEGOTIATE_TARGET_INFO | Flag.REQUEST_TARGET
  if (has(flags, Flag.NEGOTIATE_UNICODE)) flags &= ~Flag.NEGOTIATE_OEM
  else if (!has(flags, Flag.NEGOTIATE_OEM)) throw new NegotiateError('malformed', 'NTLM: no character set is offered.')
  flags |= options.domain === null ? Flag.TARGET_TYPE_SERVER : Flag.TARGET_TYPE_DOMAIN
  const domain = options.domain ?? options.computer
  const name = (id: number, value: string): AvPair => ({ id, value: Buffer.from(value, 'utf16le') })
  const server = randomBytes(8)
  const token = encodeChallenge({
    flags,
    targetName: domain,
    serverChallenge: server,
    targetInfo: [
      name(Av.NbDomainName, domain),
      name(Av.NbComputerName, options.computer),
      name(Av.DnsDomainName, options.dnsDomain),
      name(Av.DnsComputerName, options.dnsHost),
      { id: Av.Timestamp, value: fileTime(options.now()) },
    ],
  })
  return { token, server, flags }
}

type Logon = { readonly sessionKey: Buffer; readonly flags: number; readonly peer: string; readonly withMic: boolean }

/** [MS-NLMP] 3.2.5.1.2: whether the client knows the password, and the key that both now share. */
function verify(
  options: NtlmAccept,
  negotiate: Uint8Array,
  challenge: { readonly token: Uint8Array; readonly server: Uint8Array; readonly flags: number },
  token: Uint8Array,
): Logon {
  const message = decodeAuthenticate(token)
  if (!has(message.flags, needed)) throw new NegotiateError('refused', 'The client agreed to weaker NTLM than was offered.')
  if (message.user === '' || message.ntResponse.length === 0) throw new NegotiateError('rejected', 'NTLM: anonymous logon.')
  if (message.ntResponse.length < 48) throw new NegotiateError('refused', 'NTLM: the client answers with NTLMv1 or LM.')
  const hash = options.account(message.domain, message.user)
  // An account that does not exist takes as long as a wrong password.
  const responseKey = ntowfv2(hash ?? randomBytes(16), message.user, message.domain)
  const temp = message.ntResponse.subarray(16)
  const proof = proofOf(responseKey, challenge.server, temp)
  const keyExchangeKey = hmacMd5(responseKey, proof)
  responseKey.fill(0)
  if (!sameBytes(proof, message.ntResponse.subarray(0, 16)) || hash === null)
    throw new NegotiateError('rejected', 'NTLM: no such account, or the wrong password.')
  const { pairs } = decodeClientChallenge(temp)
  const sessionKey = exportedKey(message, challenge.flags, keyExchangeKey)
  keyExchangeKey.fill(0)
  const withMic = verifyMic(pairs, sessionKey, negotiate, challenge.token, token)
  verifyBinding(pairs, options.channelBinding)
  return {
    sessionKey,
    flags: message.flags,
    peer: message.domain === '' ? message.user : `${message.domain}\\${message.user}`,
    withMic,
  }
}

function exportedKey(message: Authenticate, offered: number, keyExchangeKey: Uint8Array): Buffer {
  if (!has(message.flags & offered, Flag.NEGOTIATE_KEY_EXCH)) return Buffer.from(keyExchangeKey)
  if (message.encryptedSessionKey.length !== 16) throw new NegotiateError('malformed', 'NTLM: the session key has the wrong length.')
  return rc4(keyExchangeKey, message.encryptedSessionKey)
}

/**
 * Whether the client signed the three messages; whoever says so, under the proof, must have. [MS-NLMP] 3.1.5.1.2 demands it
 * of clients, and 3.2.5.1.2 does not have the server insist: gss-ntlmssp signs inside SPNEGO only.
 */
function verifyMic(pairs: readonly AvPair[], key: Uint8Array, negotiate: Uint8Array, challenge: Uint8Array, token: Uint8Array): boolean {
  const flags = avValue(pairs, Av.Flags)
  if (flags === null || flags.length !== 4 || (flags[0]! & avFlagMic) === 0) return false
  const { mic, zeroed } = micOf(token)
  if (!sameBytes(mic, hmacMd5(key, negotiate, challenge, zeroed)))
    throw new NegotiateError('signature', 'NTLM: the handshake was changed on its way.')
  return true
}

function verifyBinding(pairs: readonly AvPair[], channelBinding: Uint8Array | null): void {
  if (channelBinding === null) return
  const named = avValue(pairs, Av.ChannelBindings)
  if (named === null || !sameBytes(named, bindingHash(channelBinding)))
    throw new NegotiateError('rejected', 'NTLM: the logon belongs to another TLS connection.')
}
