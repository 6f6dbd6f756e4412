/** A button with a box below it. Escape closes it and gives the focus back; so does leaving it. */
import type { ComponentChildren } from 'preact'
import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks'

export function Menu({
  label,
  children,
  left = false,
}: {
  readonly label: ComponentChildren
  readonly children: (close: () => void) => ComponentChildren
  /** The box begins where the button does. */
  readonly left?: boolean
}) {
  const [open, setOpen] = useState(false)
  const box = useRef<HTMLDivElement>(null)
  const button = useRef<HTMLButtonElement>(null)
  const id = useId()
  // Before anything else is pressed.
  useLayoutEffect(() => {
    if (!open) return
    const away = (e: Event) => {
      if (e.target instanceof Node && !box.current?.contains(e.target)) setOpen(false)
    }
    const closes = (e: KeyboardEvent) => {
      if (e.key !== 'Escape') return
      setOpen(false)
      button.current?.focus()
    }
    addEventListener('pointerdown', away)
    addEventListener('focusin', away)
    addEventListener('keydown', closes)
    return () => {
      removeEventListener('pointerdown', away)
      removeEventListener('focusin', away)
      removeEventListener('keydown', closes)
    }
  }, [open])
  return (
    <div class="menu" ref={box}>
      <button type="button" ref={button} aria-expanded={open} aria-controls={id} onClick={() => setOpen(!open)}>
        {label}
        <svg class="menu-arrow" viewBox="0 0 10 6" aria-hidden="true" focusable="false">
          <path d="M1 1l4 4 4-4" />
        </svg>
      </button>
      <div id={id} class={left ? 'menu-box menu-left' : 'menu-box'} hidden={!open}>
        {open && children(() => setOpen(false))}
      </div>
    </div>
  )
}
