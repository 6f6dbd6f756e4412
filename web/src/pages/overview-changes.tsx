/** What changed in the fleet since yesterday. */
import type { FleetChange, Today } from '../../../src/schemas/api.ts'
import { pageOfMachine } from '../addresses.ts'
import { type Column, DataTable, OriginTag, Tag, Time, type Tone } from '../parts.ts'
import { states, wordOf } from '../words.ts'

const changeWords: Readonly<Record<FleetChange['kind'], string>> = {
  lapsed: 'lapsed',
  restored: 'in order again',
  changed: 'changed',
  silent: 'do not answer any more',
  answered: 'answer again',
  added: 'new in the fleet',
  vanished: 'in no source any more',
  foreign: 'foreign or suspect',
}
const changeTone: Readonly<Record<FleetChange['kind'], Tone>> = {
  ...{ lapsed: 'bad', foreign: 'bad', silent: 'look', vanished: 'look' },
  ...{ restored: 'good', answered: 'good', added: 'plain', changed: 'plain' },
}
const changeOne: Readonly<Record<FleetChange['kind'], string>> = { ...changeWords, silent: 'does not answer', answered: 'answers again' }

const changeColumns: readonly Column<FleetChange>[] = [
  {
    id: 'at',
    title: 'When',
    cell: (c) => (
      <span class="line">
        <Time at={c.at} />
      </span>
    ),
  },
  {
    id: 'machine',
    title: 'Machine',
    head: true,
    cell: (c) => (
      <a class="name" href={pageOfMachine(c.machine)}>
        {c.name}
      </a>
    ),
  },
  { id: 'kind', title: 'What', cell: What },
  { id: 'product', title: 'Product', minor: true, cell: (c) => c.product ?? '' },
  { id: 'from', title: 'Before and now', cell: (c) => <FromTo from={c.from} to={c.to} /> },
]

/** What is suspect is not said to be foreign. */
function What({ kind, to }: FleetChange) {
  if (kind === 'foreign' && (to === 'foreign' || to === 'suspect')) return <OriginTag origin={to} />
  return <Tag tone={changeTone[kind]}>{changeOne[kind]}</Tag>
}

/** Machines that are new are counted; where they are many, they would hide everything else. */
const addedShown = 5

function FromTo({ from, to }: { readonly from: string | null; readonly to: string | null }) {
  const word = (code: string) => wordOf(states, code)
  if (from === null) return <>{to === null ? '' : word(to)}</>
  return (
    <span class="from-to">
      {word(from)} <span aria-hidden="true">→</span>
      <span class="unseen">, now </span> {to === null ? 'nothing' : word(to)}
    </span>
  )
}

export function Changes({ changes: { since, counts, rows } }: { readonly changes: Today['changes'] }) {
  const kinds = (Object.keys(changeWords) as FleetChange['kind'][]).filter((k) => (counts[k] ?? 0) > 0)
  const shown = (counts.added ?? 0) > addedShown ? rows.filter((r) => r.kind !== 'added') : rows
  return (
    <section aria-labelledby="changes">
      <h2 id="changes">
        What changed since <Time at={since} exact />
      </h2>
      {kinds.length === 0 ? (
        <p class="quiet">Nothing changed.</p>
      ) : (
        <>
          <ul class="change-counts">
            {kinds.map((k) => (
              <li key={k}>
                <b>{counts[k]}</b> {counts[k] === 1 ? changeOne[k] : changeWords[k]}
              </li>
            ))}
          </ul>
          {shown.length > 0 && <DataTable caption="The latest changes" columns={changeColumns} rows={shown} keyOf={(_c, i) => i} />}
        </>
      )}
    </section>
  )
}
