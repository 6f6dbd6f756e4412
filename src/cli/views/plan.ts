import type { MachinePlan, Step } from '../../model.ts'
import { type Io, wrap } from '../io.ts'

/** What would change on one machine, and why; what holds, what is not done, what is not known. */
export function showMachinePlan(m: MachinePlan, io: Io, title: boolean): void {
  if (title) io.out(`${io.paint('bold', m.name ?? m.id)}\n`)
  if (m.steps.length === 0 && m.refused.length === 0 && m.missing.length === 0) io.out('Nothing to do.\n')
  for (const h of m.holds) io.out(wrap(h, io.columns, '  holds    ', '           '))
  for (const [n, s] of m.steps.entries()) {
    io.out(wrap(s.what, io.columns, `  step ${n + 1}   `, '           '))
    io.out(wrap(s.because, io.columns, '           because: ', '           '))
    io.out(io.paint('dim', wrap(callOf(s), io.columns, '           ')))
  }
  for (const f of m.fallbacks)
    io.out(
      wrap(
        `if that host refuses or does not answer: ${f.steps.map((s) => s.what).join(', then ')}`,
        io.columns,
        '           ',
        '           ',
      ),
    )
  for (const r of m.refused) {
    io.out(wrap(`${r.because} (${r.code})`, io.columns, '  not done ', '           '))
    for (const next of r.next) io.out(wrap(next, io.columns, '           → ', '             '))
  }
  for (const f of m.missing) io.out(wrap(`${f.why} Get it: ${f.get}`, io.columns, '  missing  ', '           '))
}

/** The call that a step makes; keys only by their last five characters, secrets by their reference. */
export function callOf(s: Step): string {
  const given = [
    ...Object.entries(s.arguments).map(
      ([k, v]) => `${k}=${k === 'ProductKey' ? `…${String(v).slice(-5)}` : telephone.has(k) ? `…${String(v).slice(-6)}` : v}`,
    ),
    ...(s.secret ? [`${s.secret.argument}=${referenceText(s.secret.reference)}`] : []),
  ]
  return `${s.class}.${s.method}(${given.join(', ')})`
}

/** IDs of telephone activation: long, and told apart by their ends. */
const telephone: ReadonlySet<string> = new Set(['InstallationId', 'ConfirmationId'])

function referenceText(reference: NonNullable<Step['secret']>['reference']): string {
  if ('env' in reference) return `from the environment, ${reference.env}`
  return 'file' in reference ? `from the file ${reference.file}` : `from the keyring, ${reference.keyring.service}`
}
