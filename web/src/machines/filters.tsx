/** Every filter of the API as a form. Each change is another address. */
import type { ComponentChildren } from 'preact'
import { useEffect, useId, useState } from 'preact/hooks'
import type { WordsAnswer } from '../../../src/schemas/api.ts'
import { api, type Query } from '../addresses.ts'
import { useAnswer } from '../answer.ts'
import { Search } from '../parts.ts'
import { count, originMeans, origins, states, verdictMeans, verdicts } from '../words.ts'
import { type Filter, type FilterName, filterTitles, filterWords, hasFilter } from './filter.ts'

type Props = { readonly filter: Filter; readonly onChange: (change: Query) => void }
const more: readonly FilterName[] = [
  'state',
  'host',
  'product',
  'days',
  'error',
  'problem',
  'cause',
  'remark',
  'pool',
  'source',
  'not-seen-for',
  'never-seen',
  'shared-cmid',
  'vanished',
]

export function Filters({ filter, onChange }: Props) {
  const hidden = more.filter((name) => filter[name] !== undefined).length
  const [open, setOpen] = useState(hidden > 0)
  useEffect(() => {
    if (hidden > 0) setOpen(true)
  }, [hidden])
  const words = useAnswer<WordsAnswer>(api.words)
  const known = words.state === 'ready' ? words.value : null
  const none = Object.fromEntries(Object.keys(filterTitles).map((name) => [name, undefined]))
  return (
    <search class="filters">
      {hasFilter(filter) && <p class="print-only">{filterWords(filter).join('; ')}</p>}
      <form onSubmit={(e) => e.preventDefault()} aria-label="Filters" class={open ? 'filters-open' : undefined}>
        <div class="filters-row">
          <Search
            label="Search"
            placeholder="Name, address, system, headline"
            value={filter.text ?? ''}
            onSearch={(text) => onChange({ text })}
          />
          <Several name="verdict" words={verdicts} means={verdictMeans} filter={filter} onChange={onChange} />
          <div class="filters-row filters-later">
            <Several name="origin" words={origins} means={originMeans} filter={filter} onChange={onChange} />
            <Choice name="group" list={known?.groups} filter={filter} onChange={onChange} />
          </div>
        </div>
        <div class="filters-ways">
          <button type="button" class="as-link" aria-expanded={open} aria-controls="more-filters" onClick={() => setOpen(!open)}>
            {open ? 'Fewer filters' : 'More filters'}
          </button>
          {hasFilter(filter) && (
            <button type="button" class="as-link" onClick={() => onChange(none)}>
              Clear all filters
            </button>
          )}
        </div>
        <div id="more-filters" hidden={!open}>
          {open && <More filter={filter} onChange={onChange} known={known} />}
        </div>
      </form>
    </search>
  )
}

function More({ filter, onChange, known }: Props & { readonly known: WordsAnswer | null }) {
  const rest = { filter, onChange }
  return (
    <div class="filters-row filters-more">
      <Several name="state" words={states} {...rest} />
      <Choice name="host" list={known?.hosts} {...rest} />
      <Text name="product" list={known?.products} {...rest} />
      <Text name="days" type="number" {...rest} />
      <Text name="not-seen-for" type="number" {...rest} />
      <Choice name="problem" list={known?.problems} first={[['any', 'for any reason']]} {...rest} />
      <Choice
        name="cause"
        list={known?.causes.map((c) => [String(c.cause), `${c.text} (${count(c.machines, 'machine')})`] as const)}
        {...rest}
      />
      {filter.remark !== undefined && <Text name="remark" type="number" {...rest} />}
      <Text name="error" {...rest} />
      <Choice name="source" list={known?.sources} {...rest} />
      <Choice name="pool" list={known?.pools} {...rest} />
      <fieldset class="field">
        <legend>Only those that</legend>
        <Check name="never-seen" {...rest}>
          never answered
        </Check>
        <Check name="shared-cmid" {...rest}>
          share a CMID with another
        </Check>
        <Check name="vanished" {...rest}>
          no source lists any more
        </Check>
      </fieldset>
    </div>
  )
}

/** Several of a few words: any of them. */
function Several<N extends string>({
  name,
  words,
  means,
  filter,
  onChange,
}: Props & { readonly name: FilterName; readonly words: Readonly<Record<N, string>>; readonly means?: Readonly<Record<N, string>> }) {
  const chosen = filter[name]?.split(',') ?? []
  return (
    <fieldset class="field">
      <legend>{filterTitles[name]}</legend>
      <div class="chips">
        {(Object.entries(words) as [N, string][]).map(([value, word]) => (
          <label key={value} class="chip" title={means?.[value]}>
            <input
              type="checkbox"
              checked={chosen.includes(value)}
              onChange={(e) => {
                const on = e.currentTarget.checked
                onChange({ [name]: (Object.keys(words) as N[]).filter((w) => (w === value ? on : chosen.includes(w))).join(',') })
              }}
            />
            {word}
          </label>
        ))}
      </div>
    </fieldset>
  )
}

/** One of what there is in the fleet. What the address wishes is offered, too, if the fleet no longer has it. */
function Choice({
  name,
  list = [],
  first = [],
  filter,
  onChange,
}: Props & {
  readonly name: FilterName
  readonly list?: readonly (string | readonly [string, string])[] | undefined
  readonly first?: readonly (readonly [string, string])[]
}) {
  const id = useId()
  const value = filter[name] ?? ''
  const options = [...first, ...list.map((one) => (typeof one === 'string' ? ([one, one] as const) : one))]
  if (value !== '' && !options.some(([v]) => v === value)) options.unshift([value, value])
  return (
    <div class="field">
      <label for={id}>{filterTitles[name]}</label>
      <select id={id} value={value} onChange={(e) => onChange({ [name]: e.currentTarget.value })}>
        <option value="">any</option>
        {options.map(([v, title]) => (
          <option key={v} value={v}>
            {title}
          </option>
        ))}
      </select>
    </div>
  )
}

function Text({
  name,
  type = 'text',
  list,
  filter,
  onChange,
}: Props & { readonly name: FilterName; readonly type?: 'text' | 'number'; readonly list?: readonly string[] | undefined }) {
  const id = useId()
  return (
    <div class="field">
      <label for={id}>{filterTitles[name]}</label>
      <input
        id={id}
        type={type}
        min={type === 'number' ? 0 : undefined}
        value={filter[name] ?? ''}
        list={list ? `${id}-list` : undefined}
        autocomplete="off"
        onChange={(e) => onChange({ [name]: e.currentTarget.value.trim() })}
      />
      {list && (
        <datalist id={`${id}-list`}>
          {list.map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
      )}
    </div>
  )
}

function Check({ name, filter, onChange, children }: Props & { readonly name: FilterName; readonly children: ComponentChildren }) {
  return (
    <label class="check">
      <input
        type="checkbox"
        checked={filter[name] === 'true'}
        onChange={(e) => onChange({ [name]: e.currentTarget.checked || undefined })}
      />
      {children}
    </label>
  )
}
