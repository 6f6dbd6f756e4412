/** Pages by cursor: each is an address, so that it can be sent, and the browser's own back works. */

import { useRef } from 'preact/hooks'
import { useLocation } from 'preact-iso'
import { page } from '../addresses.ts'

/** From which page one came to a cursor; a page that was opened by its address has only the first before it. */
const before = new Map<string, string | undefined>()

export function Pager({
  next,
  shown,
  limit,
  total,
}: {
  readonly next: string | null /** Rows on this page. */
  readonly shown: number
  readonly limit: number
  readonly total?: number | null | undefined
}) {
  const { path, query } = useLocation()
  const after = query.after
  const at = Number(query.page ?? 1)
  const first = (at - 1) * limit + 1
  const to = (cursor: string | undefined, number: number) => page(path, { ...query, after: cursor, page: number > 1 ? number : undefined })
  // While the next page is on its way, `next` still is of the one before: its own address.
  if (next && next !== after) before.set(next, after)
  const known = after !== undefined && before.has(after)
  const bar = useRef<HTMLElement>(null)
  /** The next rows are read from their beginning. */
  const toBeginning = () => {
    const table = bar.current?.previousElementSibling
    if (!(table instanceof HTMLElement)) return
    if (!table.hasAttribute('tabindex')) table.tabIndex = -1
    table.scrollTop = 0
    table.focus({ preventScroll: true })
    table.scrollIntoView({ block: 'start' })
  }
  if (!after && !next) return null
  const of = total === null || total === undefined ? '' : ` of ${total.toLocaleString('en')}`
  return (
    <nav ref={bar} class="pager" aria-label="Pages of this list">
      <span class="pager-where" role="status">
        {shown > 0 ? `${first.toLocaleString('en')}–${(first + shown - 1).toLocaleString('en')}${of}` : 'Nothing more'}
      </span>
      <span class="pager-ways">
        {after && (
          <a href={to(undefined, 1)} onClick={toBeginning}>
            First page
          </a>
        )}
        {known && at > 2 && (
          <a rel="prev" onClick={toBeginning} href={to(before.get(after), at - 1)}>
            Previous
          </a>
        )}
        {next && (
          <a rel="next" onClick={toBeginning} href={to(next, at + 1)}>
            Next page
          </a>
        )}
      </span>
    </nav>
  )
}
