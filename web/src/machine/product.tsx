/** One product of a machine: what it is, whose activation, why it is not as wished, and the lines that say so. */
import type { MachineCard, ProductLine } from '../../../src/schemas/fleet.ts'
import { pageOfHost } from '../addresses.ts'
import { DaysLeft, OriginTag, StateTag, Step, Time, VerdictTag } from '../parts.ts'
import { channels, hostFound, methods, number, productTitle, wordOf } from '../words.ts'

export function ProductPanel({ product: p, machine }: { readonly product: ProductLine; readonly machine: MachineCard }) {
  const id = `product-${p.key.replace(/[^\w-]/g, '-')}`
  const next = p.verdict === 'ok' ? [] : p.next.filter((n) => !machine.next.includes(n))
  return (
    <section class="panel product" aria-labelledby={id}>
      <div class="product-head">
        <h2 id={id}>{productTitle(p)}</h2>
        <VerdictTag verdict={p.verdict} />
      </div>
      {p.cause && p.cause !== machine.headline && <p class="product-cause">{p.cause}</p>}
      {next.length > 0 && (
        <ul class="next">
          {next.map((n) => (
            <li key={n}>
              <Step text={n} />
            </li>
          ))}
        </ul>
      )}
      <dl class="facts">
        <dt>State</dt>
        <dd>
          <StateTag state={p.state} /> {p.reason && <code>{p.reason}</code>} since <Time at={p.since} exact />
        </dd>
        {(p.expiresAt !== null || p.state === 'licensed') && (
          <>
            <dt>Ends</dt>
            <dd>
              <DaysLeft until={p.expiresAt} seenAt={machine.seenAt} />
              {p.expiresAt !== null && (
                <span class="quiet">
                  {' '}
                  · <Time at={p.expiresAt} exact />
                </span>
              )}
            </dd>
          </>
        )}
        <dt>Channel</dt>
        <dd>
          {wordOf(channels, p.channel)}
          {p.partialKey && (
            <>
              , key …<span class="mono">{p.partialKey}</span>
            </>
          )}
          {p.method !== 'none' && p.method !== 'unknown' && `, by ${wordOf(methods, p.method)}`}
        </dd>
        {p.host && (
          <>
            <dt>KMS host</dt>
            <dd>
              <a href={pageOfHost(p.host, p.port ?? 1688)}>
                {p.host}
                {p.port !== null && p.port !== 1688 ? `:${p.port}` : ''}
              </a>
              {p.hostFound && hostFound[p.hostFound] && <span class="quiet"> {hostFound[p.hostFound]}</span>}
            </dd>
          </>
        )}
        {p.activationObject && (
          <>
            <dt>Activation object</dt>
            <dd>{p.activationObject}</dd>
          </>
        )}
        {p.count !== null && (
          <>
            <dt>Count</dt>
            <dd>{number(p.count)}</dd>
          </>
        )}
        <dt>Origin</dt>
        <dd>
          <OriginTag origin={p.origin} /> {p.originBecause}
          {p.originHonest && <p class="quiet">An honest explanation: {p.originHonest}</p>}
        </dd>
        {p.renewedAt !== null && (
          <>
            <dt>Renewed</dt>
            <dd>
              <Time at={p.renewedAt} />
            </dd>
          </>
        )}
      </dl>
      {p.evidence.length > 0 && (
        <details class="rests-on">
          <summary>
            What this rests on ({p.evidence.length} {p.evidence.length === 1 ? 'line' : 'lines'})
          </summary>
          <dl class="evidence-lines">
            {p.evidence.map((e, i) => (
              <div key={`${e.source}:${e.line}:${i}`}>
                <dt>{e.means}</dt>
                <dd>
                  <code>{e.text}</code>
                </dd>
              </div>
            ))}
          </dl>
        </details>
      )}
    </section>
  )
}
