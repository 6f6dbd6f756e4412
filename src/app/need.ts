/** A thing that needs somebody: what it is, and the words of its sentence. */
import type { Store } from '../store.ts'
import { filterOf, type Words } from './filter.ts'

/** A page with its filters, by the words of the command line; those without a value are `true`. */
export type Link = {
  readonly page: 'machines' | 'machine' | 'hosts' | 'host' | 'origin' | 'campaigns' | 'campaign' | 'expiring' | 'site'
  readonly query: Readonly<Record<string, string>>
}
export type Severity = 'action' | 'attention' | 'info'
export type Need = {
  readonly kind: NeedKind
  readonly severity: Severity
  /** Machines, products or what a host counts, as the sentence says. */
  readonly number: number
  readonly text: string
  readonly next: string | null
  readonly link: Link
}

/** In the order in which they are told where they are equally urgent. */
export const kinds = [
  ...['host-down', 'campaign-open', 'campaign-stopped', 'foreign', 'lapsed', 'ending', 'action', 'host-count', 'host-check'],
  ...['campaign-failed', 'suspect', 'unknown-host', 'not-renewing', 'duplicates', 'unasked', 'never', 'stale'],
] as const
export type NeedKind = (typeof kinds)[number]

export const many = (n: number, one: string, more: string) => `${n} ${n === 1 ? one : more}`
export const machines = (n: number, one = '', more = one) => many(n, `machine${one && ` ${one}`}`, `machines${more && ` ${more}`}`)
export const date = (ms: number) => new Date(ms).toISOString().slice(0, 10)
export const withoutDot = (text: string) => text.replace(/\.$/, '')

/** Of one kind so many are told one by one; the others together. */
export const eachShown = 5

/** Counts the machines that a filter means, by its words. */
export type Ask = (query: Link['query']) => Promise<{ readonly number: number; readonly link: Link }>
export const asking =
  (store: Store, now: number): Ask =>
  async (query) => {
    const words: Words = Object.fromEntries(Object.entries(query).map(([name, value]) => [name, value === 'true' ? true : value]))
    return { number: await store.count(filterOf(words, now)), link: { page: 'machines', query } }
  }
