import type { Judgement } from '../../activation.ts'
import type { Named } from '../../app.ts'
import type { Product } from '../../model.ts'
import type { Io } from '../io.ts'
import { colour, showDiagnosis } from './diagnosis.ts'

/** One machine in full: the same view as `diagnose`, without lines of a text that nobody has. */
export function showMachine(name: string, judged: Judgement, io: Io): void {
  const machine = { ...judged.machine, name: judged.machine.name ?? name }
  showDiagnosis({ schema: 'slmctl.diagnosis/1', sources: [], machines: [machine], unread: [], problems: [], ...judged, machine }, io, {
    unread: false,
    lines: false,
  })
}

const widths = { name: 22, verdict: 12, days: 6 } as const

export function statusHead(io: Io): string {
  return io.paint('bold', `${'machine'.padEnd(widths.name)} ${'verdict'.padEnd(widths.verdict)} ${'days'.padStart(widths.days)}  what\n`)
}

/** One machine in one line of a table; the sentence is cut, never wrapped. */
export function showRow({ name, result }: Named<Judgement>, io: Io): string {
  const room = io.columns - widths.name - widths.verdict - widths.days - 4
  const row = (verdict: string, days: string, what: string) =>
    `${cut(name, widths.name).padEnd(widths.name)} ${verdict} ${days.padStart(widths.days)}  ${cut(what, room)}\n`
  if (!result.ok) return row(io.paint('red', 'not asked'.padEnd(widths.verdict)), '', `${result.problem.code}: ${result.problem.summary}`)
  const { machine, products } = result.value
  return row(io.paint(colour[machine.verdict], machine.verdict.padEnd(widths.verdict)), leastDays(products), machine.headline)
}

/** Days until the first product that KMS activated runs out; empty where nothing runs out. */
function leastDays(products: readonly Product[]): string {
  const left = products.flatMap((p) => (p.minutesLeft === null || p.state !== 'licensed' ? [] : [p.minutesLeft]))
  return left.length === 0 ? '' : String(Math.floor(Math.min(...left) / 1440))
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(1, width - 1))}…`
}
