/** What the site file says about the server and its alerts, as the program works with it. */
import type { Role } from '../model.ts'
import type { SecretReference } from '../secrets.ts'
import type { AlertWords, ServerWords } from './schema.ts'

/** How `slmctl serve` is reached, and who may sign in. */
export type ServerSettings = {
  /** An address, or localhost. */
  readonly address: string
  readonly port: number
  /** As people reach it, without a slash at the end; null: by the address it listens at. */
  readonly url: string | null
  readonly tls: { readonly certificate: string; readonly key: SecretReference } | null
  /** Addresses and networks of reverse proxies. */
  readonly proxies: readonly string[]
  readonly store: string | null
  readonly local: boolean
  readonly sessionHours: number
  readonly openid: OpenIdSettings | null
  /** Minutes between checks of the KMS hosts; null: none by itself. */
  readonly checkHostsMinutes: number | null
  /** Hours between scans of every machine; null: none by itself. */
  readonly scanHours: number | null
  readonly openDiagnose: boolean
  readonly openMetrics: boolean
}
export type OpenIdSettings = {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: SecretReference
  readonly label: string
  readonly claim: string
  readonly responseMode: 'query' | 'form_post'
  /** Of AD FS: the identifier of the Web API whose claims are wanted. */
  readonly resource: string | null
  /** Days after which tokens of somebody rest who does not sign in any more; null: never. */
  readonly dormantDays: number | null
  /** Values of the claim, by the role that they give. */
  readonly roles: Readonly<Record<Role, readonly string[]>>
}

/** What is told, to whom, and when not. */
export type AlertSettings = {
  readonly mail: {
    readonly server: string
    readonly port: number
    readonly security: 'starttls' | 'tls' | 'none'
    readonly ca: string | null
    readonly user: string | null
    readonly password: SecretReference | null
    readonly from: string
    readonly to: readonly string[]
  } | null
  readonly webhooks: readonly { readonly url: string; readonly secret: SecretReference }[]
  readonly rules: AlertRules
  /** In the words of the file: `22:00-06:00`, `mon-fri`, `Europe/Berlin`. */
  readonly quiet: { readonly between: string; readonly on: string | null; readonly timeZone: string | null } | null
  readonly minutes: number
}
export type AlertRules = {
  /** Null: not told. */
  readonly daysLeft: number | null
  readonly hostDown: boolean
  readonly underThreshold: boolean
  readonly foreign: boolean
  readonly campaignStopped: boolean
  readonly notScannedDays: number | null
}

type Files = { readonly at: (path: string) => string; readonly secret: (reference: SecretReference) => SecretReference }

export function serverOf(words: ServerWords, { at, secret }: Files): ServerSettings {
  const [, address, port] = /^(.*):(\d+)$/.exec(words.listen)!
  const { openid, local, hours } = words['sign-in']
  return {
    address: address!.replace(/^\[|\]$/g, ''),
    port: Number(port),
    url: words.url?.replace(/\/+$/, '') ?? null,
    tls: words.tls ? { certificate: at(words.tls.certificate), key: secret(words.tls.key) } : null,
    proxies: words.proxies,
    store: words.store === undefined ? null : /^postgres(?:ql)?:/.test(words.store) ? words.store : at(words.store),
    local,
    sessionHours: hours,
    openid: openid
      ? {
          issuer: openid.issuer,
          clientId: openid['client-id'],
          clientSecret: secret(openid['client-secret']),
          label: openid.label,
          claim: openid.claim,
          responseMode: openid['response-mode'],
          resource: openid.resource ?? null,
          dormantDays: openid['dormant-days'],
          roles: openid.roles,
        }
      : null,
    checkHostsMinutes: words['check-hosts'],
    scanHours: words.scan,
    openDiagnose: words['open-diagnose'],
    openMetrics: words['open-metrics'],
  }
}

export function alertsOf(words: AlertWords, { at, secret }: Files): AlertSettings {
  const { mail, rules, quiet } = words
  return {
    mail: mail
      ? {
          ...{ server: mail.server, port: mail.port, security: mail.security, from: mail.from, to: mail.to },
          ca: mail.ca === undefined ? null : at(mail.ca),
          user: mail.user ?? null,
          password: mail.password === undefined ? null : secret(mail.password),
        }
      : null,
    webhooks: words.webhooks.map((w) => ({ url: w.url, secret: secret(w.secret) })),
    rules: {
      daysLeft: rules['days-left'],
      hostDown: rules['host-down'],
      underThreshold: rules['under-threshold'],
      foreign: rules.foreign,
      campaignStopped: rules['campaign-stopped'],
      notScannedDays: rules['not-scanned-days'],
    },
    quiet: quiet ? { between: quiet.between, on: quiet.on ?? null, timeZone: quiet['time-zone'] ?? null } : null,
    minutes: words.minutes,
  }
}
