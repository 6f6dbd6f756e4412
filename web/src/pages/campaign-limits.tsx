/** The limits within which a campaign works, in the words of the command line's flags. */
import { useId } from 'preact/hooks'
import type { NewCampaign } from '../../../src/schemas/api.ts'

export type Limits = Readonly<
  Partial<Record<'at-once' | 'rate' | 'from' | 'until' | 'on' | 'time-zone' | 'retry-for' | 'canary' | 'stop-above', string>>
>
type Pace = Pick<NewCampaign, 'at-once' | 'rate' | 'between' | 'on' | 'time-zone' | 'retry-for' | 'canary' | 'stop-above'>

/** The zone of whoever looks: hours are meant as they have them, not as the server has. */
const here = () => Intl.DateTimeFormat().resolvedOptions().timeZone

/** What is sent of them: what is empty is no limit. */
export function paceOf(limits: Limits): Pace {
  const { from, until } = limits
  const between = from && until ? `${from}-${until}` : undefined
  const whole = (text: string | undefined) => (text ? { ok: Number(text) } : undefined)
  const atOnce = whole(limits['at-once'])
  const rate = whole(limits.rate)
  return {
    ...(atOnce && { 'at-once': atOnce.ok }),
    ...(rate && { rate: rate.ok }),
    ...(between && { between, 'time-zone': limits['time-zone'] || here() }),
    ...(between && limits.on && { on: limits.on }),
    ...(limits['retry-for'] && { 'retry-for': limits['retry-for'] }),
    ...(limits.canary && { canary: limits.canary }),
    ...(limits.canary && limits['stop-above'] && { 'stop-above': limits['stop-above'] }),
  }
}

/** Limits in one sentence, before it begins. */
export function limitWords(l: Limits): string {
  const parts = [
    ...(l.canary
      ? [
          `${l.canary.endsWith('%') ? `${l.canary} of them` : `${l.canary} machines`} go first, the others only if no more than ${l['stop-above'] || 'the usual share'} of these fail`,
        ]
      : []),
    ...(l.from && l.until ? [`only from ${l.from} to ${l.until}${l.on ? ` on ${l.on}` : ''} (${l['time-zone'] || here()})`] : []),
    ...(l['at-once'] ? [`at most ${l['at-once']} machines at once`] : []),
    ...(l.rate ? [`at most ${l.rate} activations a minute`] : []),
    ...(l['retry-for'] ? [`those that are away are tried again for ${l['retry-for']} hours`] : []),
  ]
  return parts.length === 0 ? 'No limits: it begins at once, with all machines.' : `${parts.join('; ')}.`
}

type Shown = { readonly kind: NewCampaign['kind']; readonly limits: Limits; readonly set: (limits: Limits) => void }

export function LimitFields({ kind, limits, set }: Shown) {
  const change = (name: keyof Limits) => (e: { readonly currentTarget: { readonly value: string } }) =>
    set({ ...limits, [name]: e.currentTarget.value.trim() })
  const field = { limits, change }
  return (
    <div class="limits">
      <Field {...field} name="at-once" label="Machines at once" help="Empty: as many as the server does." type="number" />
      {kind === 'apply' && (
        <Field {...field} name="rate" label="Activations a minute" help="For hosts and lines that are weak." type="number" />
      )}
      <Field {...field} name="canary" label="These go first" help="So many, or a share: 5%" />
      {limits.canary && <Field {...field} name="stop-above" label="Stop if more of these fail" help="A share: 10%" />}
      <Field {...field} name="retry-for" label="Try again for (hours)" help="Those that are away. Empty: once." type="number" />
      <fieldset class="pair">
        <legend>Only between</legend>
        <input type="time" aria-label="from" value={limits.from ?? ''} onInput={change('from')} />
        <span>and</span>
        <input type="time" aria-label="until" value={limits.until ?? ''} onInput={change('until')} />
      </fieldset>
      {limits.from && limits.until && (
        <>
          <Field {...field} name="on" label="On" help="mon-fri, or sat,sun; empty: every day" />
          <Field {...field} name="time-zone" label="Time zone" help={`Empty: ${here()}`} />
        </>
      )}
    </div>
  )
}

/** What is typed, and by which keys a telephone offers it. */
const kinds = {
  text: { type: 'text' },
  number: { type: 'text', inputMode: 'numeric', pattern: '[0-9]*' },
} as const

type OneField = {
  readonly name: keyof Limits
  readonly label: string
  readonly help?: string
  readonly type?: 'number'
  readonly limits: Limits
  readonly change: (name: keyof Limits) => (e: { readonly currentTarget: { readonly value: string } }) => void
}

function Field({ name, label, help, type, limits, change }: OneField) {
  const id = useId()
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        {...kinds[type ?? 'text']}
        value={limits[name] ?? ''}
        autocomplete="off"
        aria-describedby={help ? `${id}-help` : undefined}
        onInput={change(name)}
      />
      {help && (
        <span class="field-help" id={`${id}-help`}>
          {help}
        </span>
      )}
    </div>
  )
}
