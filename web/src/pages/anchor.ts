/** A part of a page that an address names (`#remarks`): it is there only when its answer is, so that the browser cannot find it by itself. */

import { useEffect, useRef } from 'preact/hooks'
import { useLocation } from 'preact-iso'

/** Shows the part with this id, once for each address that names it, when it is there. */
export function useAnchor(id: string, there: boolean): void {
  const { url } = useLocation()
  const shown = useRef('')
  useEffect(() => {
    if (!there || location.hash !== `#${id}` || shown.current === url) return
    shown.current = url
    // After the router, which goes to the top of what it takes for a new page.
    requestAnimationFrame(() => document.getElementById(id)?.scrollIntoView())
  }, [id, there, url])
}
