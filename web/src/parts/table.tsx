/** Tables: real ones, with a caption, heads that sort, and a head for each row. */
import type { ComponentChildren } from 'preact'
import { useScrolls } from './scrolls.ts'

export type Column<T> = {
  readonly id: string
  readonly title: string
  readonly cell: (row: T) => ComponentChildren
  /** What the column sorts by, where it does. */
  readonly sort?: string | undefined
  /** Numbers stand at the right. */
  readonly number?: boolean
  /** The column that says which row it is. */
  readonly head?: boolean
  /** Takes the room that is left. */
  readonly wide?: boolean
  /** Is left out where there is little room. */
  readonly minor?: boolean
}

export function DataTable<T>({
  caption,
  captionShown = false,
  columns,
  rows,
  keyOf,
  sort,
  onSort,
  busy = false,
  empty,
}: {
  readonly caption: string
  readonly captionShown?: boolean
  readonly columns: readonly Column<T>[]
  readonly rows: readonly T[]
  readonly keyOf: (row: T, index: number) => string | number
  /** `name` or `-name` */
  readonly sort?: string | undefined
  readonly onSort?: ((sort: string) => void) | undefined
  readonly busy?: boolean
  readonly empty?: ComponentChildren
}) {
  const box = useScrolls<HTMLDivElement>(caption)
  if (rows.length === 0 && empty) return <>{empty}</>
  return (
    <div class={columns.length > 7 ? 'table table-many' : 'table'} ref={box}>
      <table aria-busy={busy}>
        <caption class={captionShown ? undefined : 'unseen'}>{caption}</caption>
        <thead>
          <tr>
            {columns.map((c) => (
              <Head key={c.id} column={c} sort={sort} onSort={onSort} />
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, i) => (
            <tr key={keyOf(row, i)}>
              {columns.map((c) =>
                c.head ? (
                  <th key={c.id} scope="row" class={classOf(c)}>
                    {c.cell(row)}
                  </th>
                ) : (
                  <td key={c.id} class={classOf(c)}>
                    {c.cell(row)}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Head<T>({
  column,
  sort,
  onSort,
}: {
  readonly column: Column<T>
  readonly sort: string | undefined
  readonly onSort: ((sort: string) => void) | undefined
}) {
  const by = column.sort
  if (by === undefined || !onSort)
    return (
      <th scope="col" class={classOf(column)}>
        {column.title}
      </th>
    )
  const up = sort === by
  const down = sort === `-${by}`
  return (
    <th scope="col" class={classOf(column)} aria-sort={up ? 'ascending' : down ? 'descending' : undefined}>
      {/* Buttons are not printed on every page, words are. */}
      <span class="print-only">{column.title}</span>
      <button type="button" class="sort" onClick={() => onSort(up ? `-${by}` : by)}>
        {column.title}
        <svg viewBox="0 0 10 12" aria-hidden="true" focusable="false">
          <path class={up ? 'on' : undefined} d="M5 1l3.4 4H1.6Z" />
          <path class={down ? 'on' : undefined} d="M5 11L1.6 7h6.8Z" />
        </svg>
      </button>
    </th>
  )
}

const classOf = (c: { readonly number?: boolean; readonly wide?: boolean; readonly minor?: boolean }) =>
  [c.number && 'number', c.wide && 'wide', c.minor && 'minor'].filter(Boolean).join(' ') || undefined
