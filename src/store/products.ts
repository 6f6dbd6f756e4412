/** The products of machines as they are now, and what they were before, kept as changes. Writes `product` and `product_past`. */
import type { Kysely } from 'kysely'
import type { Product } from '../model.ts'
import { causeKey } from './causes.ts'
import { changeOf, type NewChange, noteChanges, notOurs } from './changes.ts'
import { kindText } from './kinds.ts'
import { indexed, indexedOrNull, inParts, kept } from './parts.ts'
import { remarkOf, remarkText } from './remarks.ts'
import type { ProductPastRow, ProductRow, Tables } from './tables.ts'

/** What makes a new row of history when it changes. Minutes left are not among it, and a cause counts without its numbers. */
const remembered = [
  ...(['name', 'channel', 'method', 'partial_key', 'activation_id', 'state', 'reason', 'host', 'port', 'verdict', 'origin'] as const),
] satisfies readonly (keyof ProductPastRow)[]

/** How far two readings of the same end may be apart: minutes left are whole minutes, and clocks differ. */
const sameEndMs = 3_600_000

/** Evidence is kept where somebody will ask for it, and not without end. */
const evidenceMax = 8

/** What of a product its kind is made of, as a row has it. */
export function traitsOf(p: Product) {
  return kept({
    name: indexedOrNull(p.name),
    application: p.application as string,
    edition: p.edition,
    add_on: Number(p.addOn),
    channel: p.channel as string,
    method: p.method as string,
    state: p.state as string,
    origin: p.origin as string,
    host: indexedOrNull(p.kms?.host?.toLowerCase().replace(/\.$/, '') ?? null),
  })
}

/** Counts whether machines are listed in what is counted of their products. */
export async function presentProducts(db: Kysely<Tables>, machines: readonly number[], present: boolean): Promise<void> {
  const query = db
    .updateTable('product')
    .set({ present: Number(present) })
    .where('machine_id', 'in', machines)
  await (present ? query.where('gone_at', 'is', null) : query).execute()
}

/** Products of some machines, by machine and key. */
export async function productsOf(db: Kysely<Tables>, machines: readonly number[]): Promise<Map<number, Map<string, ProductRow>>> {
  const rows = await db.selectFrom('product').selectAll().where('machine_id', 'in', machines).execute()
  const all = new Map<number, Map<string, ProductRow>>()
  for (const row of rows) {
    const mine = all.get(row.machine_id)
    if (mine) mine.set(row.key, row)
    else all.set(row.machine_id, new Map([[row.key, row]]))
  }
  return all
}

/** What is to be written about products. */
export class ProductChanges {
  readonly #fresh: ProductRow[] = []
  readonly #changed: ProductRow[] = []
  readonly #past: Omit<ProductPastRow, 'id'>[] = []

  readonly #news: NewChange[] = []

  /**
   * Compares what a machine says now with what is known: whether anything differs, and when the first of its products ends.
   * `whole`: it was asked for all of its products.
   */
  compare(
    machine: number,
    known: ReadonlyMap<string, ProductRow>,
    products: readonly Product[],
    context: Context,
  ): { readonly differs: boolean; readonly endsAt: number | null } {
    const { at, whole, listed } = context
    let differs = false
    let endsAt = Infinity
    const ends = (p: ProductRow) => {
      endsAt = Math.min(endsAt, p.expires_at ?? Infinity)
    }
    const tell = (before: ProductRow | null, now: ProductRow | null) => {
      const news = listed ? changeOf(before, now) : null
      if (news) this.#news.push({ at, machine_id: machine, product: (now ?? before)!.name ?? (now ?? before)!.key, ...news })
    }
    const said = new Set<string>()
    for (const [index, product] of products.entries()) {
      let key = indexed(product.activationId ?? product.name ?? `${product.application} ${index + 1}`)
      while (said.has(key)) key += '+'
      said.add(key)
      const before = known.get(key)
      const now = rowOf(machine, key, product, context)
      if (!before) {
        this.#fresh.push(now)
        ends(now)
        // What a machine has when it answers for the first time is no change, unless it is not ours.
        if (known.size > 0 || notOurs(now)) tell(null, now)
        differs = true
        continue
      }
      if (this.#compareOne(before, now, at)) differs = true
      ends(now)
      tell(before.gone_at === null ? before : null, now)
    }
    for (const before of known.values()) {
      if (said.has(before.key) || before.gone_at !== null) continue
      if (!whole) {
        ends(before)
        continue
      }
      tell(before, null)
      this.#remember(before, at)
      this.#changed.push({ ...before, present: 0, gone_at: at })
      differs = true
    }
    // A vanished machine that answers keeps its products out of the counts.
    if (!listed) for (const row of this.#fresh) if (row.machine_id === machine) row.present = 0
    return { differs, endsAt: endsAt === Infinity ? null : endsAt }
  }

  #compareOne(before: ProductRow, now: ProductRow, at: number): boolean {
    const moved =
      before.expires_at === null || now.expires_at === null
        ? before.expires_at !== now.expires_at
        : Math.abs(before.expires_at - now.expires_at) > sameEndMs
    if (!moved) now.expires_at = before.expires_at
    now.renewed_at = moved && before.state === now.state && (now.expires_at ?? 0) > (before.expires_at ?? Infinity) ? at : before.renewed_at
    const returned = before.gone_at !== null
    const history = returned || remembered.some((column) => before[column] !== now[column]) || before.cause_id !== now.cause_id
    if (history && !returned) this.#remember(before, at)
    now.since = history ? at : before.since
    const columns = Object.keys(now) as (keyof ProductRow)[]
    if (columns.every((column) => now[column] === before[column])) return false
    this.#changed.push(now)
    return true
  }

  #remember(before: ProductRow, at: number): void {
    this.#past.push({
      machine_id: before.machine_id,
      key: before.key,
      from_at: before.since,
      // A clock that was set back makes no interval that ends before it begins.
      until_at: Math.max(at, before.since),
      name: before.name,
      channel: before.channel,
      method: before.method,
      partial_key: before.partial_key,
      activation_id: before.activation_id,
      state: before.state,
      reason: before.reason,
      host: before.host,
      port: before.port,
      verdict: before.verdict,
      cause: before.cause,
      origin: before.origin,
    })
  }

  async write(db: Kysely<Tables>): Promise<void> {
    await noteChanges(db, this.#news)
    await inParts(this.#fresh, 100, (part) => db.insertInto('product').values(part).execute())
    await inParts(this.#past, 100, (part) => db.insertInto('product_past').values(part).execute())
    for (const { machine_id, key, ...set } of this.#changed)
      await db.updateTable('product').set(set).where('machine_id', '=', machine_id).where('key', '=', key).execute()
  }
}

type Context = {
  readonly at: number
  readonly whole: boolean
  readonly listed: boolean
  readonly causes: ReadonlyMap<string, number>
  /** By what kindText makes of a product and this system. */
  readonly kinds: ReadonlyMap<string, number>
  /** By what remarkText makes of what is remarked of a product. */
  readonly remarks: ReadonlyMap<string, number>
  readonly system: string | null
}

function rowOf(machine: number, key: string, p: Product, { at, listed, causes, kinds, remarks, system }: Context): ProductRow {
  const traits = traitsOf(p)
  const remark = remarkOf(p)
  const evidence = p.verdict !== 'ok' || p.origin === 'foreign' || p.origin === 'suspect' ? p.evidence.slice(0, evidenceMax) : []
  return kept({
    machine_id: machine,
    key,
    present: Number(listed),
    ...traits,
    partial_key: p.partialKey,
    activation_id: p.activationId,
    reason: p.reason,
    expires_at: endOf(p, at),
    port: p.kms?.port ?? null,
    host_ip: p.kms?.ip ?? null,
    host_found: p.kms?.found ?? null,
    host_id: p.kms?.hostId ?? null,
    activation_interval: p.kms?.activationIntervalMinutes ?? null,
    renewal_interval: p.kms?.renewalIntervalMinutes ?? null,
    count: p.count,
    verdict: p.verdict,
    cause: p.cause,
    cause_id: p.cause === null ? null : (causes.get(causeKey(p.cause)) ?? null),
    next: JSON.stringify(p.next),
    origin_because: p.originBecause,
    evidence: evidence.length === 0 ? null : JSON.stringify(evidence),
    since: at,
    renewed_at: null,
    gone_at: null,
    activation_object: indexedOrNull(p.activationObject || null),
    kind_id: kinds.get(kindText(traits, system)) ?? null,
    remark_id: remark === null ? null : (remarks.get(remarkText(remark)) ?? null),
  })
}

/** When it ends, in ms, to the minute. Without a zone a time is the machine's own, and minutes left tell better. */
function endOf(p: Product, at: number): number | null {
  if (p.minutesLeft !== null && p.minutesLeft > 0) return Math.round(at / 60_000 + p.minutesLeft) * 60_000
  const end = p.expires !== null && /(?:Z|[+-]\d\d:?\d\d)$/.test(p.expires) ? Date.parse(p.expires) : Number.NaN
  return Number.isNaN(end) ? null : Math.round(end / 60_000) * 60_000
}
