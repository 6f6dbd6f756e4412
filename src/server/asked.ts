/** What requests of the API have in common: filters and pages by the names of the flags, numbers in an address. */
import type { PageWish, Words } from '../app.ts'
import { maskKeys } from '../model.ts'
import { api, z } from '../schemas.ts'

/** A word that nobody knows is refused: passed over, it would answer another question. */
export const filterWords = z.strictObject(api.filterQuery.shape)
export const pageWords = z.strictObject(api.pageQuery.shape)
export const filterAndPage = z.strictObject({ ...api.filterQuery.shape, ...api.pageQuery.shape })
export const idInPath = z.strictObject({ id: z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER) })

/** Words without a value; the API says true. */
const alone: ReadonlySet<string> = new Set(
  Object.entries(api.filterQuery.shape).flatMap(([name, of]) => (of.unwrap() instanceof z.ZodLiteral ? [name] : [])),
)

/** Filters and limits as the app takes them. */
export function wordsOf(query: Readonly<Record<string, unknown>>): Words {
  const words: Record<string, string | number | boolean> = {}
  for (const [name, value] of Object.entries(query))
    if (typeof value === 'string' || typeof value === 'number') words[name] = alone.has(name) ? true : value
    else if (value === true) words[name] = true
  return words
}

/** `-expires` is a column, the other way round. */
export const sortOf = (sort: string) => ({
  by: sort.replace(/^-/, '') as (typeof api.sortKeys)[number],
  down: sort.startsWith('-'),
})

/** What people write is kept: a product key that they pasted into the wrong field is not. */
export const noKey = [(text: string) => maskKeys(text) === text, 'no product key'] as const

/** A name or a word: PostgreSQL knows no text with U+0000 in it. */
export const plainText = (most: number) =>
  z
    .string()
    .max(most)
    .refine((text) => !text.includes('\0'), 'no character U+0000')
    .refine(...noKey)

export const pageOf = ({ limit, after }: { readonly limit: number; readonly after?: string | undefined }): PageWish => ({
  limit,
  after: after || null,
})
export const pageAnswer = <T extends z.ZodType>(rows: T) => z.strictObject({ rows: z.array(rows).readonly(), next: z.string().nullable() })
