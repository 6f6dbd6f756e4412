/**
 * The archive for support (`--debug`): what machines said, plans, journal, output, a log with times, versions, and a list of what
 * is inside, so that a person can decide before sending it. Never a product key whole, never a secret; names hidden where asked.
 */
export { type Support, type SupportOptions, support } from './support/collect.ts'
export type { Hide } from './support/parts.ts'
export { type Wish, wishOf } from './support/wish.ts'
