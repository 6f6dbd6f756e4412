import { randomBytes } from 'node:crypto'
import { bindingHash } from './bindings.ts'
import { NegotiateError, type PasswordSource, type SecurityContext } from './context.ts'
import { hmacMd5, ntHash, ntowfv2 } from './ntlm/keys.ts'
import {
  Av,
  type AvPair,
  avFlagMic,
  avValue,
  type Challenge,
  decodeChallenge,
  encodeAuthenticate,
  encodeNegotiate,
  Flag,
  fileTime,
  has,
  micAt,
  required,
} from './ntlm/messages.ts'
import { rc4 } from './ntlm/rc4.ts'
import { respond } from './ntlm/response.ts'
import { NtlmSession } from './ntlm/session.ts'
import { decodeSpnego, encodeInit, encodeResp, Mechanism, mechTypeList } from './spnego.ts'

export type NtlmInitiate = {
  readonly user: string
  /** NetBIOS or DNS name of the account's domain; empty for a local account or a name such as user@corp.example. */
  readonly domain: string
  readonly password: PasswordSource
  /** `HTTP/host`; null leaves the target name out. */
  readonly spn: string | null
  /** From `channelBindings`; null over plain HTTP. */
  readonly channelBinding: Uint8Array | null
  /** In SPNEGO instead of raw NTLMSSP messages; both travel as `Negotiate`. */
  readonly wrapped?: boolean
}

/** What this end chooses by chance or by the clock; the specification's vectors give it. */
export type NtlmChoices = { readonly clientChallenge: Uint8Array; readonly exportedSessionKey: Uint8Array; readonly time: Uint8Array }

const wanted =
  required |
  Flag.NEGOTIATE_UNICODE |
  Flag.NEGOTIATE_OEM |
  Flag.REQUEST_TARGET |
  Flag.NEGOTIATE_ALWAYS_SIGN |
  Flag.NEGOTIATE_TARGET_INFO |
  Flag.NEGOTIATE_VERSION |
  Flag.NEGOTIATE_KEY_EXCH |
  Flag.NEGOTIATE_56

/**
 * The client end of NTLMv2. The password is read once, now; only what NTLMv2 derives from it is kept, until the handshake is
 * done. A server that offers less than 128 bit, signed and sealed, is refused.
 */
export function ntlmInitiate(options: NtlmInitiate): SecurityContext {
  const responseKey = options.password.use((utf8) => {
    const hash = ntHash(utf8)
    try {
      return ntowfv2(hash, options.user, options.domain)
    } finally {
      hash.fill(0)
    }
  })
  const negotiate = encodeNegotiate({ flags: wanted })
  const mechTypes = [Mechanism.ntlm]
  let state: 'begin' | 'challenge' | 'verdict' | 'complete' | 'failed' | 'closed' = 'begin'
  let session: NtlmSession | null = null
  let withMic = false

  function answer(challengeToken: Uint8Array): Buffer {
    const logon = authenticate(options, responseKey, negotiate, challengeToken, {
      clientChallenge: randomBytes(8),
      exportedSessionKey: randomBytes(16),
      time: fileTime(Date.now()),
    })
    session = new NtlmSession(logon.sessionKey, logon.flags, 'client')
    withMic = logon.withMic
    logon.sessionKey.fill(0)
    responseKey.fill(0)
    return logon.message
  }

  function begin(token: Uint8Array | null): Uint8Array {
    if (token !== null && token.length > 0) throw new NegotiateError('malformed', 'NTLM: the client speaks first.')
    state = 'challenge'
    return options.wrapped ? encodeInit(mechTypes, negotiate) : negotiate
  }

  function challenged(token: Uint8Array): Uint8Array {
    if (!options.wrapped) {
      const message = answer(token)
      state = 'complete'
      return message
    }
    const response = expectResponse(token)
    if (response.responseToken === null) throw new NegotiateError('malformed', 'SPNEGO: an answer without a token.')
    const message = answer(response.responseToken)
    state = 'verdict'
    // As Windows does: the list of mechanisms is signed where the messages are.
    const mechListMic = withMic ? session!.listMic(mechTypeList(mechTypes)) : null
    return encodeResp({ state: null, supportedMech: null, responseToken: message, mechListMic })
  }

  function verdict(token: Uint8Array): null {
    const response = expectResponse(token)
    if (response.state !== 'accept-completed' || response.responseToken !== null)
      throw new NegotiateError('malformed', 'SPNEGO: the end was due.')
    // Only one mechanism was offered: a missing signature over the list hides no better one.
    if (response.mechListMic !== null) session!.verifyListMic(mechTypeList(mechTypes), response.mechListMic)
    state = 'complete'
    return null
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
    peer: null,
    async step(token) {
      try {
        if (state === 'begin') return begin(token)
        if (token === null || state === 'failed' || state === 'closed' || state === 'complete')
          throw new NegotiateError('malformed', 'NTLM: no token was due.')
        return state === 'challenge' ? challenged(token) : verdict(token)
      } catch (error) {
        state = state === 'closed' ? state : 'failed'
        responseKey.fill(0)
        session?.close()
        throw error
      }
    },
    seal: (message) => ready().seal(message),
    unseal: (sealed) => ready().unseal(sealed),
    close() {
      state = 'closed'
      responseKey.fill(0)
      session?.close()
    },
  }
}

function expectResponse(token: Uint8Array) {
  const response = decodeSpnego(token)
  if (response.kind !== 'resp') throw new NegotiateError('malformed', 'SPNEGO: an answer was due.')
  if (response.state === 'reject') throw new NegotiateError('rejected', 'The server rejects this logon.')
  if (response.supportedMech !== null && !Mechanism.ntlm.equals(response.supportedMech))
    throw new NegotiateError('refused', 'SPNEGO: the server chose a mechanism that was not offered.')
  return response
}

/** [MS-NLMP] 3.1.5.1.2 and 3.3.2: the AUTHENTICATE message for a challenge. The key is the caller's to wipe. */
export function authenticate(
  options: Pick<NtlmInitiate, 'user' | 'domain' | 'spn' | 'channelBinding'> & { readonly workstation?: string },
  responseKey: Uint8Array,
  negotiate: Uint8Array,
  challengeToken: Uint8Array,
  choices: NtlmChoices,
): { message: Buffer; flags: number; sessionKey: Buffer; withMic: boolean } {
  const challenge = decodeChallenge(challengeToken)
  const flags = agree(challenge)
  const timestamp = avValue(challenge.targetInfo!, Av.Timestamp)
  const withMic = timestamp !== null
  const pairs = targetPairs(challenge.targetInfo!, options, withMic)
  const { lmResponse, ntResponse, keyExchangeKey } = respond(responseKey, challenge.serverChallenge, {
    time: timestamp ?? choices.time,
    challenge: choices.clientChallenge,
    pairs,
  })
  const exchanged = has(flags, Flag.NEGOTIATE_KEY_EXCH)
  const sessionKey = Buffer.from(exchanged ? choices.exportedSessionKey : keyExchangeKey)
  const message = encodeAuthenticate(
    {
      flags,
      domain: options.domain,
      user: options.user,
      workstation: options.workstation ?? '',
      // [MS-NLMP] 3.1.5.1.2: no LMv2 response where the server has a clock.
      lmResponse: withMic ? Buffer.alloc(24) : lmResponse,
      ntResponse,
      encryptedSessionKey: exchanged ? rc4(keyExchangeKey, sessionKey) : Buffer.alloc(0),
    },
    withMic,
  )
  if (withMic) hmacMd5(sessionKey, negotiate, challengeToken, message).copy(message, micAt)
  keyExchangeKey.fill(0)
  return { message, flags, sessionKey, withMic }
}

/** What both ends want. [MS-NLMP] 3.1.5.1.2 names what a challenge must have where messages are to be signed or sealed. */
function agree(challenge: Challenge): number {
  let flags = challenge.flags & wanted
  if (!has(flags, required))
    throw new NegotiateError('refused', 'The server offers weaker NTLM than NTLMv2 with 128 bit, signed and sealed.')
  if (has(flags, Flag.NEGOTIATE_UNICODE)) flags &= ~Flag.NEGOTIATE_OEM
  else if (!has(flags, Flag.NEGOTIATE_OEM)) throw new NegotiateError('malformed', 'NTLM: no character set is agreed.')
  const info = challenge.targetInfo
  if (info === null || avValue(info, Av.NbComputerName) === null || avValue(info, Av.NbDomainName) === null)
    throw new NegotiateError('refused', 'NTLM: the server does not name itself, which NTLMv2 with sealing demands.')
  if ((avValue(info, Av.Timestamp)?.length ?? 8) !== 8) throw new NegotiateError('malformed', 'NTLM: the timestamp has the wrong length.')
  return flags
}

/** The server's pairs, sent back with what the client adds: that a MIC is there, which channel, which service. */
function targetPairs(
  server: readonly AvPair[],
  { spn, channelBinding }: Pick<NtlmInitiate, 'spn' | 'channelBinding'>,
  withMic: boolean,
): AvPair[] {
  const pairs = server.filter(({ id }) => id !== Av.Flags && id !== Av.ChannelBindings && id !== Av.TargetName)
  const serverFlags = avValue(server, Av.Flags)
  const flags = Buffer.alloc(4)
  if (serverFlags?.length === 4) flags.set(serverFlags)
  if (withMic) flags[0]! |= avFlagMic
  if (withMic || serverFlags !== null) pairs.push({ id: Av.Flags, value: flags })
  // Without a channel there is no pair: [MS-NLMP] 2.2.2.1 would have zeros mean the same, but Windows compares them (gss-ntlmssp 25).
  if (channelBinding !== null) pairs.push({ id: Av.ChannelBindings, value: bindingHash(channelBinding) })
  pairs.push({ id: Av.TargetName, value: Buffer.from(spn ?? '', 'utf16le') })
  return pairs
}
