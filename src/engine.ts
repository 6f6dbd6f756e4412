/**
 * collect → plan → apply → verify over many machines: concurrency, the guard, the journal. How machines are reached, DNS, the
 * clock and the secrets are given from outside, so that a lab, a recording or a test drops in.
 */
export {
  applyMachine,
  type Environment,
  type FromFleet,
  type HostSeen,
  type MachineOutcome,
  type StepOutcome,
  type Wished,
} from './engine/apply.ts'
export { type Collected, collect, problemOf, type Result } from './engine/collect.ts'
export { eachMachine } from './engine/fleet.ts'
export { type Authority, authority, forbids, isClientKey, type Names } from './engine/guard.ts'
export {
  beginJournal,
  continueJournal,
  type Entry,
  type Journal,
  leaseLost,
  type MachineJournal,
  type MachineResult,
  type StepResult,
} from './engine/journal.ts'
export { holder, holdMachine, isAlive, processHost } from './engine/lock.ts'
export { factsOf, type Identity, type Named, planOne, plansFor, readMachine, statusOf } from './engine/status.ts'
export { readJournal, settles, type Told, type ToldMachine, toldMachine, unfinishedJournal } from './engine/told.ts'
