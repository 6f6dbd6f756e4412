/**
 * What is said of thousands of machines and products in the same words is kept once, and they point at it by its number. Two processes
 * that meet the same words do not wait for each other: each new one is kept by itself.
 */
import { createHash } from 'node:crypto'
import { type Kysely, sql } from 'kysely'
import type { Database, Tables } from './tables.ts'

/** Keeps one, where it is new; answers its number. */
export type Keep<Row> = (db: Kysely<Tables>, text: string, row: Row) => Promise<number>

/** The numbers of rows by their texts; new ones are kept. `most`: so many are remembered by a process, then it begins anew. */
export function idsOnce<Row>(most: number, keep: Keep<Row>) {
  const known = new WeakMap<Database, Map<string, number>>()
  return async (database: Database, rows: ReadonlyMap<string, Row>): Promise<ReadonlyMap<string, number>> => {
    const before = known.get(database)
    // Whoever was given the full map still looks into it.
    const ids = before && before.size <= most ? before : new Map<string, number>()
    known.set(database, ids)
    for (const [text, row] of rows) if (!ids.has(text)) ids.set(text, await keep(database.db, text, row))
    return ids
  }
}

/** Into a table whose key is the hash of the text. */
export const keepHashed =
  <Row extends object>(table: 'product_kind' | 'remark'): Keep<Row> =>
  async (db, text, row) => {
    const key = createHash('sha256').update(text).digest('hex')
    await db
      .insertInto(table)
      .values({ ...row, key } as never)
      .onConflict((c) => c.column('key').doNothing())
      .execute()
    return (await db.selectFrom(table).select('id').where('key', '=', key).executeTakeFirstOrThrow()).id
  }

type ProductKey = { readonly machine_id: number; readonly key: string }

/**
 * Gives each product of an older store the number of its row. `after`: products in the order of their keys, from one on, a portion;
 * `rowOf`: null where a product has none.
 */
export async function giveIds<Row, P extends ProductKey>(
  db: Kysely<Tables>,
  column: 'kind_id' | 'remark_id',
  after: (last: readonly [machine: number, key: string]) => Promise<readonly P[]>,
  rowOf: (product: P) => { readonly text: string; readonly row: Row } | null,
  keep: Keep<Row>,
): Promise<void> {
  const ids = new Map<string, number>()
  for (let last: readonly [number, string] = [0, '']; ; ) {
    const products = await after(last)
    const end = products.at(-1)
    if (!end) return
    last = [end.machine_id, end.key]
    const values: ReturnType<typeof sql>[] = []
    for (const product of products) {
      const its = rowOf(product)
      if (its === null) continue
      const id = ids.get(its.text) ?? (await keep(db, its.text, its.row))
      ids.set(its.text, id)
      values.push(sql`(cast(${product.machine_id} as bigint), cast(${product.key} as text), cast(${id} as bigint))`)
    }
    if (values.length > 0)
      await sql`update product set ${sql.ref(column)} = v.column3 from (values ${sql.join(values)}) as v
        where product.machine_id = v.column1 and product.key = v.column2`.execute(db)
  }
}
