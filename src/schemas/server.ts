/** Answers of the commands about the server: serve, accounts, tokens, trail. */
import * as z from 'zod'
import { roleSchema, tokenSchema, trailSchema } from './api.ts'
import { maybeTime, text } from './nouns.ts'

const account = z.strictObject({
  name: text,
  kind: z.enum(['owner', 'local', 'openid']).describe('owner: by the link of slmctl serve; openid: by single sign-on.'),
  role: roleSchema,
  createdAt: z.int(),
  signedInAt: maybeTime,
  disabledAt: maybeTime,
})

export const serverSchemas = {
  serve: z
    .strictObject({
      schema: z.literal('slmctl.serve/1'),
      url: text.describe('As people reach it.'),
      link: text.nullable().describe('By which one may sign in once, within ten minutes; null: there is none.'),
    })
    .describe('What slmctl serve --json answers, in one line, when it listens.'),
  accounts: z
    .strictObject({ schema: z.literal('slmctl.accounts/1'), accounts: z.array(account).readonly() })
    .describe('What slmctl accounts --json answers.'),
  tokens: z
    .strictObject({
      schema: z.literal('slmctl.tokens/1'),
      tokens: z.array(tokenSchema).readonly(),
      token: text.nullable().describe('The one that was made; told once. Null: none was made.'),
    })
    .describe('What slmctl tokens --json answers.'),
  trail: z
    .strictObject({
      schema: z.literal('slmctl.trail/1'),
      rows: trailSchema.shape.rows,
      check: z
        .strictObject({
          rows: z.int().nonnegative(),
          broken: z.int().nullable().describe('The number of the first row that is not as it was written; null: all are.'),
        })
        .nullable()
        .describe('With --check.'),
    })
    .describe('What slmctl trail --json answers.'),
} as const
