/** The text that was given, with its line numbers; the line that a statement leads to is marked. */
import { type Given, lineId, linesOf, shownLines } from './text.ts'

export function TextPane({ texts, told }: { readonly texts: readonly Given[]; readonly told: readonly ReadonlySet<number>[] }) {
  return (
    <div class="pane">
      {texts.map(({ name, text }, i) => (
        <section key={name} aria-label={name}>
          {(texts.length > 1 || name !== pasted) && <h3>{name}</h3>}
          <ol class="lines">
            {shownLines(linesOf(text), told[i] ?? new Set()).map((line) =>
              'left' in line ? (
                <li key={`left-${line.from}`} class="lines-left">
                  … {line.left.toLocaleString('en')} lines that nothing rests on
                </li>
              ) : (
                <li key={line.n} id={lineId(i, line.n)} tabIndex={-1} class={told[i]?.has(line.n) ? 'line-told' : undefined} value={line.n}>
                  <span class="line-number" aria-hidden="true">
                    {line.n}
                  </span>
                  <span class="line-text">{line.text || ' '}</span>
                </li>
              ),
            )}
          </ol>
        </section>
      ))}
    </div>
  )
}

export const pasted = 'pasted text'
