/** Copies a text; says that it did. */
import { useState } from 'preact/hooks'

export function CopyButton({ text, label = 'Copy' }: { readonly text: () => string; readonly label?: string }) {
  const [said, setSaid] = useState('')
  const copy = async () => {
    const done = await write(text())
    setSaid(done ? 'Copied' : 'Could not copy')
    setTimeout(() => setSaid(''), 3000)
  }
  return (
    <>
      <button type="button" onClick={() => void copy()}>
        {said || label}
      </button>
      <span class="unseen" role="status">
        {said}
      </span>
    </>
  )
}

/** The clipboard is there over TLS and on loopback only; elsewhere a hidden field does it. */
async function write(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    const field = document.createElement('textarea')
    field.value = text
    field.className = 'unseen'
    document.body.append(field)
    field.select()
    const done = document.execCommand('copy')
    field.remove()
    return done
  }
}
