import { maskKeys } from '../../model.ts'
import { type Line, quote } from '../page.ts'

/** A value as it was read, with the place it was read from. */
export type Cell = {
  readonly value: string
  readonly source: string
  readonly line: number
  readonly raw: string
  readonly keyless: boolean
}

/** Properties of one object, by the name of the WMI property (or ours, where WMI has none). */
export type Row = Map<string, Cell>

/** What a reader found out about one product, before it is read as a fact. */
export type ProductRow = {
  readonly cells: Row
  /** The result of an attempt to activate it that stands in the same text; the last one counts. */
  attempt: { readonly code: number | null; readonly ok: boolean; readonly cell: Cell } | null
  /** True where only an event names it. */
  fromEvent: boolean
}

export type EventRow = {
  id: number | null
  /** Header fields and named values. */
  readonly cells: Row
  /** Values of the data line, in their order. */
  data: readonly string[]
  dataCell: Cell | null
  /** Rows of event 1003: activation ID, status, reason, minutes. */
  readonly statuses: {
    readonly id: string
    readonly status: number
    readonly reason: number
    readonly minutes: number | null
    readonly cell: Cell
  }[]
}

/** `ofState`: the code is the reason of a printed state, not the result of something that was tried. */
export type CodeClue = {
  readonly code: number
  readonly cell: Cell
  readonly product: ProductRow | null
  readonly event: EventRow | null
  readonly ofState: boolean
}
export type MarkClue = { readonly mark: number; readonly cell: Cell; readonly plainTalk: boolean }
/** A sentence that says something about the machine as a whole. */
export type NoteClue = {
  readonly note: 'aws-byol' | 'aws-attempt' | 'platform-host' | 'key-installed' | 'key-removed' | 'host-set' | 'host-cleared' | 'no-key'
  readonly value: string
  readonly cell: Cell
}

/** Everything one machine said, in the order it was read. */
export type MachineClues = {
  name: string | null
  readonly sources: Set<string>
  readonly products: ProductRow[]
  /** Properties of SoftwareLicensingService and of the KMS client as a whole. */
  readonly service: Row
  readonly events: EventRow[]
  readonly codes: CodeClue[]
  readonly marks: MarkClue[]
  readonly notes: NoteClue[]
}

export function newMachine(name: string | null): MachineClues {
  return { name, sources: new Set(), products: [], service: new Map(), events: [], codes: [], marks: [], notes: [] }
}

export function cellOf(source: string, line: Line, value: string): Cell {
  return { value: line.keyless ? value : maskKeys(value), source, line: line.n, raw: line.raw, keyless: line.keyless }
}

/** A cell as evidence. */
export function evidence(cell: Cell, means: string): { source: string; line: number; text: string; means: string } {
  return { source: cell.source, line: cell.line, text: quote(cell.raw, cell.keyless), means }
}
