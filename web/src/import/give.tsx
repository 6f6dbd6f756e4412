/** A list or recordings, pasted, dropped or chosen. What was given stays until it is taken away. */
import type { RefObject } from 'preact'
import { useId, useRef, useState } from 'preact/hooks'
import { readFile } from '../diagnose/text.ts'
import { useDrop } from '../parts.ts'
import { count } from '../words.ts'
import { areRecordings, type Draft, isRecording } from './draft.ts'
import type { Change, Wrong } from './fields.tsx'

/** What is longer is not edited in a page. */
const editedMax = 500_000
const filesMax = 200

export function Give({
  draft,
  change,
  wrong,
  area,
}: {
  readonly draft: Draft
  readonly change: Change
  readonly wrong: Wrong
  readonly area: RefObject<HTMLTextAreaElement | null>
}) {
  const [refused, setRefused] = useState('')
  const files = useRef<HTMLInputElement>(null)
  const id = useId()
  const { text, file, recordings } = draft
  const take = async (list: FileList | null | undefined) => {
    const chosen = [...(list ?? [])]
    if (chosen.length === 0) return
    if (chosen.length > filesMax) return setRefused(`At most ${filesMax} files at once; you gave ${count(chosen.length, 'file')}.`)
    const given = await Promise.all(chosen.map(readFile)).catch(() => null)
    if (given === null) return setRefused('A file could not be read. A folder cannot be given; choose the files in it.')
    setRefused('')
    if (areRecordings(given)) return change({ recordings: given, text: '', file: null })
    if (given.length > 1)
      return setRefused('One list at a time, as each list is a source of its own. Of recordings several can be given at once.')
    change({ text: given[0]!.text, file: given[0]!.name, recordings: [] })
  }
  const { over, handlers } = useDrop(
    (dropped) => void take(dropped),
    (dropped) => change({ text: dropped, file: null, recordings: [] }),
  )
  const said = refused || (wrong?.field === 'text' ? wrong.wrong : '')
  const large = recordings.length > 0 || text.length > editedMax
  return (
    <div class={over ? 'give give-over' : 'give'} {...handlers}>
      {large ? (
        <p class="import-given" role="status">
          {recordings.length > 0
            ? `${count(recordings.length, 'recording')}: ${recordings
                .slice(0, 5)
                .map((r) => r.name)
                .join(', ')}${recordings.length > 5 ? ` and ${recordings.length - 5} more` : ''}`
            : `${file ?? 'The text'}: ${count(Math.round(text.length / 1000), 'thousand characters', 'thousand characters')}`}
        </p>
      ) : (
        <div class="field">
          <label for={id}>{file === null ? 'Paste a list, or drop files here' : file}</label>
          <textarea
            ref={area}
            id={id}
            class="mono"
            rows={12}
            value={text}
            spellcheck={false}
            autocapitalize="none"
            autocomplete="off"
            aria-invalid={said !== ''}
            aria-describedby={said === '' ? undefined : `${id}-wrong`}
            placeholder={'pc-1.corp.example\npc-2.corp.example\n\nOr a table (CSV), an inventory of Ansible, a DNS zone.'}
            onInput={(e) => {
              setRefused('')
              change({ text: e.currentTarget.value, ...(e.currentTarget.value === '' && { file: null }) })
            }}
            onKeyDown={(e) => {
              if (e.key === 'Enter' && (e.ctrlKey || e.metaKey)) e.currentTarget.form?.requestSubmit()
            }}
          />
        </div>
      )}
      {said && (
        <p class="field-error" id={`${id}-wrong`} role="alert">
          {said}
        </p>
      )}
      <div class="actions">
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
          onChange={(e) => {
            void take(e.currentTarget.files)
            // The same file, corrected, is chosen again.
            e.currentTarget.value = ''
          }}
        />
        {(text !== '' || recordings.length > 0) && (
          <button
            type="button"
            onClick={() => {
              setRefused('')
              change({ text: '', file: null, recordings: [] })
            }}
          >
            Clear
          </button>
        )}
        {!large && isRecording({ name: '', text }) && <span class="quiet">This is a recording of a machine.</span>}
      </div>
    </div>
  )
}
