/** The answer of diagnose, as the command gives it; each statement leads to the line it rests on. */
import type { ComponentChildren } from 'preact'
import type { Diagnosis, Evidence, Finding, MachineReading, Product } from '../../../src/model.ts'
import { OriginTag, StateTag, Step, Tag, VerdictTag } from '../parts.ts'
import { channels, count, hostFound, methods, number, productTitle, wordOf } from '../words.ts'
import { lineId } from './text.ts'

type Places = (evidence: readonly Evidence[]) => ComponentChildren

export function Reading({ answer: d, names }: { readonly answer: Diagnosis; readonly names: readonly string[] }) {
  const places: Places = (evidence) => <Lines evidence={evidence} names={names} />
  return (
    <>
      {d.problems.map((p) => (
        <div key={p.code + p.file} class="note note-bad">
          {p.file && `${p.file}: `}
          {p.summary} <code>{p.code}</code>
          <ul class="next">
            {p.next.map((n) => (
              <li key={n}>
                <Step text={n} />
              </li>
            ))}
          </ul>
        </div>
      ))}
      {d.machines.length > 1 && <Summary answer={d} />}
      {d.machines.slice(0, shownMost).map((m) => (
        <Machine key={m.id} machine={m} answer={d} places={places} many={d.machines.length > 1} />
      ))}
      <Left of={d.machines} what="machine" />
      <Unread answer={d} places={places} />
    </>
  )
}

/** More at once would hold the browser. */
const shownMost = 100

/** What is not shown of a long list, and where it is. */
function Left({ of: { length }, what }: { readonly of: readonly unknown[]; readonly what: string }) {
  if (length <= shownMost) return null
  return (
    <p class="quiet">
      … and {count(length - shownMost, `more ${what}`)}: <code>slmctl diagnose FILE</code> on your computer shows all.
    </p>
  )
}

/** Of several machines, how many are how: before anybody reads one after the other. */
function Summary({ answer: { machines } }: { readonly answer: Diagnosis }) {
  const verdicts = (['action', 'attention', 'cannot-tell', 'ok'] as const).map((verdict) => ({
    verdict,
    machines: machines.filter((m) => m.verdict === verdict).length,
  }))
  return (
    <p class="reading-summary">
      {count(machines.length, 'machine')}:{' '}
      {verdicts
        .filter((v) => v.machines > 0)
        .map((v) => (
          <span key={v.verdict}>
            {number(v.machines)} <VerdictTag verdict={v.verdict} />{' '}
          </span>
        ))}
    </p>
  )
}

/** Links to lines: at most five, as the first say it best. */
function Lines({ evidence, names }: { readonly evidence: readonly Evidence[]; readonly names: readonly string[] }) {
  const seen = new Map(evidence.map((e) => [`${e.source}:${e.line}`, e]))
  const shown = [...seen.values()].slice(0, 5)
  if (shown.length === 0) return null
  return (
    <span class="places">
      {shown.map((e) => {
        const at = Math.max(0, names.indexOf(e.source))
        return (
          <a key={`${at}:${e.line}`} href={`#${lineId(at, e.line)}`} title={e.text} onClick={() => focusLine(lineId(at, e.line))}>
            {names.length > 1 ? `${e.source}, ` : ''}line {e.line}
          </a>
        )
      })}
    </span>
  )
}

/** The browser marks the line by its address; the focus goes there, too, so that it is read out. */
function focusLine(id: string) {
  requestAnimationFrame(() => document.getElementById(id)?.focus({ preventScroll: true }))
}

function Machine({
  machine: m,
  answer: d,
  places,
  many,
}: {
  readonly machine: MachineReading
  readonly answer: Diagnosis
  readonly places: Places
  readonly many: boolean
}) {
  const products = d.products.filter((p) => p.machine === m.id)
  const title = m.name ?? (many ? m.sources.join(', ') : 'The answer')
  const told = new Set([m.headline, ...products.map((p) => p.cause)])
  const also = d.findings.filter((f) => f.machine === m.id && !told.has(f.summary) && !f.rule.startsWith('origin-'))
  const main = d.findings.filter((f) => f.machine === m.id && told.has(f.summary))
  const codes = d.codes.filter((c) => c.machine === m.id)
  const events = d.events.filter((e) => e.machine === m.id)
  return (
    <article class="reading" aria-label={title}>
      {(m.name || many) && (
        <h3 class="reading-name">
          {title}
          {many && m.name && <span class="quiet"> {m.sources.join(', ')}</span>}
        </h3>
      )}
      <p class="verdict-line">
        <VerdictTag verdict={m.verdict} /> {m.headline} {places(main.filter((f) => f.summary === m.headline).flatMap((f) => f.evidence))}
      </p>
      {m.next.length > 0 && (
        <ul class="next">
          {m.next.map((n) => (
            <li key={n}>
              <Step text={n} />
            </li>
          ))}
        </ul>
      )}
      {products.slice(0, shownMost).map((p, i) => (
        <ProductReading key={i} product={p} machine={m} places={places} />
      ))}
      <Left of={products} what="product" />
      {main
        .filter((f) => f.honest && !products.some((p) => p.originHonest === f.honest))
        .map((f) => (
          <p key={f.rule} class="note">
            An honest explanation: {f.honest}
          </p>
        ))}
      {also.length > 0 && (
        <Part title="Also">
          <ul class="plain-list">
            {also.slice(0, shownMost).map((f) => (
              <FindingLine key={f.rule + f.summary} finding={f} places={places} />
            ))}
          </ul>
          <Left of={also} what="remark" />
        </Part>
      )}
      {codes.length > 0 && (
        <Part title="Codes">
          <dl class="facts">
            {codes.slice(0, shownMost).flatMap((c) => [
              <dt key={c.code}>
                <code>{c.code}</code>
              </dt>,
              <dd key={`${c.code}-means`}>
                {c.meaning}
                {c.basis === 'name-only' && <span class="quiet"> (a hint only: Microsoft documents the name, not the meaning)</span>}{' '}
                {places(c.evidence)}
              </dd>,
            ])}
          </dl>
          <Left of={codes} what="code" />
        </Part>
      )}
      {events.length > 0 && (
        <Part title="Events">
          <dl class="facts">
            {events.slice(0, shownMost).flatMap((e, i) => [
              <dt key={`${e.id}-${i}`}>{e.id}</dt>,
              <dd key={`${e.id}-${i}-means`}>
                {e.meaning} {places(e.evidence)}
              </dd>,
            ])}
          </dl>
          <Left of={events} what="event" />
        </Part>
      )}
    </article>
  )
}

/** What is not activated yet is not said to be. */
const activatedBy = ({ state, method }: Product) =>
  `${state === 'licensed' ? '' : 'to be '}activated ${method === 'online' ? 'online' : `by ${wordOf(methods, method)}`}`

function ProductReading({
  product: p,
  machine,
  places,
}: {
  readonly product: Product
  readonly machine: MachineReading
  readonly places: Places
}) {
  const lines = (means: RegExp) => places(p.evidence.filter((e) => means.test(e.means)))
  const next = p.verdict === 'ok' ? [] : p.next.filter((n) => !machine.next.includes(n))
  return (
    <section class="reading-product">
      <div class="product-head">
        <h3>{productTitle({ ...p, name: p.name ?? null })}</h3>
        <VerdictTag verdict={p.verdict} />
      </div>
      {p.cause && p.cause !== machine.headline && <p class="product-cause">{p.cause}</p>}
      {next.length > 0 && (
        <ul class="next">
          {next.slice(0, 3).map((n) => (
            <li key={n}>
              <Step text={n} />
            </li>
          ))}
        </ul>
      )}
      <dl class="facts">
        <dt>State</dt>
        <dd>
          <StateTag state={p.state} /> {p.reason && <code>{p.reason}</code>}
          {p.minutesLeft !== null && ` ${count(p.minutesLeft, 'minute')} (${count(Math.floor(p.minutesLeft / 1440), 'day')}) left`}
          {p.expires && `${p.reason || p.minutesLeft !== null ? ',' : ''} until ${p.expires.replace('T', ' ')}`}{' '}
          {lines(/state|left|reason|code/i)}
        </dd>
        <dt>Channel</dt>
        <dd>
          {wordOf(channels, p.channel)}
          {p.partialKey && `, key …${p.partialKey}`}
          {p.method !== 'unknown' && p.method !== 'none' && `, ${activatedBy(p)}`} {lines(/channel/i)}
        </dd>
        {p.kms?.host && (
          <>
            <dt>KMS host</dt>
            <dd>
              {p.kms.host}
              {p.kms.port ? `:${p.kms.port}` : ''}
              {p.kms.ip && p.kms.ip !== p.kms.host ? ` (${p.kms.ip})` : ''}
              {hostFound[p.kms.found] && `, ${hostFound[p.kms.found]}`} {lines(/KMS host/i)}
            </dd>
          </>
        )}
        {p.count !== null && (
          <>
            <dt>Count</dt>
            <dd>
              {p.count} {lines(/^count/i)}
            </dd>
          </>
        )}
        <dt>Origin</dt>
        <dd>
          <OriginTag origin={p.origin} /> {p.originBecause}
          {p.originHonest && <p class="quiet">An honest explanation: {p.originHonest}</p>}
        </dd>
      </dl>
      <details class="rests-on">
        <summary>Everything that was read of it ({count(p.evidence.length, 'line')})</summary>
        <dl class="evidence-lines">
          {p.evidence.map((e, i) => (
            <div key={i}>
              <dt>
                {e.means} {places([e])}
              </dt>
              <dd>
                <code>{e.text}</code>
              </dd>
            </div>
          ))}
        </dl>
      </details>
    </section>
  )
}

const tones = { info: 'plain', attention: 'look', action: 'bad' } as const
const severities = { info: 'note', attention: 'look at this', action: 'action needed' } as const

function FindingLine({ finding: f, places }: { readonly finding: Finding; readonly places: Places }) {
  return (
    <li>
      <Tag tone={tones[f.severity]}>{severities[f.severity]}</Tag> {f.summary} {places(f.evidence)}
      {f.honest && <p class="quiet">An honest explanation: {f.honest}</p>}
    </li>
  )
}

function Part({ title, children }: { readonly title: string; readonly children: ComponentChildren }) {
  return (
    <section class="part">
      <h3>{title}</h3>
      {children}
    </section>
  )
}

function Unread({ answer: { unread }, places }: { readonly answer: Diagnosis; readonly places: Places }) {
  if (unread.length === 0) return null
  return (
    <details class="rests-on">
      <summary>{count(unread.length, 'line was', 'lines were')} not recognised</summary>
      <ul class="plain-list">
        {unread.slice(0, 200).map((u) => (
          <li key={`${u.source}:${u.line}`}>
            {places([{ ...u, means: '' }])} <code>{u.text.slice(0, 200)}</code>
          </li>
        ))}
      </ul>
      {unread.length > 200 && <p class="quiet">… and {count(unread.length - 200, 'more', 'more')}</p>}
    </details>
  )
}
