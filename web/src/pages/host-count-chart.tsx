/** The counts of a host's keys over time, against what they must reach, and what is to be expected of them. */
import type { z } from 'zod'
import type { HostHistoryAnswer } from '../../../src/schemas/api.ts'
import type { hostsSchema } from '../../../src/schemas/hosts.ts'
import { type Expected, StepChart } from '../charts/steps.tsx'
import { Empty, useNow } from '../parts.ts'
import { count, day } from '../words.ts'
import { groupTitle, isOld, levelWords } from './host-counts.tsx'

type Group = HostHistoryAnswer['host']['groups'][number]
export type Forecast = z.output<typeof hostsSchema>['hosts'][number]['forecast'][number]

export function Counts({ told: { host, counts, forecast } }: { readonly told: HostHistoryAnswer }) {
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
