/** One scheme that a server offers in WWW-Authenticate, with its token or parameters. */
export type Challenge = { readonly scheme: string; readonly token: Uint8Array | null; readonly parameters: ReadonlyMap<string, string> }

/** What a 401 (or a 200 that ends a handshake) offers: RFC 9110 section 11.6.1, several schemes in one or several header lines. */
export function challenges(_header: string | readonly string[] | undefined): Challenge[] {
  throw new Error('to be written')
}

/** The value of the Authorization header (or of WWW-Authenticate at the accepting end). */
export function authorization(scheme: string, token: Uint8Array | null): string {
  return token === null ? scheme : `${scheme} ${Buffer.from(token).toString('base64')}`
}
