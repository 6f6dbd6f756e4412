/**
 * What we know about volume activation: reading what machines print (clues), what it says (facts), what follows (rules,
 * origin), and what would bring a machine to where it should be (changes, plan). Pure: no network, no clock, no files.
 */
export { type Auditor, auditor, auditRemarks, auditTitle, total } from './activation/audit.ts'
export { codesIn } from './activation/clues/codes.ts'
export { hex, resultCode } from './activation/clues/shapes.ts'
export { type DiagnoseOptions, diagnose, type Gathered, gather, goodPaste, type SourceText } from './activation/diagnose.ts'
export type { EventFacts } from './activation/facts/event.ts'
export type { MachineFacts } from './activation/facts/machine.ts'
export type { ProductFacts } from './activation/facts/product.ts'
export type { HostRole, OfficeFacts, SystemFacts, Unasked } from './activation/facts/system.ts'
export { type HostInUse, hostInUse } from './activation/host-in-use.ts'
export { answeredWhole, type Judgement, judge, originNext, unanswered } from './activation/judge.ts'
export {
  attemptEvents,
  attemptsQuestion,
  type LogEvents,
  type LoggedEvent,
  requestEvents,
  requestsQuestion,
} from './activation/live/events.ts'
export { liveFacts } from './activation/live/facts.ts'
export {
  type Answer,
  type Answers,
  boardQuestion,
  boardUuid,
  type LiveQuestion,
  type LiveRow,
  type LiveValue,
  nextQuestions,
  type QuestionOptions,
} from './activation/live/questions.ts'
export { type HostProof, proofOf, provableHost } from './activation/origin.ts'
export { decode, isRecording, looksBinary, page, quote } from './activation/page.ts'
export { type Asked, type Authorisation, type AuthorisedHost, type PlanOptions, plan, planMachine, reasons } from './activation/plan.ts'
export { called } from './activation/rules/rule.ts'
export { rules } from './activation/rules.ts'
export { resolveStep, type VerifyOptions, verifyStep } from './activation/verify.ts'
export { isOurObject } from './activation/wishes.ts'
