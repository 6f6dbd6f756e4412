/** What needs somebody, the worst first: a sentence with its number that leads on, and what is next. */
import type { Today } from '../../../src/schemas/api.ts'
import { pageOfLink } from '../addresses.ts'
import { Tag } from '../parts.ts'
import { useMay } from '../session.ts'
import { StartCampaign } from './campaign-start.tsx'
import { type Next, nextHere } from './need-next.ts'

const severities = {
  action: ['bad', 'action needed'],
  attention: ['look', 'look at this'],
  info: ['plain', 'good to know'],
} as const

/** Needs that a plan may help with, and those that another try at asking may. */
const plannable = new Set(['lapsed', 'action', 'ending'])
const askable = new Set(['never', 'stale', 'unasked'])

function HelpWith({ need: { kind, link } }: { readonly need: Today['needs'][number] }) {
  if (!(plannable.has(kind) || (askable.has(kind) && link.page === 'machines'))) return null
  return (
    <span class="need-help no-print">
      {plannable.has(kind) ? (
        <StartCampaign kind="plan" label="Plan for them …" filter={link.query} renewing={kind === 'ending'} />
      ) : (
        <StartCampaign kind="scan" label="Ask them again …" filter={link.query} />
      )}
    </span>
  )
}

function NextStep({ next }: { readonly next: Next | null }) {
  if (!next) return null
  return <span class="need-next">Next: {next.href === null ? next.text : <a href={next.href}>{next.text}</a>}</span>
}

export function Needs({ today }: { readonly today: Today }) {
  const operator = useMay('operator')
  if (today.needs.length === 0)
    return (
      <div class="state all-well">
        <p class="state-title">Nothing needs you today.</p>
        <p>As far as the machines were asked, every one is as wished, and no host is in trouble.</p>
      </div>
    )
  return (
    <ol class="needs" aria-label="What needs you today, the worst first">
      {today.needs.map((need) => {
        const [tone, word] = severities[need.severity]
        return (
          <li key={need.kind + JSON.stringify(need.link)} class={`need-${need.severity}`}>
            <span>
              <Tag tone={tone}>{word}</Tag>
            </span>
            <a class="need-text" href={pageOfLink(need.link)}>
              {need.text}
            </a>
            <NextStep next={nextHere(need)} />
            {operator && <HelpWith need={need} />}
          </li>
        )
      })}
    </ol>
  )
}
