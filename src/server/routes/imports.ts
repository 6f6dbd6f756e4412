/** Machines in: from texts, recordings, the site file, and the directories that the site file names. */
import { fileKinds, importAnswer, importDirectory, importSite, importText, takeRecordings } from '../../app.ts'
import { api, published, z } from '../../schemas.ts'
import { pageAnswer, plainText } from '../asked.ts'
import { machinesIn } from '../long-texts.ts'
import { type Route, route } from '../route.ts'
import { known } from './texts.ts'

/** A hundred thousand machines with all that is known of them are less. */
const textBytes = 32 * 1024 * 1024
/** As a text to diagnose: recordings of some dozen machines. */
const recordingsBytes = 5 * 1024 * 1024

const source = plainText(200).min(1)
const shown = {
  dryRun: z.boolean().default(true).describe('Shows the difference, and writes nothing.'),
  expect: z
    .string()
    .max(64)
    .optional()
    .describe('The fingerprint of the difference that was shown: where it is another one by now, nothing is written (IMPORT_CHANGED).'),
}
const marks = {
  group: plainText(200).min(1).optional().describe('All of the list are of this group.'),
  pool: plainText(200).min(1).optional().describe('All of the list are made anew from the image of this pool.'),
  mayBeEmpty: z.boolean().default(false).describe('The source may truly be empty now.'),
}

const textBody = z
  .strictObject({
    source: source.optional().describe('What the source is called, the same at the next import of the same; left out: by its file.'),
    file: source
      .optional()
      .describe('The name of the file that the text stood in: it tells what it is, and names the source as the command does.'),
    kind: z
      .string()
      .max(20)
      .optional()
      .describe(`${fileKinds.join(', ')}, where the text does not tell.`),
    zone: z.string().max(253).optional().describe('The domain of the relative names of a zone.'),
    text: z.string().describe('The table, inventory, zone or list itself.'),
    ...shown,
    ...marks,
  })
  .refine(({ source, file }) => (source ?? file) !== undefined, 'a name is missing: source, or file')
const recordingsBody = z.strictObject({
  source: source.default('recordings').describe('What the source is called.'),
  recordings: z
    .array(z.strictObject({ file: source.describe('What it is called in problems.'), text: z.string().describe('The recording itself.') }))
    .min(1)
    .max(200),
  ...shown,
})
const directoryBody = z.strictObject({
  domain: plainText(253)
    .min(1)
    .describe('A domain whose directory the site file lets the server read (forests: directory), as it says there.'),
  enabled: z.boolean().default(false).describe('Without accounts that are switched off.'),
  seenWithinDays: z.int().min(1).max(36_500).optional().describe('Seen by the directory in the last so many days.'),
  system: plainText(200).min(1).optional().describe('A part of the operating system’s name.'),
  unit: plainText(2000).min(1).optional().describe('An organisational unit, by its distinguished name.'),
  inGroup: plainText(2000).min(1).optional().describe('Members of a group.'),
  ...shown,
  ...marks,
})
const siteBody = z.strictObject(shown)
const count = z.int().nonnegative()
const imported = z.strictObject({
  source: z.string(),
  at: z.int(),
  listed: count,
  added: count,
  changed: count,
  renamed: count,
  replaced: count,
  returned: count,
  vanished: count,
  duplicates: count,
})

/** For the trail: what was taken in, and whether it was shown only. */
const told = (what: string, dryRun: boolean) => `${what}${dryRun ? ' (shown only)' : ''}`

export const importRoutes: readonly Route[] = [
  route(
    {
      method: 'POST',
      path: '/api/v1/fleet/imports',
      access: 'operator',
      tag: 'fleet',
      summary: 'Takes in the machines of a text: a table, an inventory, a zone, a list. With dryRun (the default) it is only shown.',
      command: 'fleet import',
      changes: true,
      body: textBody,
      answer: published['fleet-import'],
      bodyLimit: textBytes,
      about: ({ body }: { body: z.output<typeof textBody> }) => told(body.source ?? body.file!, body.dryRun),
      example: { body: { source: 'list:new', text: 'pc-901.corp.example\npc-902.corp.example\n', dryRun: false } },
    },
    async ({ body: { text, file = null, kind = null, zone = null, ...b }, parts, who, signal }) =>
      await importText(
        { file, kind, zone },
        (name, options) => machinesIn(known, { name, text, options }, String(who.account), signal),
        parts.store,
        {
          ...{ source: b.source ?? null, group: b.group ?? null, pool: b.pool ?? null, expect: b.expect ?? null },
          ...{ dryRun: b.dryRun, mayBeEmpty: b.mayBeEmpty },
        },
      ),
  ),
  route(
    {
      method: 'POST',
      path: '/api/v1/fleet/imports/site',
      access: 'operator',
      tag: 'fleet',
      summary: 'Takes in the machines of the site file’s groups. With dryRun (the default) it is only shown.',
      command: 'fleet import',
      changes: true,
      body: siteBody,
      answer: published['fleet-import'],
      about: ({ body }: { body: z.output<typeof siteBody> }) => told('the site file', body.dryRun),
      example: { body: { dryRun: true } },
    },
    async ({ body: { dryRun, expect = null }, parts: { app, store } }) => await importSite(app.site, store, { dryRun, expect }),
  ),
  route(
    {
      method: 'POST',
      path: '/api/v1/fleet/imports/recordings',
      access: 'operator',
      tag: 'fleet',
      summary:
        'Takes in machines by what they recorded of themselves (slmctl status --record --keep-names), as of then. With dryRun (the default) it is only shown.',
      command: 'fleet import',
      changes: true,
      body: recordingsBody,
      answer: published['fleet-import'],
      bodyLimit: recordingsBytes,
      about: ({ body }: { body: z.output<typeof recordingsBody> }) => told(`${body.source}: ${body.recordings.length} files`, body.dryRun),
      example: { body: { recordings: [{ file: 'pc-903.json', text: recordingOfNothing('pc-903.corp.example') }] } },
    },
    async ({ body: { source, recordings, dryRun, expect = null }, parts: { app, store, clock } }) =>
      importAnswer(dryRun, [await takeRecordings(recordings, app, store, { source, now: new Date(clock()), dryRun, expect })]),
  ),
  route(
    {
      method: 'POST',
      path: '/api/v1/fleet/imports/directory',
      access: 'operator',
      tag: 'fleet',
      summary:
        'Takes in computers of an Active Directory, where the site file lets the server read it (forests: directory). With dryRun (the default) it is only shown.',
      command: 'fleet import',
      changes: true,
      body: directoryBody,
      answer: published['fleet-import'],
      about: ({ body }: { body: z.output<typeof directoryBody> }) => told(`directory:${body.domain}`, body.dryRun),
    },
    async ({ body: b, parts: { app, store } }) => {
      const query = {
        ...(b.enabled ? { enabled: true } : {}),
        ...(b.seenWithinDays === undefined ? {} : { seenWithinDays: b.seenWithinDays }),
        ...(b.system === undefined ? {} : { system: b.system }),
        ...(b.unit === undefined ? {} : { base: b.unit }),
        ...(b.inGroup === undefined ? {} : { group: b.inGroup }),
      }
      return await importDirectory(app.siteFile, { domain: b.domain, query }, store, {
        ...{ group: b.group ?? null, pool: b.pool ?? null, expect: b.expect ?? null },
        ...{ dryRun: b.dryRun, mayBeEmpty: b.mayBeEmpty },
      })
    },
  ),
  route(
    {
      method: 'GET',
      path: '/api/v1/fleet/imports',
      access: 'viewer',
      tag: 'fleet',
      summary: 'The latest imports, newest first.',
      changes: false,
      query: z.strictObject({ limit: api.pageQuery.shape.limit }),
      answer: pageAnswer(imported),
      example: { query: { limit: 5 } },
    },
    async ({ query, parts }) => ({ rows: await parts.store.imports(query.limit), next: null }),
  ),
]

/** For an example: a machine that said nothing. */
function recordingOfNothing(name: string): string {
  return JSON.stringify({ schema: 'slmctl.recording/1', names: 'kept', machines: [{ name, at: '2026-11-26T09:00:00Z', entries: [] }] })
}
