/**
 * Tables: real ones, with a caption, heads that sort, and a head for each row. On a narrow screen each row is a card of names and
 * values, by the style sheet alone; it stays a table for a screen reader.
 */
import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'
import { number } from '../words.ts'
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

/** Said aloud: what is laid out as a card is no table any more to some browsers. */
const roles = {
  table: { role: 'table' },
  group: { role: 'rowgroup' },
  row: { role: 'row' },
  column: { role: 'columnheader' },
  head: { role: 'rowheader' },
  cell: { role: 'cell' },
} as const

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
  const named = useId()
  if (rows.length === 0 && empty) return <>{empty}</>
  return (
    <div class={columns.length > 7 ? 'table table-many' : 'table'} ref={box}>
      <table {...roles.table} aria-labelledby={named} aria-busy={busy}>
        <caption id={named} class={captionShown ? undefined : 'unseen'}>
          {caption}
        </caption>
        <thead {...roles.group} class={onSort && columns.some((c) => c.sort !== undefined) ? 'sorts' : undefined}>
          <tr {...roles.row}>
            {columns.map((c) => (
              <Head key={c.id} column={c} sort={sort} onSort={onSort} />
            ))}
          </tr>
        </thead>
        <tbody {...roles.group}>
          {rows.map((row, i) => (
            <tr {...roles.row} key={keyOf(row, i)}>
              {columns.map((c) =>
                c.head ? (
                  <th {...roles.head} key={c.id} scope="row" class={classOf(c)}>
                    {shown(c, row)}
                  </th>
                ) : (
                  <td {...roles.cell} key={c.id} class={classOf(c)} data-title={c.title}>
                    {shown(c, row)}
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

/** A number is written as everywhere: 2,000. */
function shown<T>(column: Column<T>, row: T): ComponentChildren {
  const cell = column.cell(row)
  return typeof cell === 'number' ? number(cell) : cell
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
      <th {...roles.column} scope="col" class={classOf(column)}>
        {column.title}
      </th>
    )
  const up = sort === by
  const down = sort === `-${by}`
  return (
    <th {...roles.column} scope="col" class={classOf(column, 'sortable')} aria-sort={up ? 'ascending' : down ? 'descending' : undefined}>
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

const classOf = (c: { readonly number?: boolean; readonly wide?: boolean; readonly minor?: boolean }, also?: string) =>
  [c.number && 'number', c.wide && 'wide', c.minor && 'minor', also].filter(Boolean).join(' ') || undefined
