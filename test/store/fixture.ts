/** Machines and products to keep, as sources and judgements give them. */
import type { FoundMachine, Problem, Product } from '../../src/model.ts'
import type { Again, Answered, Ending, Held, Store } from '../../src/store.ts'

export const day = 86_400_000
/** 2026-11-01T12:00:00Z. */
export const noon = Date.UTC(2026, 10, 1, 12)

export function found(name: string, more: Partial<FoundMachine> = {}): FoundMachine {
  return {
    name,
    guid: null,
    uuid: null,
    address: null,
    system: null,
    systemVersion: null,
    enabled: null,
    lastSeen: null,
    distinguishedName: null,
    groups: [],
    pool: null,
    ...more,
  }
}

export const guid = (n: number) => `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`

export function product(more: Partial<Product> = {}): Product {
  return {
    name: 'Windows(R), Enterprise edition',
    application: 'windows',
    edition: 'Enterprise',
    channel: 'kms-client',
    method: 'kms',
    addOn: false,
    partialKey: '2YT43',
    activationId: '11111111-2222-4333-8444-555555555555',
    state: 'licensed',
    reason: null,
    minutesLeft: 150 * 1440,
    expires: null,
    kms: {
      host: 'kms1.corp.example',
      port: 1688,
      ip: '10.0.0.5',
      found: 'dns',
      hostId: null,
      activationIntervalMinutes: 120,
      renewalIntervalMinutes: 10_080,
    },
    activationObject: null,
    count: 50,
    verdict: 'ok',
    cause: null,
    next: [],
    origin: 'own',
    originBecause: 'Declared: activated by a host of the site file.',
    originHonest: null,
    evidence: [],
    source: 'wmi',
    machine: 'm',
    ...more,
  }
}

export function answer(machine: number, at: number, products: readonly Product[], more: Partial<Answered> = {}): Answered {
  const worst = products.find((p) => p.verdict !== 'ok')
  return {
    machine,
    at,
    live: true,
    whole: true,
    uuid: null,
    products,
    reading: {
      verdict: worst?.verdict ?? 'ok',
      origin: products[0]?.origin ?? 'cannot-tell',
      headline: worst?.cause ?? 'All is well.',
      next: worst?.next ?? [],
      system: 'Microsoft Windows 11 Enterprise',
    },
    ...more,
  }
}

export const trouble = (code: string, name = 'it'): Problem => ({
  code,
  summary: `${name} cannot be reached.`,
  next: ['Is it on?'],
  file: null,
  line: null,
  column: null,
})

/** Ends one machine's part. */
export const finishTarget = async (store: Store, held: Held, end: Ending): Promise<boolean> => (await store.endTargets([{ held, end }]))[0]!

/** Gives one machine back, to be tried again at `dueAt`. */
export const releaseTarget = async (store: Store, held: Held, again: Omit<Again, 'attempted'>): Promise<boolean> =>
  (await store.endTargets([{ held, end: { ...again, attempted: true } }]))[0]!
