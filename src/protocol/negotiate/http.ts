import { NegotiateError } from './context.ts'

/**
 * One scheme that a server offers in WWW-Authenticate. `scheme` as the server wrote it: compare without case. `token` are the
 * bytes of Negotiate, Kerberos and NTLM; `parameters` have lower-case names (Basic: realm).
 */
export type Challenge = { readonly scheme: string; readonly token: Uint8Array | null; readonly parameters: ReadonlyMap<string, string> }

const headerMax = 262_144
const challengesMax = 32

/** RFC 9110 section 5.6.2 token, 11.2 token68, 5.6.4 quoted-string. */
/** A scheme is a token, but WinRM that takes certificates offers `http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual`. */
const schemeName = /[!#$%&'*+\-.^_`|~0-9A-Za-z:/]+/y
const word = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y
const token68 = /[A-Za-z0-9\-._~+/]+=*(?=[ \t]*(?:,|$))/y
const quoted = /"((?:[^"\\]|\\.)*)"/sy
const space = /[ \t]*/y
const separator = /[ \t]*(?:,[ \t]*)*/y

/** What a 401 offers (or what ends a handshake on a 200): RFC 9110 section 11.6.1, several schemes in one or several header lines. */
export function challenges(header: string | readonly string[] | undefined): Challenge[] {
  const found: Challenge[] = []
  for (const line of typeof header === 'string' ? [header] : (header ?? [])) {
    if (line.length > headerMax) throw malformed()
    readLine(line, found)
  }
  return found
}

function readLine(line: string, found: Challenge[]): void {
  let at = 0
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at
    const match = pattern.exec(line)
    if (match) at = pattern.lastIndex
    return match
  }
  take(separator)
  while (at < line.length) {
    const scheme = take(schemeName)?.[0]
    if (scheme === undefined || found.length >= challengesMax) throw malformed()
    const parameters = new Map<string, string>()
    let token: Uint8Array | null = null
    if (take(space)![0] !== '') {
      const compact = take(token68)?.[0]
      if (compact !== undefined) token = fromBase64(compact)
      else readParameters(parameters)
    }
    found.push({ scheme, token, parameters })
    const before = at
    take(separator)
    if (at < line.length && !line.slice(before, at).includes(',')) throw malformed()
  }

  /** `name=value` pairs; a word after a comma without an equals sign begins the next challenge. */
  function readParameters(parameters: Map<string, string>): void {
    for (;;) {
      const before = at
      const name = take(word)?.[0]
      take(space)
      if (name === undefined || line[at] !== '=') {
        at = before
        if (parameters.size === 0 && at < line.length && line[at] !== ',') throw malformed()
        return
      }
      at++
      take(space)
      const value = take(quoted)?.[1]?.replace(/\\(.)/gs, '$1') ?? take(word)?.[0]
      if (value === undefined || parameters.size >= challengesMax) throw malformed()
      parameters.set(name.toLowerCase(), value)
      const end = at
      if (!take(separator)![0].includes(',')) {
        at = end
        return
      }
      // A further parameter, or does the comma belong to the list of challenges?
      const next = at
      const named = take(word) !== null
      take(space)
      const more = named && line[at] === '='
      at = more ? next : end
      if (!more) return
    }
  }
}

/** The value of the Authorization header (or of WWW-Authenticate at the accepting end). */
export function authorization(scheme: string, token: Uint8Array | null): string {
  return token === null ? scheme : `${scheme} ${Buffer.from(token.buffer, token.byteOffset, token.length).toString('base64')}`
}

function fromBase64(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.toString('base64').replaceAll('=', '') !== text.replaceAll('=', '').replaceAll('-', '+').replaceAll('_', '/')) throw malformed()
  return bytes
}

const malformed = () => new NegotiateError('malformed', 'The header WWW-Authenticate or Authorization cannot be read.')
