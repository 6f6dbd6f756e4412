/** The fields of an import: where machines come from, and what is said of all of them. */
import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'
import { type Draft, kinds } from './draft.ts'

export type Change = (change: Partial<Draft>) => void
/** What a field wants before it can be looked. */
export type Wrong = { readonly field: string; readonly wrong: string } | null
type Fields = { readonly draft: Draft; readonly change: Change; readonly wrong: Wrong }

type TextName = 'source' | 'zone' | 'group' | 'pool' | 'seenWithinDays' | 'system' | 'unit' | 'inGroup'

function TextField({ name, label, help, draft, change, wrong }: Fields & { name: TextName; label: string; help: string }) {
  const id = useId()
  const refused = wrong?.field === name ? wrong.wrong : null
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        name={name}
        type="text"
        value={draft[name]}
        maxLength={name === 'unit' || name === 'inGroup' ? 2000 : 200}
        inputMode={name === 'seenWithinDays' ? 'numeric' : undefined}
        autocomplete="off"
        spellcheck={false}
        aria-invalid={refused !== null}
        aria-describedby={`${id}-help`}
        onInput={(e) => change({ [name]: e.currentTarget.value })}
      />
      <span class={refused === null ? 'field-help' : 'field-error'} id={`${id}-help`} role={refused === null ? undefined : 'alert'}>
        {refused ?? help}
      </span>
    </div>
  )
}

function Check({ name, draft, change, children }: Fields & { name: 'mayBeEmpty' | 'enabled'; children: ComponentChildren }) {
  return (
    <label class="check">
      <input type="checkbox" checked={draft[name]} onChange={(e) => change({ [name]: e.currentTarget.checked })} /> {children}
    </label>
  )
}

/** What is said of all machines of a list. */
function Marks(fields: Fields) {
  return (
    <>
      <TextField {...fields} name="group" label="Group" help="All of them are put into this group." />
      <TextField
        {...fields}
        name="pool"
        label="Pool"
        help="For machines that are made anew from an image, such as virtual desktops. Their names tell who they are."
      />
      <Check {...fields} name="mayBeEmpty">
        It is right that the source has no machine any more
      </Check>
    </>
  )
}

/** Beside a text: how it is called, and what it does not tell itself. */
export function ListFields(fields: Fields) {
  const { draft, change } = fields
  const id = useId()
  const records = draft.recordings.length > 0
  return (
    <>
      <div class="import-fields">
        <TextField
          {...fields}
          name="source"
          label="What the source is called"
          help={
            records
              ? 'Left empty: it is called recordings.'
              : `Import this list again under the same name: what is no longer in it is then marked as vanished.${draft.file === null ? '' : ' Left empty: called by its file.'}`
          }
        />
      </div>
      {!records && (
        <details class="import-more">
          <summary>More about the list</summary>
          <div class="import-fields">
            <div class="field">
              <label for={id}>What it is</label>
              <select id={id} value={draft.kind} onChange={(e) => change({ kind: e.currentTarget.value })}>
                {kinds.map(([kind, title]) => (
                  <option key={kind} value={kind}>
                    {title}
                  </option>
                ))}
              </select>
            </div>
            <TextField
              {...fields}
              name="zone"
              label="Domain of a zone"
              help="For names without a domain, where the zone does not say its own ($ORIGIN)."
            />
            <Marks {...fields} />
          </div>
        </details>
      )}
    </>
  )
}

/** Which computers of a directory. Who signs in there is the site file's to say. */
export function DirectoryFields({ domains, ...fields }: Fields & { readonly domains: readonly string[] }) {
  const { draft, change, wrong } = fields
  const id = useId()
  return (
    <div class="import-fields">
      <div class="field">
        <label for={id}>Domain</label>
        <select id={id} name="domain" value={draft.domain} onChange={(e) => change({ domain: e.currentTarget.value })}>
          <option value="">Choose one</option>
          {domains.map((domain) => (
            <option key={domain} value={domain}>
              {domain}
            </option>
          ))}
        </select>
        {wrong?.field === 'domain' && (
          <span class="field-error" role="alert">
            {wrong.wrong}
          </span>
        )}
      </div>
      <TextField {...fields} name="system" label="Operating system has" help="A part of its name, such as Windows 11." />
      <TextField
        {...fields}
        name="seenWithinDays"
        label="Seen by the directory in the last (days)"
        help="Left empty: all, however long ago."
      />
      <TextField {...fields} name="unit" label="Organisational unit" help="Its distinguished name: OU=Berlin,DC=corp,DC=example" />
      <TextField {...fields} name="inGroup" label="Members of a group" help="Its distinguished name. Groups inside of it count, too." />
      <Check {...fields} name="enabled">
        Without accounts that are switched off
      </Check>
      <Marks {...fields} />
    </div>
  )
}
