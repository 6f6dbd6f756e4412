/** Campaigns in words: the same as the command line has (src/cli/views/campaigns.ts). */

import type { CampaignAnswer } from '../../../src/schemas/api.ts'
import type { Tone } from '../parts.ts'
import { count, verdicts, wordOf } from '../words.ts'

/** How the API says one campaign. */
export type OneCampaign = { readonly campaign: CampaignAnswer }
export type Group = CampaignAnswer['groups'][number]

export const kinds: Readonly<Record<CampaignAnswer['kind'], string>> = { scan: 'Scan', plan: 'Plan', apply: 'Apply' }
export const kindMeans: Readonly<Record<CampaignAnswer['kind'], string>> = {
  scan: 'Asks machines what they have. Nothing is changed.',
  plan: 'Asks machines, and writes down what would be changed on each and why. Nothing is changed.',
  apply: 'Does what was planned, and asks each machine afterwards whether it holds.',
}
export const campaignStates: Readonly<Record<CampaignAnswer['state'], readonly [Tone, string]>> = {
  running: ['plain', 'running'],
  stopped: ['look', 'stopped'],
  cancelled: ['unknown', 'cancelled'],
  finished: ['good', 'finished'],
}
export const titleOf = ({ kind, id }: Pick<CampaignAnswer, 'kind' | 'id'>): string => `${kinds[kind]} ${id}`

/** How an apply ended for a machine; a scan's words are verdicts, a plan's are what would change. */
const applied: Readonly<Record<string, string>> = {
  changed: 'changed, and it holds',
  unchanged: 'nothing was to be done any more',
  failed: 'a step failed; the rest was left',
  refused: 'refused',
  stale: 'not as it was when it was planned: left as it is',
  unknown: 'no answer to what was sent: nobody knows',
  unreachable: 'could not be reached',
  interrupted: 'interrupted: it is asked first when it goes on',
  'nothing planned': 'nothing was planned for it',
}
const unasked: Readonly<Record<string, string>> = { unreachable: 'could not be reached', 'not-asked': 'could not be asked' }

/** What a group of machines came to, without its Problem. */
export function groupWords(kind: CampaignAnswer['kind'], { state, result, problem }: Pick<Group, 'state' | 'result' | 'problem'>): string {
  if (state === 'waiting') return problem ? 'could not be reached so far, tried again later' : 'waiting'
  if (state === 'leased') return 'under way'
  if (state === 'cancelled') return 'cancelled'
  if (result === null) return state
  if (result in unasked && kind !== 'apply') return unasked[result]!
  if (kind === 'scan') return wordOf(verdicts, result)
  return kind === 'apply' ? (applied[result] ?? result) : result
}

/** Whether that is good news. */
export function groupTone(kind: CampaignAnswer['kind'], { state, result }: Pick<Group, 'state' | 'result'>): Tone {
  if (state === 'failed') return 'bad'
  if (state !== 'done') return 'plain'
  if (kind === 'scan') return result === 'ok' ? 'good' : result === 'action' ? 'bad' : result === 'attention' ? 'look' : 'unknown'
  if (kind === 'plan') return result === 'nothing to change' ? 'good' : changes(result) ? 'plain' : 'look'
  return result === 'changed' || result === 'unchanged' ? 'good' : 'look'
}

/** Of a plan's results, those in which something would be changed. */
export const changes = (result: string | null): boolean =>
  result !== null && result !== 'nothing to change' && result !== 'something is not known' && !result.startsWith('refused: ')

/** How far it is, in one sentence. */
export function progressWords(c: Omit<CampaignAnswer, 'groups' | 'locations'>): string {
  const parts = [
    [c.done, 'done'],
    [c.failed, 'failed'],
    [c.running, 'under way'],
    [c.waiting, 'waiting'],
    [c.retrying, 'tried again later'],
    [c.cancelled, 'cancelled'],
  ] as const
  return `${count(c.machines, 'machine')}: ${parts.flatMap(([n, what]) => (n > 0 ? [`${n} ${what}`] : [])).join(', ') || 'none'}.`
}
