/**
 * What the API says and takes beyond the answers of commands. Times are milliseconds since 1970; lists come in pages, `next` is where
 * the following one begins. The pages of the dashboard take their types from here.
 */
import * as z from 'zod'
import { campaignSchemas, keptPlanSchema } from './campaigns.ts'
import { problemSchema } from './commands.ts'
import { fleetSchemas } from './fleet.ts'
import { forecast } from './hosts.ts'
import { application, lines, list, maybe, maybeTime, text, texts, time, verdict, whole } from './nouns.ts'

export const roleSchema = z.enum(['viewer', 'operator', 'approver'])
const page = <T extends z.ZodType>(rows: T) =>
  z.strictObject({ rows: list(rows), next: maybe.describe('Where the next page begins; null: there is none.') })

/** RFC 9457, with the fields of a Problem. */
export const problemDetailsSchema = z
  .looseObject({
    type: text.describe('urn:slmctl:problem:CODE'),
    title: text.describe('One sentence.'),
    status: z.int(),
    code: text,
    next: texts.describe('What to try.'),
    instance: text.optional().describe('The number of the request, as the log has it.'),
    problems: list(problemSchema).optional(),
  })
  .describe('application/problem+json (RFC 9457).')

/** Where a sentence or a number of the dashboard leads: a page, with the filters that mean the same machines. */
export const linkSchema = z.strictObject({
  page: z.enum(['machines', 'machine', 'hosts', 'host', 'origin', 'campaigns', 'campaign', 'expiring', 'site']),
  /** Filters by the names of the API, or `id`, `host`. */
  query: z.record(text, text),
})

const thresholds = list(z.strictObject({ of: text, count: whole })).describe('What the count must reach, and for whom.')
/** One KMS host key of a host. */
const hostGroup = z.strictObject({
  application,
  name: maybe,
  key: text.describe('Tells the keys of one host apart.'),
  partialKey: z.string().length(5).nullable(),
  release: maybe.describe('The release of the host key; null where its description does not tell.'),
  state: text.nullable().describe('Its licence state; null: it was not told.'),
  count: whole.nullable().describe('Different machines of the last 30 days, as far as the host counts.'),
  thresholds,
  total: whole.nullable().describe('Requests since the key was installed.'),
  failed: whole.nullable(),
  at: time.describe('When it was counted: of a host that is silent now, earlier than it was checked.'),
})
/** A KMS host as it was seen last. */
export const keptHostSchema = z.strictObject({
  name: text,
  port: z.int(),
  sources: texts.describe('site, dns DOMAIN, clients: where it is named.'),
  declared: z.boolean().describe('The site file names it, or a domain of the site publishes it.'),
  state: text.nullable().describe('The verdict of the latest check; null: never checked.'),
  problem: problemSchema.nullable(),
  checkedAt: maybeTime,
  since: maybeTime.describe('Since when it is in this state.'),
  cause: maybe.describe('Why, in one sentence; null: it is as it should be, or it is not known.'),
  causeSince: maybeTime.describe('Since when that is the cause.'),
  next: texts.describe('What to try.'),
  alive: z.boolean().nullable().describe('An RPC server answers at one of its addresses; null: no port was tried.'),
  system: maybe,
  ports: list(z.strictObject({ address: text, state: text, since: time, at: time })),
  groups: list(hostGroup).describe('One for each KMS host key.'),
  clients: list(
    z.strictObject({ application, machines: whole, licensed: whole, inGrace: whole, ending: whole, lastRenewal: maybeTime }),
  ).describe('Machines of the fleet that name it.'),
})

const change = z.strictObject({
  at: time,
  machine: whole,
  name: text,
  kind: z.enum(['lapsed', 'restored', 'changed', 'silent', 'answered', 'added', 'vanished', 'foreign']),
  product: maybe,
  from: maybe,
  to: maybe,
})

export const fleetAnswers = {
  /** What needs somebody today: the first page. */
  'fleet-today': z
    .strictObject({
      schema: z.literal('slmctl.fleet-today/1'),
      at: time,
      organisation: maybe,
      needs: list(
        z.strictObject({
          kind: text,
          severity: z.enum(['action', 'attention', 'info']),
          number: whole.describe('Machines, products or hosts, as the sentence says.'),
          text: text.describe('The sentence, with its number.'),
          next: maybe,
          link: linkSchema,
        }),
      ).describe('Worst first; empty: nothing.'),
      summary: fleetSchemas['fleet-status'].omit({ schema: true }),
      expiry: z
        .strictObject({
          from: time.describe('The beginning of the first day, UTC.'),
          days: list(whole).describe('Products that end on each of the next 180 days, if nothing renews them.'),
          ended: whole.describe('Products whose end is past.'),
        })
        .describe('Of listed machines.'),
      changes: z.strictObject({
        since: time,
        counts: z.partialRecord(change.shape.kind, whole),
        rows: list(change).describe('The latest, at most 50.'),
      }),
      hosts: list(keptHostSchema),
      scanned: z.strictObject({ lastAt: maybeTime, oldestAt: maybeTime, never: whole }).describe('When machines were asked.'),
    })
    .describe('What slmctl fleet today --json answers.'),
  'fleet-hosts': z
    .strictObject({ schema: z.literal('slmctl.fleet-hosts/1'), hosts: list(keptHostSchema) })
    .describe('What slmctl fleet hosts --json answers: KMS hosts as they were seen last; nothing is asked.'),
  'fleet-changes': page(change).describe('What changed in the fleet, the latest first.'),
} as const

const machineLine = fleetSchemas['fleet-list'].shape.machines.unwrap().element
export const machinesPageSchema = page(machineLine).describe('Machines as slmctl fleet list --json has them.')

/** What a machine's filters may be: what there is in the fleet. */
export const wordsSchema = z.strictObject({
  groups: texts,
  sources: texts,
  pools: texts,
  hosts: texts,
  products: texts,
  problems: texts,
  causes: list(z.strictObject({ cause: whole, text, machines: whole })),
})

export const hostHistorySchema = z.strictObject({
  host: keptHostSchema,
  checks: list(
    z.strictObject({
      address: text.describe('The port that was tried; empty: the host as a whole.'),
      from: time,
      last: time,
      times: whole,
      state: text,
      problem: problemSchema.nullable(),
      cause: maybe.describe('Why the state is what it is, as the latest of these checks said it.'),
      next: texts,
    }),
  ),
  counts: list(
    z.strictObject({
      key: text,
      application,
      name: maybe,
      from: time,
      last: time,
      times: whole.describe('So many checks found the same.'),
      count: whole.nullable(),
      thresholds,
      total: whole.nullable().describe('Requests since the key was installed, as of last.'),
      failed: whole.nullable(),
    }),
  ).describe('Each count for as long as it was the same.'),
  forecast: list(forecast).describe('As slmctl hosts show --json has it.'),
  duplicates: list(
    z.strictObject({
      cmid: text,
      count: whole.describe('All of them; at most 50 are named.'),
      pool: maybe,
      machines: list(z.strictObject({ id: whole, name: text })),
    }),
  ),
})

const campaign = campaignSchemas['fleet-campaign'].shape.campaign
export const campaignSchema = campaign
export const campaignsPageSchema = page(campaign)
/** Campaigns that carry out the same plans: whoever approves them a second time mostly means to go on with the first. */
export const appliesSchema = z.strictObject({ rows: list(z.strictObject({ id: whole, state: campaign.unwrap().shape.state })) })
/** One machine of a campaign. */
export const targetSchema = z.strictObject({
  machine: whole,
  name: text,
  site: text,
  state: z.enum(['waiting', 'leased', 'done', 'failed', 'cancelled']),
  attempts: whole,
  dueAt: time,
  result: maybe,
  problem: maybe,
  endedAt: maybeTime,
  verdict: verdict.nullable().describe('Of the machine, as it answered last: after an apply, how it is now.'),
})
export const targetsPageSchema = page(targetSchema)
export const plansPageSchema = page(keptPlanSchema)

/** What is remarked of activations that are not plainly in order, once for all machines that have it in common. */
export const remarkGroupSchema = z.strictObject({
  remark: whole.describe('Its number: what the filter remark means.'),
  origin: z.enum(['foreign', 'suspect', 'cannot-tell']),
  because: text,
  honest: maybe.describe('What an honest explanation could be; null: none is needed, or none is known.'),
  host: maybe.describe('The host that all of them name; null: it is about none.'),
  machines: whole.describe('Machines, each once.'),
  products: list(z.strictObject({ product: text, count: whole })).describe('What they have, most first.'),
  named: list(z.strictObject({ id: whole, name: text })).describe('The first of the machines, at most five.'),
  evidence: lines.describe('As the first of them told it.'),
  next: texts,
})

/** Filters as the command line has them (`--not-seen-for` is `not-seen-for`). */
export const filterQuery = z.object({
  verdict: text.optional(),
  origin: text.optional(),
  state: text.optional(),
  host: text.optional(),
  product: text.optional(),
  days: text.optional(),
  error: text.optional(),
  problem: text.optional(),
  cause: text.optional(),
  remark: text.optional(),
  group: text.optional(),
  pool: text.optional(),
  source: text.optional(),
  text: text.optional(),
  'not-seen-for': text.optional(),
  'never-seen': z.literal('true').optional(),
  'shared-cmid': z.literal('true').optional(),
  vanished: z.literal('true').optional(),
})
export const sortKeys = ['name', 'verdict', 'origin', 'expires', 'seen', 'system', 'problem'] as const
export const pageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  after: text.max(2000).optional(),
})
export const sortQuery = z.object({
  sort: z
    .string()
    .regex(new RegExp(`^-?(?:${sortKeys.join('|')})$`))
    .default('name')
    .describe('A column; with - before it the other way round.'),
})

/** Limits of a campaign, in the words of the flags. */
const paceBody = {
  'at-once': z.int().min(1).max(100_000).optional(),
  rate: z.int().min(1).max(100_000).optional(),
  between: text.max(20).optional(),
  on: text.max(60).optional(),
  'time-zone': text.max(60).optional(),
  'retry-for': text.max(20).optional(),
  canary: text.max(20).optional(),
  'stop-above': text.max(20).optional(),
}
/** What is wished of a plan beyond the site file, in the words of the flags. */
export const wishBody = {
  renew: z.boolean().default(false).describe('Also renew what is activated already.'),
  'use-dns': z.boolean().optional().describe('Back to DNS: clear the KMS host and port that are set.'),
  'host-caching': z.enum(['on', 'off']).optional().describe('Keep the KMS host that answered, or look in DNS each time.'),
  'lookup-domain': text.max(253).optional().describe('Look for KMS hosts in this domain of the site file; none takes it back.'),
  'activation-type': z.enum(['any', 'ad', 'kms']).optional().describe('The kind of volume activation that is allowed.'),
  'clear-key-from-registry': z.boolean().optional().describe('Remove the product key from the registry.'),
  'by-telephone': z.boolean().optional().describe('Install MAK and ESU keys without activating them online.'),
}
export const newCampaignBody = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('scan'), filter: filterQuery.partial().strict().default({}), ...paceBody }),
  z.strictObject({
    kind: z.literal('plan'),
    filter: filterQuery.partial().strict().default({}),
    ...wishBody,
    ...paceBody,
  }),
  z.strictObject({
    kind: z.literal('apply'),
    plans: z.int().min(1).describe('The campaign whose plans are carried out.'),
    expect: whole.describe('How many machines it changes, as it was shown to whoever approves; another number is refused.'),
    ...paceBody,
  }),
])

export const meSchema = z.strictObject({
  name: text,
  by: z.enum(['link', 'local', 'openid', 'token']),
  role: roleSchema,
  endsAt: maybeTime.describe('When the session or the token ends.'),
})
export const signInSchema = z.strictObject({
  me: meSchema.nullable().describe('Who is signed in; null: nobody.'),
  organisation: maybe,
  ways: z.strictObject({ local: z.boolean(), link: z.boolean(), openid: z.strictObject({ label: text }).nullable() }),
  diagnose: z.boolean().describe('Whether texts are diagnosed without signing in.'),
  lab: z.boolean().describe('The machines are simulated.'),
  version: text,
})
export const scopeSchema = z.enum(['metrics', 'read', 'operate', 'apply'])
export const tokenSchema = z.strictObject({
  id: whole,
  name: text,
  account: text,
  scope: scopeSchema,
  createdAt: time,
  endsAt: time,
  usedAt: maybeTime,
  revokedAt: maybeTime,
})
/** The value is told once; kept is its hash. */
export const newTokenSchema = z.strictObject({ ...tokenSchema.shape, token: text.describe('Told once; kept is its hash.') })
export const trailSchema = page(
  z.strictObject({
    id: whole,
    at: time,
    who: text,
    by: text,
    from: text.describe('Address of the caller.'),
    what: text.describe('The change, by the name of its route or command.'),
    about: text,
    result: z.enum(['done', 'refused', 'failed']),
  }),
)
export const viewSchema = z.strictObject({ name: text, query: text, savedAt: time })

export const siteAnswerSchema = z.strictObject({
  file: maybe,
  loadedAt: time,
  changed: z.boolean().describe('The file was changed since: it holds when the server is started again.'),
  problems: list(problemSchema).describe('Of the file as it is now.'),
  organisation: maybe,
  domains: texts,
  networks: texts,
  kmsHosts: list(z.strictObject({ name: text, port: z.int() })),
  platforms: texts,
  forests: list(z.strictObject({ name: text, domains: texts })),
  directories: texts.describe('Domains whose computers POST /fleet/imports/directory may read.'),
  groups: list(z.strictObject({ name: text, machines: whole, wishes: texts })),
  locations: list(z.strictObject({ name: text, domains: texts, networks: texts, groups: texts, atOnce: whole.nullable() })),
  wishes: texts.describe('In words.'),
  entitlements: list(z.strictObject({ product: text, quantity: whole, agreement: maybe })),
  credentials: list(z.strictObject({ name: text, method: text })).describe('Names and ways; never values.'),
  alerts: z.strictObject({ mail: z.boolean(), webhooks: whole, rules: texts }).nullable(),
})

/** What one machine said just now, with how it was said. */
export const conversationSchema = z.strictObject({
  machine: text,
  at: time,
  reach: z.strictObject({ address: text, port: z.int(), transport: text, method: text, credential: text }).nullable(),
  answered: z.boolean(),
  problem: problemSchema.nullable(),
  exchanges: list(
    z.strictObject({
      what: text.describe('The question: class and properties, or method.'),
      ms: z.number().nonnegative(),
      answer: text.describe('As the protocol brought it; product keys masked, long answers cut.'),
      problem: maybe,
    }),
  ),
})

export const alertSchema = z.strictObject({
  key: text,
  rule: text,
  severity: z.enum(['action', 'attention']),
  title: text,
  text,
  number: whole,
  since: time,
  sentAt: maybeTime,
  link: linkSchema,
})

/** Live events, by the name of the event. */
export const eventSchemas = {
  campaign: campaign.unwrap().omit({ groups: true, locations: true }),
  fleet: z.strictObject({ at: time, asked: whole.describe('Machines that were asked since the last event.') }),
  hosts: z.strictObject({ at: time }),
  alerts: z.strictObject({ open: whole }),
  /** What was missed is not known: load anew. */
  reset: z.strictObject({ at: time }),
} as const

export type Link = z.output<typeof linkSchema>
export type Today = z.output<(typeof fleetAnswers)['fleet-today']>
export type KeptHostAnswer = z.output<typeof keptHostSchema>
export type FleetChange = z.output<typeof change>
export type CampaignAnswer = z.output<typeof campaign>
export type AppliesAnswer = z.output<typeof appliesSchema>
export type TargetAnswer = z.output<typeof targetSchema>
export type SiteAnswer = z.output<typeof siteAnswerSchema>
export type Conversation = z.output<typeof conversationSchema>
export type AlertAnswer = z.output<typeof alertSchema>
export type HostHistoryAnswer = z.output<typeof hostHistorySchema>
export type SignInAnswer = z.output<typeof signInSchema>
export type MeAnswer = z.output<typeof meSchema>
export type PageOf<T> = { readonly rows: readonly T[]; readonly next: string | null }
export type MachinesPage = z.output<typeof machinesPageSchema>
export type Scope = z.output<typeof scopeSchema>
export type Token = z.output<typeof tokenSchema>
export type NewToken = z.output<typeof newTokenSchema>
export type View = z.output<typeof viewSchema>
export type TrailAnswer = z.output<typeof trailSchema>
export type WordsAnswer = z.output<typeof wordsSchema>
export type PlansPage = z.output<typeof plansPageSchema>
export type NewCampaign = z.input<typeof newCampaignBody>
