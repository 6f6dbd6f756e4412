/** The approval of a plan: what would be changed, on how many machines, within which limits; then it is carried out. */

import { useId, useState } from 'preact/hooks'
import { useLocation } from 'preact-iso'
import type { AppliesAnswer, CampaignAnswer, NewCampaign } from '../../../src/schemas/api.ts'
import { api, pageOfCampaign } from '../addresses.ts'
import { type ProblemDetails, problemOf, send } from '../api.ts'
import { Dialog, ErrorState } from '../parts.ts'
import { useSession } from '../session.ts'
import { count, number, roles } from '../words.ts'
import { LimitFields, type Limits, limitWords, paceOf } from './campaign-limits.tsx'
import { campaignStates, changes, type OneCampaign, titleOf } from './campaign-words.ts'

type Approved = Pick<Asked, 'campaign' | 'same' | 'reload'>

export function Approve({ campaign: c, same, reload }: Approved) {
  const { me } = useSession()
  const [open, setOpen] = useState(false)
  if (c.state === 'cancelled') return null
  if (c.state !== 'finished')
    return (
      <section class="panel approve" aria-label="Approval">
        <p>It can be approved when the plan has finished: {count(c.planned, 'machine')} so far would be changed.</p>
      </section>
    )
  return (
    <section class="panel approve" aria-labelledby="approval">
      <h2 id="approval">{c.planned === 0 ? 'Nothing is to be carried out' : `${count(c.planned, 'machine')} would be changed`}</h2>
      {same.map((b) => (
        <p key={b.id}>
          <a href={pageOfCampaign(b.id)}>{titleOf({ kind: 'apply', id: b.id })}</a> {b.state === 'running' ? 'carries' : 'carried'} out
          these plans, and is {campaignStates[b.state][1]}.
        </p>
      ))}
      {c.planned > 0 && <p>What on each of them, and why, stands below.</p>}
      {c.planned > 0 &&
        (me?.role === 'approver' ? (
          <button type="button" class={same.length === 0 ? 'primary' : undefined} onClick={() => setOpen(true)}>
            Approve and carry out …
          </button>
        ) : (
          <p class="quiet">
            An approver carries it out{me ? `; you are signed in as ${roles[me.role]}` : ''}. Send them the address of this page.
          </p>
        ))}
      <ApproveDialog campaign={c} same={same} open={open} close={() => setOpen(false)} reload={reload} />
    </section>
  )
}

/** What would be changed, by what it is. */
function Would({ campaign }: { readonly campaign: CampaignAnswer }) {
  const groups = campaign.groups.filter((g) => g.state === 'done' && changes(g.result))
  const rest = groups.slice(kindsShown).reduce((n, g) => n + g.machines, 0)
  return (
    <ul class="would">
      {groups.slice(0, kindsShown).map((g) => (
        <li key={g.result}>
          <b>{number(g.machines)}</b> <span>{g.result}</span>
        </li>
      ))}
      {rest > 0 && (
        <li>
          <b>{number(rest)}</b> <span>other changes: all of them stand on the page of the plan</span>
        </li>
      )}
    </ul>
  )
}
/** As many kinds of changes as are read before a yes. */
const kindsShown = 12

type Asked = {
  readonly campaign: CampaignAnswer
  /** Campaigns that carry out these plans, or did. */
  readonly same: AppliesAnswer['rows']
  readonly open: boolean
  readonly close: () => void
  readonly reload: () => void
}

function ApproveDialog({ campaign: c, same, open, close, reload }: Asked) {
  const { route } = useLocation()
  const form = useId()
  const [limits, setLimits] = useState<Limits>({})
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<ProblemDetails | null>(null)
  const carryOut = async () => {
    setBusy(true)
    setProblem(null)
    try {
      const body: NewCampaign = { kind: 'apply', plans: c.id, expect: c.planned, ...paceOf(limits) }
      const { campaign } = await send<OneCampaign>('POST', api.campaignsNew('apply'), body)
      close()
      route(pageOfCampaign(campaign.id))
    } catch (error) {
      setProblem(problemOf(error))
    } finally {
      setBusy(false)
    }
  }
  const changed = problem?.code === 'PLANS_CHANGED'
  const leave = () => {
    setProblem(null)
    close()
    if (changed) reload()
  }
  return (
    <Dialog
      open={open}
      title={`Change ${count(c.planned, 'machine')}?`}
      onClose={leave}
      wide
      actions={
        changed ? (
          <button type="button" class="primary" onClick={leave}>
            Look at the plan again
          </button>
        ) : (
          <button type="submit" form={form} class="primary" aria-disabled={busy}>
            {busy ? 'Beginning …' : `Change ${count(c.planned, 'machine')}`}
          </button>
        )
      }
    >
      {changed && problem ? (
        <ErrorState problem={problem} />
      ) : (
        <form
          id={form}
          class="stack"
          onSubmit={(e) => {
            e.preventDefault()
            if (!busy) void carryOut()
          }}
        >
          <p>This is done, and nothing else; a machine that is not any more as it was when it was planned is left as it is.</p>
          <Would campaign={c} />
          {same.map((b) => (
            <p key={b.id} class="note note-look">
              {titleOf({ kind: 'apply', id: b.id })} {b.state === 'running' ? 'carries' : 'carried'} out the same plans, and is{' '}
              {campaignStates[b.state][1]}. What was done is not done again. <a href={pageOfCampaign(b.id)}>Look at it first</a>
            </p>
          ))}
          <details class="limits-more">
            <summary>Limits: how many at once, at which hours, which go first</summary>
            <LimitFields kind="apply" limits={limits} set={setLimits} />
          </details>
          <p>{limitWords(limits)}</p>
          {problem && <ErrorState problem={problem} />}
        </form>
      )}
    </Dialog>
  )
}
