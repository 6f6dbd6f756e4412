/** Whose activations the fleet has: by origin, by product, against what was bought, and everything that is not plainly in order. */
import './origin.css'
import type { z } from 'zod'
import type { auditSchema } from '../../../src/schemas.ts'
import { api, page } from '../addresses.ts'
import { useAnswer } from '../answer.ts'
import { Segments } from '../charts/segments.tsx'
import { type Column, DataTable, Empty, PageTitle, Shown } from '../parts.ts'
import { channels, count, number, originMeans, origins } from '../words.ts'
import { originsWorstFirst } from './fleet-parts.tsx'
import { Remarks } from './origin-remarks.tsx'
import { fleetPauseMs, useQuietReload } from './quiet-reload.ts'

type Audit = Omit<z.output<typeof auditSchema>, 'schema' | 'remarks'>
type Product = Audit['products'][number]

export default function Origin() {
  const answer = useAnswer<Audit>(api.audit)
  useQuietReload(['fleet', 'hosts'], answer.reload, fleetPauseMs)
  return (
    <>
      <PageTitle
        title="Whose activations are these?"
        tab="Origin"
        lead="What counts as yours is what the site file names: your hosts, your directory, your keys. It is measured against that, never against a list of other people’s servers."
      />
      <Shown answer={answer} what="the audit" rows={20}>
        {(audit) =>
          audit.machines.asked === 0 ? (
            <Empty title="No machine has answered yet: whose activations they have is not known.">
              <p>
                <a href="/campaigns">Begin a scan</a>, or <code>slmctl fleet scan</code>
              </p>
            </Empty>
          ) : (
            <div class="sections">
              <section class="panel" aria-label="Activated products by origin">
                <ByOrigin audit={audit} />
              </section>
              <Remarks />
              <Own own={audit.own} />
              <Products products={audit.products} />
              <Entitlements audit={audit} />
            </div>
          )
        }
      </Shown>
    </>
  )
}

function ByOrigin({ audit }: { readonly audit: Audit }) {
  const of = (o: (typeof originsWorstFirst)[number]) => audit.products.reduce((n, p) => n + (p.count[o] ?? 0), 0)
  const { asked, notAsked } = audit.machines
  const all = originsWorstFirst.reduce((n, o) => n + of(o), 0)
  return (
    <Segments
      title="Activated products by whose activation it is"
      unit="products"
      what="Origin"
      summary={`${count(asked, 'machine')} asked, ${count(all, 'activated product')}, ${number(audit.notActivated)} not activated${
        notAsked > 0 ? `; ${count(notAsked, 'machine')} could not be asked, and what they hold is not known` : ''
      }.`}
      parts={originsWorstFirst.map((o) => ({
        name: origins[o],
        means: originMeans[o],
        value: of(o),
        tone: o,
        href: remarked(o) ? `${page('/origin', { origin: o })}#remarks` : page('/machines', { origin: o }),
      }))}
    />
  )
}

const remarked = (o: string) => o === 'foreign' || o === 'suspect' || o === 'cannot-tell'

const ownColumns: readonly Column<Audit['own'][number]>[] = [
  {
    id: 'host',
    title: 'By',
    head: true,
    cell: (o) =>
      o.host === null ? (
        'no host: your directory or keys, or a host that is not named'
      ) : (
        <a href={page('/machines', { host: o.host })}>{o.host}</a>
      ),
  },
  { id: 'products', title: 'Products', number: true, cell: (o) => o.products },
  {
    id: 'proof',
    title: 'How that is known',
    cell: (o) =>
      o.provedAt !== null
        ? `Proved: the host showed a licensed host key on ${o.provedAt.slice(0, 10)}.`
        : o.host === null
          ? 'Declared by the site file.'
          : 'Declared by the site file. A check of the host proves it.',
  },
]

/** Which of the own activations rest on more than the site file's word. */
function Own({ own: all }: { readonly own: Audit['own'] }) {
  const own = all.filter((o) => o.products > 0)
  if (own.length === 0) return null
  return (
    <section aria-labelledby="own">
      <h2 id="own">Your own: proved, or declared</h2>
      <DataTable caption="Own activations by host" columns={ownColumns} rows={own} keyOf={(o) => o.host ?? ''} />
      {own.some((o) => o.host !== null && o.provedAt === null) && (
        <p class="quiet">
          <a href="/hosts">Check the hosts</a>: a host that shows a licensed host key proves what the site file says of it.
        </p>
      )}
    </section>
  )
}

const total = (p: Product) => originsWorstFirst.reduce((n, o) => n + (p.count[o] ?? 0), 0)

const productColumns: readonly Column<Product>[] = [
  { id: 'product', title: 'Product', head: true, wide: true, cell: (p) => p.product },
  { id: 'channel', title: 'Channel', cell: (p) => channels[p.channel] },
  ...originsWorstFirst.toReversed().map((o) => ({
    id: o,
    title: origins[o],
    number: true,
    cell: (p: Product) => ((p.count[o] ?? 0) === 0 ? <span class="quiet none">–</span> : number(p.count[o]!)),
  })),
  { id: 'all', title: 'All', number: true, cell: (p) => number(total(p)) },
]

function Products({ products }: { readonly products: readonly Product[] }) {
  return (
    <section aria-labelledby="products">
      <h2 id="products">Activated products</h2>
      <DataTable
        caption="Activated products by channel and origin"
        columns={productColumns}
        rows={products}
        keyOf={(p) => `${p.product} ${p.channel}`}
        empty={<Empty title="No product is activated." />}
      />
    </section>
  )
}

type Bought = { readonly product: string; readonly quantity: number | null; readonly used: number; readonly agreement: string | null }

const boughtColumns: readonly Column<Bought>[] = [
  { id: 'product', title: 'Product', head: true, wide: true, cell: (b) => b.product },
  { id: 'bought', title: 'Bought', number: true, cell: (b) => (b.quantity === null ? 'not listed' : number(b.quantity)) },
  { id: 'used', title: 'In use', number: true, cell: (b) => number(b.used) },
  {
    id: 'left',
    title: 'Left',
    number: true,
    cell: (b) =>
      b.quantity === null ? (
        <span class="used-over">no entitlement names it</span>
      ) : b.used > b.quantity ? (
        <span class="used-over">{number(b.used - b.quantity)} too many</span>
      ) : (
        number(b.quantity - b.used)
      ),
  },
  { id: 'agreement', title: 'Agreement', minor: true, cell: (b) => b.agreement ?? '' },
]

function Entitlements({ audit }: { readonly audit: Audit }) {
  const rows: readonly Bought[] = [...audit.entitlements, ...audit.uncovered.map((u) => ({ ...u, quantity: null, agreement: null }))]
  return (
    <section aria-labelledby="bought">
      <h2 id="bought">Bought and used, by volume activation</h2>
      <DataTable
        caption="Entitlements against use"
        columns={boughtColumns}
        rows={rows}
        keyOf={(b) => `${b.product} ${b.quantity}`}
        empty={
          <Empty title="The site file lists no entitlements.">
            <p>
              Under <code>entitlements:</code> write what was bought; then this table says what is left.
            </p>
          </Empty>
        }
      />
    </section>
  )
}
