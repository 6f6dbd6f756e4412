/** What is said of texts that somebody sent. Pure: it is called in the server's own thread, and in that of one long text (text-thread.ts). */
import { diagnose, gather, goodPaste, isRecording, looksBinary, plan, type SourceText } from '../activation.ts'
import { readSource, type SourceOptions, type SourceReading } from '../fleet.ts'
import { type Problem, ProblemError, problem, type Site } from '../model.ts'

/** What is asked of texts. Plain data: it is handed to a thread as it is. */
export type TextQuestion = PasteQuestion | SourceQuestion
/** Which machines a list, a table, an inventory or a zone names. */
export type SourceQuestion = { readonly ask: 'source'; readonly name: string; readonly text: string; readonly options: SourceOptions }
type PasteQuestion = {
  readonly ask: keyof typeof textAnswers
  readonly texts: readonly { readonly name: string; readonly text: string }[]
  readonly site: Site | null
  /** ISO 8601. */
  readonly readAt: string
}

/** Windows and Office together list some hundred entries. */
const productsMost = 3000

/** The answers of `slmctl diagnose` and of `slmctl plan`; a ProblemError where there is nothing to plan from. */
export const textAnswers = { diagnose: diagnosed, plan: planned } as const

/** The answer as it is handed on, JSON in UTF-8. Machines stand in lines, some hundred in each: whoever has them read need not wait for all. */
export function bytesOf(question: TextQuestion): Uint8Array<ArrayBuffer> {
  const utf8 = new TextEncoder()
  if (question.ask !== 'source') return utf8.encode(JSON.stringify(textAnswers[question.ask](question)))
  const { machines, ...rest } = readSource(question.name, Buffer.from(question.text), question.options)
  const lines = [utf8.encode(`${JSON.stringify(rest)}\n`)]
  for (let from = 0; from < machines.length; from += lineMachines)
    lines.push(utf8.encode(`${JSON.stringify(machines.slice(from, from + lineMachines))}\n`))
  const all = new Uint8Array(lines.reduce((sum, line) => sum + line.length, 0))
  let at = 0
  for (const line of lines) {
    all.set(line, at)
    at += line.length
  }
  return all
}
const lineMachines = 500

/** What such lines say; whoever else has something to do has a turn between them. */
export async function sourceIn(bytes: Uint8Array): Promise<SourceReading> {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const machines: SourceReading['machines'][number][] = []
  let rest: Omit<SourceReading, 'machines'> | null = null
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf(10, at)
    const line: unknown = JSON.parse(text.toString('utf8', at, end))
    if (rest === null) rest = line as Omit<SourceReading, 'machines'>
    else machines.push(...(line as typeof machines))
    at = end + 1
    await new Promise((done) => setImmediate(done))
  }
  return { ...rest!, machines }
}

function diagnosed({ texts: given, site, readAt }: PasteQuestion) {
  const { texts, problems } = textsOf(given)
  return diagnose(texts, { site, readAt, problems })
}

function planned({ texts: given, site, readAt }: PasteQuestion) {
  const { texts, problems } = textsOf(given)
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
  return { ...plan(gathered, site, readAt), problems }
}

/** Texts as they are read from files; what is none is a Problem. */
function textsOf(given: PasteQuestion['texts']): { readonly texts: readonly SourceText[]; readonly problems: readonly Problem[] } {
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
