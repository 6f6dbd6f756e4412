/**
 * The published shapes of slmctl's answers, from which `docs/*.schema.json` are made. The types in `model.ts` are what the code
 * uses; a mistake between the two does not compile.
 */
import * as z from 'zod'
import type { Audit, Diagnosis, MachinePlan, Plan } from './model.ts'
import { alertsSchemas } from './schemas/alerts.ts'
import { eventSchemas, fleetAnswers } from './schemas/api.ts'
import { campaignSchemas } from './schemas/campaigns.ts'
import {
  completionSchema,
  explanationSchema,
  imageSchema,
  keysSchema,
  labScenariosSchema,
  labSchema,
  problemSchema as problem,
  problemsSchema,
  scheduleActionsSchema,
  scheduleSchema,
  siteCheckSchema,
  siteInitSchema,
} from './schemas/commands.ts'
import { fleetSchemas } from './schemas/fleet.ts'
import { hostsSchema, hostsSchemas } from './schemas/hosts.ts'
import { serverSchemas } from './schemas/server.ts'

const verdict = z.enum(['ok', 'attention', 'action', 'cannot-tell'])
const origin = z.enum(['own', 'platform', 'vendor', 'cannot-tell', 'suspect', 'foreign'])
const state = z.enum([
  'licensed',
  'initial-grace',
  'additional-grace',
  'out-of-tolerance-grace',
  'non-genuine-grace',
  'extended-grace',
  'notification',
  'unlicensed',
  'unknown',
])
const text = z.string()
const maybe = z.string().nullable()
const whole = z.int().nonnegative().nullable()
const code = z.string().regex(/^0x[0-9A-F]{8}$/)
const guid = z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
const evidence = z
  .strictObject({
    source: text,
    line: z.int().positive(),
    text: text.describe('The line as it stands; product keys masked, long lines cut.'),
    means: text,
  })
  .readonly()
const lines = z.array(evidence).readonly()
const texts = z.array(text).readonly()
const problems = z.array(problem).readonly()

const kms = z
  .strictObject({
    host: maybe,
    port: whole,
    ip: maybe,
    found: z.enum(['override', 'dns', 'cache', 'unknown']),
    hostId: maybe.describe('Extended PID of the KMS host.'),
    activationIntervalMinutes: whole,
    renewalIntervalMinutes: whole,
  })
  .readonly()

const product = z
  .strictObject({
    name: maybe,
    application: z.enum(['windows', 'office', 'other']),
    edition: maybe,
    channel: z.enum(['kms-client', 'kms-host', 'mak', 'retail', 'oem', 'evaluation', 'subscription', 'avma', 'unknown']),
    method: z.enum(['kms', 'adba', 'token', 'avma', 'online', 'none', 'unknown']),
    addOn: z.boolean(),
    partialKey: z.string().length(5).nullable(),
    activationId: guid.nullable(),
    state,
    reason: code.nullable(),
    minutesLeft: whole,
    expires: maybe.describe('ISO 8601; without a zone it is the machine’s local time.'),
    kms: kms.nullable(),
    activationObject: maybe.describe('The object of Active Directory that activated it: its DN or its name.'),
    count: whole.describe('Count of a KMS host, or the count that a host told its client.'),
    verdict,
    cause: maybe,
    next: texts,
    origin,
    originBecause: text,
    evidence: lines,
    source: text,
    machine: text,
  })
  .readonly()

const machine = z
  .strictObject({
    id: text,
    name: maybe,
    system: maybe.describe('The operating system by its own name.'),
    sources: texts,
    verdict,
    origin,
    headline: text,
    next: texts,
  })
  .readonly()
const event = z
  .strictObject({
    id: z.int().nonnegative(),
    log: maybe,
    side: maybe,
    computer: maybe,
    time: maybe,
    code: code.nullable(),
    host: maybe,
    port: whole,
    clientMachineId: guid.nullable(),
    client: maybe,
    activationId: guid.nullable(),
    applicationId: guid.nullable(),
    state: state.nullable(),
    minutesLeft: whole,
    requiredCount: whole,
    count: whole,
    activated: z.boolean().nullable(),
    activationIntervalMinutes: whole,
    renewalIntervalMinutes: whole,
    activationObject: maybe,
    meaning: text,
    source: text,
    machine: text,
    evidence: lines,
  })
  .readonly()

const codeReading = z
  .strictObject({
    code,
    name: maybe,
    meaning: text,
    basis: z.enum(['documented', 'system-code', 'name-only', 'unknown']),
    source: text,
    machine: text,
    evidence: lines,
  })
  .readonly()

const finding = z
  .strictObject({
    rule: text,
    severity: z.enum(['info', 'attention', 'action']),
    summary: text,
    honest: maybe,
    evidence: lines,
    next: texts,
    machine: text,
    product: z.int().nonnegative().nullable(),
  })
  .readonly()

/** What is known and judged of machines, whatever brought the facts. */
const judged = {
  products: z.array(product).readonly(),
  events: z.array(event).readonly(),
  codes: z.array(codeReading).readonly(),
  findings: z.array(finding).readonly(),
}

/** `slmctl.diagnosis/1` */
export const diagnosisSchema = z
  .strictObject({
    schema: z.literal('slmctl.diagnosis/1'),
    sources: z.array(z.strictObject({ file: text, kind: text, lines: z.int().nonnegative(), encoding: text }).readonly()).readonly(),
    machine,
    machines: z.array(machine).readonly(),
    ...judged,
    unread: z.array(z.strictObject({ source: text, line: z.int().positive(), text }).readonly()).readonly(),
    problems,
  })
  .readonly()
  .describe('What slmctl diagnose --json answers.') satisfies z.ZodType<Diagnosis>

/** `slmctl.status/1`: machines come in the order in which they answered. */
export const statusSchema = z
  .strictObject({
    schema: z.literal('slmctl.status/1'),
    machines: z
      .array(
        z.discriminatedUnion('ok', [
          z.strictObject({ name: text, ok: z.literal(true), machine, ...judged }).readonly(),
          z.strictObject({ name: text, ok: z.literal(false), problem }).readonly(),
        ]),
      )
      .readonly(),
  })
  .readonly()
  .describe('What slmctl status --json answers.')

const secretReference = z.union([
  z.strictObject({ env: text }).readonly(),
  z.strictObject({ file: text }).readonly(),
  z.strictObject({ keyring: z.strictObject({ service: text, account: text }).readonly() }).readonly(),
])
const host = z.strictObject({ name: text, port: z.int().min(1).max(65_535) }).readonly()
const step = z
  .strictObject({
    change: text,
    what: text,
    because: text,
    class: text,
    key: z.record(text, text).readonly().nullable(),
    method: text,
    arguments: z.record(text, z.union([text, z.number(), z.boolean()])).readonly(),
    product: maybe.describe('Activation ID, or what the entry will be known by where the ID is not known yet.'),
    host: host.nullable().describe('The KMS host that an activation asks; null where none is asked, or where DNS names it.'),
    secret: z
      .strictObject({ argument: text, reference: secretReference })
      .readonly()
      .nullable()
      .describe('Where a secret argument is; never the secret.'),
    activates: z.boolean(),
  })
  .readonly()

/** One machine's part of a plan. */
export const machinePlanSchema = z
  .strictObject({
    id: text,
    name: maybe,
    holds: texts,
    steps: z.array(step).readonly(),
    refused: z
      .array(
        z.strictObject({ code: text, product: z.int().nonnegative().nullable(), machine: text, because: text, next: texts }).readonly(),
      )
      .readonly(),
    missing: z.array(z.strictObject({ machine: text, fact: text, why: text, get: text }).readonly()).readonly(),
    fallbacks: z
      .array(z.strictObject({ product: text, attempt: z.int().min(1).max(2), host, steps: z.array(step).readonly() }).readonly())
      .readonly(),
    fingerprint: text.describe('Equal where the facts that the plan rests on are equal.'),
    changes: texts,
  })
  .readonly() satisfies z.ZodType<MachinePlan>

/** `slmctl.plan/1` */
export const planSchema = z
  .strictObject({ schema: z.literal('slmctl.plan/1'), machines: z.array(machinePlanSchema).readonly(), problems })
  .readonly()
  .describe('What slmctl plan --json answers.') satisfies z.ZodType<Plan>

/** `slmctl.apply/1` */
export const applySchema = z
  .strictObject({
    schema: z.literal('slmctl.apply/1'),
    journal: maybe.describe('Id of the journal; null where nothing was to be done.'),
    machines: z
      .array(
        z
          .strictObject({
            name: text,
            result: z.enum(['unchanged', 'changed', 'failed', 'refused', 'stale', 'unknown', 'unreachable', 'interrupted']),
            steps: z
              .array(
                z
                  .strictObject({
                    step,
                    result: z.enum(['done', 'held', 'failed', 'refused', 'unknown']),
                    returnValue: z.int().nonnegative().nullable(),
                    because: text,
                  })
                  .readonly(),
              )
              .readonly(),
            problem: problem.nullable(),
            after: machine.nullable().describe('What the machine says now; null where it could not be asked.'),
          })
          .readonly(),
      )
      .readonly(),
    problems,
  })
  .readonly()
  .describe('What slmctl apply --json answers.')

const channel = product.unwrap().shape.channel
const number = z.int().nonnegative()
/** `slmctl.audit/1` */
export const auditSchema = z
  .strictObject({
    schema: z.literal('slmctl.audit/1'),
    machines: z.strictObject({ asked: number, notAsked: number.describe('What they hold is not known; problems say why.') }).readonly(),
    products: z
      .array(z.strictObject({ product: text, channel, count: z.record(origin, number).readonly() }).readonly())
      .readonly()
      .describe('Activated products by name, counted by whose activation they are.'),
    own: z
      .array(
        z
          .strictObject({
            host: maybe.describe('Null: no host is involved, or none is named.'),
            products: number,
            provedAt: maybe.describe('When the host itself last showed a licensed KMS host key; null: the site file declares it.'),
          })
          .readonly(),
      )
      .readonly()
      .describe('What counts as own, by host: proved, or declared only.'),
    notActivated: number.describe('Products with a key that are not activated now.'),
    entitlements: z
      .array(z.strictObject({ product: text, quantity: z.int().positive(), agreement: maybe, used: number }).readonly())
      .readonly()
      .describe('What was bought, against what is in use by volume activation.'),
    uncovered: z
      .array(z.strictObject({ product: text, used: number }).readonly())
      .readonly()
      .describe('Activated by volume and covered by no entitlement; empty where the site file lists none.'),
    remarks: z
      .array(
        z
          .strictObject({
            machine: text,
            product: text,
            origin: z.enum(['foreign', 'suspect', 'cannot-tell']),
            because: text,
            honest: maybe,
            evidence: lines,
            next: texts,
          })
          .readonly(),
      )
      .readonly(),
    problems,
  })
  .readonly()
  .describe('What slmctl audit --json answers.') satisfies z.ZodType<Audit>

/** `slmctl.telephone/1`: what `slmctl offline ids --json` answers. */
export const telephoneSchema = z
  .strictObject({
    schema: z.literal('slmctl.telephone/1'),
    file: maybe.describe('The file that was written; null where there was nothing to write.'),
    rows: z
      .array(
        z
          .strictObject({
            machine: text,
            product: text,
            activationId: guid,
            partialKey: z.string().length(5),
            installationId: z.string().regex(/^\d+$/),
            confirmationId: z.literal('').describe('To be filled in, in the file.'),
          })
          .readonly(),
      )
      .readonly(),
    problems,
  })
  .readonly()
  .describe('What slmctl offline ids --json answers.')

/** `slmctl.signer/1`: what `slmctl offline signer --json` answers. */
export const signerSchema = z
  .strictObject({
    schema: z.literal('slmctl.signer/1'),
    file: text.describe('Where the private key is.'),
    publicKey: z.string().describe('For plans: {signers: […]} of the site file.'),
  })
  .readonly()
  .describe('What slmctl offline signer --json answers.')

/** The schemas that are published, by the name of their file in docs. */
export const published = {
  diagnosis: diagnosisSchema,
  status: statusSchema,
  plan: planSchema,
  apply: applySchema,
  audit: auditSchema,
  telephone: telephoneSchema,
  signer: signerSchema,
  hosts: hostsSchema,
  ...hostsSchemas,
  ...fleetSchemas,
  'fleet-today': fleetAnswers['fleet-today'],
  'fleet-hosts': fleetAnswers['fleet-hosts'],
  ...campaignSchemas,
  ...serverSchemas,
  ...alertsSchemas,
  image: imageSchema,
  schedule: scheduleSchema,
  'schedule-actions': scheduleActionsSchema,
  explanation: explanationSchema,
  keys: keysSchema,
  'site-check': siteCheckSchema,
  'site-init': siteInitSchema,
  lab: labSchema,
  'lab-scenarios': labScenariosSchema,
  completion: completionSchema,
  problems: problemsSchema,
} as const
export * as api from './schemas/api.ts'
export { eventSchemas, z }
