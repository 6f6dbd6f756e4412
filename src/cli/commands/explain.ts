import { type Explanation, explanationOf } from '../../catalogue.ts'
import { ProblemError, problem } from '../../model.ts'
import { type Io, json, wrap } from '../io.ts'

export async function run(
  words: readonly string[],
  flags: Readonly<Record<string, string | boolean | undefined>>,
  io: Io,
): Promise<number> {
  const asked = words.join(' ').trim()
  if (asked === '')
    throw new ProblemError(
      problem('USAGE', 'explain wants a code, an event number or a word.', [
        'slmctl explain 0xC004F074',
        'slmctl explain 12288',
        'slmctl explain threshold',
      ]),
    )
  const answer = explanationOf(asked)
  if (flags.json) io.out(json(answer))
  else for (const [i, e] of answer.found.entries()) show(e, io, i > 0)
  return 0
}

const basisText: Readonly<Record<string, string>> = {
  'name-only': 'A hint: Microsoft publishes the constant, its meaning is read off the name or the header.',
  'system-code': 'A general Windows code; only its general meaning is documented.',
}

function show(e: Explanation, io: Io, again: boolean): void {
  if (again) io.out('\n')
  io.out(wrap(`${io.paint('bold', e.title)}${e.name ? `  ${e.name}` : ''}`, io.columns))
  io.out(wrap(e.meaning, io.columns, '  '))
  if (basisText[e.basis]) io.out(io.paint('dim', wrap(basisText[e.basis]!, io.columns, '  ')))
  for (const d of e.details) {
    if (d.lines.length === 1) io.out(wrap(d.lines[0]!, io.columns, `  ${d.label}: `, '    '))
    else {
      io.out(`  ${d.label}:\n`)
      for (const l of d.lines) io.out(wrap(l, io.columns, '    - ', '      '))
    }
  }
  if (e.sources.length > 0) io.out(io.paint('dim', wrap([...new Set(e.sources)].join('; '), io.columns, '  source: ', '    ')))
}
