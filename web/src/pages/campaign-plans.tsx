/** What a plan would do, machine by machine: each step with its reason, what is refused and why, what is not known. */
import { useLocation } from 'preact-iso'
import type { CampaignAnswer, PlansPage } from '../../../src/schemas/api.ts'
import { api, pageOfMachine } from '../addresses.ts'
import { useAnswer } from '../answer.ts'
import { Empty, Pager, Shown, Step, Tag, Time } from '../parts.ts'
import { count } from '../words.ts'
import { useReloadWith } from './quiet-reload.ts'

const limit = 20
type Row = PlansPage['rows'][number]

export function Plans({ campaign }: { readonly campaign: CampaignAnswer }) {
  const { query } = useLocation()
  const answer = useAnswer<PlansPage>(api.campaignPlans(campaign.id), { limit, after: query.after }, { keep: true })
  useReloadWith(campaign.groups, answer.reload)
  return (
    <>
      <h2>Plans, machine by machine</h2>
      <Shown answer={answer} what="the plans" rows={12}>
        {({ rows, next }) =>
          rows.length === 0 ? (
            <Empty
              title={
                campaign.state === 'running' || answer.busy ? 'No machine has been planned yet.' : 'Nothing was planned for any machine.'
              }
            />
          ) : (
            <>
              {rows.map((row) => (
                <PlanOfMachine key={row.machine} row={row} />
              ))}
              <Pager next={next} shown={rows.length} limit={limit} />
            </>
          )
        }
      </Shown>
    </>
  )
}

function PlanOfMachine({ row: { machine, name, madeAt, plan } }: { readonly row: Row }) {
  const { steps, refused, missing, holds } = plan
  return (
    <article class="plan">
      <h3>
        <a href={pageOfMachine(machine)}>{name}</a>
      </h3>
      <p class="quiet">
        {steps.length === 0 ? 'Nothing would be changed' : count(steps.length, 'step')}
        {holds.length > 0 && `; ${count(holds.length, 'wish holds', 'wishes hold')} already`}, made <Time at={madeAt} />
      </p>
      {steps.length > 0 && (
        <ol>
          {steps.map((s) => (
            <li key={`${s.what} ${s.product}`}>
              {s.what} {s.activates && <Tag tone="plain">activates</Tag>}
              <div class="quiet">{s.because}</div>
            </li>
          ))}
        </ol>
      )}
      {refused.length > 0 && (
        <ul>
          {refused.map((r) => (
            <li key={r.code + r.because}>
              <Tag tone="look">not done</Tag> {r.because} <code>{r.code}</code>
              {r.next.map((n) => (
                <div key={n} class="quiet">
                  Next: <Step text={n} />
                </div>
              ))}
            </li>
          ))}
        </ul>
      )}
      {missing.length > 0 && (
        <ul>
          {missing.map((m) => (
            <li key={m.fact}>
              <Tag tone="unknown">not known</Tag> {m.why}
              <div class="quiet">Next: {m.get}</div>
            </li>
          ))}
        </ul>
      )}
    </article>
  )
}
