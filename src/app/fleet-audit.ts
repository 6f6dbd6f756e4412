/** Whose the activations of a fleet are, out of what is kept: counted by the same auditor as machines that answer at this moment. */
import { type Auditor, auditor, auditTitle, originNext } from '../activation.ts'
import { canonicalHost } from '../addresses.ts'
import { type Audit, type AuditRemark, type Evidence, isRemarked, problem, remarkedOrigins, type Site } from '../model.ts'
import type { MachineCard, Page, PageWish, ProductLine, Remarked, Store } from '../store.ts'
import { rowsOf } from './fleet.ts'
import { proofsOf } from './host-users.ts'

export type FleetAudit = {
  /** As of when machines answered last. Of the remarks there are the first, foreign before suspect before undecided. */
  readonly audit: Audit
  /** How many remarks there are, by origin. */
  readonly remarks: Readonly<Record<AuditRemark['origin'], number>>
}
/** A remark with the machine that it is about. */
export type FleetRemark = AuditRemark & { readonly id: number }

/** Products of several machines of which the same is remarked, about the same host: what there is to see to, once. */
export type RemarkGroup = Omit<Remarked, 'kinds' | 'examples'> & {
  /** What they have, by what was bought, most first. */
  readonly products: readonly { readonly product: string; readonly count: number }[]
  /** The first of the machines; the rest by the filter. */
  readonly named: readonly { readonly id: number; readonly name: string }[]
  /** As the first of them told it. */
  readonly evidence: readonly Evidence[]
  readonly next: readonly string[]
}

/** As many remarks as a first page shows. */
const remarksShown = 50
/** More causes than a fleet has. */
const causesLooked = 1000

/**
 * Audits all listed machines as they answered last; `shown`: at most so many remarks. Machines that never answered count as not asked,
 * with one Problem for each reason.
 */
export async function fleetAudit(store: Store, site: Site | null, now: number, shown = remarksShown): Promise<FleetAudit> {
  const all = auditor(site, await proofsOf(store, now))
  const remarks = { foreign: 0, suspect: 0, 'cannot-tell': 0 }
  const hosts = await ownHosts(store, site, all)
  for (const { count, ...kind } of await store.byOrigin()) {
    if (isRemarked(kind)) remarks[kind.origin] += count
    const own = hosts.get(kindOf(kind, kind.system))?.slice(0, count) ?? []
    for (const host of own) all.count({ ...kind, activationId: null, host }, 1)
    // An activation object is no host's, whatever host the machine names; of a host that is not found by its name, none is said.
    const host = kind.channel === 'kms-host' || kind.method === 'adba' ? null : kind.host
    if (count > own.length) all.count({ ...kind, activationId: null, host }, count - own.length)
  }
  const never = await missed(store, all)
  all.asked((await store.count({})) - never)
  let left = shown
  if (left > 0)
    for await (const { id: _, ...remark } of rowsOf((after) =>
      auditRemarks(store, remarkedOrigins, { limit: Math.min(shown, 1000), after }),
    )) {
      all.remark(remark)
      if (--left === 0) break
    }
  return { audit: all.audit(), remarks }
}

type Kind = Pick<ProductLine, 'name' | 'application' | 'edition' | 'addOn' | 'channel' | 'state' | 'origin'>
const kindOf = (p: Kind, system: string | null) =>
  JSON.stringify([p.name, p.application, p.edition, p.addOn, p.channel, p.state, p.origin, system])

/** Our KMS hosts among the machines: what their own keys are activated by is they themselves. By the kind of the product. */
async function ownHosts(store: Store, site: Site | null, all: Auditor): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, string[]>()
  for (const machine of await machinesCalled(
    store,
    (site?.kmsHosts ?? []).map((h) => canonicalHost(h.name)),
  ))
    for (const p of machine.products) {
      if (p.channel !== 'kms-host' || p.origin !== 'own' || p.state !== 'licensed' || p.goneAt !== null) continue
      const kind = kindOf(p, machine.system)
      found.set(kind, [...(found.get(kind) ?? []), machine.name])
      if (machine.seenAt !== null) all.proof({ name: machine.name, at: new Date(machine.seenAt).toISOString() })
    }
  return found
}

/** Listed machines of these names; of a short name those that begin with it, and the reverse. */
async function machinesCalled(
  store: Store,
  names: readonly string[],
): Promise<Iterable<Pick<MachineCard, 'name' | 'system' | 'seenAt' | 'products'>>> {
  const found = new Map<number, Pick<MachineCard, 'name' | 'system' | 'seenAt' | 'products'>>()
  for (const name of new Set(names)) {
    const short = name.split('.')[0]!
    for (const m of [...(await store.find(name)), ...(short === name ? [] : await store.find(short))])
      if (m.vanishedAt === null) found.set(m.id, m)
    if (short === name)
      for await (const m of rowsOf((after) => store.list({ text: `${short}.` }, { limit: 1000, after })))
        if (m.name.startsWith(`${short}.`)) found.set(m.id, m)
  }
  return found.values()
}

/** Machines that never answered, by the reason; answers how many. */
async function missed(store: Store, all: Auditor): Promise<number> {
  const never = await store.count({ seenBefore: 0 })
  let told = 0
  for (const cause of never === 0 ? [] : await store.causes(causesLooked)) {
    if (cause.problem === null) continue
    const n = await store.count({ seenBefore: 0, problem: cause.problem })
    if (n === 0) continue
    told += n
    const example = n === 1 ? cause.text : `${n} machines never answered, for example: ${cause.text}`
    all.missed(
      problem(cause.problem, example, [`slmctl fleet list --never-seen --problem ${cause.problem}`, ...(cause.next ? [cause.next] : [])]),
      n,
    )
  }
  if (never > told)
    all.missed(
      problem('NEVER_ASKED', `${never - told === 1 ? '1 machine was' : `${never - told} machines were`} never asked.`, [
        'slmctl fleet scan --never-seen',
      ]),
      never - told,
    )
  return never
}

/** Products that are not plainly in order, with what the statement rests on: by origin in the order given, then by machine. */
export async function auditRemarks(store: Store, origins: readonly AuditRemark['origin'][], wish: PageWish): Promise<Page<FleetRemark>> {
  for (let { after } = wish; ; ) {
    const page = await store.notPlain(origins, { ...wish, after })
    const rows = page.rows.flatMap(({ machine, machineName, system, product }): FleetRemark[] =>
      isRemarked(product)
        ? [
            {
              id: machine,
              machine: machineName,
              product: auditTitle({ ...product, system }),
              origin: product.origin,
              because: product.originBecause,
              honest: product.originHonest,
              evidence: product.evidence,
              next:
                product.origin === 'cannot-tell'
                  ? product.next
                  : originNext(product, product.hostFound, product.origin, `slmctl apply ${machineName}`),
            },
          ]
        : [],
    )
    // A page is empty only where nothing follows.
    if (rows.length > 0 || page.next === null) return { rows, next: page.next }
    after = page.next
  }
}

/** What is remarked, once for all machines that have it in common: by origin in the order given, then what is about most machines. */
export async function remarkGroups(store: Store, origins: readonly AuditRemark['origin'][], wish: PageWish): Promise<Page<RemarkGroup>> {
  const { rows, next } = await store.remarks(origins, wish)
  return { rows: rows.map(groupOf), next }
}

function groupOf({ kinds, examples, ...remarked }: Remarked): RemarkGroup {
  const { origin } = remarked
  const products = new Map<string, number>()
  const steps = new Map<string, number>()
  const own = `slmctl fleet plan --remark ${remarked.remark}`
  for (const kind of kinds) {
    const product = auditTitle({ ...kind, activationId: null })
    products.set(product, (products.get(product) ?? 0) + kind.count)
    if (origin !== 'cannot-tell')
      for (const step of originNext(kind, kind.hostFound, origin, own)) steps.set(step, (steps.get(step) ?? 0) + kind.count)
  }
  const mostFirst = (of: ReadonlyMap<string, number>) => [...of].sort((a, b) => b[1] - a[1])
  return {
    ...remarked,
    products: mostFirst(products).map(([product, count]) => ({ product, count })),
    named: examples.map(({ machine, name }) => ({ id: machine, name })),
    evidence: examples[0]?.evidence ?? [],
    next: origin === 'cannot-tell' ? (examples[0]?.next ?? []) : mostFirst(steps).map(([step]) => step),
  }
}
