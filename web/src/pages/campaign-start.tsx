/** Begins a scan or a plan, after saying what it does: nothing of these changes a machine. */
import './campaign.css'
import { useId, useState } from 'preact/hooks'
import { useLocation } from 'preact-iso'
import { api, pageOfCampaign, type Query, queryText } from '../addresses.ts'
import { type ProblemDetails, problemOf, send } from '../api.ts'
import { filterOf, filterWords } from '../machines/filter.ts'
import { Dialog, ErrorState } from '../parts.ts'
import { LimitFields, type Limits, limitWords, paceOf } from './campaign-limits.tsx'
import { kindMeans, type OneCampaign } from './campaign-words.ts'

type Wanted = {
  readonly kind: 'scan' | 'plan'
  readonly label: string
  /** Which machines, by the filters of the page of machines; left out: all. */
  readonly filter?: Query
  readonly primary?: boolean
  /** A plan that begins with renewing what still holds, too. */
  readonly renewing?: boolean
}

const words = { scan: ['Ask these machines', 'Ask'], plan: ['Plan for these machines', 'Plan'] } as const

/** A button; for those who may (operators). */
export function StartCampaign({ kind, label, filter = {}, primary = false, renewing = false }: Wanted) {
  const [open, setOpen] = useState(false)
  const [limits, setLimits] = useState<Limits>({})
  const [renew, setRenew] = useState(renewing)
  const [problem, setProblem] = useState<ProblemDetails | null>(null)
  const [busy, setBusy] = useState(false)
  const { route } = useLocation()
  const form = useId()
  const filters = queryText(filter)
  const given = Object.fromEntries([...new URLSearchParams(filters)])
  const begin = async () => {
    setBusy(true)
    setProblem(null)
    try {
      const body = { filter: given, ...(kind === 'plan' && { renew }), ...paceOf(limits) }
      const { campaign } = await send<OneCampaign>('POST', api.campaignsNew(kind), body)
      setOpen(false)
      route(pageOfCampaign(campaign.id))
    } catch (error) {
      setProblem(problemOf(error))
    } finally {
      setBusy(false)
    }
  }
  return (
    <>
      <button type="button" class={primary ? 'primary' : undefined} onClick={() => setOpen(true)}>
        {label}
      </button>
      <Dialog
        open={open}
        title={words[kind][0]}
        onClose={() => setOpen(false)}
        actions={
          <button type="submit" form={form} class="primary" aria-disabled={busy}>
            {busy ? 'Beginning …' : words[kind][1]}
          </button>
        }
      >
        <form
          id={form}
          class="stack"
          onSubmit={(e) => {
            e.preventDefault()
            if (!busy) void begin()
          }}
        >
          <p>{kindMeans[kind]}</p>
          <p>
            {filters === '' ? 'Every machine of the fleet.' : <>The machines of this filter: {filterWords(filterOf(given)).join('; ')}.</>}
          </p>
          {kind === 'plan' && (
            <p>
              <label class="check">
                <input type="checkbox" checked={renew} onChange={(e) => setRenew(e.currentTarget.checked)} /> Also renew activations that
                still hold
              </label>
            </p>
          )}
          <details class="limits-more">
            <summary>Limits</summary>
            <LimitFields kind={kind} limits={limits} set={setLimits} />
          </details>
          <p class="quiet">{limitWords(limits)}</p>
          {problem && <ErrorState problem={problem} />}
        </form>
      </Dialog>
    </>
  )
}
