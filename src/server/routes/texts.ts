/** Texts that people paste, and words they ask about. Nothing of it is kept: not in the store, the trail or the log. */
import { availableParallelism } from 'node:os'
import { explanationOf, keysAnswer, keysByWords } from '../../catalogue.ts'
import { imageFiles } from '../../image.ts'
import { published, z } from '../../schemas.ts'
import { longTexts, shortText } from '../long-texts.ts'
import { addressKey } from '../rate.ts'
import { type Asked, jsonType, Reply, type Route, route } from '../route.ts'
import { textAnswers } from '../text-answers.ts'

/** What is no honest paste any more. */
const textBytes = 5 * 1024 * 1024
const pasted = z.strictObject({ name: z.string().min(1).max(200).default('-'), text: z.string() })
/** One text as it is (text/plain), or several with their names. */
const texts = z.union([z.string(), z.strictObject({ texts: z.array(pasted).min(1).max(200) })])

/** Of the worst texts of 5 MB, on a slow computer of today, none takes half of it (decision 016). */
const each = { ms: 30_000, memoryMb: 768 }
/** Texts of people who signed in, of machines too; one core is left to everything else. */
export const known = longTexts({ ...each, threads: Math.max(1, Math.min(2, availableParallelism() - 1)) })
/** Texts of people who did not sign in: nobody who did waits for them. */
const strangers = longTexts({ ...each, threads: 1 })

type Asking = Pick<Asked<undefined, undefined, typeof texts>, 'body' | 'who' | 'parts' | 'signal'>

/** Answers at once, or out of a thread where it takes longer. */
async function answer<A extends keyof typeof textAnswers>(
  ask: A,
  { body, who, parts: { app, clock }, signal }: Asking,
): Promise<ReturnType<(typeof textAnswers)[A]> | Reply> {
  const given = typeof body === 'string' ? [{ name: '-', text: body }] : body.texts
  const question = { ask, texts: given, site: app.site, readAt: new Date(clock()).toISOString() }
  if (given.reduce((sum, { text }) => sum + text.length, 0) <= shortText)
    return textAnswers[ask](question) as ReturnType<(typeof textAnswers)[A]>
  const [line, whose] = who.account === null ? [strangers, addressKey(who.from)] : [known, String(who.account)]
  return new Reply(await line.read(question, whose, signal), { headers: { 'content-type': jsonType } })
}

const list = z.array(z.string().min(1).max(200)).max(50).default([])

export const textRoutes: readonly Route[] = [
  route(
    {
      method: 'POST',
      path: '/api/v1/diagnose',
      access: 'diagnose',
      tag: 'texts',
      summary: 'Reads what slmgr, ospp.vbs, WMI, PowerShell or the event log printed, and says what is wrong. Nothing is kept.',
      command: 'diagnose',
      changes: false,
      body: texts,
      answer: published.diagnosis,
      bodyLimit: textBytes,
      example: { body: { texts: [{ name: 'paste.txt', text: 'Error: 0xC004F074 The Key Management Service (KMS) is unavailable' }] } },
    },
    (asked) => answer('diagnose', asked),
  ),
  route(
    {
      method: 'POST',
      path: '/api/v1/plan-from-text',
      access: 'viewer',
      tag: 'texts',
      summary: 'What would change on the machine that a text is about, and why. Nothing is kept.',
      command: 'plan',
      changes: false,
      body: texts,
      answer: published.plan,
      bodyLimit: textBytes,
      example: { body: { texts: [{ name: 'paste.txt', text: 'Error: 0xC004F074 The Key Management Service (KMS) is unavailable' }] } },
    },
    (asked) => answer('plan', asked),
  ),
  route(
    {
      method: 'GET',
      path: '/api/v1/explain/{word}',
      access: 'viewer',
      tag: 'texts',
      summary: 'Explains a result code, an event number, an option, a WMI property, or a word of the field.',
      command: 'explain',
      changes: false,
      params: z.strictObject({ word: z.string().min(1).max(200) }),
      answer: published.explanation,
      example: { params: { word: '0xC004F074' } },
    },
    async ({ params }) => explanationOf(params.word.trim()),
  ),
  route(
    {
      method: 'GET',
      path: '/api/v1/keys',
      access: 'viewer',
      tag: 'texts',
      summary: 'KMS client setup keys that Microsoft publishes; words narrow the list.',
      command: 'keys',
      changes: false,
      query: z.strictObject({ words: z.string().max(200).default('') }),
      answer: published.keys,
      example: { query: { words: 'server 2022' } },
    },
    async ({ query }) => keysAnswer(keysByWords(query.words.split(/\s+/).filter((w) => w !== ''))),
  ),
  route(
    {
      method: 'POST',
      path: '/api/v1/image',
      access: 'viewer',
      tag: 'texts',
      summary: 'Files for the unattended setup of images of your own. Nothing is written anywhere.',
      command: 'image',
      changes: false,
      body: z.strictObject({
        products: z.array(z.string().min(1).max(200)).min(1).max(20).describe('Products, as slmctl keys has them.'),
        architecture: z.enum(['amd64', 'arm64', 'x86']).default('amd64'),
        autoActivation: z.boolean().default(true).describe('False: Windows and Office do not activate by themselves.'),
        office: z
          .strictObject({
            bits: z.enum(['64', '32']).default('64'),
            languages: list,
            exclude: list,
            removeRetail: list,
            removeMsi: z.boolean().default(false),
            closeApps: z.boolean().default(false),
            source: z.string().max(500).nullable().default(null),
          })
          .prefault({}),
      }),
      answer: published.image,
      example: { body: { products: ['Windows 11 Enterprise'] } },
    },
    async ({ body, parts: { app } }) => {
      const answer = imageFiles({ ...body, site: app.needSite('image') })
      const files = answer.files.map(({ path, purpose, text }) => ({ path, purpose, text }))
      return { schema: 'slmctl.image/1', folder: null, products: answer.products, files, remarks: answer.remarks }
    },
  ),
]
