/** One KMS host: its counts over time and what is to be expected of them, who asks it, its duplicates, its checks. */
import type { z } from 'zod'
import type { HostHistoryAnswer } from '../../../src/schemas/api.ts'
import type { hostsSchema } from '../../../src/schemas/hosts.ts'
import { api, page, pageOfMachine } from '../addresses.ts'
import { useAnswer } from '../answer.ts'
import { type Expected, StepChart } from '../charts/steps.tsx'
import { type Column, DataTable, Empty, PageTitle, Shown, Time, useNow } from '../parts.ts'
import { count, day } from '../words.ts'
import { HostClients } from './host-clients.tsx'
import { groupTitle, HostState, hostTitle, isOld, levelWords, sourceWords } from './host-counts.tsx'
import { CheckNow } from './hosts.tsx'
import { useQuietReload } from './quiet-reload.ts'
import './overview.css'

type Host = HostHistoryAnswer['host']
type Group = Host['groups'][number]
type Forecast = z.output<typeof hostsSchema>['hosts'][number]['forecast'][number]

export default function HostPage({ name, port }: { readonly name: string; readonly port: string }) {
  const answer = useAnswer<HostHistoryAnswer>(api.host(name, port))
  useQuietReload(['hosts'], answer.reload)
  return (
    <>
      <PageTitle title={hostTitle({ name, port: Number(port) })} lead={answer.value && <Lead host={answer.value.host} />}>
        {answer.value?.host.declared && <CheckNow names={[name]} done={answer.reload} />}
      </PageTitle>
      <Shown answer={answer} what="the host" rows={16}>
        {(told) => (
          <div class="sections">
            <Next told={told} />
            <Counts told={told} />
            <HostClients host={told.host} />
            <Duplicates told={told} />
            <Checks told={told} />
          </div>
        )}
      </Shown>
    </>
  )
}

function Lead({ host }: { readonly host: Host }) {
  return (
    <>
      <HostState state={host.state} />{' '}
      {host.checkedAt === null ? (
        'Nobody checked it yet'
      ) : (
        <>
          {host.since !== null && (
            <>
              since <Time at={host.since} />,{' '}
            </>
          )}
          checked <Time at={host.checkedAt} />
        </>
      )}
      . It is {sourceWords(host)}.{host.system && ` It runs ${host.system}.`}
    </>
  )
}

/** What is wrong with it and what to do, in sentences; nothing where nothing is. */
function Next({ told: { host, forecast, duplicates } }: { readonly told: HostHistoryAnswer }) {
  const falls = (forecast as unknown as readonly Forecast[]).flatMap((f) => [
    ...(f.trend?.falls ?? []).map((fall) => ({ f, fall, when: '' })),
    ...(f.quiet?.falls ?? []).map((fall) => ({ f, fall, when: 'if the quiet machines do not come back, ' })),
  ])
  const short = host.groups.filter((g) => g.count !== null && g.thresholds.some((t) => g.count! < t.count))
  const said = [
    ...(host.problem ? [{ text: host.problem.summary, next: host.problem.next }] : []),
    ...(host.declared
      ? []
      : [
          {
            text: 'The site file does not name it, and no DNS of yours publishes it.',
            next: ['If it is yours, name it in the site file. If it is not, look at the origin of the machines that use it.'],
          },
        ]),
    ...(host.alive === false && host.ports.length > 0
      ? [
          {
            text: 'No KMS port of it answers: machines cannot renew there.',
            next: ['Look whether the machine runs, its service sppsvc, and the firewall for TCP 1688.'],
          },
        ]
      : []),
    ...short.map((g) => ({
      text: `${groupTitle(g)} counts ${levelWords(g)}. Until the count is reached, it activates none of these.`,
      next: ['The count grows with each machine that asks; it forgets a machine after 30 days.'],
    })),
    ...falls.map(({ f, fall, when }) => ({
      text: `${f.name}: ${when}the count ${fall.surely ? 'falls' : 'may fall'} below the ${fall.count} of ${fall.of} from ${fall.at} on.`,
      next: ['Look below who asks it, and who did not ask of late.'],
    })),
    ...(duplicates.length > 0
      ? [
          {
            text: `${count(
              duplicates.reduce((n, d) => n + d.count, 0),
              'machine',
            )} share a client ID with another: the host counts those as one.`,
            next: ['They are copies of one image: see below.'],
          },
        ]
      : []),
  ]
  if (said.length === 0)
    return host.checkedAt === null ? null : (
      <div class="state all-well">
        <p class="state-title">Nothing is to be done on this host.</p>
      </div>
    )
  return (
    <ul class="needs" aria-label="What this host needs">
      {said.map((s) => (
        <li key={s.text} class="need-attention need-plain">
          <span class="need-text">{s.text}</span>
          {s.next.map((n) => (
            <span key={n} class="quiet">
              Next: {n}
            </span>
          ))}
        </li>
      ))}
    </ul>
  )
}

function Counts({ told: { host, counts, forecast } }: { readonly told: HostHistoryAnswer }) {
  if (host.groups.length === 0)
    return (
      <Empty title="This host has not told its counts yet.">
        <p>A check asks it, where the site file says how it is reached. Its port alone does not tell them.</p>
      </Empty>
    )
  return (
    <div class="columns">
      {host.groups.map((g, i) => (
        <section key={g.key + g.application} class="panel" aria-label={groupTitle(g)}>
          <CountChart
            group={g}
            old={isOld(g, host.checkedAt)}
            counts={counts.filter((c) => c.key === g.key && c.application === g.application)}
            forecast={(forecast[i] as unknown as Forecast | undefined) ?? null}
          />
        </section>
      ))}
    </div>
  )
}

const dayMs = 86_400_000
/** A trend is drawn so far ahead; what is beyond is told in words. */
const drawnAheadDays = 60

type Counted = {
  readonly group: Group
  readonly old: boolean
  readonly counts: HostHistoryAnswer['counts']
  readonly forecast: Forecast | null
}

function CountChart({ group, old, counts, forecast }: Counted) {
  const now = useNow()
  const steps = counts.flatMap((c) => (c.count === null ? [] : [{ from: c.from, last: c.last, count: c.count }]))
  if (steps.length === 0) return <p>{groupTitle(group)}: it did not tell its count.</p>
  const last = steps.at(-1)!
  const expected = forecast ? expectedOf(forecast, last.count, now) : []
  return (
    <StepChart
      title={groupTitle(group)}
      unit="machines of the last 30 days"
      summary={`${old ? `As of ${day(group.at)}, for it did not tell since: ` : ''}${summaryOf(group, forecast)}`}
      yLabel="Machines"
      steps={steps}
      marks={group.thresholds}
      expected={expected}
      now={now}
      table={{
        columns: ['From', 'Until', 'Count'],
        rows: [
          ...steps.toReversed().map((s) => [day(s.from), day(s.last), s.count]),
          ...expected.map((e) => ['expected', `${day(e.at)}, ${e.name}`, e.count]),
        ],
      }}
    />
  )
}

function expectedOf(f: Forecast, count: number, now: number): readonly Expected[] {
  const quiet = f.quiet ? [{ name: 'if the quiet ones do not come back', at: Date.parse(f.quiet.by), count: f.quiet.left }] : []
  const perDay = (f.trend?.perWeek ?? 0) / 7
  const days = perDay < 0 ? Math.min(drawnAheadDays, count / -perDay) : drawnAheadDays
  const trend =
    f.trend && perDay !== 0
      ? [
          {
            name: 'if it goes on as it did',
            at: now + days * dayMs,
            count: Math.min(f.most, Math.max(0, Math.round(count + perDay * days))),
          },
        ]
      : []
  return [...quiet, ...trend].filter((e) => e.at > now).sort((a, b) => a.at - b.at)
}

function summaryOf(group: Group, f: Forecast | null): string {
  const parts = [`${levelWords(group)}.`]
  if (f && f.count !== null && f.count >= f.most) parts.push(`It shows no more than ${f.most}: there may be more.`)
  if (f?.users)
    parts.push(
      `${count(f.users.machines, 'machine')} asked in 30 days by what the ${f.users.from === 'log' ? 'log' : 'fleet'} says${f.users.quiet ? `; ${f.users.quiet} of them did not ask for 14 days` : ''}.`,
    )
  if (f?.trend && f.trend.perWeek !== 0) parts.push(`It ${f.trend.perWeek < 0 ? 'falls' : 'grows'} by ${Math.abs(f.trend.perWeek)} a week.`)
  if (f?.quiet) parts.push(`If the quiet ones do not come back, ${f.quiet.left} are left by ${f.quiet.by.slice(0, 10)}.`)
  return parts.join(' ')
}

type Duplicate = HostHistoryAnswer['duplicates'][number]
const duplicateColumns: readonly Column<Duplicate>[] = [
  { id: 'cmid', title: 'Client ID (CMID)', head: true, cell: (d) => <code>{d.cmid}</code> },
  { id: 'count', title: 'Machines', number: true, cell: (d) => d.count },
  {
    id: 'names',
    title: 'Which',
    cell: (d) => (
      <>
        {d.machines.map((m, i) => (
          <>
            {i > 0 && ', '}
            <a key={m.id} href={pageOfMachine(m.id)}>
              {m.name}
            </a>
          </>
        ))}
        {d.count > d.machines.length && ` and ${d.count - d.machines.length} more`}
        {d.pool && <div class="quiet">All belong to the pool {d.pool}: there it is as it should be.</div>}
      </>
    ),
  },
]

function Duplicates({ told: { duplicates } }: { readonly told: HostHistoryAnswer }) {
  if (duplicates.length === 0) return null
  return (
    <section aria-labelledby="duplicates">
      <h2 id="duplicates">Machines with the same client ID</h2>
      <p class="quiet">
        A host counts each client ID once. Machines that were copied from one image without generalising it (sysprep) share one, and the
        count stays low. <a href={page('/machines', { 'shared-cmid': true })}>All of the fleet</a>
      </p>
      <DataTable caption="Client IDs that several machines have" columns={duplicateColumns} rows={duplicates} keyOf={(d) => d.cmid} />
    </section>
  )
}

function Moment({ at }: { readonly at: number }) {
  return (
    <span class="line">
      <Time at={at} exact />
    </span>
  )
}

type Check = HostHistoryAnswer['checks'][number]
const portWords: Readonly<Record<string, string>> = {
  rpc: 'an RPC server answers',
  other: 'something else answers',
  silent: 'it accepts and stays silent',
  closed: 'it accepts and closes',
  refused: 'refused',
  'no-answer': 'no answer',
  unreachable: 'cannot be reached',
  'not-tried': 'not tried',
}
const checkColumns: readonly Column<Check>[] = [
  { id: 'last', title: 'Last', head: true, cell: (c) => <Moment at={c.last} /> },
  { id: 'from', title: 'Since', cell: (c) => <Moment at={c.from} /> },
  { id: 'times', title: 'Times', number: true, cell: (c) => c.times },
  { id: 'of', title: 'What', cell: (c) => (c.address === '' ? 'the host as a whole' : <code>{c.address}</code>) },
  {
    id: 'state',
    title: 'What it said',
    cell: (c) => (
      <>
        {c.address === '' ? <HostState state={c.state} /> : (portWords[c.state] ?? c.state)}
        {c.problem && (
          <div>
            {c.problem.summary} <code>{c.problem.code}</code>
          </div>
        )}
      </>
    ),
  },
]

function Checks({ told: { checks } }: { readonly told: HostHistoryAnswer }) {
  return (
    <section aria-labelledby="checks">
      <h2 id="checks">Checks</h2>
      <DataTable
        caption="Checks, the latest first"
        columns={checkColumns}
        rows={checks.toSorted((a, b) => b.last - a.last)}
        keyOf={(_c, i) => i}
        empty={<Empty title="Nobody checked this host yet." />}
      />
    </section>
  )
}
