import * as z from 'zod'
import { label, machineNameMax, namePattern, pinPattern } from './names.ts'

/** A host name, or an address: KMS hosts may be known by one. */
const hostName = z.string().regex(new RegExp(namePattern), 'expected a host name such as kms1.corp.example')
const machineName = z.string().max(machineNameMax).regex(new RegExp(namePattern), 'expected a machine name such as pc-001.corp.example')
const domainName = z.string().regex(new RegExp(`^${label}(?:\\.${label})*\\.?$`), 'expected a DNS domain such as corp.example')
const network = z
  .string()
  .regex(
    /^(?:\d{1,3}\.){3}\d{1,3}\/\d{1,2}$|^[0-9a-fA-F:]*:[0-9a-fA-F:.]*\/\d{1,3}$/,
    'expected a network such as 10.0.0.0/8 or 2001:db8::/32',
  )
const port = z.int().min(1).max(65_535)
/** Names that the file itself gives to credentials and groups. */
const word = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/, 'expected a name of letters, digits, dots, hyphens and underscores')
const path = z.string().min(1, 'expected a file name').max(4096)

/** Where a secret is. The secret itself has no place in the file, so there is no string here. */
export const secretSchema = z
  .union([
    z.strictObject({ env: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'expected the name of an environment variable') }),
    z.strictObject({ file: path }),
    z.strictObject({ keyring: z.strictObject({ service: z.string().min(1).max(256), account: z.string().min(1).max(256) }) }),
  ])
  .describe(
    'Where the secret is: {env: NAME}, {file: PATH} (only its owner may read it) or {keyring: {service, account}}. Never the secret.',
  )

const user = z.string().min(1, 'expected a user name').max(256)
export const credentialSchema = z
  .discriminatedUnion('method', [
    z.strictObject({
      method: z.literal('kerberos'),
      principal: z.string().min(1).max(512).optional().describe('user@REALM; left out: whoever the ticket cache belongs to.'),
      keytab: path.optional().describe('Keytab with the key of the principal.'),
      password: secretSchema.optional(),
    }),
    z.strictObject({
      method: z.literal('ntlm'),
      user: user.describe('DOMAIN\\user, user@domain, or a local account.'),
      password: secretSchema,
    }),
    z.strictObject({ method: z.literal('basic'), user, password: secretSchema }).describe('HTTPS only.'),
    z
      .strictObject({ method: z.literal('certificate'), certificate: path.describe('PEM'), key: secretSchema.describe('PEM') })
      .describe('HTTPS only.'),
  ])
  .describe('Who slmctl is to a machine. Kerberos without keytab and password uses the ticket cache.')

const reachWords = {
  transport: z
    .enum(['http', 'https'])
    .optional()
    .describe('http (default): every message is sealed by NTLM or Kerberos. https: TLS, always verified.'),
  port: port.optional().describe('5985 (http) or 5986 (https) where left out.'),
  credential: word.optional().describe('A name from credentials.'),
  ca: z.array(path).optional().describe('PEM files of the authorities that sign the machines’ certificates; left out: the system’s.'),
  timeout: z.int().min(1).max(3600).optional().describe('Seconds for one operation (60).'),
  'connect-timeout': z.int().min(1).max(300).optional().describe('Seconds for the connection (10).'),
}
const reach = z.strictObject(reachWords).describe('How machines are reached. Group and machine may override each word.')

const machine = z.union([
  machineName,
  z.strictObject({
    name: machineName,
    address: machineName.optional().describe('Where to connect, if not to the name.'),
    ...reachWords,
    pin: z
      .string()
      .regex(pinPattern, 'expected the SHA-256 of the certificate: 64 hexadecimal digits')
      .optional()
      .describe('SHA-256 of the machine’s certificate; then exactly this one is accepted.'),
  }),
])

const wish = z.strictObject({
  product: z
    .string()
    .min(1, 'expected windows, office or a part of a product name')
    .max(200)
    .describe('windows, office, or a part of the product’s name.'),
  by: z.enum(['kms', 'ad', 'mak', 'avma', 'esu', 'leave']).describe('leave: nothing is changed.'),
  year: z.int().min(1).max(6).optional().describe('Year of the ESU programme.'),
  key: secretSchema.optional().describe('Where the MAK or ESU key is.'),
  instead: z.boolean().default(false).describe('In place of the machine’s own OEM or retail licence; needs an entitlement.'),
})

const listen = z
  .string()
  .regex(/^(?:(?:\d{1,3}\.){3}\d{1,3}|\[[0-9a-fA-F:.]+\]|localhost):\d{1,5}$/, 'expected address:port, such as 127.0.0.1:8443 or [::]:8443')
const address = z
  .string()
  .regex(
    /^(?:\d{1,3}\.){3}\d{1,3}(?:\/\d{1,2})?$|^[0-9a-fA-F]*:[0-9a-fA-F:.]*(?:\/\d{1,3})?$/,
    'expected an address or a network such as 10.0.0.5 or 10.0.0.0/24',
  )
const httpUrl = z
  .string()
  .max(2048)
  .regex(/^https?:\/\/[^\s/?#@]+(?:\/[^\s?#]*)?$/, 'expected an address such as https://slmctl.corp.example')
/** Of a webhook: many services have their own key in it. */
const hookUrl = z
  .string()
  .max(2048)
  .regex(/^https?:\/\/[^\s/?#@]+(?:\/[^\s#]*)?$/, 'expected an address such as https://chat.corp.example/hook')
const claims = z.array(z.string().min(1).max(256)).max(100).default([])

const server = z
  .strictObject({
    listen: listen.default('127.0.0.1:8080').describe('Beyond this computer only with tls, or behind a proxy.'),
    url: httpUrl.optional().describe('As people reach it; needed behind a proxy, for OpenID Connect, and for links in alerts.'),
    tls: z.strictObject({ certificate: path.describe('PEM, with the authorities between.'), key: secretSchema.describe('PEM') }).optional(),
    proxies: z.array(address).max(50).default([]).describe('Reverse proxies whose X-Forwarded-For and X-Forwarded-Proto are believed.'),
    store: z.string().min(1).max(2048).optional().describe('The fleet: a file, or postgres://host/database without a password.'),
    'sign-in': z
      .strictObject({
        local: z.boolean().default(true).describe('Accounts of slmctl itself (slmctl accounts).'),
        hours: z.int().min(1).max(720).default(12).describe('How long a session lasts.'),
        openid: z
          .strictObject({
            issuer: httpUrl,
            'client-id': z.string().min(1).max(512),
            'client-secret': secretSchema,
            label: z.string().min(1).max(60).default('Single sign-on'),
            claim: z.string().min(1).max(256).default('roles').describe('The claim with roles or groups.'),
            'response-mode': z
              .enum(['query', 'form_post'])
              .default('query')
              .describe('How the provider sends people back; form_post: AD FS wants it for claims of your own.'),
            resource: z.string().min(1).max(512).optional().describe('AD FS: identifier of the Web API whose claims are wanted.'),
            'dormant-days': z
              .int()
              .min(1)
              .max(365)
              .nullable()
              .default(45)
              .describe('Days after which tokens of somebody rest who does not sign in at the provider; null: they never do.'),
            roles: z
              .strictObject({ viewer: claims, operator: claims, approver: claims })
              .describe('Values of the claim that make somebody a viewer, an operator, an approver; nobody else may sign in.'),
          })
          .optional(),
      })
      .prefault({}),
    'check-hosts': z
      .int()
      .min(1)
      .max(10_080)
      .nullable()
      .default(15)
      .describe('Minutes between checks of the KMS hosts while the server runs; null: only when somebody asks for it.'),
    scan: z
      .int()
      .min(1)
      .max(8760)
      .nullable()
      .default(null)
      .describe('Hours between scans of every machine while the server runs; null: only when somebody asks for it.'),
    'open-diagnose': z.boolean().default(false).describe('Texts are diagnosed without signing in.'),
    'open-metrics': z.boolean().default(false).describe('/metrics answers without a token.'),
  })
  .describe('slmctl serve')

const alerts = z
  .strictObject({
    mail: z
      .strictObject({
        server: machineName,
        port: port.default(587),
        security: z.enum(['starttls', 'tls', 'none']).default('starttls'),
        ca: path.optional().describe('PEM of the authority of the mail server; left out: the system’s.'),
        user: z.string().min(1).max(256).optional(),
        password: secretSchema.optional(),
        from: z.email().max(320),
        to: z.array(z.email().max(320)).min(1).max(50),
      })
      .optional(),
    webhooks: z
      .array(z.strictObject({ url: hookUrl, secret: secretSchema.describe('Key of the signature (HMAC-SHA256).') }))
      .max(20)
      .default([]),
    rules: z
      .strictObject({
        'days-left': z.int().min(1).max(180).nullable().default(14).describe('Activations with fewer days left; null: not told.'),
        'host-down': z.boolean().default(true),
        'under-threshold': z.boolean().default(true),
        foreign: z.boolean().default(true),
        'campaign-stopped': z.boolean().default(true),
        'not-scanned-days': z.int().min(1).max(365).nullable().default(14),
      })
      .prefault({}),
    quiet: z
      .strictObject({ between: z.string().max(20), on: z.string().max(60).optional(), 'time-zone': z.string().max(60).optional() })
      .optional()
      .describe('Hours without messages: 22:00-06:00, on mon-sun; what comes up then is told when they end.'),
    minutes: z.int().min(1).max(1440).default(5).describe('How often it is looked.'),
  })
  .describe('What slmctl serve tells by mail or webhook.')

export const siteSchema = z
  .strictObject({
    organisation: z.string().optional().describe('Name of the organisation, for people.'),
    domains: z.array(domainName).default([]).describe('DNS domains that may publish our KMS hosts.'),
    networks: z.array(network).default([]).describe('Networks in which our KMS hosts may stand.'),
    kms: z
      .strictObject({
        hosts: z
          .array(
            z.union([
              hostName,
              z.strictObject({
                name: hostName,
                port: port.default(1688),
                priority: z.int().min(0).max(65_535).optional(),
                weight: z.int().min(0).max(65_535).optional(),
              }),
            ]),
          )
          .default([])
          .describe('Our KMS hosts: a name, or name, port, priority and weight.'),
      })
      .optional(),
    platforms: z
      .array(z.enum(['azure', 'aws', 'google', 'oracle']))
      .default([])
      .describe('Clouds whose own KMS is right for machines there.'),
    dns: z
      .strictObject({
        servers: z
          .array(
            z
              .string()
              .regex(
                /^(?:\d{1,3}\.){3}\d{1,3}(?::\d{1,5})?$|^[0-9a-fA-F]*:[0-9a-fA-F:.]*:[0-9a-fA-F:.]*$|^\[[0-9a-fA-F:.]+\](?::\d{1,5})?$/,
                'expected an address, or address:port',
              ),
          )
          .max(8)
          .default([])
          .describe('DNS servers to ask for KMS hosts and machines, by address; left out: the system’s.'),
      })
      .optional(),
    forests: z
      .array(
        z.strictObject({
          name: domainName.describe('Root domain of the forest.'),
          domains: z
            .array(domainName)
            .optional()
            .describe('Its domains; left out: the name alone. They belong to the site’s domains, too.'),
          'activation-objects': z
            .array(
              z
                .string()
                .max(1024)
                .regex(/^CN=.+,DC=.+$/i, 'expected a distinguished name such as CN=…,DC=corp,DC=example'),
            )
            .default([])
            .describe('Activation objects that are ours; left out: any in the forest.'),
          credential: word.optional().describe('For machines of these domains.'),
          directory: word
            .optional()
            .describe('The server may read computers of these domains, as this credential: kerberos, or basic over LDAPS (by reach.ca).'),
        }),
      )
      .default([])
      .describe('Where there are several forests, or AD-based activation is used.'),
    lab: z
      .boolean()
      .default(false)
      .describe('true: machines and hosts are simulated (slmctl lab); the addresses of KMS hosts are not contacted.'),
    credentials: z.record(word, credentialSchema).default({}).describe('References, never values.'),
    reach: reach.optional(),
    groups: z
      .record(
        word,
        z.strictObject({
          machines: z.array(machine).default([]),
          reach: reach.optional(),
          wishes: z.array(wish).default([]).describe('Before the site’s own.'),
        }),
      )
      .default({})
      .describe('Machines that are looked after alike.'),
    locations: z
      .record(
        word,
        z.strictObject({
          domains: z.array(domainName).default([]).describe('Machines whose names stand in these domains.'),
          networks: z.array(network).default([]).describe('Machines whose known address is in these networks.'),
          groups: z.array(z.string().min(1).max(256)).default([]).describe('Machines of these groups of the fleet (slmctl fleet import).'),
          'at-once': z.int().min(1).max(10_000).optional().describe('At most so many machines at once, over all workers.'),
        }),
      )
      .default({})
      .describe('Where machines stand: a worker serves the locations it is told to. A machine belongs to the first that fits it.'),
    wishes: z.array(wish).default([]).describe('Which product by which way; the first that fits holds.'),
    entitlements: z
      .array(
        z.strictObject({
          product: z.string().min(1).max(200),
          quantity: z.int().min(1),
          agreement: z.string().max(200).optional(),
        }),
      )
      .default([])
      .describe('What was bought.'),
    schedule: z
      .strictObject({
        repair: z.boolean().default(false).describe('true: the scheduled check also applies what is wished; false: it only looks.'),
      })
      .optional()
      .describe('What slmctl schedule sets up on a machine.'),
    plans: z
      .strictObject({
        signers: z
          .array(z.string().regex(/^[A-Za-z0-9+/]{43}=$/, 'expected the public key that slmctl offline signer prints'))
          .max(20)
          .default([])
          .describe('Public keys (Ed25519) of those who may sign plans; then a plan file without their signature is refused.'),
      })
      .optional()
      .describe('Plans that are carried to machines by file.'),
    server: server.optional(),
    alerts: alerts.optional(),
  })
  .describe('The slmctl site file.')

export type SiteWords = z.output<typeof siteSchema>
export type ReachWords = z.output<typeof reach>
export type CredentialWords = z.output<typeof credentialSchema>
export type ServerWords = z.output<typeof server>
export type AlertWords = z.output<typeof alerts>
export type WishWords = z.output<typeof wish>
