/** One KMS host: its counts over time and what is to be expected of them, who asks it, its duplicates, its checks. */
import type { HostHistoryAnswer } from '../../../src/schemas/api.ts'
import { api } from '../addresses.ts'
import { useAnswer } from '../answer.ts'
import { PageTitle, Shown, Step, Time } from '../parts.ts'
import { count } from '../words.ts'
import { Checks, Duplicates } from './host-checks.tsx'
import { HostClients } from './host-clients.tsx'
import { Counts, type Forecast } from './host-count-chart.tsx'
import { groupTitle, HostState, hostTitle, levelWords, sourceWords } from './host-counts.tsx'
import { CheckNow } from './hosts.tsx'
import { useQuietReload } from './quiet-reload.ts'
import './overview.css'

type Host = HostHistoryAnswer['host']

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
              since <Time at={host.since} exact />,{' '}
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
  const said: { readonly text: string; readonly since?: number | null; readonly next: readonly string[] }[] = [
    ...(host.cause
      ? [{ text: host.cause, since: host.causeSince, next: host.next }]
      : host.problem
        ? [{ text: host.problem.summary, next: host.problem.next }]
        : []),
    ...(host.declared
      ? []
      : [
          {
            text: 'The site file does not name it, and no DNS of yours publishes it.',
            next: ['If it is yours, name it in the site file. If it is not, look at the origin of the machines that use it.'],
          },
        ]),
    ...(host.alive === false && host.ports.length > 0 && host.cause === null
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
          <span class="need-text">
            {s.text}
            {typeof s.since === 'number' && (
              <span class="quiet">
                {' '}
                (since <Time at={s.since} exact />)
              </span>
            )}
          </span>
          {s.next.map((n) => (
            <span key={n} class="quiet">
              Next: <Step text={n} />
            </span>
          ))}
        </li>
      ))}
    </ul>
  )
}
