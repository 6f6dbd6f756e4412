/** What operators ask of one machine now: what it is, what would change, and how it was said. Nothing is changed on it. */
import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Conversation } from '../../../src/schemas/api.ts'
import type { PlanAnswer, StatusAnswer } from '../../../src/schemas.ts'
import { api } from '../addresses.ts'
import { type ProblemDetails, problemOf, send } from '../api.ts'
import { useScrolls } from '../parts/scrolls.ts'
import { CopyButton, ErrorState, Loading, Step, Tag, Time, VerdictTag } from '../parts.ts'
import { count, productTitle } from '../words.ts'

export type What = 'ask' | 'plan' | 'conversation'
export type Asking = { readonly what: What /** Each time anew. */; readonly number: number }
const titles = { ask: 'What it says now', plan: 'What would change', conversation: 'The conversation with it' } as const
const ways = { ask: api.machineAsk, plan: api.machinePlan, conversation: api.machineConversation } as const
let asked = 0

export function AskButtons({ ask }: { readonly ask: (asking: Asking) => void }) {
  const button = (what: What, label: string) => (
    <button type="button" onClick={() => ask({ what, number: ++asked })}>
      {label}
    </button>
  )
  return (
    <>
      {button('ask', 'Ask now')}
      {button('plan', 'What would change')}
      {button('conversation', 'Conversation')}
    </>
  )
}

export function Asked({
  id,
  asking: { what },
  done,
  close,
}: {
  readonly id: string
  readonly asking: Asking
  readonly done: () => void
  readonly close: () => void
}) {
  const [said, setSaid] = useState<{ readonly value: unknown } | { readonly problem: ProblemDetails } | null>(null)
  const [round, setRound] = useState(0)
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    heading.current?.focus()
    setSaid(null)
    send<unknown>('POST', ways[what](id), {}).then(
      (value) => {
        setSaid({ value })
        if (what !== 'plan') done()
      },
      (error: unknown) => setSaid({ problem: problemOf(error) }),
    )
  }, [round])
  return (
    <section class="panel asked" aria-labelledby="asked" aria-busy={said === null}>
      <div class="product-head">
        <h2 id="asked" ref={heading} tabIndex={-1}>
          {titles[what]}
        </h2>
        <button type="button" onClick={close}>
          Close
        </button>
      </div>
      {said === null ? (
        <Loading what="the machine’s answer" rows={4} />
      ) : 'problem' in said ? (
        <ErrorState problem={said.problem} retry={() => setRound(round + 1)} />
      ) : what === 'ask' ? (
        <Now answer={said.value as StatusAnswer} />
      ) : what === 'plan' ? (
        <Plan answer={said.value as PlanAnswer} />
      ) : (
        <Talk answer={said.value as Conversation} />
      )}
    </section>
  )
}

function Now({ answer: { machines } }: { readonly answer: StatusAnswer }) {
  const [entry] = machines
  if (!entry) return null
  if (!entry.ok) return <Problem {...entry.problem} />
  return (
    <>
      <p>
        <VerdictTag verdict={entry.machine.verdict} /> {entry.machine.headline}
      </p>
      <p class="quiet">
        {count(entry.products.length, 'product')}: {entry.products.map(productTitle).join(', ')}. What it said is kept; this page shows it
        below.
      </p>
    </>
  )
}

function Problem({ code, summary, next }: { readonly code: string; readonly summary: string; readonly next: readonly string[] }) {
  return (
    <>
      <p>
        <Tag tone="look">did not answer</Tag> {summary} <code>{code}</code>
      </p>
      <Next next={next} />
    </>
  )
}

const Next = ({ next }: { readonly next: readonly string[] }) =>
  next.length === 0 ? null : (
    <ul class="next">
      {next.map((n) => (
        <li key={n}>
          <Step text={n} />
        </li>
      ))}
    </ul>
  )

function Plan({ answer: { machines, problems } }: { readonly answer: PlanAnswer }) {
  const [plan] = machines
  return (
    <>
      {problems.map((p) => (
        <Problem key={p.code} {...p} />
      ))}
      {plan && plan.steps.length === 0 && plan.refused.length === 0 && plan.missing.length === 0 && (
        <p>
          <Tag tone="good">nothing</Tag> It is as the site file wishes: nothing would be changed.
        </p>
      )}
      {plan && plan.steps.length > 0 && (
        <Part title={`${count(plan.steps.length, 'step')} would be taken, in this order`}>
          <ol class="steps">
            {plan.steps.map((s) => (
              <li key={`${s.what}-${s.method}-${s.product}`}>
                <strong>{s.what}</strong>
                {s.activates && (
                  <>
                    {' '}
                    <Tag tone="plain">activates</Tag>
                  </>
                )}
                <p class="quiet">{s.because}</p>
              </li>
            ))}
          </ol>
          <p class="quiet">To carry it out, plan it as a campaign and have somebody approve it.</p>
        </Part>
      )}
      {plan && plan.refused.length > 0 && (
        <Part title="What slmctl does not do here">
          <ul class="plain-list">
            {plan.refused.map((r) => (
              <li key={r.code + r.because}>
                {r.because} <code>{r.code}</code>
                <Next next={r.next} />
              </li>
            ))}
          </ul>
        </Part>
      )}
      {plan && plan.missing.length > 0 && (
        <Part title="What is not known">
          <ul class="plain-list">
            {plan.missing.map((m) => (
              <li key={m.fact}>
                {m.fact}: {m.why} <span class="quiet">{m.get}</span>
              </li>
            ))}
          </ul>
        </Part>
      )}
      {plan && plan.holds.length > 0 && (
        <Part title="What is as wished already">
          <ul class="plain-list quiet">
            {plan.holds.map((h) => (
              <li key={h}>{h}</li>
            ))}
          </ul>
        </Part>
      )}
    </>
  )
}

const Part = ({ title, children }: { readonly title: string; readonly children: ComponentChildren }) => (
  <div class="part">
    <h3>{title}</h3>
    {children}
  </div>
)

function Talk({ answer: c }: { readonly answer: Conversation }) {
  return (
    <>
      <p>
        {c.reach
          ? `${c.reach.address}, port ${c.reach.port}, by ${c.reach.transport}, signed in by ${c.reach.method} (${c.reach.credential})`
          : 'No way to it was found.'}
        , <Time at={c.at} exact />
      </p>
      {c.problem && <Problem {...c.problem} />}
      <ol class="talk">
        {c.exchanges.map((e, i) => (
          <li key={i}>
            <details>
              <summary>
                <code>{e.what}</code>
                <span class="quiet"> {e.ms} ms</span>
                {e.problem && <Tag tone="look">{e.problem}</Tag>}
              </summary>
              <Answer text={e.answer || 'No answer.'} />
            </details>
          </li>
        ))}
      </ol>
      <div class="actions">
        <CopyButton
          label="Copy the conversation"
          text={() => c.exchanges.map((e) => `> ${e.what}\n${e.problem ?? e.answer}\n`).join('\n')}
        />
      </div>
    </>
  )
}

function Answer({ text }: { readonly text: string }) {
  const box = useScrolls<HTMLPreElement>('Answer')
  return <pre ref={box}>{text}</pre>
}
