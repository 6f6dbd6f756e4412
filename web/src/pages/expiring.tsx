/** What ends soon, soonest first, if nothing renews it. */
import { useLocation } from 'preact-iso'
import type { PageOf } from '../../../src/schemas/api.ts'
import type { ExpiringLine } from '../../../src/schemas/fleet.ts'
import { api, page, pageOfMachine } from '../addresses.ts'
import { useAnswer } from '../answer.ts'
import { dayName } from '../charts/scale.ts'
import { filterOf, filterWords } from '../machines/filter.ts'
import { type Column, DataTable, DaysLeft, Empty, Pager, PageTitle, Shown, StateTag, Time } from '../parts.ts'
import { applications, count, methods, wordOf } from '../words.ts'
import { useQuietReload } from './quiet-reload.ts'

const limit = 100
const usual = 30
const spans = [7, 14, 30, 60, 90, 180] as const

const columns: readonly Column<ExpiringLine>[] = [
  { id: 'expires', title: 'Days left', number: true, cell: (e) => <DaysLeft until={e.expiresAt} seenAt={e.seenAt} /> },
  { id: 'date', title: 'Ends', cell: (e) => <Time at={e.expiresAt} exact /> },
  { id: 'name', title: 'Machine', head: true, cell: (e) => <a href={pageOfMachine(e.machine)}>{e.name}</a> },
  { id: 'product', title: 'Product', wide: true, cell: (e) => e.product ?? wordOf(applications, e.application) },
  { id: 'state', title: 'State', cell: (e) => <StateTag state={e.state} /> },
  { id: 'method', title: 'Method', minor: true, cell: (e) => wordOf(methods, e.method) },
  { id: 'host', title: 'KMS host', cell: (e) => e.host },
  { id: 'seen', title: 'Last answer', cell: (e) => <Time at={e.seenAt} /> },
]

/** The days that are looked at. What is no day is for the server to say. */
function daysInWords(days: number, from: string | undefined): string {
  if (from === undefined) return `within ${count(days, 'day')}`
  const first = Date.parse(`${from}T00:00:00Z`)
  if (Number.isNaN(first)) return `from ${from} on`
  return days === 1 ? `on ${dayName(first)} (UTC)` : `from ${dayName(first)} to ${dayName(first + (days - 1) * 86_400_000)} (UTC)`
}

export default function Expiring() {
  const { query, path, route } = useLocation()
  const asked = Number(query.days ?? usual)
  const days = Number.isInteger(asked) && asked > 0 ? asked : usual
  const { days: _, ...filter } = filterOf(query)
  const { from } = query
  const answer = useAnswer<PageOf<ExpiringLine>>(api.expiring, { ...filter, from, days, limit, after: query.after }, { keep: true })
  useQuietReload(['fleet'], answer.reload)
  const meant = filterWords(filter)
  const when = daysInWords(days, from)
  const to = (n: number) => page(path, { ...query, days: n === usual ? undefined : n, after: undefined, page: undefined })
  return (
    <>
      <PageTitle title="Expiring" lead={`What ends ${when} unless it is renewed, soonest first.`}>
        {from === undefined && (
          <a class="button" href={page('/machines', { ...filter, days, sort: 'expires' })}>
            As a list of machines
          </a>
        )}
      </PageTitle>
      <div class="filters filters-row">
        {from !== undefined ? (
          <p class="filters-said">
            Only what ends {when}.{' '}
            <a href={page(path, { ...query, from: undefined, days: undefined, after: undefined })}>All that ends soon</a>
          </p>
        ) : (
          <div class="field">
            <label for="days">Within</label>
            <select id="days" value={String(days)} onChange={(e) => route(to(Number(e.currentTarget.value)))}>
              {[...new Set([...spans, days])]
                .sort((a, b) => a - b)
                .map((n) => (
                  <option key={n} value={String(n)}>
                    {count(n, 'day')}
                  </option>
                ))}
            </select>
          </div>
        )}
        {meant.length > 0 && (
          <p class="filters-said">
            Only machines with: {meant.join('; ')}. <a href={page(path, { days: query.days, from })}>All machines</a>
          </p>
        )}
      </div>
      <Shown answer={answer} what="what ends soon" rows={16}>
        {(value) => (
          <>
            <DataTable
              caption={`Products that end ${when}`}
              columns={columns}
              rows={value.rows}
              keyOf={(e, i) => `${e.machine}-${i}`}
              busy={answer.busy}
              empty={
                <Empty title={`Nothing ends ${when}, as far as machines answered.`}>
                  <p>KMS gives 180 days and renews every 7: a machine that reaches its KMS host never comes close to the end.</p>
                </Empty>
              }
            />
            <Pager next={value.next} shown={value.rows.length} limit={limit} />
          </>
        )}
      </Shown>
    </>
  )
}
