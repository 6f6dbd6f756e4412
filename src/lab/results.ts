import type { SourceId } from './sources.ts'

/** Every result and reason code that a lab machine reports, with the document or recording that it comes from. */
export const results = {
  ok: { code: 0, source: 'spp-product' },
  'pkey-not-installed': { code: 0xc004f014, source: 'case-36' },
  'invalid-key': { code: 0xc004f050, source: 'activation-errors' },
  'other-edition': { code: 0xc004f069, source: 'error-names' },
  'not-enough-count': { code: 0xc004f038, source: 'activation-errors' },
  'host-not-activated': { code: 0xc004f041, source: 'activation-errors' },
  'host-cannot-serve': { code: 0xc004f042, source: 'activation-errors' },
  'host-away': { code: 0xc004f074, source: 'activation-errors' },
  'invalid-timestamp': { code: 0xc004f06c, source: 'activation-errors' },
  'no-dns-name': { code: 0x8007232b, source: 'activation-errors' },
  'no-activation-object': { code: 0xc004f081, source: 'error-names' },
  'no-windows-marker': { code: 0xc004f035, source: 'activation-errors' },
  'bad-marker': { code: 0xc004f059, source: 'activation-errors' },
  'mak-used-up': { code: 0xc004c020, source: 'activation-errors' },
  'no-internet': { code: 0x80072ee7, source: 'activation-errors' },
  'no-base-product': { code: 0xc004f055, source: 'error-names' },
  'parent-not-activated': { code: 0xc004fd02, source: 'activation-errors' },
  'not-supported': { code: 0xc004f016, source: 'activation-errors' },
  'wrong-check-digits': { code: 0xc004f04d, source: 'spp-deposit' },
  'grace-expired': { code: 0xc004f009, source: 'activation-errors' },
  'out-of-tolerance': { code: 0xc004f00f, source: 'case-10' },
  'not-bound': { code: 0xc004f056, source: 'case-07' },
  'key-mismatch': { code: 0xc004f005, source: 'case-38' },
  'in-grace': { code: 0x4004f00c, source: 'case-17' },
  'in-oot-grace': { code: 0x4004f00d, source: 'error-names' },
  'volume-licensed': { code: 0x4004f040, source: 'case-32' },
  'digital-licence': { code: 0x4004f401, source: 'case-30' },
  'time-based': { code: 0x4004fc04, source: 'error-names' },
  // RPC_S_SERVER_UNAVAILABLE and WSAHOST_NOT_FOUND as HRESULTs: no answer at the host's address; no address for its name.
  'no-answer': { code: 0x800706ba, source: 'activation-errors' },
  'no-address': { code: 0x80072af9, source: 'error-names' },
  'invalid-argument': { code: 0x80070057, source: 'activation-errors' },
} as const satisfies Readonly<Record<string, { readonly code: number; readonly source: SourceId }>>

export type ResultId = keyof typeof results
export const codeOf = (id: ResultId): number => results[id].code
