/** What `slmctl hosts` answers. */
import * as z from 'zod'
import { problemSchema as problem } from './commands.ts'
import { application, maybe, text, texts, verdict, whole } from './nouns.ts'

const number = whole.nullable()
const port = z.int().min(0).max(65_535)

const group = z
  .strictObject({
    name: maybe,
    application,
    partialKey: z.string().length(5).nullable(),
    state: text,
    count: number.describe('Different machines of the last 30 days, as far as the host counts.'),
    thresholds: z
      .array(z.strictObject({ of: text, count: whole }).readonly())
      .readonly()
      .describe('What the count must reach, and for whom.'),
    total: number.describe('All requests since the host key was installed.'),
    failed: number,
    byState: z.record(text, whole).readonly().describe('Requests by the licence state of the clients.'),
    release: maybe.describe('The release of the host key; null where its description does not tell.'),
    lacks: texts.describe('What the newest host key activates and this one does not.'),
    verdict,
    cause: maybe,
    next: texts,
  })
  .readonly()

const said = z
  .strictObject({
    system: maybe,
    build: number,
    revision: number,
    clockAheadMinutes: z.int().nullable().describe('Against our clock; less than 0: behind.'),
    groups: z.array(group).readonly().describe('One for each KMS host key; empty: the machine is no KMS host.'),
    listeningPort: number.describe('Null: the default, 1688.'),
    publishes: z.boolean().nullable(),
    lowPriority: z.boolean().nullable(),
    findings: z
      .array(z.strictObject({ rule: text, severity: z.enum(['info', 'attention', 'action']), summary: text, next: texts }).readonly())
      .readonly(),
    undecided: texts.describe('What could not be asked and decides.'),
  })
  .readonly()

const requests = z
  .strictObject({
    hours: whole,
    client: maybe.describe('The machine that it is about; null: all.'),
    since: maybe.describe('The oldest event of that time, by the host’s clock.'),
    events: whole.describe('Events 12290 of these hours.'),
    unread: whole,
    clients: whole.describe('Different CMIDs.'),
    latest: z
      .array(
        z
          .strictObject({
            time: maybe.describe('The time at the client, UTC.'),
            loggedAt: maybe.describe('By the clock of the host, UTC.'),
            clockAheadMinutes: z.int().nullable().describe('The client’s clock against the host’s.'),
            client: maybe,
            clientMachineId: maybe,
            product: maybe,
            activationId: maybe,
            state: maybe,
            minutesLeft: number,
            requiredCount: number,
            code: z.string().regex(/^0x[0-9A-F]{8}$/),
          })
          .readonly(),
      )
      .readonly()
      .describe('The latest first, at most 200.'),
    failures: z.array(z.strictObject({ code: text, meaning: maybe, requests: whole, clients: texts }).readonly()).readonly(),
    duplicates: z
      .array(
        z
          .strictObject({
            clientMachineId: text,
            clients: texts,
            pool: maybe.describe('The non-persistent pool that all of them belong to.'),
            fleet: texts.describe('Machines of the fleet that have it by their own word.'),
          })
          .readonly(),
      )
      .readonly()
      .describe('CMIDs that machines of several names came with.'),
    changing: z
      .array(z.strictObject({ client: text, clientMachineIds: whole }).readonly())
      .readonly()
      .describe('Machines that came with several CMIDs.'),
  })
  .readonly()

const thresholdFalls = z
  .array(
    z
      .strictObject({
        of: text,
        count: whole,
        at: text.describe('Date from which the count is below.'),
        surely: z.boolean().describe('False: only if nothing else changes, or the host counts no more than it shows.'),
      })
      .readonly(),
  )
  .readonly()

/** What is to be expected of one host key. */
export const forecast = z
  .strictObject({
    name: text,
    application,
    count: number,
    most: whole.describe('The highest that the count can be.'),
    thresholds: z.array(z.strictObject({ of: text, count: whole, spare: z.int().nullable() }).readonly()).readonly(),
    history: z
      .array(z.strictObject({ from: text, last: text, count: whole }).readonly())
      .readonly()
      .describe('What checks found, oldest first.'),
    users: z
      .strictObject({
        from: z.enum(['log', 'fleet']),
        days: whole.describe('So far back it is known.'),
        machines: whole.describe('Different machines of the last 30 days.'),
        quiet: number.describe('Those that did not ask for two renewals; null: not known.'),
      })
      .readonly()
      .nullable(),
    trend: z.strictObject({ perWeek: z.number(), falls: thresholdFalls }).readonly().nullable(),
    quiet: z.strictObject({ left: whole, by: text, falls: thresholdFalls }).readonly().nullable(),
    retire: z.strictObject({ machines: whole, left: whole, surely: z.boolean(), by: text, falls: thresholdFalls }).readonly().nullable(),
  })
  .readonly()

const users = z
  .strictObject({
    asOf: maybe.describe('The oldest answer among them.'),
    machines: whole,
    pinned: whole.describe('It is set by hand.'),
    cached: whole.describe('Found in DNS, or kept as the host that answered last.'),
    otherwise: whole,
    windows: whole,
    servers: whole,
    office: whole,
    names: texts.describe('Some of those on which it is set by hand.'),
  })
  .readonly()

const activationObject = z
  .strictObject({
    name: text,
    distinguishedName: text,
    object: z
      .strictObject({
        name: text,
        displayName: maybe,
        distinguishedName: text,
        hostKeyActivationId: maybe,
        extendedPid: maybe,
        kmsIds: texts,
        created: maybe,
      })
      .readonly()
      .nullable()
      .describe('Null: machines name it, the directory did not show it.'),
    hostKey: maybe,
    ours: z.boolean().nullable().describe('Whether the site file counts it as ours.'),
    machines: number.describe('Machines of the fleet that it activated.'),
  })
  .readonly()

/** `slmctl.hosts/1` */
export const hostsSchema = z
  .strictObject({
    schema: z.literal('slmctl.hosts/1'),
    command: z.enum(['discover', 'check', 'show']),
    domains: z
      .array(
        z
          .strictObject({
            domain: text,
            records: z
              .array(
                z
                  .strictObject({
                    target: text,
                    port,
                    priority: whole,
                    weight: whole,
                    ttlSeconds: whole,
                    share: z.number().min(0).max(1).describe('Part of the clients that look in DNS and take it first.'),
                  })
                  .readonly(),
              )
              .readonly(),
            problem: problem.nullable().describe('Why DNS could not be asked; then records say nothing.'),
          })
          .readonly(),
      )
      .readonly(),
    hosts: z
      .array(
        z
          .strictObject({
            name: text,
            port,
            named: z.boolean().describe('Named in the site file, at any port.'),
            declared: z.boolean().describe('Named in the site file at this port.'),
            publishedBy: texts.describe('Domains whose DNS publishes it at this port.'),
            standing: z
              .strictObject({
                addresses: texts,
                verdict: z.enum(['authorised', 'not-authorised', 'unknown', 'could-not-ask']),
                because: maybe,
              })
              .readonly(),
            verdict,
            cause: maybe,
            next: texts,
            ports: z
              .array(
                z
                  .strictObject({
                    address: text,
                    port,
                    state: z
                      .enum(['rpc', 'other', 'silent', 'closed', 'refused', 'no-answer', 'unreachable', 'not-tried'])
                      .describe('rpc: a DCE/RPC server answers a bind; that it is a KMS is not proved by it.'),
                    connectMs: number,
                    seen: text,
                  })
                  .readonly(),
              )
              .readonly()
              .describe('Empty where nothing was sent.'),
            said: said.nullable().describe('What the host says of itself; null where it was not asked, or could not be.'),
            problem: problem.nullable(),
            requests: requests.nullable().describe('What its log tells; null where it was not asked for.'),
            forecast: z.array(forecast).readonly().describe('Of show: one for each host key.'),
            users: users.nullable().describe('Machines of the fleet that name it; null without a fleet.'),
            remarks: z
              .array(
                z.strictObject({ severity: z.enum(['info', 'attention', 'action', 'unknown']), summary: text, next: texts }).readonly(),
              )
              .readonly(),
          })
          .readonly(),
      )
      .readonly(),
    objects: z
      .strictObject({
        domain: text,
        server: text,
        shown: whole.describe('So many the directory showed; 0 is not "there are none".'),
        objects: z.array(activationObject).readonly(),
      })
      .readonly()
      .nullable()
      .describe('Of discover --directory.'),
  })
  .readonly()
  .describe('What slmctl hosts --json answers.')

const outcome = z.enum(['accepted', 'refused', 'lost', 'not-reached', 'not-sent', 'not-tried', 'cannot-tell'])
const event = z
  .strictObject({
    at: maybe.describe('UTC, by our clock where the clock of its machine is known.'),
    side: z.enum(['machine', 'host']),
    name: text,
    event: whole,
    meaning: text,
    fields: z.array(z.strictObject({ name: text, value: text }).readonly()).readonly(),
  })
  .readonly()
const events = z.array(event).readonly()

/** `slmctl.hosts-story/1` */
const storySchema = z
  .strictObject({
    schema: z.literal('slmctl.hosts-story/1'),
    machine: text,
    hours: whole,
    clientMachineId: maybe,
    outcome: outcome.describe('How far the latest try of each product came; what went wrong counts first.'),
    because: text,
    next: texts,
    logs: z
      .array(
        z
          .strictObject({
            side: z.enum(['machine', 'host']),
            name: text,
            events: number.describe('Null: it could not be read, and problem says why.'),
            unread: whole,
            problem: problem.nullable(),
            clockAheadMinutes: z.int().nullable(),
          })
          .readonly(),
      )
      .readonly(),
    tries: whole.describe('How many there were.'),
    attempts: z
      .array(
        z
          .strictObject({
            at: maybe,
            product: maybe,
            activationId: maybe,
            host: maybe,
            outcome,
            because: text,
            code: maybe,
            meaning: maybe,
            clockGapMinutes: z.int().nullable().describe('The machine’s clock against the host’s.'),
            events,
          })
          .readonly(),
      )
      .readonly()
      .describe('The latest first, at most 50.'),
    state: events,
  })
  .readonly()
  .describe('What slmctl hosts story --json answers.')

const steps = z.array(z.strictObject({ title: text, why: text, commands: texts }).readonly()).readonly()

/** `slmctl.hosts-migrate/1` */
const moveSchema = z
  .strictObject({
    schema: z.literal('slmctl.hosts-migrate/1'),
    old: z.strictObject({ name: text, port, ours: z.boolean(), said: z.boolean() }).readonly(),
    new: z.strictObject({ name: text, port, verdict, cause: maybe }).readonly(),
    blockers: texts.describe('What stands against beginning.'),
    records: z
      .array(
        z
          .strictObject({
            domain: text,
            host: z.enum(['old', 'new']),
            priority: whole,
            weight: whole,
            ttlSeconds: whole,
            keptBy: z.enum(['itself', 'hand', 'not-known']),
          })
          .readonly(),
      )
      .readonly(),
    unaskedDomains: texts,
    users: users.nullable().describe('Null: no fleet is kept here.'),
    warmUp: z
      .array(
        z
          .strictObject({
            of: text,
            threshold: whole,
            count: number,
            machines: number,
            days: number.describe('Until enough machines renewed by themselves; null: too few, or not known.'),
          })
          .readonly(),
      )
      .readonly(),
    steps,
    back: steps,
  })
  .readonly()
  .describe('What slmctl hosts migrate --json answers: a plan; nothing is changed.')

export const hostsSchemas = { 'hosts-story': storySchema, 'hosts-migrate': moveSchema }
