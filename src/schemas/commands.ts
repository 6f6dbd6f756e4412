/** Answers of commands that are about no machine's licences: catalogue, files, schedule, lab. */
import * as z from 'zod'
import { maybe, text, texts, whole } from './nouns.ts'

const place = z.int().nonnegative().nullable()

export const problemSchema = z.strictObject({ code: text, summary: text, next: texts, file: maybe, line: place, column: place }).readonly()
const problems = z.array(problemSchema).readonly()

/** `slmctl.problems/1` */
export const problemsSchema = z
  .strictObject({ schema: z.literal('slmctl.problems/1'), problems })
  .readonly()
  .describe('What any command answers with --json where it could not begin: exit code 2.')

/** `slmctl.explanation/1` */
export const explanationSchema = z
  .strictObject({
    schema: z.literal('slmctl.explanation/1'),
    asked: text,
    found: z
      .array(
        z
          .strictObject({
            kind: z.enum(['code', 'event', 'option', 'property', 'registry', 'term', 'number', 'host']),
            title: text,
            name: maybe,
            meaning: text,
            basis: z.enum(['documented', 'system-code', 'name-only', 'unknown']).describe('How sure the meaning is.'),
            details: z.array(z.strictObject({ label: text, lines: texts }).readonly()).readonly(),
            sources: texts,
          })
          .readonly(),
      )
      .readonly(),
  })
  .readonly()
  .describe('What slmctl explain --json answers.')

const source = z
  .strictObject({
    ...{ repo: text.optional(), path: text.optional(), title: text.optional(), learnPath: text.optional() },
    provenance: text.optional().describe('Where it comes from, where that is no page.'),
    commit: text.optional().describe('Of the repository, when it was read.'),
    pageDate: text.optional(),
    note: text.optional(),
    url: text.optional(),
    msAssetId: text.optional(),
  })
  .readonly()
  .describe('Where Microsoft publishes it; what is not known is not there.')

/** `slmctl.keys/1` */
export const keysSchema = z
  .strictObject({
    schema: z.literal('slmctl.keys/1'),
    keys: z
      .array(
        z
          .strictObject({
            product: text,
            edition: text,
            family: z.enum(['windows-client', 'windows-server', 'office']),
            channel: text,
            key: text.describe('A KMS client setup key that Microsoft publishes.'),
            listing: z
              .enum(['current', 'varies-by-revision'])
              .describe('varies-by-revision: on Microsoft’s page in some years only; slmctl never takes it by itself.'),
            note: maybe,
            source: z.array(source).readonly(),
          })
          .readonly(),
      )
      .readonly(),
  })
  .readonly()
  .describe('What slmctl keys --json answers.')

/** `slmctl.image/1` */
export const imageSchema = z
  .strictObject({
    schema: z.literal('slmctl.image/1'),
    folder: maybe.describe('Where the files were written; null with --dry-run.'),
    products: z.array(z.strictObject({ name: text, application: z.enum(['windows', 'office']), key: text }).readonly()).readonly(),
    files: z
      .array(
        z
          .strictObject({
            path: text.describe('Below the folder, with /.'),
            purpose: text,
            text: text.optional().describe('With --dry-run only: what would be written.'),
          })
          .readonly(),
      )
      .readonly(),
    remarks: texts,
  })
  .readonly()
  .describe('What slmctl image --json answers.')

/** `slmctl.schedule/1` */
export const scheduleSchema = z
  .strictObject({
    schema: z.literal('slmctl.schedule/1'),
    kind: z.enum(['task', 'timer']),
    name: text,
    installed: z.boolean().nullable().describe('null: it could not be asked.'),
    does: z.enum(['check', 'repair']).nullable(),
    account: maybe,
    program: maybe,
    site: maybe,
    original: maybe.describe('The file that the site file was copied from.'),
    originalChanged: z.boolean().nullable(),
    next: maybe,
    last: maybe,
    lastResult: maybe,
    log: texts,
    remarks: texts.describe('What stands in its way, or is missing of it.'),
  })
  .readonly()
  .describe('What slmctl schedule show --json answers.')

/** `slmctl.schedule-actions/1` */
export const scheduleActionsSchema = z
  .strictObject({
    schema: z.literal('slmctl.schedule-actions/1'),
    done: z.boolean().describe('false with --dry-run.'),
    actions: texts.describe('Files and commands, in order.'),
    notes: texts,
  })
  .readonly()
  .describe('What slmctl schedule install and remove --json answer.')

/** `slmctl.site-check/1` */
export const siteCheckSchema = z
  .strictObject({
    schema: z.literal('slmctl.site-check/1'),
    file: text,
    organisation: maybe,
    domains: texts,
    networks: texts,
    machines: whole,
    groups: whole,
    hosts: z
      .array(
        z
          .strictObject({
            name: text,
            port: z.int().min(1).max(65_535),
            from: text.describe('site: the file names it; a domain: DNS publishes it there.'),
            addresses: texts,
            verdict: z.enum(['authorised', 'not-authorised', 'unknown', 'could-not-ask']),
            because: maybe,
          })
          .readonly(),
      )
      .readonly(),
    findings: problems.describe('What is not as it should be: exit code 1.'),
    problems: problems.describe('What could not be asked: exit code 2.'),
  })
  .readonly()
  .describe('What slmctl site check --json answers.')

/** `slmctl.site-init/1` */
export const siteInitSchema = z
  .strictObject({
    schema: z.literal('slmctl.site-init/1'),
    file: text,
    kept: maybe.describe('The name of the old file, with --force.'),
    domain: maybe.describe('The domain of this computer, which the file declares; null where none is known.'),
  })
  .readonly()
  .describe('What slmctl site init --json answers.')

/** `slmctl.completion/1` */
export const completionSchema = z
  .strictObject({ schema: z.literal('slmctl.completion/1'), shell: z.enum(['bash', 'zsh', 'fish', 'powershell']), script: text })
  .readonly()
  .describe('What slmctl completion --json answers.')

/** `slmctl.lab/1` */
export const labSchema = z
  .strictObject({
    schema: z.literal('slmctl.lab/1'),
    site: text.describe('The site file of the lab.'),
    count: z.int().describe('How many machines it has.'),
    table: maybe.describe('A large lab: its machines as a table for slmctl fleet import.'),
    directories: z
      .array(z.strictObject({ domain: text, server: text, address: text, port: z.int() }).readonly())
      .readonly()
      .describe('Domain controllers: LDAPS, and LDAP with StartTLS, at one port.'),
    machines: z
      .array(
        z
          .strictObject({
            ...{ name: text, scenario: text, system: text.describe('What Windows calls itself.'), address: text },
            httpPort: z.int(),
            httpsPort: z.int().nullable(),
          })
          .readonly(),
      )
      .readonly()
      .describe('Empty in a large lab.'),
  })
  .readonly()
  .describe('What slmctl lab --json answers when its machines run.')

/** `slmctl.lab-scenarios/1` */
export const labScenariosSchema = z
  .strictObject({
    schema: z.literal('slmctl.lab-scenarios/1'),
    scenarios: z.array(z.strictObject({ name: text, says: text }).readonly()).readonly(),
  })
  .readonly()
  .describe('What slmctl lab --list --json answers.')
