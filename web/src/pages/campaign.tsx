/** One campaign: how far it is, what came of its machines, and for a plan what would be changed and the approval of it. */
import './campaign.css'
import './overview.css'
import { useEffect, useState } from 'preact/hooks'
import { useLocation } from 'preact-iso'
import type { AppliesAnswer, CampaignAnswer } from '../../../src/schemas/api.ts'
import { api, page, pageOfCampaign } from '../addresses.ts'
import { useAnswer } from '../answer.ts'
import { type LiveEvent, useEvents } from '../events.ts'
import { filtersOf, selectionWords } from '../machines/selection.ts'
import { Loading, PageTitle, Shown, Tag, Time } from '../parts.ts'
import { count } from '../words.ts'
import { Approve } from './campaign-approve.tsx'
import { Orders } from './campaign-orders.tsx'
import { Plans } from './campaign-plans.tsx'
import { Locations, Results, Targets } from './campaign-results.tsx'
import { campaignStates, kindMeans, type OneCampaign, progressWords, titleOf } from './campaign-words.ts'
import { useQuietReload } from './quiet-reload.ts'

export default function CampaignPage({ id }: { readonly id: string }) {
  const answer = useAnswer<OneCampaign>(api.campaign(id))
  // Asked beside it: an approval that says later that there was one before is too late, and moves what is read.
  const applies = useAnswer<AppliesAnswer>(api.campaignApplies(id))
  useQuietReload(['campaign'], () => {
    answer.reload()
    applies.reload()
  })
  // Title and contents come together: nothing moves.
  const loaded = applies.state === 'loading' ? null : (answer.value?.campaign ?? null)
  const campaign = useLive(loaded, answer.reload)
  return (
    <>
      <PageTitle
        title={campaign ? titleOf(campaign) : `Campaign ${id}`}
        tab={campaign ? `${titleOf(campaign)}, ${campaign.state}` : `Campaign ${id}`}
        lead={campaign && <Lead campaign={campaign} />}
      >
        {campaign && <Orders campaign={campaign} done={answer.reload} />}
      </PageTitle>
      <Shown answer={answer} what="the campaign" rows={12}>
        {() =>
          campaign === null ? (
            <Loading what="the campaign" rows={12} />
          ) : (
            <Body campaign={campaign} applies={applies.value?.rows ?? []} reload={answer.reload} />
          )
        }
      </Shown>
    </>
  )
}

/**
 * A campaign as it was loaded, with the numbers that events told of it since. That it came to its end or was stopped is shown when it
 * was loaded anew: what came of its machines belongs to it.
 */
function useLive(loaded: CampaignAnswer | null, reload: () => void): CampaignAnswer | null {
  const [told, setTold] = useState<Extract<LiveEvent, { name: 'campaign' }>['data'] | null>(null)
  useEffect(() => setTold(null), [loaded])
  useEvents(['campaign'], (event) => {
    if (event.name !== 'campaign' || event.data.id !== loaded?.id) return
    setTold(event.data)
    if (event.data.state !== loaded.state) reload()
  })
  if (!loaded || !told) return loaded
  const { state, because, planned } = loaded
  return { ...loaded, ...told, state, because, planned }
}

function Lead({ campaign: c }: { readonly campaign: CampaignAnswer }) {
  const [tone, word] = campaignStates[c.state]
  const filters = filtersOf(c.selection)
  return (
    <>
      <Tag tone={tone}>{word}</Tag> {kindMeans[c.kind]} Made <Time at={c.createdAt} /> for{' '}
      {c.plansOf !== null ? (
        <>
          what <a href={pageOfCampaign(c.plansOf)}>Plan {c.plansOf}</a> planned
        </>
      ) : filters === null ? (
        c.selection
      ) : (
        <a href={page('/machines', filters)}>{selectionWords(c.selection)}</a>
      )}
      .
    </>
  )
}

type Applies = AppliesAnswer['rows']

function Body({
  campaign,
  applies,
  reload,
}: {
  readonly campaign: CampaignAnswer
  readonly applies: Applies
  readonly reload: () => void
}) {
  const { query } = useLocation()
  const plan = campaign.kind === 'plan'
  const view = query.view ?? (plan && query.state === undefined ? 'plans' : 'machines')
  const views = [...(plan ? [['plans', 'Plans, machine by machine'] as const] : []), ['machines', 'Machines'] as const]
  return (
    <div class="sections">
      <Progress campaign={campaign} />
      {plan && <Approve campaign={campaign} same={applies} reload={reload} />}
      {campaign.kind === 'apply' && <Verified campaign={campaign} />}
      <Results campaign={campaign} />
      {campaign.locations.length > 1 && <Locations campaign={campaign} />}
      <section aria-label="One by one" id="machines">
        {views.length > 1 && (
          <ul class="views">
            {views.map(([name, title]) => (
              <li key={name}>
                <a href={page(pageOfCampaign(campaign.id), { view: name })} aria-current={view === name ? 'true' : undefined}>
                  {title}
                </a>
              </li>
            ))}
          </ul>
        )}
        {view === 'plans' ? <Plans campaign={campaign} /> : <Targets campaign={campaign} />}
      </section>
    </div>
  )
}

/** `By maria.` alone says too little. */
function becauseWords({ state, because }: Pick<CampaignAnswer, 'state' | 'because'>): string {
  const word = campaignStates[state][1]
  return /^By /.test(because ?? '') ? `It was ${word} b${because!.slice(1)}` : (because ?? '')
}

function Progress({ campaign: c }: { readonly campaign: CampaignAnswer }) {
  const ended = c.done + c.failed + c.cancelled
  const over = c.state === 'finished' || c.state === 'cancelled'
  return (
    <section class="panel progress" aria-label="Progress">
      {!over && (
        <progress max={Math.max(1, c.machines)} value={ended} aria-label={`${ended} of ${count(c.machines, 'machine')} ended`}>
          {ended} of {c.machines}
        </progress>
      )}
      <p>
        {progressWords(c)}
        {c.nextDueAt !== null && c.retrying > 0 && c.waiting === 0 && (
          <>
            {' '}
            The next try is <Time at={c.nextDueAt} />.
          </>
        )}
      </p>
      {c.because && c.state !== 'finished' && <p>{becauseWords(c)}</p>}
      {c.state === 'stopped' && c.running > 0 && <p class="quiet">What is under way on {count(c.running, 'machine')} ends by itself.</p>}
      {c.machines < c.wanted && (
        <p class="note note-look">
          It was made for {count(c.wanted, 'machine')} and cut while they were put in: cancel it, and make a new one.
        </p>
      )}
      {/* Said once, when it comes to its end or is stopped; not each number on the way. */}
      <p class="unseen" role="status">
        {titleOf(c)} is {campaignStates[c.state][1]}.
      </p>
    </section>
  )
}

/** What an apply proved: each step is asked again on its machine before it counts. */
function Verified({ campaign: c }: { readonly campaign: CampaignAnswer }) {
  const of = (result: string) => c.groups.reduce((n, g) => (g.result === result ? n + g.machines : n), 0)
  const changed = of('changed')
  const stale = of('stale')
  if (changed + stale + c.open === 0) return null
  return (
    <section class="panel stack" aria-labelledby="verified">
      <h2 id="verified">Verified</h2>
      {changed > 0 && (
        <p>
          {count(changed, 'machine')} changed. Each was asked again after every step, and holds what was planned. How they are now stands on
          the page of each machine, and in the next scan.
        </p>
      )}
      {stale > 0 && (
        <p>
          {count(stale, 'machine')} not as when the plan was made, and left unchanged: <a href="/campaigns">plan them anew</a>.
        </p>
      )}
      {c.open > 0 && <p>On {count(c.open, 'machine')} what was sent got no answer: they are asked before anything else when it goes on.</p>}
    </section>
  )
}
