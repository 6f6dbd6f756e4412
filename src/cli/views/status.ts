import type { Judgement } from '../../activation.ts'
import type { Named } from '../../app.ts'
import type { Product } from '../../model.ts'
import { type Io, wrap } from '../io.ts'
import { channels, colour, showDiagnosis } from './diagnosis.ts'

/** One machine in full: the same view as `diagnose`, without lines of a text that nobody has. */
export function showMachine(name: string, judged: Judgement, io: Io): void {
  const machine = { ...judged.machine, name: judged.machine.name ?? name }
  showDiagnosis({ schema: 'slmctl.diagnosis/1', sources: [], machines: [machine], unread: [], problems: [], ...judged, machine }, io, {
    unread: false,
    lines: false,
  })
}

const widths = { name: 30, verdict: 12, days: 5 } as const

export function statusHead(io: Io): string {
  return io.paint(
    'bold',
    `${'machine'.padEnd(widths.name)} ${'verdict'.padEnd(widths.verdict)} ${'days'.padStart(widths.days)}  activated by\n`,
  )
}

/** One machine in one line of a table; what is not as wished is said in full below it. */
export function showRow({ name, result }: Named<Judgement>, io: Io): string {
  const room = io.columns - widths.name - widths.verdict - widths.days - 4
  const row = (verdict: string, days: string, what: string) =>
    `${cut(name, widths.name).padEnd(widths.name)} ${verdict} ${days.padStart(widths.days)}  ${cut(what, room)}`.trimEnd()
  if (!result.ok) {
    const { code, summary, next } = result.problem
    return `${row(io.paint('red', 'not asked'.padEnd(widths.verdict)), '', code)}\n${wrap(summary, io.columns, '    ')}${next[0] ? wrap(next[0], io.columns, '    → ', '      ') : ''}`
  }
  const { machine, products } = result.value
  const first = row(io.paint(colour[machine.verdict], machine.verdict.padEnd(widths.verdict)), leastDays(products), activatedBy(products))
  return machine.verdict === 'ok' ? `${first}\n` : `${first}\n${wrap(machine.headline, io.columns, '    ')}`
}

/** Days until the first product that KMS activated runs out; empty where nothing runs out. */
function leastDays(products: readonly Product[]): string {
  const left = products.flatMap((p) => (p.minutesLeft === null || p.state !== 'licensed' ? [] : [p.minutesLeft]))
  return left.length === 0 ? '' : String(Math.floor(Math.min(...left) / 1440))
}

/** Whose work the present activations are, each once: the KMS host, Active Directory, or the kind of licence. */
function activatedBy(products: readonly Product[]): string {
  return [
    ...new Set(
      products
        .filter((p) => p.state === 'licensed' && !p.addOn)
        .map((p) => (p.method === 'adba' ? 'Active Directory' : (p.kms?.host ?? channels[p.channel]))),
    ),
  ].join(', ')
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(1, width - 1))}…`
}
