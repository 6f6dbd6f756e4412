/** The columns that a list of machines may have, and which of them are shown. */
import type { MachineLine, ProductLine } from '../../../src/schemas/fleet.ts'
import { pageOfMachine } from '../addresses.ts'
import { type Column, DaysLeft, Menu, OriginTag, StateTag, Time, VerdictTag } from '../parts.ts'
import { count, productTitle } from '../words.ts'

const present = (m: MachineLine) => m.products.filter((p) => p.goneAt === null)
const soonest = (m: MachineLine) =>
  present(m).reduce<number | null>((end, p) => (p.expiresAt !== null && (end === null || p.expiresAt < end) ? p.expiresAt : end), null)

/** What products say, each once. */
const distinct = (m: MachineLine, of: (p: ProductLine) => string | null) => [...new Set(present(m).flatMap((p) => of(p) ?? []))]

const all = [
  {
    id: 'name',
    csv: 'name',
    title: 'Machine',
    sort: 'name',
    head: true,
    cell: (m) => (
      <>
        <a href={pageOfMachine(m.id)}>{m.name}</a>
        {m.vanishedAt !== null && <span class="quiet"> (gone)</span>}
      </>
    ),
  },
  { id: 'verdict', csv: 'verdict', title: 'Verdict', sort: 'verdict', cell: (m) => <VerdictTag verdict={m.verdict} /> },
  { id: 'headline', csv: 'headline,problem_summary', title: 'What is known', wide: true, cell: (m) => <Known machine={m} /> },
  { id: 'origin', csv: 'origin', title: 'Origin', sort: 'origin', cell: (m) => <OriginTag origin={m.origin} /> },
  {
    id: 'expires',
    csv: 'soonest_end_utc',
    title: 'Days left',
    sort: 'expires',
    number: true,
    cell: (m) => <Left machine={m} />,
  },
  { id: 'host', csv: 'hosts', title: 'KMS host', cell: (m) => distinct(m, (p) => p.host).map((host) => <div key={host}>{host}</div>) },
  { id: 'seen', csv: 'last_seen_utc', title: 'Last answer', sort: 'seen', cell: (m) => <Time at={m.seenAt} /> },
  { id: 'asked', csv: 'last_asked_utc', title: 'Last asked', cell: (m) => <Time at={m.askedAt} /> },
  { id: 'system', csv: 'system', title: 'System', sort: 'system', cell: (m) => m.system },
  {
    id: 'problem',
    csv: 'problem',
    title: 'Problem',
    sort: 'problem',
    cell: (m) => m.problem && <code title={m.problem.summary}>{m.problem.code}</code>,
  },
  { id: 'product', csv: 'products', title: 'Products', cell: (m) => distinct(m, productTitle).map((name) => <div key={name}>{name}</div>) },
  {
    id: 'state',
    csv: 'states',
    title: 'State',
    cell: (m) => distinct(m, (p) => p.state).map((state) => <StateTag key={state} state={state} />),
  },
  { id: 'next', csv: 'next', title: 'Next step', wide: true, cell: (m) => m.next[0] },
  { id: 'address', csv: 'address', title: 'Address', cell: (m) => m.address },
  { id: 'pool', csv: 'pool', title: 'Pool', cell: (m) => m.pool },
] as const satisfies readonly (Column<MachineLine> & { /** What it is called in the table that is saved. */ readonly csv: string })[]

export type ColumnId = (typeof all)[number]['id']
const usual: readonly ColumnId[] = ['name', 'verdict', 'headline', 'origin', 'expires', 'host', 'seen']

/** Which columns an address wishes; without a word, the usual ones. */
export function columnsOf(text: string | undefined): readonly ColumnId[] {
  const wished = text?.split(',') ?? []
  const known = all.filter((c) => c.id === 'name' || wished.includes(c.id)).map((c) => c.id)
  return known.length > 1 ? known : usual
}
export const csvColumns = (chosen: readonly ColumnId[]): string => all.flatMap((c) => (chosen.includes(c.id) ? c.csv : [])).join(',')
export const shownColumns = (chosen: readonly ColumnId[]): readonly Column<MachineLine>[] => all.filter((c) => chosen.includes(c.id))

/** What is left of what ends soonest. Without an end it holds for good only where all of it is licensed. */
function Left({ machine: m }: { readonly machine: MachineLine }) {
  const until = soonest(m)
  const licensed = present(m).length > 0 && present(m).every((p) => p.state === 'licensed')
  return until === null && !licensed ? <span class="quiet none">–</span> : <DaysLeft until={until} seenAt={m.seenAt} />
}

/** What stands of a machine in one cell: the headline, and why it could not be asked, which makes the headline old. */
function Known({ machine: { headline, verdict, problem } }: { readonly machine: MachineLine }) {
  return (
    <>
      {headline && <span class={verdict === 'ok' ? 'quiet' : undefined}>{headline}</span>}
      {problem && (
        <div class="cell-problem">
          Could not be asked {problem.times > 1 ? `${count(problem.times, 'time')}, ` : ''}since <Time at={problem.since} exact />:{' '}
          {problem.summary}
        </div>
      )}
    </>
  )
}

export function ColumnChoice({
  chosen,
  onChoose,
}: {
  readonly chosen: readonly ColumnId[]
  readonly onChoose: (columns: string | undefined) => void
}) {
  const choose = (id: ColumnId, on: boolean) => {
    const next = all.map((c) => c.id).filter((c) => (c === id ? on : chosen.includes(c)))
    onChoose(next.join() === usual.join() ? undefined : next.join(','))
  }
  return (
    <Menu label="Columns">
      {() => (
        <fieldset class="checks">
          <legend>Columns</legend>
          {all
            .filter((c) => c.id !== 'name')
            .map((c) => (
              <label key={c.id} class="check">
                <input type="checkbox" checked={chosen.includes(c.id)} onChange={(e) => choose(c.id, e.currentTarget.checked)} />
                {c.title}
              </label>
            ))}
          <button type="button" class="as-link" onClick={() => onChoose(undefined)}>
            The usual ones
          </button>
        </fieldset>
      )}
    </Menu>
  )
}
