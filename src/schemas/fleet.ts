/** What `slmctl fleet` answers, one schema for each of its words. Times are milliseconds since 1970. */
import * as z from 'zod'
import { problemSchema as problem } from './commands.ts'
import {
  application,
  channel,
  code,
  guid,
  hostFound,
  lines,
  list,
  maybe,
  maybeTime,
  method,
  origin,
  state,
  text,
  texts,
  time,
  verdict,
  whole,
} from './nouns.ts'

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

/** A product of a machine, as the machine told it last. */
const product = z.strictObject({
  key: text.describe('Tells the products of one machine apart.'),
  name: maybe,
  application,
  edition: maybe,
  channel,
  method,
  addOn: z.boolean(),
  partialKey: z.string().length(5).nullable().describe('The last five characters of its key.'),
  activationId: guid.nullable(),
  activationObject: maybe.describe('The object of Active Directory that activated it, as the machine names it.'),
  state,
  reason: code.nullable(),
  expiresAt: maybeTime.describe('When it ends, if nothing renews it.'),
  host: maybe.describe('The KMS host that it names.'),
  port: z.int().min(0).max(65_535).nullable(),
  hostFound: hostFound.nullable().describe('Where the host’s name comes from: set by hand, DNS, the last activation.'),
  count: whole.nullable().describe('Count of a KMS host, or the count that a host told its client.'),
  verdict,
  cause: maybe.describe('Why it is not in order, in one sentence.'),
  next: texts,
  origin,
  originBecause: text,
  originHonest: maybe.describe('What an honest explanation of the origin could be; null: none is needed, or none is known.'),
  evidence: lines,
  since: time.describe('Since when it is as it is.'),
  renewedAt: maybeTime.describe('When it was last seen to be renewed.'),
  goneAt: maybeTime.describe('When the machine answered without it; null: it is there.'),
})

const line = z.strictObject({
  id: whole,
  name: text,
  address: maybe,
  system: maybe.describe('The operating system by its own name.'),
  pool: maybe.describe('The non-persistent pool that it is of.'),
  vanishedAt: maybeTime.describe('When no source listed it any more.'),
  seenAt: maybeTime.describe('When it last answered; null: never. What is said of it is as of then.'),
  askedAt: maybeTime.describe('When it was last asked, whether it answered or not.'),
  verdict: verdict.nullable(),
  origin: origin.nullable(),
  headline: maybe,
  next: texts,
  problem: z
    .strictObject({ code: text, summary: text, next: texts, since: time, times: whole.describe('So often one after the other.') })
    .nullable()
    .describe('Why it could not be asked at the last try.'),
  products: list(product),
})

/** A machine with all that is known of it. */
const card = z.strictObject({
  ...line.shape,
  guid: maybe.describe('Of its computer object in Active Directory.'),
  uuid: maybe.describe('Of its board, by the firmware.'),
  cmid: maybe.describe('What it tells a KMS host that it is; null: not known.'),
  systemVersion: maybe,
  enabled: z.boolean().nullable().describe('Of its computer object; null: no directory lists it.'),
  distinguishedName: maybe,
  directorySeenAt: maybeTime.describe('When the directory last saw it.'),
  addedAt: time,
  groups: texts,
  sources: list(z.strictObject({ source: text, vanishedAt: maybeTime })).describe('What lists it, or did.'),
})

/** What a product was for a while. */
const span = z.strictObject({
  key: text,
  from: time,
  until: maybeTime.describe('Null: it still is.'),
  ...{ name: maybe, channel, method },
  partialKey: product.shape.partialKey,
  activationId: product.shape.activationId,
  state,
  reason: product.shape.reason,
  host: maybe,
  port: product.shape.port,
  verdict,
  cause: maybe,
  origin,
})

export const fleetSchemas = {
  'fleet-import': z
    .strictObject({
      schema: z.literal('slmctl.fleet-import/1'),
      dryRun: z.boolean(),
      imports: z
        .array(
          z
            .strictObject({
              ...difference.unwrap().shape,
              notes: texts.describe('What was passed over, and what looks odd.'),
              fingerprint: text.describe('Of what is different: the same for the same difference.'),
            })
            .readonly(),
        )
        .readonly(),
      problems: z.array(problem).readonly(),
    })
    .describe('What slmctl fleet import --json answers.'),
  'fleet-status': z
    .strictObject({
      schema: z.literal('slmctl.fleet-status/1'),
      counts: z.strictObject({
        machines: z.strictObject({ listed: whole, vanished: whole, never: whole, unasked: whole }),
        verdict: z.partialRecord(verdict, whole),
        origin: z.partialRecord(origin, whole),
        problem: z.record(text, whole).describe('Why machines could not be asked at the last try, by the code of the Problem.'),
        products: list(z.strictObject({ application, state, count: whole }))
          .optional()
          .describe('Products that are there now; of the whole fleet only.'),
        pools: list(z.strictObject({ pool: text, machines: whole }))
          .optional()
          .describe('Non-persistent pools; of the whole fleet only.'),
      }),
      stale: whole.describe('Machines that answered once, and not in the last 30 days: what is counted of them is as of then.'),
      causes: z
        .array(z.strictObject({ cause: whole.nullable(), problem: maybe, text, next: maybe, machines: whole }).readonly())
        .readonly()
        .describe('What keeps machines from being in order, most machines first.'),
    })
    .describe('What slmctl fleet status --json answers.'),
  'fleet-list': z
    .strictObject({ schema: z.literal('slmctl.fleet-list/1'), machines: list(line) })
    .describe('What slmctl fleet list --json answers.'),
  'fleet-show': z
    .strictObject({ schema: z.literal('slmctl.fleet-show/1'), machines: list(card) })
    .describe('What slmctl fleet show --json answers: one machine, or those that had its name before.'),
  'fleet-history': z
    .strictObject({
      schema: z.literal('slmctl.fleet-history/1'),
      machine: text,
      products: list(span).describe('What still is first, then the newest.'),
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
            application,
            state,
            method,
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
    .strictObject({
      schema: z.literal('slmctl.fleet-restore/1'),
      rows: whole,
      aside: maybe.describe('Where what was there before is kept; null: there was nothing.'),
    })
    .describe('What slmctl fleet restore --json answers.'),
  'fleet-compact': z
    .strictObject({ schema: z.literal('slmctl.fleet-compact/1'), bytesBefore: whole, bytesAfter: whole })
    .describe('What slmctl fleet compact --json answers.'),
} as const

export type MachineLine = z.output<typeof line>
export type ProductLine = z.output<typeof product>
export type MachineCard = z.output<typeof card>
export type FleetShow = z.output<(typeof fleetSchemas)['fleet-show']>
export type History = z.output<(typeof fleetSchemas)['fleet-history']>
export type ExpiringLine = z.output<(typeof fleetSchemas)['fleet-expiring']>['products'][number]
