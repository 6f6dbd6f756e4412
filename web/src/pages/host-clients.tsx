/** Who asks a host, as the machines say themselves. */
import { useLocation } from 'preact-iso'
import type { z } from 'zod'
import type { HostHistoryAnswer, machinesPageSchema } from '../../../src/schemas/api.ts'
import { api, page, pageOfMachine } from '../addresses.ts'
import { useAnswer } from '../answer.ts'
import { type Column, DataTable, Empty, OriginTag, Pager, Shown, Time, VerdictTag } from '../parts.ts'
import { applications } from '../words.ts'

type Host = HostHistoryAnswer['host']
type Machine = z.output<typeof machinesPageSchema>['rows'][number]
/** As many as are read beside the rest of the page. */
const limit = 25

const kinds: readonly Column<Host['clients'][number]>[] = [
  { id: 'application', title: 'Product', head: true, cell: (c) => applications[c.application] },
  { id: 'machines', title: 'Machines', number: true, cell: (c) => c.machines },
  { id: 'licensed', title: 'Licensed', number: true, cell: (c) => c.licensed },
  { id: 'grace', title: 'In grace', number: true, cell: (c) => c.inGrace },
  { id: 'ending', title: 'End within 14 days', number: true, cell: (c) => c.ending },
  { id: 'renewal', title: 'Last renewal', cell: (c) => <Time at={c.lastRenewal} never="not known" /> },
]

const machines: readonly Column<Machine>[] = [
  {
    id: 'name',
    title: 'Machine',
    head: true,
    cell: (m) => (
      <a class="name" href={pageOfMachine(m.id)}>
        {m.name}
      </a>
    ),
  },
  { id: 'verdict', title: 'Verdict', cell: (m) => <VerdictTag verdict={m.verdict} /> },
  { id: 'origin', title: 'Origin', cell: (m) => <OriginTag origin={m.origin} /> },
  { id: 'headline', title: 'In words', minor: true, cell: (m) => m.headline ?? '' },
  { id: 'seen', title: 'Last answered', cell: (m) => <Time at={m.seenAt} /> },
]

export function HostClients({ host }: { readonly host: Host }) {
  const { query } = useLocation()
  const answer = useAnswer<z.output<typeof machinesPageSchema>>(
    host.clients.length === 0 ? null : api.hostClients(host.name, host.port),
    { limit, after: query.after },
    { keep: true },
  )
  return (
    <section aria-labelledby="clients">
      <h2 id="clients">Who asks it</h2>
      {host.clients.length === 0 ? (
        <Empty title="No machine of the fleet names this host." />
      ) : (
        <div class="stack">
          <DataTable
            caption="Machines that name it, by the kind of product"
            columns={kinds}
            rows={host.clients}
            keyOf={(c) => c.application}
          />
          <Shown answer={answer} what="the machines" rows={limit}>
            {({ rows, next }) => (
              <>
                <DataTable caption="Machines that name it" columns={machines} rows={rows} keyOf={(m) => m.id} busy={answer.busy} />
                <Pager next={next} shown={rows.length} limit={limit} />
              </>
            )}
          </Shown>
          <p>
            <a href={page('/machines', { host: host.name })}>All of them, to filter and export</a>
          </p>
        </div>
      )}
    </section>
  )
}
