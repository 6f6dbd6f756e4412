import { useCallback, useRef } from 'preact/hooks'

/** For a box that may be smaller than what is in it: while it is, the keyboard reaches it and scrolls it, by its name. */
export function useScrolls<E extends HTMLElement>(name: string): (box: E | null) => void {
  const watch = useRef<ResizeObserver | null>(null)
  return useCallback(
    (box: E | null) => {
      watch.current?.disconnect()
      if (box === null) return
      const look = () => {
        const { overflow } = getComputedStyle(box)
        const scrolls =
          !overflow.startsWith('visible') && (box.scrollWidth > box.clientWidth + 1 || box.scrollHeight > box.clientHeight + 1)
        for (const [attribute, value] of Object.entries({ tabindex: '0', role: 'group', 'aria-label': name }))
          if (scrolls) box.setAttribute(attribute, value)
          else box.removeAttribute(attribute)
      }
      watch.current = new ResizeObserver(look)
      watch.current.observe(box)
      for (const child of box.children) watch.current.observe(child)
    },
    [name],
  )
}
