/**
 * Fixtures of the provider: what a line means, and how they are made of a lab's machine. Words of a line are separated by tabs; what
 * is not plain ASCII is written \uXXXX, one for each unit of UTF-16, so that null characters and lone surrogates have a place.
 *
 *   class NAMESPACE NAME             and what belongs to it, in the lines that follow:
 *     property NAME TYPE [key]         CIM types as MOF spells them, `string[]` for arrays
 *     generated COUNT                  the first row is given so many times, each with another key
 *     method NAME [static]
 *       in NAME TYPE, out NAME TYPE    besides ReturnValue, which every method has
 *   state N                          what follows holds in this state; 0 is the first
 *     row NAMESPACE CLASS
 *       value NAME TEXT…               one text, or the items of an array; what has no line is NULL
 *     answer CLASS METHOD KEY HRESULT NEXT   KEY is the value of the path's first key, or *
 *       gives NAME TEXT                an output: ReturnValue, and others
 *   fault WHERE WHAT FROM HRESULT DELAY      from the FROMth time on (next: after so many rows), after DELAY ms
 *
 * WHERE is connect, get (WHAT is a class), query (a class), next (a class), method (a method: nothing is done), lost (a method: it is
 * done, and the answer is lost). WHAT may be *. A call that no `answer` describes fails with WBEM_E_FAILED, and is recorded like all.
 */
import type { Cell, CimType, LabTable } from '../../src/lab.ts'

export type FixtureClass = {
  readonly namespace?: string
  readonly class: string
  readonly properties: readonly { readonly name: string; readonly type: CimType; readonly key?: true }[]
  readonly methods?: readonly {
    readonly name: string
    readonly in: readonly { readonly name: string; readonly type: string }[]
    readonly static?: true
  }[]
  readonly generated?: number
}
export type FixtureRow = { readonly namespace?: string; readonly class: string; readonly values: Readonly<Record<string, Cell>> }
export type FixtureAnswer = {
  readonly class: string
  readonly method: string
  readonly key?: string
  /** What the call itself returns; failing ones are not carried out. */
  readonly hresult?: number
  readonly gives?: Readonly<Record<string, string>>
  readonly next: number
}
export type FixtureState = { readonly rows: readonly FixtureRow[]; readonly answers?: readonly FixtureAnswer[] }
export type FixtureFault = {
  readonly where: 'connect' | 'get' | 'query' | 'next' | 'method' | 'lost'
  readonly what?: string
  readonly from?: number
  readonly hresult?: number
  readonly delayMs?: number
}
export type Fixture = {
  readonly classes: readonly FixtureClass[]
  readonly states: readonly FixtureState[]
  readonly faults?: readonly FixtureFault[]
}

export const hresults = {
  notFound: 0x80041002,
  accessDenied: 0x80041003,
  providerLoadFailure: 0x80041013,
  /** RPC_S_CALL_FAILED: the process of a provider ended in the middle of a call. */
  callFailed: 0x800706be,
  /** E_FAIL */
  unspecified: 0x80004005,
} as const

const backslashed = (namespace = 'root/cimv2') => namespace.replaceAll('/', '\\')

function word(text: string): string {
  let out = ''
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    out += unit > 32 && unit < 127 && unit !== 92 ? text[i] : unit === 32 ? ' ' : `\\u${unit.toString(16).padStart(4, '0')}`
  }
  return out
}

const textOf = (value: string | number | boolean): string => word(String(value))

function valueLine(name: string, cell: Cell): string[] {
  if (cell === null) return []
  if (Array.isArray(cell)) return [['value', word(name), ...(cell as readonly (string | number)[]).map(textOf)].join('\t')]
  if (typeof cell === 'object') return [`value\t${word(name)}\t${word((cell as { datetime: string }).datetime)}`]
  return [`value\t${word(name)}\t${textOf(cell)}`]
}

/** A fixture as the provider reads it. */
export function fixtureText({ classes, states, faults = [] }: Fixture): string {
  const lines: string[] = []
  for (const c of classes) {
    lines.push(['class', word(backslashed(c.namespace)), word(c.class)].join('\t'))
    for (const p of c.properties) lines.push(['property', word(p.name), p.type, ...(p.key ? ['key'] : [])].join('\t'))
    if (c.generated) lines.push(`generated\t${c.generated}`)
    for (const m of c.methods ?? []) {
      lines.push(['method', word(m.name), ...(m.static ? ['static'] : [])].join('\t'))
      for (const p of m.in) lines.push(['in', word(p.name), p.type].join('\t'))
    }
  }
  for (const [number, state] of states.entries()) {
    lines.push(`state\t${number}`)
    for (const row of state.rows) {
      lines.push(['row', word(backslashed(row.namespace)), word(row.class)].join('\t'))
      for (const [name, cell] of Object.entries(row.values)) lines.push(...valueLine(name, cell))
    }
    for (const a of state.answers ?? []) {
      lines.push(['answer', word(a.class), word(a.method), a.key === undefined ? '*' : word(a.key), a.hresult ?? 0, a.next].join('\t'))
      for (const [name, value] of Object.entries(a.gives ?? {})) lines.push(['gives', word(name), word(value)].join('\t'))
    }
  }
  for (const f of faults)
    lines.push(['fault', f.where, f.what === undefined ? '*' : word(f.what), f.from ?? 0, f.hresult ?? 0, f.delayMs ?? 0].join('\t'))
  return `${lines.join('\n')}\n`
}

/** The classes of a lab's machine; the registry is not asked through WMI here. */
export const classesOf = (tables: readonly LabTable[]): FixtureClass[] => tables.filter((t) => t.class !== 'StdRegProv')

/** All rows of a lab's machine as they are now. */
export const rowsOf = (tables: readonly LabTable[]): FixtureRow[] =>
  tables.flatMap((t) => t.rows.map((values) => ({ namespace: t.namespace, class: t.class, values })))

export type RegistryTree = Readonly<Record<string, Readonly<Record<string, string | number | readonly string[]>>>>

/** Keys that are the lab's alone: taken away whole. */
const ours = /\\(?:Office)?SoftwareProtectionPlatform|\\ClickToRun|\\CrossDevice/i
/** What Wine itself reads when a program starts. */
const wines = /^(?:CurrentBuild|CurrentBuildNumber|CurrentVersion|ProductName|InstallationType)$/i

/** Files for `reg import`: one that writes a machine's registry below HKEY_LOCAL_MACHINE, and one that takes it away again. */
export function registryFiles(tree: RegistryTree, hostname: string): { readonly set: Buffer; readonly unset: Buffer } {
  const quoted = (text: string) => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
  const bytes = (text: string) => [...Buffer.from(text, 'utf16le')].map((b) => b.toString(16).padStart(2, '0')).join(',')
  const set: string[] = []
  const unset: string[] = []
  for (const [key, values] of Object.entries(tree)) {
    const path = `HKEY_LOCAL_MACHINE\\${key}`
    set.push(`[${path}]`)
    unset.push(ours.test(key) ? `[-${path}]` : `[${path}]`)
    for (const [name, value] of Object.entries(values)) {
      if (/CurrentVersion$/i.test(key) && wines.test(name)) continue
      if (typeof value === 'number') set.push(`${quoted(name)}=dword:${value.toString(16).padStart(8, '0')}`)
      else if (typeof value === 'string') set.push(`${quoted(name)}=${quoted(value)}`)
      else set.push(`${quoted(name)}=hex(7):${bytes(`${value.map((v) => `${v}\0`).join('')}\0`)}`)
      // Wine takes the computer's name from here, and cannot tell it where one of these is missing.
      const named = /\\Tcpip\\Parameters$/i.test(key) && /^(?:NV )?(Hostname|Domain)$/i.exec(name)?.[1]
      if (!ours.test(key)) unset.push(`${quoted(name)}=${named ? quoted(/^h/i.test(named) ? hostname : '') : '-'}`)
    }
  }
  const file = (lines: readonly string[]) =>
    Buffer.from(`\ufeffWindows Registry Editor Version 5.00\r\n\r\n${lines.join('\r\n')}\r\n`, 'utf16le')
  return { set: file(set), unset: file(unset) }
}
