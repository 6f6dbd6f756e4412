import type { CallAnswer, Question, WmiRow } from './machine.ts'

/** Classes of one instance, and the property that names it. */
const soleKeys: ReadonlyMap<string, string> = new Map([
  ['softwarelicensingservice', 'Version'],
  ['officesoftwareprotectionservice', 'Version'],
])

/** Names go into queries and element names as they are. */
export function wmiName(name: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(name)) throw new TypeError(`no WMI name: ${name.slice(0, 40)}`)
  return name
}

/** How a machine is asked for rows, and what its refusals mean. */
export type Asking = {
  readonly rows: (namespace: string, wql: string) => Promise<readonly WmiRow[]>
  /** It has no such class or namespace. */
  readonly isAbsent: (error: unknown) => boolean
  /** It refuses the query: a property that it lacks, perhaps the class. */
  readonly isRefused: (error: unknown) => boolean
  /** Asked after a refusal that does not tell: whether the class is what is missing. */
  readonly lacksClass: (error: unknown, namespace: string, from: string, where: string) => Promise<boolean>
}

/** Questions whose columns may name properties that this version of Windows lacks: what it has is learnt, once for each class. */
export class Questions {
  readonly #asking: Asking
  /** Properties that this Windows has, lower case, by class: learnt when it refused a list of columns. */
  readonly #properties = new Map<string, ReadonlySet<string> | null>()
  readonly #keys = new Map<string, Readonly<Record<string, string>>>()

  constructor(asking: Asking) {
    this.#asking = asking
  }

  /** Rows with the columns asked for; null where the machine has no such class. */
  async ask(question: Question): Promise<readonly WmiRow[] | null> {
    const { rows: enumerate, isAbsent, isRefused, lacksClass } = this.#asking
    const namespace = question.namespace ?? 'root/cimv2'
    const from = wmiName(question.class)
    const where = question.where === undefined ? '' : ` WHERE ${question.where}`
    const id = `${namespace}:${from}`.toLowerCase()
    const known = this.#properties.get(id)
    if (known !== null) {
      const columns = known === undefined ? listOf(question.columns) : listed(question.columns.filter((c) => known.has(c.toLowerCase())))
      if (columns !== '') {
        try {
          return await enumerate(namespace, `SELECT ${columns} FROM ${from}${where}`)
        } catch (error) {
          if (isAbsent(error)) return null
          if (!isRefused(error)) throw error
        }
      }
    }
    // This Windows lacks one of the properties, or the class, and the refusal may not tell which.
    try {
      const rows = await enumerate(namespace, `SELECT * FROM ${from}${where}`)
      const names = rows[0] && new Set(Object.keys(rows[0]).map((name) => name.toLowerCase()))
      this.#properties.set(id, names ?? null)
      return rows.map((row) => pick(row, question.columns))
    } catch (error) {
      if (isAbsent(error)) return null
      if (isRefused(error) && (await lacksClass(error, namespace, from, where))) return null
      throw error
    }
  }

  /** Key of the only instance of a class; empty for a class that has none, null where there is no instance. */
  async soleKey(namespace: string, wmiClass: string): Promise<Readonly<Record<string, string>> | null> {
    const property = soleKeys.get(wmiClass.toLowerCase())
    if (property === undefined) return {}
    const id = `${namespace}:${wmiClass}`.toLowerCase()
    const before = this.#keys.get(id)
    if (before) return before
    const rows = await this.ask({ namespace, class: wmiClass, columns: [property] })
    const value = rows?.[0]?.[property]
    if (typeof value !== 'string') return null
    const key = { [property]: value }
    this.#keys.set(id, key)
    return key
  }
}

const listed = (columns: readonly string[]) => columns.map(wmiName).join(',')

/** Lists of columns as they stand in a query. The same list is asked of every machine of a fleet. */
const lists = new WeakMap<readonly string[], string>()

function listOf(columns: readonly string[]): string {
  let list = lists.get(columns)
  if (list === undefined) {
    list = listed(columns)
    lists.set(columns, list)
  }
  return list
}

function pick(row: WmiRow, columns: readonly string[]): WmiRow {
  const wanted = new Set(columns.map((column) => column.toLowerCase()))
  return Object.fromEntries(Object.entries(row).filter(([name]) => wanted.has(name.toLowerCase())))
}

/** Methods without a return value exist; those that we call have one. */
export function answerOf(out: WmiRow): CallAnswer {
  const { ReturnValue, ...rest } = out
  const value = typeof ReturnValue === 'string' && /^-?\d{1,10}$/.test(ReturnValue) ? Number(ReturnValue) >>> 0 : null
  if (value === null) throw new Error('an answer without a return value')
  return { returnValue: value, out: rest }
}

/** Operations one after another, and every failure as `asProblem` tells it. */
export function inTurn(asProblem: (error: unknown) => unknown): <T>(operation: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return <T>(operation: () => Promise<T>) => {
    const next = last.then(operation).catch((error: unknown) => {
      throw asProblem(error)
    })
    last = next.catch(() => {})
    return next
  }
}
