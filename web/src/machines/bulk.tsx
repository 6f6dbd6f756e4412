/** What operators do with all machines that the filters mean: ask them, or see what would change. Both are campaigns. */
import { useState } from 'preact/hooks'
import type { NewCampaign } from '../../../src/schemas/api.ts'
import { api } from '../addresses.ts'
import { type ProblemDetails, problemOf, send } from '../api.ts'
import { Dialog, ErrorState } from '../parts.ts'
import { count } from '../words.ts'
import { type Filter, filterWords } from './filter.ts'

type Kind = 'scan' | 'plan'
const words = {
  scan: { button: 'Scan these', title: 'Scan', does: 'Each machine is asked, and what it says is kept. Nothing is changed on it.' },
  plan: {
    button: 'Plan these',
    title: 'Plan',
    does: 'Each machine is asked, and what would change on it is worked out and kept. Nothing is changed on it.',
  },
} as const

export function Bulk({
  filter,
  total,
  go,
}: {
  readonly filter: Filter
  readonly total: number | null
  readonly go: (campaign: number) => void
}) {
  const [kind, setKind] = useState<Kind | null>(null)
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<ProblemDetails | null>(null)
  const start = async (form: HTMLFormElement) => {
    const atOnce = Number(new FormData(form).get('at-once'))
    setBusy(true)
    setProblem(null)
    try {
      const body = { kind: kind!, filter, ...(atOnce > 0 ? { 'at-once': atOnce } : {}) } satisfies NewCampaign
      const { campaign } = await send<{ readonly campaign: { readonly id: number } }>('POST', `${api.campaigns}/${body.kind}`, body)
      setKind(null)
      go(campaign.id)
    } catch (error) {
      setProblem(problemOf(error))
    }
    setBusy(false)
  }
  const meant = filterWords(filter)
  return (
    <>
      {(['scan', 'plan'] as const).map((one) => (
        <button
          key={one}
          type="button"
          disabled={!total}
          onClick={() => {
            setProblem(null)
            setKind(one)
          }}
        >
          {words[one].button}
        </button>
      ))}
      <Dialog
        open={kind !== null}
        title={kind ? `${words[kind].title} ${count(total ?? 0, 'machine')}` : ''}
        onClose={() => setKind(null)}
        actions={
          <button type="submit" form="bulk" class="primary" disabled={busy}>
            {kind ? words[kind].title : ''}
          </button>
        }
      >
        <form
          id="bulk"
          class="stack"
          onSubmit={(e) => {
            e.preventDefault()
            void start(e.currentTarget)
          }}
        >
          <p>{kind && words[kind].does}</p>
          {meant.length === 0 ? (
            <p>All machines of the fleet are meant.</p>
          ) : (
            <ul class="plain-list">
              {meant.map((m) => (
                <li key={m}>{m}</li>
              ))}
            </ul>
          )}
          <div class="field">
            <label for="bulk-at-once">At most so many machines at once</label>
            <input id="bulk-at-once" name="at-once" type="number" min={1} max={100000} placeholder="as the server does" />
          </div>
          {problem && <ErrorState problem={problem} />}
        </form>
      </Dialog>
    </>
  )
}
