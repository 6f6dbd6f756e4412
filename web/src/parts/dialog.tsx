/** Asks before something happens. The browser's own dialog: Escape closes it, the focus stays inside and goes back where it came from. */
import type { ComponentChildren } from 'preact'
import { useId, useLayoutEffect, useRef } from 'preact/hooks'

export function Dialog({
  open,
  title,
  onClose,
  children,
  actions,
  wide = false,
}: {
  readonly open: boolean
  readonly title: string
  readonly onClose: () => void
  readonly children: ComponentChildren
  /** Buttons; one that closes is always there. */
  readonly actions?: ComponentChildren
  readonly wide?: boolean
}) {
  const dialog = useRef<HTMLDialogElement>(null)
  const from = useRef<Element | null>(null)
  const id = useId()
  useLayoutEffect(() => {
    const d = dialog.current
    if (!d) return
    if (open && !d.open) {
      from.current = document.activeElement
      d.showModal()
    } else if (!open && d.open) d.close()
  }, [open])
  const closed = () => {
    onClose()
    if (from.current instanceof HTMLElement && from.current.isConnected) from.current.focus()
  }
  return (
    <dialog ref={dialog} class={wide ? 'dialog dialog-wide' : 'dialog'} aria-labelledby={id} onClose={closed}>
      {open && (
        <>
          <h2 id={id}>{title}</h2>
          <div class="dialog-body">{children}</div>
          <div class="dialog-actions">
            <button type="button" onClick={() => dialog.current?.close()}>
              {actions ? 'Cancel' : 'Close'}
            </button>
            {actions}
          </div>
        </>
      )}
    </dialog>
  )
}
