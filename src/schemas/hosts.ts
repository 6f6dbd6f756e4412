/** What `slmctl hosts` answers. */
import * as z from 'zod'
import { problemSchema as problem } from './commands.ts'

const text = z.string()
const maybe = z.string().nullable()
const texts = z.array(text).readonly()
const whole = z.int().nonnegative()
const number = whole.nullable()
const port = z.int().min(0).max(65_535)
const verdict = z.enum(['ok', 'attention', 'action', 'cannot-tell'])

const group = z
  .strictObject({
    name: maybe,
    application: z.enum(['windows', 'office', 'other']),
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
    events: whole.describe('Events 12290 of these hours.'),
    unread: whole,
    clients: whole.describe('Different CMIDs.'),
    latest: z
      .array(
        z
          .strictObject({
            time: maybe.describe('The time at the client, UTC.'),
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
      .array(z.strictObject({ clientMachineId: text, clients: texts }).readonly())
      .readonly()
      .describe('CMIDs that machines of several names came with.'),
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
            remarks: z
              .array(
                z.strictObject({ severity: z.enum(['info', 'attention', 'action', 'unknown']), summary: text, next: texts }).readonly(),
              )
              .readonly(),
          })
          .readonly(),
      )
      .readonly(),
  })
  .readonly()
  .describe('What slmctl hosts --json answers.')
