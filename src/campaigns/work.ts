import type { Problem } from '../model.ts'
import type { Campaign, Held, NewOutcome, NewPlan, Observation, Target } from '../store.ts'
import type { CampaignSettings } from './settings.ts'

export type RunningCampaign = Omit<Campaign, 'settings'> & { readonly settings: CampaignSettings }

/** What came of a machine. */
export type Worked = {
  /**
   * `done`: asked, planned, or brought to its end, as wished or not. `failed`: not as planned. `away`: could not be reached now; it
   * is tried again while the campaign has time for that. `open`: something is not known and is asked again like that. `back`: nothing
   * was tried, as work was stopped.
   */
  readonly end: 'done' | 'failed' | 'away' | 'open' | 'back'
  /** One word, or a few: a verdict, what would change, how it ended. Counted in groups. */
  readonly result: string
  readonly problem: Problem | null
  readonly observation: Observation | null
  readonly plan: NewPlan | null
  readonly outcome: NewOutcome | null
}

/** What a worker on one machine may ask for. */
export type Context = {
  readonly campaign: RunningCampaign
  readonly held: Held
  /** False: somebody else has, or will have, the machine; nothing may be sent to it any more. */
  readonly mayStill: () => boolean
  /** Waits until so many activations are within the campaign's rate; false where it was stopped meanwhile. */
  readonly activations: (count: number) => Promise<boolean>
  /** Ends when no further step is to be begun. */
  readonly signal: AbortSignal
}

/** Does what a campaign is for with one machine. Throws only what ends the worker as a whole, such as a store that is gone. */
export type Work = (target: Target, context: Context) => Promise<Worked>
