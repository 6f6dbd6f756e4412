/** What is known and judged of machines, and what would be changed on them: parts of the answers of diagnose, status, plan, apply and of a fleet. */
import * as z from 'zod'
import type { MachinePlan, Product } from '../model.ts'
import { application, channel, code, guid, hostFound, lines, maybe, method, origin, state, text, texts, verdict } from './nouns.ts'

const whole = z.int().nonnegative().nullable()

const kms = z
  .strictObject({
    host: maybe,
    port: whole,
    ip: maybe,
    found: hostFound,
    hostId: maybe.describe('Extended PID of the KMS host.'),
    activationIntervalMinutes: whole,
    renewalIntervalMinutes: whole,
  })
  .readonly()

export const productSchema = z
  .strictObject({
    name: maybe,
    application,
    edition: maybe,
    channel,
    method,
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
    originHonest: maybe.describe('What an honest explanation of the origin could be; null: none is needed, or none is known.'),
    evidence: lines,
    source: text,
    machine: text,
  })
  .readonly() satisfies z.ZodType<Product>

export const machineSchema = z
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
export const judged = {
  products: z.array(productSchema).readonly(),
  events: z.array(event).readonly(),
  codes: z.array(codeReading).readonly(),
  findings: z.array(finding).readonly(),
}

const secretReference = z.union([
  z.strictObject({ env: text }).readonly(),
  z.strictObject({ file: text }).readonly(),
  z.strictObject({ keyring: z.strictObject({ service: text, account: text }).readonly() }).readonly(),
])
const host = z.strictObject({ name: text, port: z.int().min(1).max(65_535) }).readonly()
export const stepSchema = z
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
    steps: z.array(stepSchema).readonly(),
    refused: z
      .array(
        z.strictObject({ code: text, product: z.int().nonnegative().nullable(), machine: text, because: text, next: texts }).readonly(),
      )
      .readonly(),
    missing: z.array(z.strictObject({ machine: text, fact: text, why: text, get: text }).readonly()).readonly(),
    fallbacks: z
      .array(z.strictObject({ product: text, attempt: z.int().min(1).max(2), host, steps: z.array(stepSchema).readonly() }).readonly())
      .readonly(),
    fingerprint: text.describe('Equal where the facts that the plan rests on are equal.'),
    changes: texts,
  })
  .readonly() satisfies z.ZodType<MachinePlan>
