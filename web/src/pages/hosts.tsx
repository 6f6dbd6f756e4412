/** The KMS hosts as they were seen last: their counts, who uses them, what is wrong with them. */
import { useState } from 'preact/hooks'
import type { KeptHostAnswer } from '../../../src/schemas/api.ts'
import { api, page, pageOfHost } from '../addresses.ts'
import { useAnswer } from '../answer.ts'
import { problemOf, send } from '../api.ts'
import { type Column, DataTable, Empty, PageTitle, Shown, Time, toast, toastProblem } from '../parts.ts'
import { useMay } from '../session.ts'
import { count } from '../words.ts'
import { HostCounts, HostState, hostTitle, MachinesOf, sourceWords } from './host-counts.tsx'
import { useQuietReload } from './quiet-reload.ts'
import './overview.css'

type Answer = { readonly hosts: readonly KeptHostAnswer[] }

const columns: readonly Column<KeptHostAnswer>[] = [
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
  { id: 'state', title: 'State', cell: State },
  { id: 'counts', title: 'Count against what it must reach', cell: (h) => <HostCounts host={h} /> },
  {
    id: 'clients',
    title: 'Machines',
    number: true,
    cell: (h) => <MachinesOf host={h} />,
  },
  { id: 'checked', title: 'Checked', minor: true, cell: (h) => <Time at={h.checkedAt} /> },
]

function State(h: KeptHostAnswer) {
  return (
    <>
      <HostState state={h.state} />{' '}
      {h.since !== null && (
        <span class="quiet">
          since <Time at={h.since} exact />
        </span>
      )}
      {(h.cause ?? h.problem?.summary) && <div>{h.cause ?? h.problem?.summary}</div>}
      {!h.declared && <div>{sourceWords(h)}</div>}
    </>
  )
}

export default function Hosts() {
  const answer = useAnswer<Answer>(api.hosts)
  useQuietReload(['hosts', 'fleet'], answer.reload)
  return (
    <>
      <PageTitle title="KMS hosts" lead="As they were seen last. Opening this page asks no host anything.">
        <CheckNow done={answer.reload} />
      </PageTitle>
      <Shown answer={answer} what="the hosts" rows={8}>
        {({ hosts }) => {
          const ours = hosts.filter((h) => h.declared)
          const others = hosts.filter((h) => !h.declared)
          return (
            <div class="sections">
              <section>
                <DataTable
                  caption="KMS hosts of yours"
                  columns={columns}
                  rows={ours}
                  keyOf={(h) => `${h.name}:${h.port}`}
                  empty={
                    <Empty title="No KMS host of yours is known yet.">
                      <p>
                        Name them in the site file under <code>kms: hosts:</code>, or declare the domains whose DNS publishes them; then
                        check them.
                      </p>
                    </Empty>
                  }
                />
              </section>
              {others.length > 0 && (
                <section aria-labelledby="others">
                  <h2 id="others">Named by machines, and not known as yours</h2>
                  <p class="quiet">
                    {count(others.length, 'host')} that machines of the fleet use. If one is yours, name it in the site file; if not, see{' '}
                    <a href={page('/origin', { origin: 'foreign,suspect' })}>whose activations these are</a>.
                  </p>
                  <DataTable
                    caption="Hosts that are not known as yours"
                    columns={columns}
                    rows={others}
                    keyOf={(h) => `${h.name}:${h.port}`}
                  />
                </section>
              )}
            </div>
          )
        }}
      </Shown>
    </>
  )
}

/** Asks the hosts now: their ports, and what they say of themselves. */
export function CheckNow({ names, done }: { readonly names?: readonly string[]; readonly done: () => void }) {
  const operator = useMay('operator')
  const [busy, setBusy] = useState(false)
  if (!operator) return <span class="quiet">Operators may check {names ? 'it' : 'them'} now.</span>
  const check = async () => {
    setBusy(true)
    try {
      await send('POST', api.hostsCheck, names ? { names } : {})
      toast(names ? 'It was checked.' : 'The hosts were checked.')
      done()
    } catch (error) {
      toastProblem(problemOf(error))
    } finally {
      setBusy(false)
    }
  }
  return (
    <button type="button" class="primary" aria-disabled={busy} onClick={() => !busy && void check()}>
      {busy ? 'Asking …' : names ? 'Check it now' : 'Check the hosts now'}
    </button>
  )
}
