/** Texts that people paste, and words they ask about. Nothing of it is kept: not in the store, the trail or the log. */
import { diagnose, gather, goodPaste, isRecording, looksBinary, plan, type SourceText } from '../../activation.ts'
import { explanationOf, keysAnswer, keysByWords } from '../../catalogue.ts'
import { imageFiles } from '../../image.ts'
import { type Problem, ProblemError, problem } from '../../model.ts'
import { published, z } from '../../schemas.ts'
import { type Route, route } from '../route.ts'
import { turns } from '../turns.ts'

/** What is no honest paste any more. */
const textBytes = 5 * 1024 * 1024
const pasted = z.strictObject({ name: z.string().min(1).max(200).default('-'), text: z.string() })
/** Windows and Office together list some hundred entries. */
const productsMost = 3000
/** One text as it is (text/plain), or several with their names. */
const texts = z.union([z.string(), z.strictObject({ texts: z.array(pasted).min(1).max(200) })])

/** Texts as they are read from files; what is none is a Problem. */
function textsOf(body: z.output<typeof texts>): { readonly texts: readonly SourceText[]; readonly problems: readonly Problem[] } {
  const given = typeof body === 'string' ? [{ name: '-', text: body }] : body.texts
  const texts: SourceText[] = []
  const problems: Problem[] = []
  for (const { name, text } of given) {
    const file = name === '-' ? 'the text' : name
    if (text.trim() === '') problems.push(problem('TEXT_EMPTY', 'It holds nothing but blanks.', goodPaste, { file }))
    else if (looksBinary(text))
      problems.push(problem('TEXT_BINARY', 'It is not a text; it holds binary data.', goodPaste.slice(1, 2), { file }))
    else if (isRecording(text))
      problems.push(
        problem(
          'RECORDING_GIVEN',
          'It is a recording of a machine; texts are read here.',
          ['slmctl diagnose FILE reads it on your computer.'],
          { file },
        ),
      )
    else texts.push({ source: name, text, encoding: 'utf-8' })
  }
  return { texts, problems }
}

/** Texts of people who did not sign in. */
const strangers = turns()

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
    async ({ body, who, parts: { app, clock } }) => {
      const { texts, problems } = textsOf(body)
      const read = () => diagnose(texts, { site: app.site, readAt: new Date(clock()).toISOString(), problems })
      // A large text takes seconds, in which nobody else is answered.
      return who.account === null ? await strangers.take(read) : read()
    },
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
    async ({ body, parts: { app, clock } }) => {
      const { texts, problems } = textsOf(body)
      if (texts.length === 0) throw new ProblemError(...problems)
      const gathered = gather(texts)
      if (!gathered.recognised)
        throw new ProblemError(
          problem('NOTHING_RECOGNISED', 'Nothing in the text is an output that slmctl knows, so there are no facts to plan from.', [
            'Diagnose the text: the answer says which outputs are read.',
          ]),
        )
      // Each is held against all others.
      if (gathered.machines.some((m) => m.products.length > productsMost))
        throw new ProblemError(
          problem('TEXT_ENDLESS', `The text tells of more than ${productsMost} products of one machine.`, [
            'Paste what one command printed on one machine.',
          ]),
        )
      return { ...plan(gathered, app.site, new Date(clock()).toISOString()), problems }
    },
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
