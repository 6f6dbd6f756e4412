import {
  type Diagnosis,
  type MachineReading,
  maskKeys,
  type Problem,
  problem,
  type Site,
  type SourceReading,
  type UnreadLine,
  urgency,
} from '../model.ts'
import type { MachineClues } from './clues/clue.ts'
import { read } from './clues/read.ts'
import { dateOrder } from './clues/shapes.ts'
import { type MachineFacts, machineFacts } from './facts/machine.ts'
import { type Judgement, judge } from './judge.ts'
import { page, quote } from './page.ts'

/** A text to read, with the name that evidence gives it. */
export type SourceText = { readonly source: string; readonly text: string; readonly encoding?: string }

/** How the facts of texts are to be judged. */
export type DiagnoseOptions = {
  readonly site?: Site | null
  /** ISO 8601; the moment of reading. Without it nothing is said about dates that have passed. */
  readonly readAt?: string | null
  /** Sources that could not be read, to be reported beside those that could. */
  readonly problems?: readonly Problem[]
  /** Machines that were judged already (from a recording), and where they come from. */
  readonly judged?: readonly Judgement[]
  readonly recordings?: readonly SourceReading[]
}

/** Facts out of texts: each machine's, and what was found where. Texts of the same machine name are one machine. */
export type Gathered = {
  readonly machines: readonly MachineFacts[]
  readonly sources: readonly SourceReading[]
  readonly unread: readonly UnreadLine[]
  readonly recognised: boolean
}

export function gather(texts: readonly SourceText[]): Gathered {
  const sources: SourceReading[] = []
  const unread: UnreadLine[] = []
  const clues: { machine: MachineClues; order: ReturnType<typeof dateOrder> }[] = []
  const byName = new Map<string, MachineClues>()
  let recognised = false
  for (const { source: given, text, encoding } of texts) {
    const source = maskKeys(given)
    const pg = page(source, text, encoding ?? 'utf-8')
    const reading = read(pg)
    const order = dateOrder(text)
    const layouts = [...reading.layouts].filter((l) => l !== 'structure' || reading.layouts.size === 1)
    sources.push({ file: source, kind: layouts.length > 0 ? layouts.join(' + ') : 'unknown', lines: pg.lineCount, encoding: pg.encoding })
    for (const line of reading.unread) unread.push({ source, line: line.n, text: quote(line.raw, line.keyless) })
    for (const machine of reading.machines) {
      if (isEmpty(machine)) continue
      recognised = true
      const same = machine.name === null ? undefined : byName.get(machine.name.toLowerCase())
      if (same) join(same, machine)
      else {
        clues.push({ machine, order })
        if (machine.name !== null) byName.set(machine.name.toLowerCase(), machine)
      }
    }
  }
  return {
    machines: clues.map(({ machine, order }, i) => machineFacts(machine, machine.name ?? `machine-${i + 1}`, order)),
    sources,
    unread,
    recognised,
  }
}

function isEmpty(m: MachineClues): boolean {
  return (
    m.products.length === 0 &&
    m.events.length === 0 &&
    m.codes.length === 0 &&
    m.marks.length === 0 &&
    m.notes.length === 0 &&
    m.service.size === 0
  )
}

function join(into: MachineClues, more: MachineClues): void {
  for (const s of more.sources) into.sources.add(s)
  into.products.push(...more.products)
  into.events.push(...more.events)
  into.codes.push(...more.codes)
  into.marks.push(...more.marks)
  into.notes.push(...more.notes)
  for (const [name, cell] of more.service) into.service.set(name, cell)
}

/** What somebody who has nothing recognisable should paste. */
export const goodPaste = [
  'For Windows, on the machine: slmgr /dlv (in a console: cscript //nologo %windir%\\system32\\slmgr.vbs /dlv)',
  'For Office, in its folder: cscript ospp.vbs /dstatus',
  'With PowerShell: Get-CimInstance SoftwareLicensingProduct -Filter "PartialProductKey IS NOT NULL"',
  'From the event viewer: the text of the events 12288, 12289, 12290, 8198, 1003 or 12308',
  'Or a code alone: slmctl explain 0xC004F074',
]

/** Texts → facts → verdicts: schema `slmctl.diagnosis/1`. Pure; the same texts give the same answer. */
export function diagnose(texts: readonly SourceText[], options: DiagnoseOptions = {}): Diagnosis {
  const gathered = gather(texts)
  const site = options.site ?? null
  const judged: Judgement[] = [...gathered.machines.map((facts) => judge(facts, site, options.readAt ?? null)), ...(options.judged ?? [])]
  const machines = judged.map((j) => j.machine)
  const offset: number[] = []
  let products = 0
  for (const j of judged) {
    offset.push(products)
    products += j.products.length
  }
  const problems = [...(options.problems ?? [])]
  if (!gathered.recognised && texts.length > 0) {
    problems.push(
      problem('NOTHING_RECOGNISED', 'Nothing in the text is an output that slmctl knows.', [
        'It reads slmgr (/dli /dlv /xpr /ato /ipk /skms), ospp.vbs (/dstatus /dstatusall /act), WMI lists and tables, licensing events, result codes and marks of activators.',
        ...goodPaste,
      ]),
    )
  }
  return {
    schema: 'slmctl.diagnosis/1',
    sources: [...gathered.sources, ...(options.recordings ?? [])],
    machine: mostUrgent(machines) ?? nobody(gathered.sources.map((s) => s.file)),
    machines,
    products: judged.flatMap((j) => j.products),
    events: judged.flatMap((j) => j.events),
    codes: judged.flatMap((j) => j.codes),
    findings: judged.flatMap((j, i) => j.findings.map((f) => (f.product === null ? f : { ...f, product: f.product + offset[i]! }))),
    unread: gathered.unread,
    problems,
  }
}

function mostUrgent(machines: readonly MachineReading[]): MachineReading | null {
  return machines.reduce<MachineReading | null>(
    (worst, m) => (worst === null || urgency[m.verdict] > urgency[worst.verdict] ? m : worst),
    null,
  )
}

function nobody(sources: readonly string[]): MachineReading {
  return {
    id: 'machine-1',
    name: null,
    system: null,
    sources,
    verdict: 'cannot-tell',
    origin: 'cannot-tell',
    headline: 'Nothing in the text is an output that slmctl knows.',
    next: goodPaste.slice(0, 3),
  }
}
