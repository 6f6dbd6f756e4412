/** A text that somebody has: pasted, dropped or chosen. The answer is the command's, each statement beside its line. Nothing is kept. */
import { useRef, useState } from 'preact/hooks'
import type { Diagnosis } from '../../../src/model.ts'
import { api } from '../addresses.ts'
import { type ProblemDetails, problemOf, send } from '../api.ts'
import { pasted, TextPane } from '../diagnose/pane.tsx'
import { Reading } from '../diagnose/reading.tsx'
import { type Given, readFile } from '../diagnose/text.ts'
import { ErrorState, Loading, PageTitle } from '../parts.ts'
import { useSession } from '../session.ts'
import { count } from '../words.ts'

type Read = { readonly texts: readonly Given[]; readonly said: Diagnosis | ProblemDetails | null }

export default function Diagnose() {
  const [read, setRead] = useState<Read | null>(null)
  const heading = useRef<HTMLHeadingElement>(null)
  const { me } = useSession()
  const diagnose = async (texts: readonly Given[]) => {
    setRead({ texts, said: null })
    const said = await send<Diagnosis>('POST', api.diagnose, { texts }).catch(problemOf)
    setRead({ texts, said })
    requestAnimationFrame(() => heading.current?.focus())
  }
  return (
    <>
      <PageTitle
        title="Diagnose"
        lead="Why a product is not activated, out of what a machine printed: slmgr, ospp, WMI, events, in any language."
      >
        {read && (
          <button
            type="button"
            onClick={() => {
              setRead(null)
              history.replaceState(null, '', location.pathname)
            }}
          >
            Another text
          </button>
        )}
      </PageTitle>
      {read === null ? (
        <Give give={(texts) => void diagnose(texts)} />
      ) : (
        <div class="diagnosis">
          <section class="diagnosis-answer" aria-labelledby="answer" aria-busy={read.said === null}>
            <h2 id="answer" ref={heading} tabIndex={-1}>
              What it says
            </h2>
            {read.said === null ? (
              <Loading what="the answer" rows={8} />
            ) : 'schema' in read.said ? (
              <Reading answer={read.said} names={read.texts.map((t) => t.name)} />
            ) : (
              <ErrorState problem={read.said} retry={() => void diagnose(read.texts)} />
            )}
          </section>
          <section class="diagnosis-text" aria-labelledby="text">
            <h2 id="text">The text</h2>
            <TextPane texts={read.texts} told={toldLines(read)} />
          </section>
        </div>
      )}
      <p class="quiet kept-nothing">
        The text goes to this server for the answer. It is kept nowhere: not here, not there{me ? ', and it is not in the trail' : ''}.
      </p>
    </>
  )
}

/** For each text the lines that a statement rests on. */
function toldLines({ texts, said }: Read): readonly ReadonlySet<number>[] {
  const told = texts.map(() => new Set<number>())
  if (said === null || !('schema' in said)) return told
  const evidence = [...said.products, ...said.findings, ...said.codes, ...said.events].flatMap((s) => s.evidence)
  for (const e of evidence) told[texts.findIndex((t) => t.name === e.source)]?.add(e.line)
  return told
}

const mostFiles = 50

function Give({ give }: { readonly give: (texts: readonly Given[]) => void }) {
  const [text, setText] = useState('')
  const [over, setOver] = useState(false)
  const [refused, setRefused] = useState('')
  const files = useRef<HTMLInputElement>(null)
  const take = async (list: FileList | null | undefined) => {
    const chosen = [...(list ?? [])]
    if (chosen.length === 0) return
    if (chosen.length > mostFiles) return setRefused(`At most ${mostFiles} files at once; you gave ${count(chosen.length, 'file')}.`)
    try {
      const texts = await Promise.all(chosen.map(readFile))
      // Two files of one name are told apart by a number.
      give(texts.map((t, i) => (texts.findIndex((other) => other.name === t.name) === i ? t : { ...t, name: `${t.name} (${i + 1})` })))
    } catch {
      setRefused('A file could not be read. A folder cannot be given; choose the files in it.')
    }
  }
  return (
    <form
      class={over ? 'give give-over' : 'give'}
      onSubmit={(e) => {
        e.preventDefault()
        if (text.trim() === '') return setRefused('Paste a text first, or choose a file.')
        give([{ name: pasted, text }])
      }}
      onDragOver={(e) => {
        e.preventDefault()
        setOver(true)
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(e) => {
        e.preventDefault()
        setOver(false)
        const { files: dropped } = e.dataTransfer ?? {}
        if (dropped && dropped.length > 0) void take(dropped)
        else setText(e.dataTransfer?.getData('text/plain') ?? '')
      }}
    >
      <div class="field">
        <label for="text-given">Paste the text, or drop files here</label>
        <textarea
          id="text-given"
          class="mono"
          rows={16}
          value={text}
          spellcheck={false}
          autocapitalize="none"
          autocomplete="off"
          placeholder={'On the machine:  cscript //nologo C:\\Windows\\System32\\slmgr.vbs /dlv\nThen paste here what it printed.'}
          onInput={(e) => {
            setText(e.currentTarget.value)
            setRefused('')
          }}
          onKeyDown={(e) => {
            if (e.key === 'Enter' && (e.ctrlKey || e.metaKey)) e.currentTarget.form?.requestSubmit()
          }}
        />
      </div>
      {refused && (
        <p class="field-error" role="alert">
          {refused}
        </p>
      )}
      <div class="actions">
        <button type="submit" class="primary">
          Diagnose
        </button>
        <button type="button" onClick={() => files.current?.click()}>
          Choose files
        </button>
        <input
          ref={files}
          type="file"
          multiple
          hidden
          tabIndex={-1}
          aria-label="Files"
          onChange={(e) => void take(e.currentTarget.files)}
        />
        <span class="quiet">Ctrl+Enter diagnoses what is pasted.</span>
      </div>
    </form>
  )
}
