/** Does something with a list, so many at a time: a statement takes some ten thousand values, and a short text is compiled once. */
export async function inParts<T>(list: readonly T[], size: number, work: (part: T[]) => Promise<unknown>): Promise<void> {
  for (let i = 0; i < list.length; i += size) await work(list.slice(i, i + size))
}

/** A key of a page: where the next one begins. Opaque to everybody else. */
export const pageKey = (values: readonly (string | number)[]) => Buffer.from(JSON.stringify(values)).toString('base64url')

/** A list that a column holds as JSON. */
export const strings = (json: string | null): readonly string[] => (json === null || json === '[]' ? [] : (JSON.parse(json) as string[]))
