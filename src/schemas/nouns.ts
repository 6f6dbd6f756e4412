/** Words and simple values that many answers have: verdicts, states, amounts, times, evidence. Each word list is the one of `model.ts`, no more and no less. */
import * as z from 'zod'
import type { Application, Channel, Evidence, HostFound, Method, Origin, State, Verdict } from '../model.ts'

export type { Application, Channel, HostFound, Method, Origin, State, Verdict }

/** Exactly the words of a type: one that is missing, and one too many, do not compile. */
const words =
  <T extends string>() =>
  <const W extends readonly [T, ...T[]]>(...list: [T] extends [W[number]] ? W : never) =>
    z.enum(list as W)

export const verdict = words<Verdict>()('ok', 'attention', 'action', 'cannot-tell')
export const origin = words<Origin>()('own', 'platform', 'vendor', 'cannot-tell', 'suspect', 'foreign')
export const application = words<Application>()('windows', 'office', 'other')
export const channel = words<Channel>()('kms-client', 'kms-host', 'mak', 'retail', 'oem', 'evaluation', 'subscription', 'avma', 'unknown')
export const method = words<Method>()('kms', 'adba', 'token', 'avma', 'online', 'none', 'unknown')
export const state = words<State>()(
  'licensed',
  'initial-grace',
  'additional-grace',
  'out-of-tolerance-grace',
  'non-genuine-grace',
  'extended-grace',
  'notification',
  'unlicensed',
  'unknown',
)
export const hostFound = words<HostFound>()('override', 'dns', 'cache', 'unknown')

export const text = z.string()
export const maybe = z.string().nullable()
export const texts = z.array(text).readonly()
/** An amount or a number that counts from 0. */
export const whole = z.int().nonnegative()
/** Milliseconds since 1970. */
export const time = z.int()
export const maybeTime = time.nullable()
export const list = <T extends z.ZodType>(rows: T) => z.array(rows).readonly()

/** A code as Windows writes it. */
export const code = z.string().regex(/^0x[0-9A-F]{8}$/)
export const guid = z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
export const lines = list(
  z
    .strictObject({
      source: text,
      line: z.int().positive(),
      text: text.describe('The line as it stands; product keys masked, long lines cut.'),
      means: text,
    })
    .readonly() satisfies z.ZodType<Evidence>,
)
