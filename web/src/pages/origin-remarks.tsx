/** What is not plainly in order, once for all machines that have it in common: why, on which evidence, what an honest explanation may be, what to do. */
import { useLocation } from 'preact-iso'
import type { z } from 'zod'
import type { remarkGroupSchema } from '../../../src/schemas/api.ts'
import { api, page, pageOfMachine } from '../addresses.ts'
import { useAnswer } from '../answer.ts'
import { Empty, OriginTag, Pager, Shown, Step } from '../parts.ts'
import { count, number, originMeans, origins } from '../words.ts'
import { useAnchor } from './anchor.ts'

type Group = z.output<typeof remarkGroupSchema>
type Answer = { readonly rows: readonly Group[]; readonly next: string | null }

const kinds = ['foreign', 'suspect', 'cannot-tell'] as const
const usual = 'foreign,suspect'
const limit = 25
/** More of one product's evidence is on the page of its machine. */
const evidenceShown = 4

export function Remarks() {
  const { query, route } = useLocation()
  const wanted = kinds.filter((k) => (query.origin ?? usual).split(',').includes(k))
  const shown = wanted.length > 0 ? wanted : kinds
  const answer = useAnswer<Answer>(api.auditGroups, { origin: shown.join(','), limit, after: query.after }, { keep: true })
  useAnchor('remarks', answer.state !== 'loading')
  const change = (kind: (typeof kinds)[number], on: boolean) => {
    const next = kinds.filter((k) => (k === kind ? on : shown.includes(k)))
    route(page('/origin', { origin: next.join(',') === usual ? undefined : next.join(',') || 'cannot-tell' }), true)
  }
  return (
    <section aria-labelledby="remarks">
      <h2 id="remarks">Not plainly in order</h2>
      <p class="quiet">Products that are not activated stand here, too; they are not counted above.</p>
      <fieldset class="filters no-print">
        <legend>Shown</legend>
        {kinds.map((k) => (
          <label key={k} class="check" title={originMeans[k]}>
            <input type="checkbox" checked={shown.includes(k)} onChange={(e) => change(k, e.currentTarget.checked)} /> {origins[k]}
          </label>
        ))}
      </fieldset>
      <Shown answer={answer} what="what is not plainly in order" rows={8}>
        {({ rows, next }) =>
          rows.length === 0 ? (
            <Empty title={`Nothing is ${shown.map((k) => origins[k]).join(' or ')}, as far as machines answered.`} />
          ) : (
            <>
              {rows.map((g) => (
                <GroupCard key={g.remark} group={g} />
              ))}
              <Pager next={next} shown={rows.length} limit={limit} />
            </>
          )
        }
      </Shown>
    </section>
  )
}

/** More kinds of product are in the list of the machines. */
const productsShown = 4

function GroupCard({ group: g }: { readonly group: Group }) {
  const all = page('/machines', { remark: String(g.remark) })
  const [only] = g.named
  return (
    <article class="remark">
      <h3>
        {g.machines === 1 && only ? <a href={pageOfMachine(only.id)}>{only.name}</a> : <a href={all}>{count(g.machines, 'machine')}</a>}{' '}
        <OriginTag origin={g.origin} />
      </h3>
      <p>{g.because}</p>
      {g.honest && (
        <p>
          <b>An honest explanation:</b> {g.honest}
        </p>
      )}
      <p class="quiet">
        {g.products
          .slice(0, productsShown)
          .map((p) => `${number(p.count)} × ${p.product}`)
          .join(', ')}
        {g.products.length > productsShown && ` and ${count(g.products.length - productsShown, 'more product')}`}
      </p>
      {g.machines > 1 && (
        <p>
          {g.named.map((m, i) => (
            <>
              {i > 0 && ', '}
              <a key={m.id} href={pageOfMachine(m.id)}>
                {m.name}
              </a>
            </>
          ))}
          {g.machines > g.named.length && (
            <>
              {' '}
              and <a href={all}>{number(g.machines - g.named.length)} more</a>
            </>
          )}
        </p>
      )}
      {g.evidence.length > 0 && (
        <>
          <p class="quiet">{g.machines === 1 ? 'It said:' : `${only?.name ?? 'The first of them'} said:`}</p>
          <ul class="evidence" aria-label="Evidence">
            {g.evidence.slice(0, evidenceShown).map((e) => (
              <li key={e.text + e.means}>
                <code>{e.text}</code> <span class="quiet">({e.means})</span>
              </li>
            ))}
            {g.evidence.length > evidenceShown && (
              <li class="quiet">{g.evidence.length - evidenceShown} more on the page of the machine</li>
            )}
          </ul>
        </>
      )}
      {g.next.length > 0 && (
        <ul class="next">
          {g.next.map((n) => (
            <li key={n}>
              <Step text={n} />
            </li>
          ))}
        </ul>
      )}
    </article>
  )
}
