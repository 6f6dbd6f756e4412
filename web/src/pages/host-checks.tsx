/** What checks of a host said, and which of its clients share a CMID. */
import type { HostHistoryAnswer } from '../../../src/schemas/api.ts'
import { page, pageOfMachine } from '../addresses.ts'
import { type Column, DataTable, Empty, Time } from '../parts.ts'
import { HostState } from './host-counts.tsx'

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

export function Duplicates({ told: { duplicates } }: { readonly told: HostHistoryAnswer }) {
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
        {(c.cause ?? c.problem?.summary) && (
          <div>
            {c.cause ?? c.problem?.summary} {c.problem && <code>{c.problem.code}</code>}
          </div>
        )}
      </>
    ),
  },
]

export function Checks({ told: { checks } }: { readonly told: HostHistoryAnswer }) {
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
