/** Begins a scan or a plan, after saying what it does: nothing of these changes a machine. */
import './campaign.css'
import { useId, useState } from 'preact/hooks'
import { useLocation } from 'preact-iso'
import { api, pageOfCampaign, type Query, queryText } from '../addresses.ts'
import { useAnswer } from '../answer.ts'
import { type ProblemDetails, problemOf, send } from '../api.ts'
import { filterOf, filterWords } from '../machines/filter.ts'
import { Dialog, ErrorState } from '../parts.ts'
import { count } from '../words.ts'
import { LimitFields, type Limits, limitWords, paceOf } from './campaign-limits.tsx'
import { kindMeans, type OneCampaign } from './campaign-words.ts'

type Wanted = {
  readonly kind: 'scan' | 'plan'
  readonly label: string
  /** Which machines, by the filters of the page of machines; left out: all. */
  readonly filter?: Query
  readonly primary?: boolean
  /** No machine is meant. */
  readonly disabled?: boolean
  /** A plan that begins with renewing what still holds, too. */
  readonly renewing?: boolean
}

const words = { scan: ['Ask these machines', 'Ask'], plan: ['Plan for these machines', 'Plan'] } as const

/** A button; for those who may (operators). */
export function StartCampaign({ kind, label, filter = {}, primary = false, disabled = false, renewing = false }: Wanted) {
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
      <button
        type="button"
        class={primary ? 'primary' : undefined}
        disabled={disabled}
        onClick={() => {
          setProblem(null)
          setOpen(true)
        }}
      >
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
          <Meant filter={given} />
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

/** Which machines are meant, and how many these are now. */
function Meant({ filter }: { readonly filter: Readonly<Record<string, string>> }) {
  const counted = useAnswer<{ readonly count: number }>(api.machinesCount, filter)
  const words = filterWords(filterOf(filter))
  const number = counted.state === 'ready' ? count(counted.value.count, 'machine') : 'The machines'
  if (words.length === 0 && counted.state === 'ready' && counted.value.count === 0)
    return (
      <p>
        The fleet has no machines yet: <a href="/machines/import">add some</a> first.
      </p>
    )
  return words.length === 0 ? (
    <p>{counted.state === 'ready' ? `${number}: every one of the fleet.` : 'Every machine of the fleet.'}</p>
  ) : (
    <div>
      <p>{number} with these filters:</p>
      <ul class="meant">
        {words.map((one) => (
          <li key={one}>{one}</li>
        ))}
      </ul>
    </div>
  )
}
