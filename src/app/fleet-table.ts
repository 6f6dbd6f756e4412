/** Machines of a fleet as a table: its columns by name, one row for each product, or one for each machine where no column of a product is chosen. */
import type { MachineLine, ProductLine } from '../store.ts'

export type Cell = string | number | boolean | null

/** A moment as spreadsheets read it, in UTC. */
export const utc = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString().slice(0, 19).replace('T', ' '))
const joined = (list: readonly string[]): string => list.join('; ')

type OfMachine = (m: MachineLine) => Cell
type OfProduct = (p: ProductLine) => Cell

/** What a machine itself is. */
const ofMachine = {
  name: (m) => m.name,
  address: (m) => m.address,
  system: (m) => m.system,
  pool: (m) => m.pool,
  verdict: (m) => m.verdict ?? 'not asked',
  origin: (m) => m.origin,
  headline: (m) => m.headline,
  next: (m) => joined(m.next),
  last_seen_utc: (m) => utc(m.seenAt),
  last_asked_utc: (m) => utc(m.askedAt),
  vanished_utc: (m) => utc(m.vanishedAt),
  problem: (m) => m.problem?.code ?? null,
  problem_summary: (m) => m.problem?.summary ?? null,
  problem_since_utc: (m) => utc(m.problem?.since ?? null),
  problem_times: (m) => m.problem?.times ?? null,
} as const satisfies Record<string, OfMachine>

/** What is told of a machine in place of its products. */
const inShort = {
  id: (m) => m.id,
  products: (m) => joined(m.products.map((p) => p.name ?? p.key)),
  states: (m) => joined([...new Set(m.products.map((p) => p.state))]),
  hosts: (m) => joined([...new Set(m.products.flatMap((p) => p.host ?? []))]),
  soonest_end_utc: (m) => utc(soonest(m)),
} as const satisfies Record<string, OfMachine>

const ofProduct = {
  product: (p) => p.name,
  application: (p) => p.application,
  edition: (p) => p.edition,
  channel: (p) => p.channel,
  method: (p) => p.method,
  add_on: (p) => p.addOn,
  partial_key: (p) => p.partialKey,
  activation_id: (p) => p.activationId,
  state: (p) => p.state,
  reason: (p) => p.reason,
  expires_utc: (p) => utc(p.expiresAt),
  host: (p) => p.host,
  port: (p) => p.port,
  product_verdict: (p) => p.verdict,
  cause: (p) => p.cause,
  product_next: (p) => joined(p.next),
  product_origin: (p) => p.origin,
  product_origin_because: (p) => p.originBecause,
  product_honest_explanation: (p) => p.originHonest,
  since_utc: (p) => utc(p.since),
  renewed_utc: (p) => utc(p.renewedAt),
} as const satisfies Record<string, OfProduct>

function soonest({ products }: MachineLine): number | null {
  const ends = products.flatMap((p) => p.expiresAt ?? [])
  return ends.length === 0 ? null : Math.min(...ends)
}

/** The columns of a whole table. */
export const machineColumns: readonly string[] = [...Object.keys(ofMachine), ...Object.keys(ofProduct)]
/** Every column that may be chosen. */
export const columnNames = [...Object.keys(ofMachine), ...Object.keys(inShort), ...Object.keys(ofProduct)] as [string, ...string[]]

const machineCells: Readonly<Record<string, OfMachine>> = { ...ofMachine, ...inShort }
const productCells: Readonly<Record<string, OfProduct>> = ofProduct

/** How the rows of a machine are made, for columns of `columnNames`. */
export function rowsWith(columns: readonly string[]): (m: MachineLine) => readonly (readonly Cell[])[] {
  const cells = columns.map((name) => ({ machine: machineCells[name], product: productCells[name] }))
  const row = (m: MachineLine, p: ProductLine | null): readonly Cell[] =>
    cells.map(({ machine, product }) => (machine ? machine(m) : p === null ? null : product!(p)))
  const byProduct = cells.some(({ machine }) => !machine)
  return (m) => (!byProduct || m.products.length === 0 ? [row(m, null)] : m.products.map((p) => row(m, p)))
}
