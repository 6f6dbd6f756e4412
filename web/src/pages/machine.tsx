/** One machine: the verdict in words, every product, what became of it, and for operators what it says now. */

import { useState } from 'preact/hooks'
import { useLocation, useRoute } from 'preact-iso'
import type { FleetShow, History, MachineCard } from '../../../src/schemas/fleet.ts'
import { api } from '../addresses.ts'
import { useAnswer } from '../answer.ts'
import { AskButtons, Asked, type Asking } from '../machine/ask.tsx'
import { HistoryList } from '../machine/history.tsx'
import { nextOf } from '../machine/next.ts'
import { ProductPanel } from '../machine/product.tsx'
import { machineText } from '../machine/text.ts'
import { CopyButton, Empty, OriginTag, PageTitle, Shown, Step, Time, VerdictTag } from '../parts.ts'
import { useMay } from '../session.ts'
import { count, day } from '../words.ts'
import { useQuietReload } from './quiet-reload.ts'

/** One is asked for by its number. */
const cardOf = ({ machines }: FleetShow): MachineCard => machines[0]!

export default function Machine() {
  const { params } = useRoute()
  const { path } = useLocation()
  // Another machine is another page: what was asked of the one before is not its.
  return <OneMachine key={path} id={params.id ?? ''} />
}

function OneMachine({ id }: { readonly id: string }) {
  const answer = useAnswer<FleetShow>(api.machine(id))
  const history = useAnswer<History>(api.machineHistory(id))
  const operator = useMay('operator')
  const [asking, setAsking] = useState<Asking | null>(null)
  const again = () => {
    answer.reload()
    history.reload()
  }
  useQuietReload(['fleet'], again)
  const machine = answer.state === 'ready' ? cardOf(answer.value) : null
  return (
    <>
      <PageTitle title={machine?.name ?? 'Machine'} lead={<Lead machine={machine} />}>
        {operator && machine && <AskButtons ask={setAsking} />}
        {machine && <CopyButton text={() => machineText(machine)} label="Copy as text" />}
        {machine && (
          <button type="button" onClick={() => print()}>
            Print
          </button>
        )}
      </PageTitle>
      <Shown answer={answer} what="the machine" rows={14}>
        {(value) => {
          const m = cardOf(value)
          return (
            <div class="stack">
              <Verdict machine={m} />
              {asking && <Asked key={asking.number} id={id} asking={asking} done={again} close={() => setAsking(null)} />}
              <Products machine={m} />
              <div class="columns">
                <section class="panel" aria-labelledby="history">
                  <h2 id="history">What became of it</h2>
                  <Shown answer={history} what="its history" rows={4}>
                    {(told) => <HistoryList history={told} />}
                  </Shown>
                </section>
                <Identity machine={m} />
              </div>
            </div>
          )
        }}
      </Shown>
    </>
  )
}

function Lead({ machine: m }: { readonly machine: MachineCard | null }) {
  if (m === null) return <>&nbsp;</>
  return (
    <>
      {m.seenAt === null ? (
        'It never answered'
      ) : (
        <>
          As of <Time at={m.seenAt} />
        </>
      )}
      {m.system && ` · ${m.system}`}
    </>
  )
}

function Verdict({ machine: m }: { readonly machine: MachineCard }) {
  const next = nextOf(m)
  return (
    <section class={`panel verdict verdict-${m.verdict ?? 'none'}`} aria-label="Verdict">
      <p class="verdict-line">
        <VerdictTag verdict={m.verdict} /> {m.headline ?? (m.seenAt === null ? 'Nothing is known of it yet.' : '')}
      </p>
      {m.problem && (
        <p class="note note-look">
          Could not be asked since <Time at={m.problem.since} exact />
          {m.problem.times > 1 ? `, ${count(m.problem.times, 'time')}` : ''}
          {m.seenAt === null ? '' : ' (what is said of it is older)'}: {m.problem.summary} <code>{m.problem.code}</code>
        </p>
      )}
      {m.vanishedAt !== null && (
        <p class="note">
          No source lists it since <Time at={m.vanishedAt} exact />.
        </p>
      )}
      <h2 class="unseen">What is next</h2>
      <ul class="next">
        {next.map((n) => (
          <li key={n}>
            <Step text={n} />
          </li>
        ))}
      </ul>
    </section>
  )
}

function Products({ machine: m }: { readonly machine: MachineCard }) {
  const here = m.products.filter((p) => p.goneAt === null)
  if (here.length === 0 && m.seenAt !== null) return <Empty title="No product with a licence was found on it." />
  return (
    <>
      {here.map((p) => (
        <ProductPanel key={p.key} product={p} machine={m} />
      ))}
    </>
  )
}

function Identity({ machine: m }: { readonly machine: MachineCard }) {
  const rows: readonly (readonly [string, string | null | undefined])[] = [
    ['System', [m.system, m.systemVersion].filter(Boolean).join(', ')],
    ['Address', m.address],
    ['Groups', m.groups.join(', ')],
    ['Pool', m.pool],
    ['Sources', m.sources.map((s) => `${s.source}${s.vanishedAt === null ? '' : ` (gone since ${day(s.vanishedAt)})`}`).join(', ')],
    ['Directory', m.distinguishedName],
    ['Account', m.enabled === false ? 'switched off in the directory' : null],
    ['objectGUID', m.guid],
    ['UUID', m.uuid],
    ['CMID', m.cmid],
  ]
  return (
    <section class="panel" aria-labelledby="identity">
      <h2 id="identity">What it is</h2>
      <dl class="facts">
        {rows.flatMap(([name, value]) =>
          value
            ? [
                <dt key={name}>{name}</dt>,
                <dd key={`${name}-value`} class={/^(objectGUID|UUID|CMID)$/.test(name) ? 'mono' : undefined}>
                  {value}
                </dd>,
              ]
            : [],
        )}
        <dt>Origin</dt>
        <dd>
          <OriginTag origin={m.origin} />
        </dd>
        <dt>Last asked</dt>
        <dd>
          <Time at={m.askedAt} exact />
        </dd>
        <dt>Last answer</dt>
        <dd>
          <Time at={m.seenAt} exact />
        </dd>
        <dt>In the fleet since</dt>
        <dd>
          <Time at={m.addedAt} exact />
        </dd>
      </dl>
    </section>
  )
}
