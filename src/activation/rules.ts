import {
  activatorMarks,
  byDirectory,
  clockDifference,
  impossibleCount,
  impossibleTime,
  reservedHost,
  subscription,
} from './rules/evidence.ts'
import { clientCount, hostCount, hostNotFound, hostOverride, hostRole, intervals, loopbackHost, platformNotes } from './rules/hosts.ts'
import {
  addOnOnly,
  digitalLicence,
  keyEdition,
  keyInstalled,
  keyUnpublished,
  neverActivated,
  noKey,
  twoEntries,
  wrongChannel,
} from './rules/keys.ts'
import type { Rule } from './rules/rule.ts'
import { attemptFailed, endedSince, evaluation, informational, notActivated, notRenewed } from './rules/state.ts'

/** Every rule, in the order in which a cause is looked for: the first that speaks of a product names its cause. */
export const rules: readonly Rule[] = [
  impossibleTime,
  activatorMarks,
  clockDifference,
  clientCount,
  hostNotFound,
  attemptFailed,
  evaluation,
  wrongChannel,
  keyEdition,
  neverActivated,
  noKey,
  notActivated,
  notRenewed,
  hostCount,
  impossibleCount,
  reservedHost,
  loopbackHost,
  platformNotes,
  hostOverride,
  hostRole,
  intervals,
  informational,
  digitalLicence,
  subscription,
  keyUnpublished,
  twoEntries,
  addOnOnly,
  keyInstalled,
  byDirectory,
  endedSince,
]
