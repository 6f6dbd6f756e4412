/**
 * The published shapes of slmctl's answers, from which `docs/*.schema.json` are made. The types in `model.ts` are what the code
 * uses; a mistake between the two does not compile.
 */
import * as z from 'zod'
import type { Audit, Diagnosis, Plan } from './model.ts'
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
import { judged, machineSchema as machine, machinePlanSchema, stepSchema as step } from './schemas/machines.ts'
import { channel, guid, lines, maybe, whole as number, origin, text, texts } from './schemas/nouns.ts'
import { serverSchemas } from './schemas/server.ts'

const problems = z.array(problem).readonly()

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
export type StatusAnswer = z.output<typeof statusSchema>
export type PlanAnswer = z.output<typeof planSchema>
export * as api from './schemas/api.ts'
export { machinePlanSchema } from './schemas/machines.ts'
export { eventSchemas, z }
