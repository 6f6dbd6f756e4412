/** What to do next. A command at the end of the sentence stands out, so that it is seen where it begins, and copied whole. */
const command = /^(.*: |)((?:slmctl|slmgr|cscript) [^:]*[^:.])$/s

export function Step({ text }: { readonly text: string }) {
  const [, before, typed] = command.exec(text) ?? []
  if (typed === undefined) return <>{text}</>
  return (
    <>
      {before}
      <code>
        {typed.split(/(?=--)/).map((part, i) => (
          <span key={i} class={part.startsWith('--') ? 'command-flag' : undefined}>
            {part}
          </span>
        ))}
      </code>
    </>
  )
}
