import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { diagnose, type SourceText } from '../../activation.ts'
import { ProblemError } from '../../model.ts'
import { loadSite, readText } from '../files.ts'
import { type Io, json, wrap } from '../io.ts'
import { colour, showDiagnosis } from '../views/diagnosis.ts'
import { run as explain } from './explain.ts'

/** The folder of example texts, beside the sources in a checkout and beside the bundle in a package. */
function folder(): string {
  for (const relative of ['../../../examples/', '../examples/']) {
    const path = fileURLToPath(new URL(relative, import.meta.url))
    try {
      if (readdirSync(path).length > 0) return path
    } catch {
      // The other place, then.
    }
  }
  throw new Error('The folder examples is missing from this installation.')
}

/** Examples are judged as of this day, so that the tour tells the same story every year. */
const readAt = '2026-11-01T12:00:00Z'

export async function run(
  _words: readonly string[],
  flags: Readonly<Record<string, string | boolean | undefined>>,
  io: Io,
): Promise<number> {
  const dir = folder()
  const names = readdirSync(dir)
    .filter((n) => n.endsWith('.txt'))
    .sort()
  const texts: SourceText[] = names.map((name) => {
    const read = readText(dir + name)
    if (!read.text) throw new ProblemError(read.problem)
    return { ...read.text, source: name }
  })
  const site = await loadSite(`${dir}slmctl.yaml`)
  const answers = texts.map((text) => diagnose([text], { site, readAt }))
  if (flags.json) {
    io.out(json({ schema: 'slmctl.demo/1', answers }))
    return 0
  }
  io.out(`${io.paint('bold', 'A folder of texts, as people paste them')}\n`)
  io.out(
    wrap(
      `slmctl diagnose --site slmctl.yaml examples/*.txt reads them against the site file of Example University (its domains, networks and KMS hosts).`,
      io.columns,
    ),
  )
  io.out('\n')
  for (const [i, a] of answers.entries()) {
    const m = a.machine
    io.out(`${io.paint(colour[m.verdict], m.verdict.padEnd(12))} ${io.paint('bold', names[i]!)}\n`)
    io.out(io.paint('dim', wrap(`${a.sources[0]!.kind}; origin: ${m.origin}`, io.columns, '  ', '  ')))
    io.out(wrap(m.headline, io.columns, '  '))
  }
  const worst = answers.find((a) => a.machine.origin === 'foreign') ?? answers[0]!
  io.out(`\n${io.paint('bold', `One of them whole: ${worst.sources[0]!.file}`)}\n\n`)
  showDiagnosis(worst, io, { unread: false, lines: true })
  io.out(`\n${io.paint('bold', 'And a code by itself: slmctl explain 0xC004F038')}\n\n`)
  await explain(['0xC004F038'], {}, io)
  io.out(
    `\n${wrap('Your own texts: ./slmctl diagnose FILE…, or paste into ./slmctl diagnose. Keys: ./slmctl keys server 2022.', io.columns)}`,
  )
  return 0
}
