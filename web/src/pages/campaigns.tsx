/** All campaigns, the newest first. */
import './campaign.css'
import './overview.css'
import { useLocation } from 'preact-iso'
import type { z } from 'zod'
import type { CampaignAnswer, campaignsPageSchema } from '../../../src/schemas/api.ts'
import { api, pageOfCampaign } from '../addresses.ts'
import { useAnswer } from '../answer.ts'
import { selectionWords } from '../machines/selection.ts'
import { type Column, DataTable, Empty, Pager, PageTitle, Shown, Tag, Time } from '../parts.ts'
import { useMay } from '../session.ts'
import { count, number } from '../words.ts'
import { StartCampaign } from './campaign-start.tsx'
import { campaignStates, changes, titleOf } from './campaign-words.ts'
import { useQuietReload } from './quiet-reload.ts'

const limit = 50

const columns: readonly Column<CampaignAnswer>[] = [
  { id: 'id', title: 'Campaign', head: true, cell: (c) => <a href={pageOfCampaign(c.id)}>{titleOf(c)}</a> },
  {
    id: 'state',
    title: 'State',
    cell: (c) => {
      const [tone, word] = campaignStates[c.state]
      return <Tag tone={tone}>{word}</Tag>
    },
  },
  {
    id: 'machines',
    title: 'Machines',
    number: true,
    cell: (c) => <span class="line">{`${number(c.done + c.failed + c.cancelled)} of ${number(c.machines)}`}</span>,
  },
  { id: 'came', title: 'What came of it', cell: (c) => cameOf(c) },
  {
    id: 'selection',
    title: 'Which machines',
    minor: true,
    cell: (c) =>
      c.plansOf === null ? (
        selectionWords(c.selection)
      ) : (
        <>
          what <a href={pageOfCampaign(c.plansOf)}>Plan {c.plansOf}</a> planned
        </>
      ),
  },
  { id: 'created', title: 'Begun', cell: (c) => <Time at={c.createdAt} /> },
]

/** One campaign in a few words. */
function cameOf(c: CampaignAnswer): string {
  const refused = c.groups.reduce(
    (n, g) => (g.state === 'done' && g.result !== 'nothing to change' && !changes(g.result) ? n + g.machines : n),
    0,
  )
  const parts = [
    ...(c.kind === 'plan' && c.planned > 0 ? [`${count(c.planned, 'machine')} would be changed`] : []),
    ...(c.kind === 'plan' && refused > 0 ? [`${refused} where nothing may be changed, or not enough is known`] : []),
    ...(c.kind !== 'plan' && c.bad > 0 ? [`${c.bad} not as wished`] : []),
    ...(c.unreachable > 0 ? [`${c.unreachable} could not be asked`] : []),
    ...(c.open > 0 ? [`${c.open} nobody knows`] : []),
    ...(c.because ? [c.because] : []),
  ]
  return parts.length > 0
    ? parts.join('; ')
    : c.state !== 'finished'
      ? ''
      : c.kind === 'plan'
        ? 'nothing is to be changed'
        : 'all as wished'
}

export default function Campaigns() {
  const { query } = useLocation()
  const operator = useMay('operator')
  const answer = useAnswer<z.output<typeof campaignsPageSchema>>(api.campaigns, { limit, after: query.after }, { keep: true })
  useQuietReload(['campaign'], answer.reload)
  return (
    <>
      <PageTitle title="Campaigns" lead="A scan, a plan or an apply over many machines: what runs, and what became of each.">
        {operator && (
          <>
            <StartCampaign kind="scan" label="Ask all machines" />
            <StartCampaign kind="plan" label="Plan for all machines" primary />
          </>
        )}
      </PageTitle>
      {!operator && <p class="quiet">Operators begin scans and plans, approvers carry plans out; your role may look.</p>}
      <Shown answer={answer} what="the campaigns" rows={10}>
        {({ rows, next }) => (
          <>
            <DataTable
              caption="Campaigns, the newest first"
              columns={columns}
              rows={rows}
              keyOf={(c) => c.id}
              busy={answer.busy && query.after !== undefined}
              empty={
                <Empty title="No campaign has been made yet.">
                  <p>
                    A scan asks machines what they have; a plan says what would be changed on them. Begin one here, from the page of
                    machines with its filters, or by <code>slmctl fleet scan</code>.
                  </p>
                </Empty>
              }
            />
            <Pager next={next} shown={rows.length} limit={limit} />
          </>
        )}
      </Shown>
    </>
  )
}
