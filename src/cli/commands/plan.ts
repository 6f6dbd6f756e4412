import { gather, plan } from '../../activation.ts'
import { type Plan, ProblemError, problem } from '../../model.ts'
import { loadSite, readText } from '../files.ts'
import { type Io, json, wrap } from '../io.ts'

export async function run(
  words: readonly string[],
  flags: Readonly<Record<string, string | boolean | undefined>>,
  io: Io,
): Promise<number> {
  const from = (flags.from as string | undefined) ?? words[0]
  const extra = flags.from === undefined ? words[1] : words[0]
  if (extra !== undefined)
    throw new ProblemError(
      problem('USAGE', `plan reads one text at a time; ${extra} is one too many.`, ['slmctl plan --from FILE --site slmctl.yaml']),
    )
  if (from === undefined)
    throw new ProblemError(problem('USAGE', 'Which text should the facts come from?', ['slmctl plan --from dlv.txt --site slmctl.yaml']))
  const site = await loadSite(flags.site as string | undefined)
  const read = readText(from)
  if (!read.text) throw new ProblemError(read.problem)
  const gathered = gather([read.text])
  if (!gathered.recognised)
    throw new ProblemError(
      problem(
        'NOTHING_RECOGNISED',
        'Nothing in the text is an output that slmctl knows, so there are no facts to plan from.',
        ['slmctl diagnose says which outputs it reads.'],
        { file: from },
      ),
    )
  const answer = plan(gathered, site, new Date().toISOString())
  if (flags.json) io.out(json(answer))
  else show(answer, io)
  return answer.machines.every((m) => m.steps.length === 0 && m.refused.length === 0 && m.missing.length === 0) ? 0 : 1
}

function show(answer: Plan, io: Io): void {
  for (const [i, m] of answer.machines.entries()) {
    if (i > 0) io.out('\n')
    if (answer.machines.length > 1 || m.name) io.out(`${io.paint('bold', m.name ?? m.id)}\n`)
    if (m.steps.length === 0 && m.refused.length === 0 && m.missing.length === 0) io.out('Nothing to do.\n')
    for (const h of m.holds)
      io.out(wrap(h, io.columns, `  ${io.paint('green', 'holds')}    `.replace(io.paint('green', 'holds'), 'holds'), '           '))
    for (const [n, s] of m.steps.entries()) {
      io.out(wrap(s.what, io.columns, `  step ${n + 1}   `, '           '))
      io.out(wrap(s.because, io.columns, '           because: ', '           '))
      io.out(
        io.paint(
          'dim',
          wrap(
            `${s.class}.${s.method}${
              Object.keys(s.arguments).length > 0
                ? `(${Object.entries(s.arguments)
                    .map(([k, v]) => `${k}=${k === 'ProductKey' ? `…${String(v).slice(-5)}` : v}`)
                    .join(', ')})`
                : '()'
            }`,
            io.columns,
            '           ',
          ),
        ),
      )
    }
    for (const r of m.refused) {
      io.out(wrap(`${r.because} (${r.code})`, io.columns, '  not done ', '           '))
      for (const next of r.next) io.out(wrap(next, io.columns, '           → ', '             '))
    }
    for (const f of m.missing) io.out(wrap(`${f.why} Get it: ${f.get}`, io.columns, '  missing  ', '           '))
  }
}
