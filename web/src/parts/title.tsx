/** The heading of a page: names the tab, and takes the focus where somebody came here by a link, so that a screen reader says where one is. */
import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { useLocation, useRoute } from 'preact-iso'
import { useSession } from '../session.ts'

/** The path whose heading had the focus; null: the document was just opened, and the browser has done it. */
let shown: string | null = null

export function PageTitle({
  title,
  tab = title,
  children,
  lead,
  place,
}: {
  readonly title: string
  /** In the browser's tab, where it should say more. */
  readonly tab?: string
  /** What can be done with the page as a whole: buttons, links. */
  readonly children?: ComponentChildren
  /** One sentence below. */
  readonly lead?: ComponentChildren
  /** Which page it is, where the address is another one's: signing in stands in its place. */
  readonly place?: string
}) {
  // Of its own page: the address is already another one while the next page is still loaded.
  const here = useLocation().path
  const route = useRoute().path
  const path = place ?? route ?? here
  const { server } = useSession()
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    if (shown !== null && shown !== path) heading.current?.focus({ preventScroll: true })
    shown = path
  }, [path])
  useEffect(() => {
    document.title = [tab, server.organisation, 'slmctl'].filter(Boolean).join(' · ')
  }, [tab, server.organisation])
  return (
    <div class="page-title">
      <div>
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {lead && <p class="lead">{lead}</p>}
      </div>
      {children && <div class="actions">{children}</div>}
    </div>
  )
}
