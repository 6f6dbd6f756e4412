/** What needs somebody today, and how the fleet stands. */
import './overview.css'
import type { Today } from '../../../src/schemas/api.ts'
import { api, page, pageOfHost } from '../addresses.ts'
import { useAnswer } from '../answer.ts'
import { ExpiryChart } from '../charts/expiry.tsx'
import { type Column, DataTable, Empty, PageTitle, Shown, Step, Time } from '../parts.ts'
import { useMay } from '../session.ts'
import { count, number } from '../words.ts'
import { StartCampaign } from './campaign-start.tsx'
import { Origins, States } from './fleet-parts.tsx'
import { HostCounts, HostState, hostTitle, MachinesOf } from './host-counts.tsx'
import { Changes } from './overview-changes.tsx'
import { Needs } from './overview-needs.tsx'
import { fleetPauseMs, useQuietReload } from './quiet-reload.ts'

export default function Overview() {
  const answer = useAnswer<Today>(api.today)
  useQuietReload(['fleet', 'hosts', 'campaign'], answer.reload, fleetPauseMs)
  const operator = useMay('operator')
  return (
    <>
      <PageTitle title="What needs you today" tab="Overview" lead={answer.value && <Asked today={answer.value} />}>
        {operator && answer.value !== null && answer.value.summary.counts.machines.listed > 0 && (
          <StartCampaign kind="scan" label="Ask all machines now" />
        )}
      </PageTitle>
      <Shown answer={answer} what="what needs you today" rows={24}>
        {(today) => (
          <div class="sections">
            {today.summary.counts.machines.listed === 0 ? (
              <Empty title="The fleet has no machines yet.">
                <p>
                  {operator ? <a href="/machines/import">Add machines</a> : 'An operator adds machines'} from a list, a table or a
                  directory, and then ask them. On a command line: <code>slmctl fleet import FILE</code>, then{' '}
                  <code>slmctl fleet scan</code>.
                </p>
              </Empty>
            ) : (
              <>
                <div class="today">
                  <Needs today={today} />
                  <div class="stack">
                    <section class="panel" aria-label="States">
                      <States counts={today.summary.counts} />
                    </section>
                    <section class="panel" aria-label="Origins">
                      <Origins counts={today.summary.counts} />
                    </section>
                  </div>
                </div>
                <Standing today={today} />
              </>
            )}
          </div>
        )}
      </Shown>
    </>
  )
}

/** When the machines were asked: all below is as of then. */
function Asked({ today: { scanned, summary } }: { readonly today: Today }) {
  if (scanned.lastAt === null) return <>No machine has been asked yet.</>
  return (
    <>
      {count(summary.counts.machines.listed, 'machine')}. The last answer came <Time at={scanned.lastAt} />
      {scanned.oldestAt !== null && scanned.lastAt - scanned.oldestAt > 86_400_000 && (
        <>
          , the oldest one <Time at={scanned.oldestAt} />
        </>
      )}
      {scanned.never > 0 && (
        <>
          ; <a href={page('/machines', { 'never-seen': true })}>{count(scanned.never, 'machine')}</a> never answered
        </>
      )}
      .
    </>
  )
}

function Standing({ today }: { readonly today: Today }) {
  return (
    <>
      <section class="panel" aria-label="Expiry">
        <ExpiryChart {...today.expiry} />
      </section>
      <Causes causes={today.summary.causes} />
      <Hosts hosts={today.hosts} />
      <Changes changes={today.changes} />
    </>
  )
}

/** As many as are read; the page of machines has the others by its filters. */
const causesShown = 8
type Cause = Today['summary']['causes'][number]

const causeColumns: readonly Column<Cause>[] = [
  {
    id: 'machines',
    title: 'Machines',
    number: true,
    cell: (c) => <a href={page('/machines', c.problem === null ? { cause: c.cause } : { problem: c.problem })}>{number(c.machines)}</a>,
  },
  {
    id: 'text',
    title: 'What is the matter',
    head: true,
    cell: (c) => <span class="sentence">{c.problem === null ? c.text : `Could not be asked (${c.problem}), for example: ${c.text}`}</span>,
  },
  { id: 'next', title: 'Next', cell: (c) => <span class="sentence">{c.next && <Step text={c.next} />}</span> },
]

function Causes({ causes }: { readonly causes: readonly Cause[] }) {
  if (causes.length === 0) return null
  return (
    <section aria-labelledby="causes">
      <h2 id="causes">What keeps machines from being in order</h2>
      <DataTable
        caption="What keeps machines from being in order, most machines first"
        columns={causeColumns}
        rows={causes.slice(0, causesShown)}
        keyOf={(c) => `${c.cause} ${c.problem}`}
      />
      {causes.length > causesShown && (
        <p class="quiet">
          {causes.length - causesShown} more, with fewer machines:{' '}
          <a href={page('/machines', { verdict: 'action,attention,cannot-tell' })}>all of these machines</a>
        </p>
      )}
    </section>
  )
}

const hostColumns: readonly Column<Today['hosts'][number]>[] = [
  {
    id: 'name',
    title: 'Host',
    head: true,
    cell: (h) => (
      <a class="name" href={pageOfHost(h.name, h.port)}>
        {hostTitle(h)}
      </a>
    ),
  },
  { id: 'state', title: 'State', cell: (h) => <HostState state={h.state} /> },
  { id: 'counts', title: 'Count', cell: (h) => <HostCounts host={h} /> },
  { id: 'clients', title: 'Machines that use it', number: true, cell: (h) => <MachinesOf host={h} /> },
  {
    id: 'checked',
    title: 'Checked',
    minor: true,
    cell: (h) => (
      <span class="line">
        <Time at={h.checkedAt} />
      </span>
    ),
  },
]

function Hosts({ hosts }: { readonly hosts: Today['hosts'] }) {
  return (
    <section aria-labelledby="hosts">
      <h2 id="hosts">
        <a href="/hosts">KMS hosts</a>
      </h2>
      <DataTable
        caption="KMS hosts and their counts"
        columns={hostColumns}
        rows={hosts}
        keyOf={(h) => `${h.name}:${h.port}`}
        empty={
          <Empty title="No KMS host is known yet.">
            <p>
              <a href="/hosts">A check</a> finds those that the site file names, and those that DNS publishes.
            </p>
          </Empty>
        }
      />
    </section>
  )
}
