/**
 * Signing in by OpenID Connect: authorization code with PKCE, state and nonce, by openid-client, which is certified. What belongs to
 * one try is sealed in a cookie of the browser that began it, so that no other can end it, and nobody fills this memory.
 */
import { createCipheriv, createDecipheriv, createHmac, randomBytes, scrypt } from 'node:crypto'
import { isIP } from 'node:net'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import * as oidc from 'openid-client'
import type { OpenIdSettings } from '../app.ts'
import { ProblemError, problem, type Role } from '../model.ts'
import { refused } from './problems.ts'
import { Reply, type Visit } from './route.ts'
import { cookie, cookiesIn } from './session.ts'
import { oneLine } from './trail.ts'

export type OpenIdIdentity = {
  /** Issuer and subject: what a person is known by, whatever the name becomes. */
  readonly subject: string
  readonly name: string
  /** Null: no value of the claim gives one. */
  readonly role: Role | null
}
export type OpenId = {
  /** Sends the browser to the provider; it comes back to `to`, a path of ours. `silent`: the provider shows no page of its own. */
  readonly begin: (to: string | null, silent: boolean, visit: Visit) => Promise<Reply>
  /** Who came back, and where they wanted to go; null: the provider would have to ask them something. */
  readonly finish: (visit: Visit) => Promise<{
    readonly identity: OpenIdIdentity | null
    readonly to: string
    readonly silent: boolean
    readonly forget: string
  }>
  /** Where one signs out at the provider itself; null: it has no such address, or is away. */
  readonly leaveAt: () => Promise<string | null>
}

/** One try, from the way there to the way back: what the browser keeps of it. Nonce and verifier follow from its state. */
type Try = { readonly to: string; readonly silent: boolean; readonly endsAt: number }
const tryMs = 10 * 60_000
/** What the provider says of itself is asked anew after so long: its keys change. */
const knownMs = 60 * 60_000
const timeoutSeconds = 10
const usedMost = 10_000
/** AD FS: the claims of its access token in the ID token, too (learn.microsoft.com, "AD FS OpenID Connect/OAuth concepts", scopes). */
const allClaimsScope = 'allatclaims'
/** What a provider says that was asked to show no page, and would have to (OpenID Connect Core 1.0, 3.1.2.6). */
const asksFor = ['login_required', 'interaction_required', 'consent_required', 'account_selection_required']

/** Where the provider sends people back to. */
export const callbackPath = '/api/v1/sign-in/openid/callback'

type Options = {
  readonly settings: OpenIdSettings
  readonly url: string | null
  readonly secret: () => Promise<string>
  readonly clock: () => number
  readonly log: (line: string) => void
}

/** Only a path of our own: //host and /\host are hosts to a browser. */
export function ownPath(to: string | null): string {
  return to !== null && to.length <= 2000 && /^\/(?![/\\])[\x21-\x7e]*$/.test(to) && !to.includes('\\') ? to : '/'
}

const isLoopback = (host: string) => host === 'localhost' || host === '[::1]' || (isIP(host) === 4 && host.startsWith('127.'))
/** Each try has its own: the tabs of a browser are led through the provider at the same moment, when the session of all is over. */
const cookieOf = (secure: boolean, state: string) => `${tryName(secure)}${state.slice(0, 12)}`
const tryName = (secure: boolean) => `${secure ? '__Host-' : ''}slmctl-openid-`
/**
 * Of the tries that a browser has under way the oldest are given up beyond so many bytes: any page may lead to the beginning of one
 * again and again, and a browser with longer headers than the server takes, or nginx (8 kB), stands outside until they have ended.
 */
const triesMostBytes = 5000

/** Takes away what is too much. Browsers send the oldest first (RFC 6265, 5.4). */
function tooManyTries({ secure, cookies }: Visit): readonly string[] {
  const tries = cookiesIn(cookies).filter(([name]) => name.startsWith(tryName(secure)))
  let bytes = tries.reduce((sum, [name, value]) => sum + name.length + value.length + 3, 0)
  const gone: string[] = []
  for (const [name, value] of tries) {
    if (bytes <= triesMostBytes) break
    bytes -= name.length + value.length + 3
    gone.push(cookie(name, '', { secure, seconds: 0, site: 'Lax' }))
  }
  return gone
}

let trusted = false
/** A provider inside the house has a certificate of its own authority: this computer's store is believed, too, as by everything else here. */
function trustSystem(): void {
  if (trusted) return
  trusted = true
  setDefaultCACertificates([...new Set([...getCACertificates('default'), ...getCACertificates('system')])])
}

export function openOpenId({ settings, url, secret, clock, log }: Options): OpenId {
  const issuer = new URL(settings.issuer)
  const plain = issuer.protocol === 'http:'
  if (plain && !isLoopback(issuer.hostname))
    throw new ProblemError(
      problem('OPENID_NOT_PRIVATE', `The provider ${settings.issuer} is asked without TLS.`, [
        'Give its https address: sign-in: {openid: {issuer}}',
      ]),
    )
  if (!plain) trustSystem()
  let sealed: { readonly by: string; readonly seal: ReturnType<typeof sealer> } | null = null
  const read = async () => {
    const by = await secret()
    if (sealed?.by !== by) sealed = { by, seal: sealer(by) }
    return by
  }
  const seal = async () => {
    if (sealed === null) await read()
    return await sealed!.seal
  }
  const used = new Set<string>()
  let known: { readonly config: oidc.Configuration; readonly at: number } | null = null

  /** However many ask at once, the provider is asked once. */
  let asking: Promise<oidc.Configuration> | null = null
  const configuration = (): Promise<oidc.Configuration> => {
    if (known && clock() - known.at < knownMs) return Promise.resolve(known.config)
    asking ??= discover().finally(() => {
      asking = null
    })
    return asking
  }
  const discover = async (): Promise<oidc.Configuration> => {
    try {
      const config = await oidc.discovery(issuer, settings.clientId, undefined, authenticate(await read()), {
        timeout: timeoutSeconds,
        // The signature of an ID token is looked at as well, though it comes from the provider itself.
        execute: [oidc.enableNonRepudiationChecks, ...(plain ? [oidc.allowInsecureRequests] : [])],
      })
      known = { config, at: clock() }
      return config
    } catch (error) {
      throw away(error, log)
    }
  }
  const backAt = (visit: Visit) => `${url ?? visit.origin}${callbackPath}`

  return {
    begin: async (to, silent, visit) => {
      const config = await configuration()
      const sealed = await seal()
      const state = oidc.randomState()
      const kept = sealed.close({ to: ownPath(to), silent, endsAt: clock() + tryMs }, state)
      const there = oidc.buildAuthorizationUrl(config, {
        redirect_uri: backAt(visit),
        scope: scopesOf(settings, config.serverMetadata().scopes_supported ?? []).join(' '),
        code_challenge: await oidc.calculatePKCECodeChallenge(sealed.follows('verifier', state)),
        code_challenge_method: 'S256',
        state,
        nonce: sealed.follows('nonce', state),
        ...(settings.responseMode === 'query' ? {} : { response_mode: settings.responseMode }),
        ...(settings.resource === null ? {} : { resource: settings.resource }),
        ...(silent ? { prompt: 'none' } : {}),
      })
      const { secure } = visit
      return new Reply(null, {
        status: 302,
        headers: {
          location: there.href,
          // Lax: it must come along when the provider sends the browser back.
          'set-cookie': [...tooManyTries(visit), cookie(cookieOf(secure, state), kept, { secure, seconds: tryMs / 1000, site: 'Lax' })],
        },
      })
    },
    finish: async (visit) => {
      const came = new URL(visit.address, visit.origin)
      const state = came.searchParams.get('state') ?? ''
      const sealed = await seal()
      const begun = sealed.open(visit.cookie(cookieOf(visit.secure, state)), state)
      if (begun === null || begun.endsAt < clock() || used.has(state))
        throw no('This browser did not begin this sign-in, or more than ten minutes ago, or it has ended already.')
      used.add(state)
      if (used.size > usedMost) used.delete(used.values().next().value!)
      const config = await configuration()
      const current = new URL(`${backAt(visit)}${came.search}`)
      const { secure } = visit
      const done = {
        to: begun.to,
        silent: begun.silent,
        forget: cookie(cookieOf(secure, state), '', { secure, seconds: 0, site: 'Lax' }),
      }
      const checks = {
        pkceCodeVerifier: sealed.follows('verifier', state),
        expectedState: state,
        expectedNonce: sealed.follows('nonce', state),
        idTokenExpected: true,
      }
      const said = await heard(config, current, checks, begun.silent, log)
      if (said === null) return { identity: null, ...done }
      const claims = said.claims()
      if (!claims) throw no('The provider sent no ID token.')
      const more = await withUserInfo(config, said.access_token, claims, settings, log)
      const identity = {
        subject: JSON.stringify([claims.iss, claims.sub]),
        name: oneLine(nameIn(more) ?? claims.sub, 100),
        role: roleOf(valuesOf(more, settings.claim) ?? [], settings.roles),
      }
      return { identity, ...done }
    },
    leaveAt: async () => {
      // What was known of it is good enough: who signs out waits for no provider that is away.
      const config = known?.config ?? (await configuration().catch(() => null))
      if (!config || !/^https?:/.test(config.serverMetadata().end_session_endpoint ?? '')) return null
      // Without a hint or a way back: the provider asks whether it is meant, and needs no further address of ours.
      return oidc.buildEndSessionUrl(config).href
    },
  }
}

function scopesOf({ claim, resource }: OpenIdSettings, supported: readonly string[]): readonly string[] {
  const scopes = ['openid', 'profile', 'email']
  // Some providers give groups only to who asks for them.
  if (supported.includes(claim)) scopes.push(claim)
  if (resource !== null && supported.includes(allClaimsScope)) scopes.push(allClaimsScope)
  return [...new Set(scopes)]
}

/** What the provider gives for the code; null: it would have to ask whoever came, and was told not to. */
async function heard(
  config: oidc.Configuration,
  current: URL,
  checks: oidc.AuthorizationCodeGrantChecks,
  silent: boolean,
  log: (line: string) => void,
) {
  try {
    return await oidc.authorizationCodeGrant(config, current, checks)
  } catch (error) {
    // The library has looked at state and issuer before.
    if (silent && error instanceof oidc.AuthorizationResponseError && asksFor.includes(error.error)) return null
    if (error instanceof oidc.AuthorizationResponseError && error.error === 'access_denied') throw no('The provider did not let you in.')
    if (isAway(error)) throw away(error, log)
    log(`sign-in by OpenID Connect refused: ${reason(error)}`)
    throw no('What the provider sent does not fit this sign-in.')
  }
}

/** The ID token's claims, with what only the userinfo endpoint says: some providers put neither roles nor names into the token. */
async function withUserInfo(
  config: oidc.Configuration,
  accessToken: string,
  claims: oidc.IDToken,
  { claim, resource }: OpenIdSettings,
  log: (line: string) => void,
): Promise<Readonly<Record<string, unknown>>> {
  // AD FS answers 401 there, as the access token is for that resource (github.com/vmware/pinniped/issues/2288).
  if (resource !== null) return claims
  if (!config.serverMetadata().userinfo_endpoint || (valuesOf(claims, claim) !== null && nameIn(claims) !== null)) return claims
  try {
    return { ...(await oidc.fetchUserInfo(config, accessToken, claims.sub)), ...claims }
  } catch (error) {
    throw away(error, log)
  }
}

/** client_secret_basic is what every provider must know (RFC 6749, 2.3.1); the other way only where it says that it does not. */
function authenticate(secret: string): oidc.ClientAuth {
  const basic = oidc.ClientSecretBasic(secret)
  const post = oidc.ClientSecretPost(secret)
  return (server, ...rest) => {
    const ways = server.token_endpoint_auth_methods_supported
    return (ways && !ways.includes('client_secret_basic') && ways.includes('client_secret_post') ? post : basic)(server, ...rest)
  }
}

const no = (why: string) => refused(problem('OPENID_REFUSED', why, ['Sign in once more.', 'The log of the server says more.']), {})

/**
 * Told without the values that came, as they may be secrets: what the library says, down to what the network said, and how the provider
 * itself calls it (invalid_client; in Entra ID's words AADSTS7000215).
 */
function reason(error: unknown): string {
  const parts: string[] = []
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code, message, error: name, error_description: words } = at as Error & Record<'code' | 'error' | 'error_description', unknown>
    const told = [message, code, name, words].filter((part) => typeof part === 'string' && part !== '' && !parts.includes(part))
    parts.push(...(told as string[]))
  }
  return oneLine(parts.join('; '), 300)
}
function isAway(error: unknown): boolean {
  if (error instanceof TypeError) return true
  const { code, status = (error as { cause?: { status?: unknown } }).cause?.status } = error as { code?: string; status?: unknown }
  return code === 'OAUTH_TIMEOUT' || code === 'OAUTH_ABORT' || (typeof status === 'number' && status >= 500)
}
function away(error: unknown, log: (line: string) => void): ProblemError {
  if (error instanceof ProblemError) return error
  log(`the OpenID Connect provider did not answer as it should: ${reason(error)}`)
  return refused(
    problem('OPENID_AWAY', 'The provider of sign-in did not answer as it should.', [
      'Try again in a minute.',
      'Look whether it runs, and whether the issuer in the site file is right (sign-in: {openid: {issuer}}).',
    ]),
    {},
  )
}

/** The values of a claim; dots lead into objects (realm_access.roles of Keycloak). Null: there is no such claim. */
export function valuesOf(claims: Readonly<Record<string, unknown>>, claim: string): readonly string[] | null {
  let found: unknown = Object.hasOwn(claims, claim) ? claims[claim] : undefined
  if (found === undefined) {
    found = claims
    for (const part of claim.split('.'))
      found =
        typeof found === 'object' && found !== null && Object.hasOwn(found, part) ? (found as Record<string, unknown>)[part] : undefined
  }
  if (typeof found === 'string') return [found]
  return Array.isArray(found) ? found.filter((v) => typeof v === 'string') : null
}

/** The highest role that a value gives. */
function roleOf(values: readonly string[], roles: OpenIdSettings['roles']): Role | null {
  return (['approver', 'operator', 'viewer'] as const).find((role) => roles[role].some((value) => values.includes(value))) ?? null
}

function nameIn(claims: Readonly<Record<string, unknown>>): string | null {
  const names = ['preferred_username', 'email', 'upn', 'unique_name', 'name'].map((c) => claims[c])
  return (names.find((v) => typeof v === 'string' && v.trim() !== '') as string | undefined)?.trim() ?? null
}

/**
 * Seals what is given to a browser to keep. The key follows from the client's secret: whichever server of this site file the browser
 * comes back to can open it, also one that was started meanwhile. By scrypt, 32 MiB for each guess, as anybody is given such a cookie,
 * and a secret that somebody made up could be guessed from it.
 */
async function sealer(secret: string) {
  const made = await new Promise<Buffer>((resolve, reject) =>
    scrypt(secret, 'slmctl: one try to sign in by OpenID Connect', 64, { N: 2 ** 15, r: 8, p: 1, maxmem: 2 ** 26 }, (error, made) =>
      error ? reject(error) : resolve(made),
    ),
  )
  const [key, another] = [made.subarray(0, 32), made.subarray(32)]
  return {
    /** What nobody can know who was given the state: kept nowhere, so that the cookie is short. */
    follows: (what: 'nonce' | 'verifier', state: string): string =>
      createHmac('sha256', another).update(`${what} ${state}`).digest('base64url'),
    /** For this state alone. */
    close: ({ to, silent, endsAt }: Try, state: string): string => {
      const iv = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(state))
      const body = Buffer.concat([cipher.update(JSON.stringify([endsAt, silent, to])), cipher.final()])
      return Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64url')
    },
    open: (text: string | null, state: string): Try | null => {
      const bytes = Buffer.from(text ?? '', 'base64url')
      if (bytes.length < 29) return null
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12), { authTagLength: 16 })
        decipher.setAuthTag(bytes.subarray(12, 28))
        decipher.setAAD(Buffer.from(state))
        const body = Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString()
        const [endsAt, silent, to] = JSON.parse(body) as [number, boolean, string]
        return { to, silent, endsAt }
      } catch {
        return null
      }
    },
  }
}
