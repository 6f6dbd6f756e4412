/** A field to look for something. It is part of a form, or says what was typed a moment after the last key. */
import { useEffect, useId, useRef, useState } from 'preact/hooks'

export function Search({
  label,
  value,
  onSearch,
  placeholder,
}: {
  readonly label: string
  readonly value: string
  readonly onSearch: (text: string) => void
  readonly placeholder?: string
}) {
  const id = useId()
  const [typed, setTyped] = useState(value)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  const told = useRef(value)
  useEffect(() => {
    // The address changed by something else: a link, the browser's back.
    if (value !== told.current) {
      told.current = value
      setTyped(value)
    }
  }, [value])
  const tell = (text: string, ms: number) => {
    clearTimeout(timer.current)
    timer.current = setTimeout(() => {
      if (told.current === text) return
      told.current = text
      onSearch(text)
    }, ms)
  }
  return (
    <div class="field field-search">
      <label for={id}>{label}</label>
      <input
        id={id}
        type="search"
        value={typed}
        placeholder={placeholder}
        autocomplete="off"
        spellcheck={false}
        onInput={(e) => {
          setTyped(e.currentTarget.value)
          tell(e.currentTarget.value.trim(), 350)
        }}
        onKeyDown={(e) => {
          if (e.key === 'Enter') tell(e.currentTarget.value.trim(), 0)
        }}
      />
    </div>
  )
}
