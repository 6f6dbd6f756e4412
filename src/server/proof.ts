/** Random values that prove something: a session, a token, a link. Whoever shows one is known by it; kept is its hash alone. */
import { createHash, randomBytes } from 'node:crypto'
import type { Scope } from './route.ts'

export type Proof = { readonly value: string; readonly hash: string }

/** What API tokens begin with, so that they are found where they were lost. */
export const tokenPrefix = 'slmctl_'

/** 256 bits. */
export function newProof(prefix = ''): Proof {
  const value = `${prefix}${randomBytes(32).toString('base64url')}`
  return { value, hash: hashOf(value) }
}

/** What is kept of a proof. It is random and long: a hash without salt and work is enough. */
export const hashOf = (value: string): string => createHash('sha256').update(value).digest('hex')

/** The longest that a token lives, in days. */
export const longestDays = 365

/** The role that a scope is worth; `metrics` is worth none. */
export const roleOfScope = { metrics: null, read: 'viewer', operate: 'operator', apply: 'approver' } as const satisfies Record<
  Scope,
  string | null
>
