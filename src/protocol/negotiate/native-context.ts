import { NativeError } from '../../native.ts'
import { NegotiateError, type Sealed, type SecurityContext } from './context.ts'

/** A session of a library of the system, in the shape that the contexts of this room share. */
export type NativeEnd = {
  readonly step: (token: Uint8Array | null) => Promise<{ readonly token: Uint8Array | null; readonly complete: boolean }>
  readonly peer: string | null
  readonly seal: (message: Uint8Array) => Sealed
  readonly unseal: (sealed: Sealed) => Uint8Array
  readonly close: () => void
}

/** Nothing is opened before the first step; what the library throws becomes a NegotiateError. */
export function nativeContext(open: () => Promise<NativeEnd>, names: Pick<SecurityContext, 'mechanism' | 'scheme'>): SecurityContext {
  let end: NativeEnd | null = null
  let complete = false
  let closed = false
  const word = names.mechanism === 'ntlm' ? 'NTLM' : 'Kerberos'

  function ready(): NativeEnd {
    if (end === null || !complete || closed)
      throw new NegotiateError('refused', `${word}: the handshake is not done, or the session is closed.`)
    return end
  }

  return {
    ...names,
    get complete() {
      return complete && !closed
    },
    get peer() {
      return complete ? (end?.peer ?? null) : null
    },
    async step(token) {
      try {
        if (!closed) end ??= await open()
        if (closed || end === null) {
          end?.close()
          throw new NegotiateError('refused', `${word}: the session is closed.`)
        }
        const stepped = await end.step(token)
        complete = stepped.complete
        return stepped.token
      } catch (error) {
        throw translated(error)
      }
    },
    seal(message) {
      try {
        return ready().seal(message)
      } catch (error) {
        throw translated(error)
      }
    },
    unseal(sealed) {
      if (sealed.signature.length > signatureMax) throw new NegotiateError('malformed', `${word}: the signature is too long.`)
      try {
        return ready().unseal(sealed)
      } catch (error) {
        throw translated(error)
      }
    },
    close() {
      closed = true
      end?.close()
    },
  }
}

/** Header, checksum and confounder of any cipher that is still in use. */
const signatureMax = 256

const translated = (error: unknown): unknown =>
  error instanceof NativeError ? new NegotiateError(error.reason, error.message, error.code) : error
