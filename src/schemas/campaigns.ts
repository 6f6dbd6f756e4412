/** What `slmctl fleet` answers about campaigns. Times are milliseconds since 1970. */
import * as z from 'zod'
import { machinePlanSchema } from './machines.ts'
import { list, maybe, text, texts, time, whole } from './nouns.ts'

const campaign = z
  .strictObject({
    id: whole,
    kind: z.enum(['scan', 'plan', 'apply']),
    state: z.enum(['running', 'stopped', 'cancelled', 'finished']),
    because: maybe.describe('Why it is in this state, where there is something to say.'),
    selection: text.describe('Which machines were chosen, as flags.'),
    plansOf: whole.nullable().describe('apply: the campaign whose plans are carried out.'),
    createdAt: time,
    changedAt: time,
    machines: whole,
    wanted: whole.describe('Machines that it was made for; more than machines: it was cut while they were put in.'),
    waiting: whole,
    retrying: whole.describe('Could not be reached so far, and are tried again.'),
    running: whole,
    done: whole,
    failed: whole,
    cancelled: whole,
    unreachable: whole.describe('Of those that failed: could not be asked.'),
    open: whole.describe('Of those that failed: what was sent got no answer, and nobody knows.'),
    bad: whole.describe('Asked, and not as wished.'),
    planned: whole.describe('plan: machines on which something would be changed.'),
    nextDueAt: time.nullable(),
    groups: z
      .array(
        z
          .strictObject({
            state: z.enum(['waiting', 'leased', 'done', 'failed', 'cancelled']),
            result: maybe.describe('scan: the verdict; plan: what would change; apply: how it ended.'),
            problem: maybe.describe('Code of the Problem.'),
            machines: whole,
            reasons: list(z.strictObject({ code: text, text, next: texts })).describe(
              'What one of them said with each code, and what to try.',
            ),
          })
          .readonly(),
      )
      .readonly(),
    locations: z.array(z.strictObject({ name: text, machines: whole, left: whole }).readonly()).readonly(),
  })
  .readonly()

/** What was planned for one machine. */
export const keptPlanSchema = z.strictObject({ machine: whole, name: text, madeAt: time, plan: machinePlanSchema })

export const campaignSchemas = {
  'fleet-campaign': z
    .strictObject({ schema: z.literal('slmctl.fleet-campaign/1'), campaign })
    .describe('slmctl fleet scan|plan|apply|campaign|stop|resume|cancel --json: one campaign.'),
  'fleet-campaigns': z
    .strictObject({ schema: z.literal('slmctl.fleet-campaigns/1'), campaigns: z.array(campaign).readonly() })
    .describe('slmctl fleet campaigns --json: the latest campaigns, newest first.'),
  'fleet-plans': z
    .strictObject({ schema: z.literal('slmctl.fleet-plans/1'), campaign, plans: list(keptPlanSchema) })
    .describe('slmctl fleet plans --json: what a campaign planned, machines on which something changes first.'),
  worker: z
    .strictObject({ schema: z.literal('slmctl.worker/1'), campaign: whole, machine: text, result: text, problem: maybe })
    .describe('slmctl worker --json: one line of JSON for each machine that it ended.'),
} as const
