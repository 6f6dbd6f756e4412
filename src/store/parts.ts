/** Does something with a list, so many at a time: a statement takes some ten thousand values, and a short text is compiled once. */
export async function inParts<T>(list: readonly T[], size: number, work: (part: T[]) => Promise<unknown>): Promise<void> {
  for (let i = 0; i < list.length; i += size) await work(list.slice(i, i + size))
}

/** For long work in place: called again and again, lets timers, sockets and signals have their turn after every so many ms. */
export function turning(afterMs = 20): () => Promise<void> | undefined {
  let turnedAt = performance.now()
  return () => {
    if (performance.now() - turnedAt < afterMs) return undefined
    return new Promise<void>((done) => setImmediate(done)).then(() => {
      turnedAt = performance.now()
    })
  }
}

/** PostgreSQL refuses U+0000 in a text, and half a surrogate pair is no UTF-8: text as either database keeps it. */
export function plain(text: string): string {
  const formed = text.isWellFormed() ? text : text.toWellFormed()
  return formed.includes('\0') ? formed.replaceAll('\0', '\ufffd') : formed
}

/** A row as it will be read again, so that what is said again is seen to be the same. */
export function kept<T extends object>(row: T): T {
  for (const [column, value] of Object.entries(row)) if (typeof value === 'string') (row as Record<string, unknown>)[column] = plain(value)
  return row
}

/** PostgreSQL's indexes take some 2,700 bytes; no name of anything is as long, but what a machine answers may be. */
const indexedMax = 600

/** A text that an index has, plain and not without end. */
export function indexed(text: string): string {
  const fit = plain(text)
  return fit.length <= indexedMax ? fit : `${fit.slice(0, indexedMax).toWellFormed()}…`
}
export const indexedOrNull = (text: string | null) => (text === null ? null : indexed(text))

/** An operating system, which an index has beside a name: both together have to fit into it. */
export function systemText(text: string | null): string | null {
  if (text === null) return null
  const fit = plain(text)
  return fit.length <= 200 ? fit : fit.slice(0, 200).toWellFormed()
}

/** A key of a page: where the next one begins. Opaque to everybody else. */
export const pageKey = (values: readonly (string | number)[]) => Buffer.from(JSON.stringify(values)).toString('base64url')

/** The values of such a key, of these types; null: it is none that was made here. */
export function valuesOf(key: string, types: readonly ('string' | 'number')[]): readonly (string | number)[] | null {
  try {
    const values = JSON.parse(Buffer.from(key, 'base64url').toString()) as unknown
    if (
      Array.isArray(values) &&
      values.length === types.length &&
      values.every((v, i) => typeof v === types[i] && (typeof v !== 'number' || Number.isSafeInteger(v)))
    )
      return values
  } catch {}
  return null
}

/** A list that a column holds as JSON. */
export const strings = (json: string | null): readonly string[] => (json === null || json === '[]' ? [] : (JSON.parse(json) as string[]))
