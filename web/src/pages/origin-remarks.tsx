/** Each activation that is not plainly in order: why, on which evidence, what an honest explanation may be, what to do. */
import { useLocation } from 'preact-iso'
import type { z } from 'zod'
import type { auditSchema } from '../../../src/schemas.ts'
import { api, page, pageOfMachine } from '../addresses.ts'
import { useAnswer } from '../answer.ts'
import { Empty, OriginTag, Pager, Shown } from '../parts.ts'
import { originMeans, origins } from '../words.ts'
import { useAnchor } from './anchor.ts'

type Remark = z.output<typeof auditSchema>['remarks'][number] & { readonly id: number }
type Answer = { readonly rows: readonly Remark[]; readonly next: string | null }

const kinds = ['foreign', 'suspect', 'cannot-tell'] as const
const usual = 'foreign,suspect'
const limit = 25
/** More of one product's evidence is on the page of its machine. */
const evidenceShown = 4

export function Remarks() {
  const { query, route } = useLocation()
  const wanted = kinds.filter((k) => (query.origin ?? usual).split(',').includes(k))
  const shown = wanted.length > 0 ? wanted : kinds
  const answer = useAnswer<Answer>(api.auditRemarks, { origin: shown.join(','), limit, after: query.after }, { keep: true })
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
              {rows.map((r, i) => (
                <RemarkCard key={`${r.id} ${r.product} ${i}`} remark={r} />
              ))}
              <Pager next={next} shown={rows.length} limit={limit} />
            </>
          )
        }
      </Shown>
    </section>
  )
}

function RemarkCard({ remark: r }: { readonly remark: Remark }) {
  return (
    <article class="remark">
      <h3>
        <a href={pageOfMachine(r.id)}>{r.machine}</a> <OriginTag origin={r.origin} />
      </h3>
      <p>
        {r.product}: {r.because}
      </p>
      {r.evidence.length > 0 && (
        <ul class="evidence" aria-label="Evidence">
          {r.evidence.slice(0, evidenceShown).map((e) => (
            <li key={e.text + e.means}>
              <code>{e.text}</code> <span class="quiet">({e.means})</span>
            </li>
          ))}
          {r.evidence.length > evidenceShown && <li class="quiet">{r.evidence.length - evidenceShown} more on the page of the machine</li>}
        </ul>
      )}
      {r.honest && (
        <p>
          <b>An honest explanation:</b> {r.honest}
        </p>
      )}
      {r.next.length > 0 && (
        <ul class="next">
          {r.next.map((n) => (
            <li key={n}>{n}</li>
          ))}
        </ul>
      )}
    </article>
  )
}
