/**
 * Campaigns: a scan, plan or apply over many machines, by any number of processes, whose truth is the store. Who has a machine,
 * for how long, when it is tried again, which go first, when it may be worked on, and when all of it is over.
 */
export { canaryOver } from './campaigns/canary.ts'
export { notKnown } from './campaigns/keeper.ts'
export type { Processes } from './campaigns/owner.ts'
export { placeOf } from './campaigns/place.ts'
export { type RunEvent, type RunOptions, runCampaigns } from './campaigns/run.ts'
export {
  type CampaignSettings,
  type Canary,
  readCanary,
  readHours,
  readWindow,
  settingsOf,
  type TimeWindow,
} from './campaigns/settings.ts'
export { isOpen, opensAt } from './campaigns/window.ts'
export type { Context, RunningCampaign, Work, Worked } from './campaigns/work.ts'
