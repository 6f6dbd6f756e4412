/**
 * Machines that no network reaches: plans that are signed and carried to them by file, secrets that only the target can open, and
 * telephone activation by a file of IDs. Files and clocks are given from outside but for the keys and the marks of used plans.
 */
export { csvLine } from './offline/csv.ts'
export { readTelephoneFile, type TelephoneRow, telephoneFile, telephoneRows } from './offline/ids.ts'
export {
  ensureTargetKey,
  keyWords,
  makeSigner,
  type Passphrase,
  publicPart,
  readSigner,
  type SigningKey,
  targetKey,
} from './offline/keys.ts'
export {
  type Identity,
  looksSigned,
  type SignedPlan,
  signerOf,
  signPlan,
  validDays,
  verifySigned,
} from './offline/signed-plan.ts'
export { type OnTarget, onTarget, otherMachine } from './offline/target.ts'
export { begun, claim, refuseUsed } from './offline/used.ts'
