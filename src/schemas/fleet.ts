/** What `slmctl fleet` answers, one schema for each of its words. Times are milliseconds since 1970. */
import * as z from 'zod'
import { problemSchema as problem } from './commands.ts'

const text = z.string()
const maybe = z.string().nullable()
const texts = z.array(text).readonly()
const whole = z.int().nonnegative()
const time = z.int()
const maybeTime = time.nullable()
const verdict = z.enum(['ok', 'attention', 'action', 'cannot-tell'])
const origin = z.enum(['own', 'platform', 'vendor', 'cannot-tell', 'suspect', 'foreign'])

const difference = z
  .strictObject({
    source: text,
    at: time,
    listed: whole,
    unchanged: whole,
    added: texts,
    changed: z.array(z.strictObject({ name: text, what: texts }).readonly()).readonly(),
    renamed: z.array(z.strictObject({ from: text, to: text }).readonly()).readonly(),
    replaced: texts,
    returned: texts,
    vanished: texts,
    duplicates: texts.describe('Said twice in the list.'),
  })
  .readonly()

const product = z.looseObject({
  key: text,
  name: maybe,
  state: text,
  channel: text,
  method: text,
  host: maybe,
  expiresAt: maybeTime,
  verdict,
  cause: maybe,
  origin,
  since: time,
  goneAt: maybeTime,
})

const line = z.looseObject({
  id: whole,
  name: text,
  seenAt: maybeTime.describe('When it last answered; null: never. What is said of it is as of then.'),
  askedAt: maybeTime,
  vanishedAt: maybeTime,
  verdict: verdict.nullable(),
  origin: origin.nullable(),
  headline: maybe,
  problem: z
    .looseObject({ code: text, summary: text, next: texts, since: time, times: whole })
    .nullable()
    .describe('Why it could not be asked at the last try.'),
  products: z.array(product).readonly(),
})

export const fleetSchemas = {
  'fleet-import': z
    .strictObject({
      schema: z.literal('slmctl.fleet-import/1'),
      dryRun: z.boolean(),
      imports: z.array(difference).readonly(),
      problems: z.array(problem).readonly(),
    })
    .describe('What slmctl fleet import --json answers.'),
  'fleet-status': z
    .strictObject({
      schema: z.literal('slmctl.fleet-status/1'),
      counts: z.looseObject({
        machines: z.strictObject({ listed: whole, vanished: whole, never: whole, unasked: whole }),
        verdict: z.partialRecord(verdict, whole),
        origin: z.partialRecord(origin, whole),
        problem: z.record(text, whole),
      }),
      stale: whole.describe('Machines that answered once, and not in the last 30 days: what is counted of them is as of then.'),
      causes: z
        .array(z.strictObject({ cause: whole.nullable(), problem: maybe, text, next: maybe, machines: whole }).readonly())
        .readonly()
        .describe('What keeps machines from being in order, most machines first.'),
    })
    .describe('What slmctl fleet status --json answers.'),
  'fleet-list': z
    .strictObject({ schema: z.literal('slmctl.fleet-list/1'), machines: z.array(line).readonly() })
    .describe('What slmctl fleet list --json answers.'),
  'fleet-show': z
    .strictObject({ schema: z.literal('slmctl.fleet-show/1'), machines: z.array(line).readonly() })
    .describe('What slmctl fleet show --json answers: one machine, or those that had its name before.'),
  'fleet-history': z
    .strictObject({
      schema: z.literal('slmctl.fleet-history/1'),
      machine: text,
      products: z.array(z.looseObject({ key: text, from: time, until: maybeTime, state: text, verdict, origin })).readonly(),
      unasked: z.array(z.strictObject({ code: text, summary: text, from: time, until: maybeTime, times: whole })).readonly(),
      outcomes: z.array(z.strictObject({ id: whole, at: time, result: text, verdict: verdict.nullable() })).readonly(),
    })
    .describe('What slmctl fleet history --json answers.'),
  'fleet-expiring': z
    .strictObject({
      schema: z.literal('slmctl.fleet-expiring/1'),
      products: z
        .array(
          z.strictObject({
            machine: whole,
            name: text,
            product: maybe,
            application: text,
            state: text,
            method: text,
            host: maybe,
            expiresAt: time,
            seenAt: maybeTime,
            problem: maybe,
          }),
        )
        .readonly(),
    })
    .describe('What slmctl fleet expiring --json answers.'),
  'fleet-backup': z
    .strictObject({ schema: z.literal('slmctl.fleet-backup/1'), file: text, bytes: whole, form: z.enum(['sqlite', 'lines']) })
    .describe('What slmctl fleet backup --json answers.'),
  'fleet-restore': z
    .looseObject({ schema: z.literal('slmctl.fleet-restore/1'), aside: maybe })
    .describe('What slmctl fleet restore --json answers.'),
  'fleet-compact': z
    .strictObject({ schema: z.literal('slmctl.fleet-compact/1'), bytesBefore: whole, bytesAfter: whole })
    .describe('What slmctl fleet compact --json answers.'),
} as const
