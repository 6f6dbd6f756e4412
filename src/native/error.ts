/**
 * What a foreign library said no to. `unavailable`: the library, a ticket or a KDC is missing; the others as in GSS-API (RFC
 * 2743). `code` is the library's own (GSS minor status, SECURITY_STATUS).
 */
export class NativeError extends Error {
  readonly reason: 'unavailable' | 'rejected' | 'malformed' | 'signature' | 'refused'
  readonly code: number | null
  constructor(reason: NativeError['reason'], message: string, code: number | null = null) {
    super(message)
    this.reason = reason
    this.code = code
  }
}
