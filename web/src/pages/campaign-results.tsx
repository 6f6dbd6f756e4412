/** What came of the machines of a campaign: by cause, by location, and each of them. */
import { useLocation } from 'preact-iso'
import type { z } from 'zod'
import type { CampaignAnswer, TargetAnswer, targetsPageSchema } from '../../../src/schemas/api.ts'
import { api, page, pageOfCampaign, pageOfMachine } from '../addresses.ts'
import { useAnswer } from '../answer.ts'
import { type Column, DataTable, Empty, Pager, Shown, Step, Tag, Time, VerdictTag } from '../parts.ts'
import { count, number } from '../words.ts'
import { useAnchor } from './anchor.ts'
import { changes, type Group, groupTone, groupWords } from './campaign-words.ts'
import { useReloadWith } from './quiet-reload.ts'

/** As many groups as are read; the machines of all are below. */
const groupsShown = 30
const limit = 50

/** Where the machines of a group are: the same page, with them. */
const pageOfGroup = (c: CampaignAnswer, g: Group): string =>
  `${page(pageOfCampaign(c.id), { view: 'machines', state: g.state, result: g.result, problem: g.problem })}#machines`

/** What would be changed is a sentence; everything else a word with its shape. */
function Came({ kind, of }: { readonly kind: CampaignAnswer['kind']; readonly of: Pick<Group, 'state' | 'result' | 'problem'> }) {
  const words = groupWords(kind, of)
  if (kind === 'plan' && of.state === 'done' && changes(of.result)) return <span class="sentence">{words}</span>
  return <Tag tone={groupTone(kind, of)}>{words}</Tag>
}

/** More steps than these are on the page of the machine. */
const stepsShown = 2

/** What one of the machines said, with what to try; of a code that an older slmctl met, the code alone. */
function Why({ group: g }: { readonly group: Group }) {
  if (g.reasons.length === 0) return g.problem && <code>{g.problem}</code>
  return (
    <ul class="reasons">
      {g.reasons.map((r) => (
        <li key={r.code}>
          <p>
            {g.machines > 1 && <span class="quiet">For example: </span>}
            {r.text}
          </p>
          {r.next.length > 0 && (
            <ul class="next">
              {r.next.slice(0, stepsShown).map((n) => (
                <li key={n}>
                  <Step text={n} />
                </li>
              ))}
            </ul>
          )}
          {g.problem === r.code && <code class="quiet">{r.code}</code>}
        </li>
      ))}
    </ul>
  )
}

export function Results({ campaign: c }: { readonly campaign: CampaignAnswer }) {
  const columns: readonly Column<Group>[] = [
    { id: 'what', title: 'What came of them', head: true, cell: (g) => <Came kind={c.kind} of={g} /> },
    { id: 'machines', title: 'Machines', number: true, cell: (g) => <a href={pageOfGroup(c, g)}>{number(g.machines)}</a> },
    ...(c.groups.some((g) => g.problem || g.reasons.length > 0)
      ? [{ id: 'problem', title: 'Why, and what to do', wide: true, cell: (g: Group) => <Why group={g} /> }]
      : []),
  ]
  const ended = c.groups.filter((g) => g.state !== 'leased' && !(g.state === 'waiting' && g.problem === null))
  const shown = ended.slice(0, groupsShown)
  const rest = ended.slice(groupsShown).reduce((n, g) => n + g.machines, 0)
  return (
    <section aria-labelledby="results">
      <h2 id="results">{c.kind === 'plan' ? 'What would change' : 'Results by cause'}</h2>
      <DataTable
        caption="Machines by what came of them, most machines first"
        columns={columns}
        rows={shown}
        keyOf={(g) => `${g.state} ${g.result} ${g.problem}`}
        empty={<Empty title="No machine has ended yet." />}
      />
      {rest > 0 && <p class="quiet">{count(rest, 'machine')} of other kinds: they are among the machines below.</p>}
    </section>
  )
}

const places: readonly Column<CampaignAnswer['locations'][number]>[] = [
  { id: 'name', title: 'Location', head: true, cell: (l) => (l.name === '-' ? 'no location fits' : l.name) },
  { id: 'machines', title: 'Machines', number: true, cell: (l) => l.machines },
  { id: 'left', title: 'Left', number: true, cell: (l) => l.left },
]

export function Locations({ campaign }: { readonly campaign: CampaignAnswer }) {
  return (
    <section aria-labelledby="locations">
      <h2 id="locations">Locations</h2>
      <DataTable caption="Locations of the machines" columns={places} rows={campaign.locations} keyOf={(l) => l.name} />
    </section>
  )
}

/** The machines, all or those of one group. */
export function Targets({ campaign: c }: { readonly campaign: CampaignAnswer }) {
  const { query } = useLocation()
  const { state, result, problem, after } = query
  const answer = useAnswer<z.output<typeof targetsPageSchema>>(
    api.campaignMachines(c.id),
    { state, result, problem, limit, after },
    { keep: true },
  )
  useReloadWith(c.groups, answer.reload)
  useAnchor('machines', answer.state !== 'loading')
  const columns: readonly Column<TargetAnswer>[] = [
    { id: 'name', title: 'Machine', head: true, cell: (t) => <a href={pageOfMachine(t.machine)}>{t.name}</a> },
    {
      id: 'came',
      title: 'What came of it',
      cell: (t) => (
        <>
          <Came kind={c.kind} of={t} /> {t.problem && <code>{t.problem}</code>}
        </>
      ),
    },
    ...(c.locations.length > 1
      ? [{ id: 'site', title: 'Location', minor: true, cell: (t: TargetAnswer) => (t.site === '-' ? '' : t.site) }]
      : []),
    ...(c.kind === 'apply' ? [{ id: 'now', title: 'Verdict now', cell: (t: TargetAnswer) => <VerdictTag verdict={t.verdict} /> }] : []),
    { id: 'attempts', title: 'Tries', number: true, minor: true, cell: (t) => t.attempts },
    { id: 'ended', title: 'Ended', cell: (t) => (t.endedAt === null ? <span class="quiet">not yet</span> : <Time at={t.endedAt} />) },
  ]
  const part = state !== undefined || result !== undefined || problem !== undefined
  return (
    <>
      <h2>Machines</h2>
      {part && (
        <p>
          Only: {groupWords(c.kind, { state: (state ?? 'done') as Group['state'], result: result ?? null, problem: problem ?? null })}
          {problem && ` (${problem})`}.{' '}
          <a href={`${page(pageOfCampaign(c.id), { view: 'machines' })}#machines`}>All machines of this campaign</a>
        </p>
      )}
      <Shown answer={answer} what="the machines" rows={12}>
        {({ rows, next }) => (
          <>
            <DataTable
              caption="Machines of this campaign"
              columns={columns}
              rows={rows}
              keyOf={(t) => t.machine}
              empty={<Empty title={part ? 'No machine is in this group now.' : 'This campaign has no machines.'} />}
            />
            <Pager next={next} shown={rows.length} limit={limit} total={part ? undefined : c.machines} />
          </>
        )}
      </Shown>
    </>
  )
}
