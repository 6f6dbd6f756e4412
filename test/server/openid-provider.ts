/** Two providers of OpenID Connect on loopback: npm's oidc-provider, which is certified, and one that says whatever a test wants. */
import { createSign, generateKeyPairSync, randomUUID } from 'node:crypto'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

export const clientId = 'slmctl'
export const clientSecret = 'a secret of the client: /+% too'

export type Listening = {
  readonly url: string
  readonly answerBy: (listener: RequestListener) => void
  readonly close: () => Promise<void>
}

/** A server whose answers are given later, as each of the two must know where the other is. */
export async function listening(): Promise<Listening> {
  let listener: RequestListener = (_, answer) => answer.writeHead(503).end()
  const server: Server = createServer((request, answer) => listener(request, answer))
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    answerBy: (by) => {
      listener = by
    },
    close: async () => {
      server.closeAllConnections()
      await new Promise<void>((done) => server.close(() => done()))
    },
  }
}

/** The certified one: accounts are called by what they may do. */
export async function certified(at: Listening, callback: string, rolesOf: (account: string) => unknown): Promise<void> {
  const { default: Provider } = (await import('oidc-provider' as string)) as {
    default: new (issuer: string, settings: object) => { callback: () => RequestListener }
  }
  const provider = new Provider(at.url, {
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        redirect_uris: [callback],
        response_types: ['code'],
        grant_types: ['authorization_code'],
      },
    ],
    findAccount: (_: unknown, id: string) => ({
      accountId: id,
      claims: () => ({ sub: id, preferred_username: `${id}@corp.example`, roles: rolesOf(id) }),
    }),
    claims: { openid: ['sub', 'roles'], profile: ['preferred_username'] },
    // As most providers do: what the scopes give is at the userinfo endpoint, not in the ID token.
    conformIdTokenClaims: true,
    features: { devInteractions: { enabled: true } },
    pkce: { required: () => true },
    cookies: { keys: [randomUUID()] },
  })
  at.answerBy(provider.callback())
}

export type Faults = {
  /** In place of what is right, in the ID token. */
  claims?: Readonly<Record<string, unknown>>
  /** Signed by somebody else. */
  otherKey?: boolean
  unsigned?: boolean
  /** Status of the token endpoint. */
  token?: number
}
/** One that lies as it is told. `nonce` is what the client asked with, `more` what else it says of itself, `asked` where it was asked. */
export function lying(at: Listening, more: object = {}): { faults: Faults; nonce: string; secrets: string[]; asked: string[] } {
  const [own, other] = [generateKeyPairSync('rsa', { modulusLength: 2048 }), generateKeyPairSync('rsa', { modulusLength: 2048 })]
  const state = { faults: {} as Faults, nonce: '', secrets: [] as string[], asked: [] as string[] }
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const idToken = () => {
    const now = Math.floor(Date.now() / 1000)
    const right = {
      iss: at.url,
      sub: 'mallory',
      aud: clientId,
      nonce: state.nonce,
      iat: now,
      exp: now + 300,
      roles: ['admins'],
      preferred_username: 'm',
    }
    const text = `${part({ alg: state.faults.unsigned ? 'none' : 'RS256', kid: 'k' })}.${part({ ...right, ...state.faults.claims })}`
    if (state.faults.unsigned) return `${text}.`
    return `${text}.${createSign('sha256')
      .update(text)
      .sign((state.faults.otherKey ? other : own).privateKey, 'base64url')}`
  }
  at.answerBy((request, answer) => {
    const say = (status: number, value: unknown) =>
      answer.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
    state.asked.push(request.url!)
    if (request.url === '/.well-known/openid-configuration')
      say(200, {
        ...{ issuer: at.url, authorization_endpoint: `${at.url}/auth`, token_endpoint: `${at.url}/token`, jwks_uri: `${at.url}/jwks` },
        ...{ response_types_supported: ['code'], subject_types_supported: ['public'], id_token_signing_alg_values_supported: ['RS256'] },
        ...{ code_challenge_methods_supported: ['S256'], ...more },
      })
    else if (request.url === '/jwks')
      say(200, { keys: [{ ...own.publicKey.export({ format: 'jwk' }), kid: 'k', use: 'sig', alg: 'RS256' }] })
    else if (request.url === '/token') {
      state.secrets.push(String(request.headers.authorization))
      if (state.faults.token)
        say(state.faults.token, { error: 'invalid_client', error_description: 'AADSTS7000215: Invalid client secret provided.' })
      else say(200, { access_token: 'at', token_type: 'Bearer', expires_in: 60, id_token: idToken() })
    } else say(404, {})
  })
  return state
}
