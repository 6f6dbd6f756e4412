/** All machines: filtered and sorted by the store, whatever their number. The whole view is its address. */
import { useLocation } from 'preact-iso'
import type { MachinesPage } from '../../../src/schemas/api.ts'
import { api, page, type Query } from '../addresses.ts'
import { useAnswer } from '../answer.ts'
import { ColumnChoice, columnsOf, csvColumns, shownColumns } from '../machines/columns.tsx'
import { filterOf, hasFilter } from '../machines/filter.ts'
import { Filters } from '../machines/filters.tsx'
import { Views } from '../machines/views.tsx'
import { DataTable, Empty, Pager, PageTitle, Shown } from '../parts.ts'
import { useMay } from '../session.ts'
import { count } from '../words.ts'
import { StartCampaign } from './campaign-start.tsx'
import { useQuietReload } from './quiet-reload.ts'

/** Enough to scroll through at one go; the next are one key away. */
const limit = 100

export default function Machines() {
  const { query, route, path } = useLocation()
  const filter = filterOf(query)
  const sort = query.sort ?? 'name'
  const columns = columnsOf(query.columns)
  const rows = useAnswer<MachinesPage>(api.machines, { ...filter, sort, limit, after: query.after }, { keep: true })
  const numbers = useAnswer<{ readonly count: number }>(api.machinesCount, filter, { keep: true })
  const operator = useMay('operator')
  useQuietReload(['fleet'], () => {
    rows.reload()
    numbers.reload()
  })
  const to = (change: Query) => route(page(path, { ...query, after: undefined, page: undefined, ...change }))
  const total = numbers.state === 'ready' ? numbers.value.count : null
  return (
    <>
      <PageTitle
        title="Machines"
        lead={
          <span role="status">
            {total === null
              ? '\u00a0'
              : hasFilter(filter)
                ? `${count(total, 'machine')} with these filters`
                : `${count(total, 'machine')} in the fleet`}
          </span>
        }
      >
        {operator && (
          <>
            <a class="button" href="/machines/import">
              Add machines
            </a>
            <StartCampaign kind="scan" label="Ask these" filter={filter} disabled={!total} />
            <StartCampaign kind="plan" label="Plan these" filter={filter} disabled={!total} />
          </>
        )}
        <Views />
        <ColumnChoice chosen={columns} onChoose={(chosen) => to({ columns: chosen, after: query.after, page: query.page })} />
        <a class="button" href={page(api.machinesExport, { ...filter, sort, columns: csvColumns(columns) })} download>
          Export CSV
        </a>
      </PageTitle>
      <Filters filter={filter} onChange={to} />
      <Shown answer={rows} what="machines" rows={16}>
        {(answer) => (
          <>
            <DataTable
              caption="Machines"
              columns={shownColumns(columns)}
              rows={answer.rows}
              keyOf={(m) => m.id}
              sort={sort}
              onSort={(by) => to({ sort: by === 'name' ? undefined : by })}
              busy={rows.busy}
              empty={<Nothing filtered={hasFilter(filter)} after={query.after !== undefined} />}
            />
            <Pager next={answer.next} shown={answer.rows.length} limit={limit} total={total} />
          </>
        )}
      </Shown>
    </>
  )
}

function Nothing({ filtered, after }: { readonly filtered: boolean; readonly after: boolean }) {
  const operator = useMay('operator')
  if (after) return <Empty title="Nothing more.">The machines that stood here are on another page now.</Empty>
  if (filtered)
    return (
      <Empty title="No machine is meant by these filters.">
        <p>
          <a href="/machines">All machines</a>
        </p>
      </Empty>
    )
  return (
    <Empty title="The fleet has no machines yet.">
      <p>
        {operator ? <a href="/machines/import">Add machines</a> : 'An operator adds machines'} from a list, recordings, the site file or a
        directory; on a command line: <code>slmctl fleet import FILE</code>.
      </p>
    </Empty>
  )
}
