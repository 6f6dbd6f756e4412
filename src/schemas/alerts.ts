/** What `slmctl alerts --json` answers. */
import * as z from 'zod'
import { alertSchema } from './api.ts'
import { problemSchema } from './commands.ts'
import { text } from './nouns.ts'

export const alertsSchemas = {
  alerts: z
    .strictObject({
      schema: z.literal('slmctl.alerts/1'),
      at: z.int(),
      quiet: z.boolean().describe('Quiet hours: nobody is told at this moment.'),
      ways: z
        .array(
          z.strictObject({
            way: text,
            kind: z.enum(['mail', 'webhook']),
            to: text.describe('An address, or a URL.'),
            problem: text.nullable().describe('Why the last try failed; null: it did not.'),
            waiting: z.int().nonnegative().describe('Messages that it was not told yet.'),
            nextAt: z.int().nullable().describe('When the next try is.'),
          }),
        )
        .readonly()
        .describe('Who is told, by the site file.'),
      alerts: z.array(alertSchema).readonly().describe('What stands, worst first.'),
      told: z
        .array(z.strictObject({ way: text, title: text, problem: problemSchema.nullable() }))
        .readonly()
        .nullable()
        .describe('What was sent now (--send, --test); null: nothing was to be sent.'),
    })
    .describe('What slmctl alerts --json answers.'),
} as const
