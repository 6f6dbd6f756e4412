/**
 * One Windows machine, however it is reached: over WinRM, on itself, or from a recording. Ask, call, read the registry, close. What
 * it lacks is no error; what cannot be done is a Problem; a call is never sent twice.
 */

export { openLocal } from './windows/local.ts'
export type {
  Call,
  CallAnswer,
  Credential,
  Machine,
  Question,
  Reach,
  RegistryQuestion,
  RegistryValue,
  Tls,
  WmiRow,
  WmiValue,
} from './windows/machine.ts'
export { openRecording, type Recorder, type Recording, recorder } from './windows/recording.ts'
export { type NameKind, type Redactor, redactor } from './windows/redact.ts'
export { openMachine } from './windows/winrm.ts'
