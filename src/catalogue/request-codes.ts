import type { SourceId } from './sources.ts'

/**
 * How far a request of a KMS client came, where its result code alone tells. `not-sent`: it found no host to ask; `not-reached`:
 * there was no connection to the host; `refused`: only a host that answered gives it.
 */
export type RequestCodeRow = {
  readonly code: number
  readonly stage: 'not-sent' | 'not-reached' | 'refused'
  /** What the host minded, where the code alone says it. */
  readonly about?: 'count' | 'clock' | 'key' | 'product'
  readonly source: readonly SourceId[]
}

/** 0xC004F074 is not among them: it stands for any of these. */
export const requestCodes = [
  { code: 0x8007007b, stage: 'not-sent', source: ['troubleshoot-activation-error-codes', 'activation-error-codes'] },
  { code: 0x8007232a, stage: 'not-sent', source: ['troubleshoot-activation-error-codes', 'activation-error-codes'] },
  { code: 0x8007232b, stage: 'not-sent', source: ['troubleshoot-activation-error-codes', 'activation-error-codes'] },
  { code: 0x8007251d, stage: 'not-sent', source: ['troubleshoot-activation-error-codes', 'activation-error-codes'] },
  { code: 0x8007267c, stage: 'not-sent', source: ['windows-activation-fails-with-error-0x8007267'] },
  { code: 0x80092328, stage: 'not-sent', source: ['troubleshoot-activation-error-codes', 'activation-error-codes'] },
  { code: 0x80072af9, stage: 'not-sent', source: ['system-error-codes--9000-11999'] },
  { code: 0x800706ba, stage: 'not-reached', source: ['troubleshoot-activation-error-codes', 'activation-error-codes'] },
  { code: 0x8007274c, stage: 'not-reached', source: ['system-error-codes--9000-11999'] },
  { code: 0x8007274d, stage: 'not-reached', source: ['system-error-codes--9000-11999'] },
  { code: 0xc004f038, stage: 'refused', about: 'count', source: ['troubleshoot-activation-error-codes', 'activation-error-codes'] },
  { code: 0xc004f041, stage: 'refused', about: 'key', source: ['troubleshoot-activation-error-codes', 'activation-error-codes'] },
  { code: 0xc004f042, stage: 'refused', about: 'product', source: ['troubleshoot-activation-error-codes', 'activation-error-codes'] },
  { code: 0xc004f06c, stage: 'refused', about: 'clock', source: ['troubleshoot-activation-error-codes', 'activation-error-codes'] },
] as const satisfies readonly RequestCodeRow[]
