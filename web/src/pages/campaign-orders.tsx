/** Stops a campaign, lets it go on, or ends it for good; each is asked first. */
import { useState } from 'preact/hooks'
import type { CampaignAnswer } from '../../../src/schemas/api.ts'
import { api } from '../addresses.ts'
import { type ProblemDetails, problemOf, send } from '../api.ts'
import { Dialog, ErrorState, toast } from '../parts.ts'
import { useMay } from '../session.ts'
import { count } from '../words.ts'
import { titleOf } from './campaign-words.ts'

type Order = 'stop' | 'resume' | 'cancel'

const words: Readonly<Record<Order, { readonly button: string; readonly done: string; readonly means: (c: CampaignAnswer) => string }>> = {
  stop: {
    button: 'Stop',
    done: 'is stopped',
    means: (c) =>
      `No other machine is begun. What is under way${c.running > 0 ? ` on ${count(c.running, 'machine')}` : ''} ends by itself. It can go on later, where it was.`,
  },
  resume: {
    button: 'Let it go on',
    done: 'goes on',
    means: (c) =>
      `It goes on where it was, with ${count(c.machines - c.done - c.failed - c.cancelled, 'machine')} that are left, within the same limits.`,
  },
  cancel: {
    button: 'End for good',
    done: 'is cancelled',
    means: (c) =>
      `${count(c.waiting + c.retrying, 'machine')} are left as they are. What was done stays done. It cannot go on afterwards; a new one can be made.`,
  },
}

export function Orders({ campaign, done }: { readonly campaign: CampaignAnswer; readonly done: () => void }) {
  const operator = useMay('operator')
  const approver = useMay('approver')
  const [asked, setAsked] = useState<Order | null>(null)
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<ProblemDetails | null>(null)
  const over = campaign.state === 'finished' || campaign.state === 'cancelled'
  if (over) return null
  if (!operator) return <span class="quiet">Operators may stop it; you are signed in as viewer.</span>
  const order = async (what: Order) => {
    setBusy(true)
    setProblem(null)
    try {
      await send('POST', api.campaignOrder(campaign.id, what), what === 'resume' ? {} : undefined)
      setAsked(null)
      toast(`${titleOf(campaign)} ${words[what].done}.`)
      done()
    } catch (error) {
      setProblem(problemOf(error))
    } finally {
      setBusy(false)
    }
  }
  // Whoever may stop an apply may not always let it go on: that changes machines.
  const mayResume = approver || campaign.kind !== 'apply'
  const shown: readonly Order[] = campaign.state === 'running' ? ['stop', 'cancel'] : mayResume ? ['resume', 'cancel'] : ['cancel']
  return (
    <>
      {campaign.state === 'stopped' && !mayResume && <span class="quiet">An approver may let it go on.</span>}
      {shown.map((o) => (
        <button
          key={o}
          type="button"
          class={o === 'cancel' ? 'danger' : o === 'resume' ? 'primary' : undefined}
          onClick={() => setAsked(o)}
        >
          {words[o].button}
        </button>
      ))}
      <Dialog
        open={asked !== null}
        title={asked ? `${words[asked].button}: ${titleOf(campaign)}?` : ''}
        onClose={() => {
          setAsked(null)
          setProblem(null)
        }}
        actions={
          asked && (
            <button
              type="button"
              class={asked === 'cancel' ? 'danger' : 'primary'}
              aria-disabled={busy}
              onClick={() => !busy && void order(asked)}
            >
              {words[asked].button}
            </button>
          )
        }
      >
        {asked && <p>{words[asked].means(campaign)}</p>}
        {problem && <ErrorState problem={problem} />}
      </Dialog>
    </>
  )
}
