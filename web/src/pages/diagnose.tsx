/** A text that somebody has: pasted, dropped or chosen. The answer is the command's, each statement beside its line. Nothing is kept. */
import { useEffect, useRef, useState } from 'preact/hooks'
import './diagnose.css'
import type { Diagnosis } from '../../../src/model.ts'
import { api } from '../addresses.ts'
import { type ProblemDetails, problemOf, send } from '../api.ts'
import { pasted, TextPane } from '../diagnose/pane.tsx'
import { Reading } from '../diagnose/reading.tsx'
import { type Given, readFile, sizeOf } from '../diagnose/text.ts'
import { ErrorState, PageTitle, useDrop } from '../parts.ts'
import { useSession } from '../session.ts'
import { count } from '../words.ts'

/** Null: it is being read. `stopped`: by who gave it. */
type Read = { readonly texts: readonly Given[]; readonly said: Diagnosis | ProblemDetails | 'stopped' | null }

export default function Diagnose() {
  const [read, setRead] = useState<Read | null>(null)
  /** What was pasted, while it is not let go of. */
  const [draft, setDraft] = useState('')
  const heading = useRef<HTMLHeadingElement>(null)
  const asking = useRef<AbortController | null>(null)
  const { me } = useSession()
  // Whoever goes to another page wants no answer: the server stops reading.
  useEffect(() => () => asking.current?.abort(), [])
  const show = (texts: readonly Given[], said: Exclude<Read['said'], null>) => {
    asking.current = null
    setRead({ texts, said })
    requestAnimationFrame(() => heading.current?.focus())
  }
  const diagnose = async (texts: readonly Given[]) => {
    const abort = new AbortController()
    asking.current = abort
    setRead({ texts, said: null })
    const said = await send<Diagnosis>('POST', api.diagnose, { texts }, abort.signal).catch(problemOf)
    if (!abort.signal.aborted) show(texts, said)
  }
  const stop = () => {
    asking.current?.abort()
    if (read) show(read.texts, 'stopped')
  }
  const back = (text: string) => {
    asking.current?.abort()
    setDraft(text)
    setRead(null)
    history.replaceState(null, '', location.pathname)
  }
  return (
    <>
      <PageTitle
        title="Diagnose"
        lead="Why a product is not activated, out of what a machine printed: slmgr, ospp, WMI, events, in any language."
      >
        {read && (
          <button type="button" onClick={() => back('')}>
            Another text
          </button>
        )}
      </PageTitle>
      {read === null ? (
        <Give give={(texts) => void diagnose(texts)} text={draft} setText={setDraft} />
      ) : (
        <div class="diagnosis">
          <section class="diagnosis-answer" aria-labelledby="answer" aria-busy={read.said === null}>
            <h2 id="answer" ref={heading} tabIndex={-1}>
              What it says
            </h2>
            {read.said === null ? (
              <BeingRead texts={read.texts} stop={stop} />
            ) : read.said === 'stopped' ? (
              <Stopped again={() => void diagnose(read.texts)} change={isPasted(read.texts) ? () => back(read.texts[0]!.text) : null} />
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
        The text goes to this server for the answer. It is kept nowhere, neither there nor in this browser
        {me ? ', and it is not in the trail' : ''}.
      </p>
    </>
  )
}

const isPasted = ([first, second]: readonly Given[]) => first?.name === pasted && second === undefined

/** A short text is read before anybody could look: nothing is said of it until it takes longer. */
const saidAfterMs = 400

function BeingRead({ texts, stop }: { readonly texts: readonly Given[]; readonly stop: () => void }) {
  const [slow, setSlow] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setSlow(true), saidAfterMs)
    return () => clearTimeout(timer)
  }, [])
  return (
    <div class="being-read">
      <p role="status">
        {slow &&
          `Reading ${sizeOf(texts).words} of text. That takes some seconds, and longer where other texts are read first. After half a minute of reading slmctl gives up.`}
      </p>
      {slow && (
        <button type="button" onClick={stop}>
          Stop reading
        </button>
      )}
    </div>
  )
}

function Stopped({ again, change }: { readonly again: () => void; readonly change: (() => void) | null }) {
  return (
    <div class="state" role="status">
      <p class="state-title">You stopped it. The text is still here, and nothing is said of it yet.</p>
      <div class="actions">
        <button type="button" class="primary" onClick={again}>
          Read it again
        </button>
        {change && (
          <button type="button" onClick={change}>
            Change the text
          </button>
        )}
      </div>
    </div>
  )
}

/** For each text the lines that a statement rests on. */
function toldLines({ texts, said }: Read): readonly ReadonlySet<number>[] {
  const told = texts.map(() => new Set<number>())
  if (said === null || said === 'stopped' || !('schema' in said)) return told
  const evidence = [...said.products, ...said.findings, ...said.codes, ...said.events].flatMap((s) => s.evidence)
  for (const e of evidence) told[texts.findIndex((t) => t.name === e.source)]?.add(e.line)
  return told
}

const mostFiles = 50

type GiveProps = { readonly give: (texts: readonly Given[]) => void; readonly text: string; readonly setText: (text: string) => void }

function Give({ give, text, setText }: GiveProps) {
  const [refused, setRefused] = useState('')
  const files = useRef<HTMLInputElement>(null)
  const giveFitting = (texts: readonly Given[]) => {
    const { tooMuch } = sizeOf(texts)
    if (tooMuch === null) give(texts)
    else setRefused(tooMuch)
  }
  const take = async (list: FileList | null | undefined) => {
    const chosen = [...(list ?? [])]
    if (chosen.length === 0) return
    if (chosen.length > mostFiles) return setRefused(`At most ${mostFiles} files at once; you gave ${count(chosen.length, 'file')}.`)
    try {
      const read = await Promise.all(chosen.map(readFile))
      // Two files of one name are told apart by a number.
      const texts = read.map((t, i) =>
        read.findIndex((other) => other.name === t.name) === i ? t : { ...t, name: `${t.name} (${i + 1})` },
      )
      giveFitting(texts)
    } catch {
      setRefused('A file could not be read. A folder cannot be given; choose the files in it.')
    }
  }
  const { over, handlers } = useDrop((dropped) => void take(dropped), setText)
  // Whoever misses the field would have the browser open the file, and this page would be gone.
  const taking = useRef(take)
  taking.current = take
  useEffect(() => {
    const here = (e: DragEvent) => {
      if (e.dataTransfer?.types.includes('Files')) e.preventDefault()
    }
    const dropped = (e: DragEvent) => {
      if (e.defaultPrevented || !e.dataTransfer?.files.length) return
      e.preventDefault()
      void taking.current(e.dataTransfer.files)
    }
    window.addEventListener('dragover', here)
    window.addEventListener('drop', dropped)
    return () => {
      window.removeEventListener('dragover', here)
      window.removeEventListener('drop', dropped)
    }
  }, [])
  return (
    <form
      class={over ? 'give give-over' : 'give'}
      onSubmit={(e) => {
        e.preventDefault()
        if (text.trim() === '') return setRefused('Paste a text first, or choose a file.')
        giveFitting([{ name: pasted, text }])
      }}
      {...handlers}
    >
      <div class="field">
        <label for="text-given">Paste the text, or drop files here: of one machine or of many</label>
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
