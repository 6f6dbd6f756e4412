/** What a server does by itself, again and again: looks at the KMS hosts, and asks every machine. */
import type { Site } from '../model.ts'
import type { Campaign, Store } from '../store.ts'
import { beginCampaign } from './campaigns.ts'
import type { KmsHosts } from './hosts.ts'

const hourMs = 3_600_000
/** Hosts that are off at night are asked again in the morning. */
const retryForMs = 4 * hourMs
/** Whoever asked every machine, by hand or not, in these words: it need not be asked again so soon. */
const everyMachine = 'every machine'

/**
 * Checks the site's KMS hosts where one of them was not looked at for so many minutes, and keeps what they said; how many were looked
 * at. A check of one host by hand puts the others off by nothing. `lastAt`: when whoever asks did it last.
 */
export async function checkHostsWhenDue(
  hosts: () => Promise<KmsHosts>,
  store: Store,
  minutes: number,
  when: { readonly now: number; readonly lastAt: number },
  signal: AbortSignal,
): Promise<number> {
  const due = when.now - minutes * 60_000
  const seen = (await store.hosts(5)).map((host) => Math.max(0, ...host.checks.map((check) => check.last)))
  if (when.lastAt > due || (seen.length > 0 && Math.min(...seen) > due)) return 0
  const wish = { hours: null, client: null, retire: null, whole: false, store } as const
  let looked = 0
  for await (const _ of (await hosts()).check(wish, signal)) looked++
  return looked
}

/**
 * Begins a scan of every machine where none was begun for so many hours, and none runs; null: it is not due. Of several servers, one
 * begins it: its key is the same for all.
 */
export async function scanWhenDue(store: Store, site: Site | null, hours: number, now: number): Promise<Campaign | null> {
  const { rows } = await store.campaignPage({ kind: 'scan' }, { limit: 50, after: null })
  // One that was stopped has not asked every machine.
  const last = rows.find(({ name, state }) => name === everyMachine && (state === 'running' || state === 'finished'))
  if (last && (last.state === 'running' || last.createdAt > now - hours * hourMs)) return null
  const key = `every ${hours} h, ${Math.floor(now / (hours * hourMs))}`
  if ((await store.campaigns({ key, limit: 1 })).length > 0 || (await store.count({})) === 0) return null
  return await beginCampaign(
    store,
    site,
    {
      ...{ kind: 'scan', filter: {}, selection: everyMachine, plansOf: null, renew: false, asked: [] },
      ...{ atOnce: null, activationsPerMinute: null, window: null, retryForMs, canary: null },
    },
    key,
  )
}
