import { canonicalHost } from '../addresses.ts'
import {
  type Audit,
  type AuditRemark,
  type AuditRow,
  isRemarked,
  type Origin,
  type Problem,
  type Product,
  remarkedOrigins,
  type Site,
} from '../model.ts'
import type { Judgement } from './judge.ts'
import { type HostProof, proofOf, provableHost } from './origin.ts'
import { coveredBy } from './wishes.ts'

/** A product as far as an audit counts it, with the system of its machine. */
export type Counted = Pick<Product, 'name' | 'application' | 'edition' | 'addOn' | 'channel' | 'state' | 'origin' | 'activationId'> & {
  readonly system: string | null
  /** The host that activated it, where it is one of the organisation's; null: no host is involved, or none is named. */
  readonly host: string | null
}

export type Auditor = {
  /** Takes one machine's judgement in; `name` is what the user or the site file calls it. */
  readonly add: (name: string, judged: Judgement) => void
  /** Takes in so many products that are alike, of machines that are counted by themselves. */
  readonly count: (product: Counted, times: number) => void
  /** So many machines were asked. */
  readonly asked: (machines: number) => void
  readonly remark: (remark: AuditRemark) => void
  /** A host that showed a licensed host key. */
  readonly proof: (proof: HostProof) => void
  /** Machines that could not be asked, for one reason. */
  readonly missed: (problem: Problem, machines?: number) => void
  readonly audit: () => Audit
}

/** Kinds of key that use a volume licence; a KMS host or an OEM, retail or evaluation licence uses none. */
const volume: ReadonlySet<Product['channel']> = new Set(['kms-client', 'mak', 'avma'])
const none: Readonly<Record<Origin, number>> = { own: 0, platform: 0, vendor: 0, 'cannot-tell': 0, suspect: 0, foreign: 0 }
/**
 * Counts whose the activations of many machines are. What is kept of a machine where all is in order is a number, however many
 * there are; a product that is suspect, foreign or undecided is kept with its evidence. What is not activated is nobody's.
 * `proofs`: hosts of which a check saw a licensed host key; a KMS host among the machines is one more, as of `now`.
 */
export function auditor(site: Site | null, proofs: readonly HostProof[] = [], now: string | null = null): Auditor {
  const rows = new Map<string, { readonly product: string; readonly channel: Product['channel']; readonly count: Record<Origin, number> }>()
  const remarks: AuditRemark[] = []
  const problems: Problem[] = []
  const entitlements = (site?.entitlements ?? []).map((e) => ({ ...e, used: 0 }))
  const uncovered = new Map<string, number>()
  const own = new Map<string | null, number>()
  const seen: HostProof[] = []
  let asked = 0
  let notAsked = 0
  let notActivated = 0
  const count = (p: Counted, times: number) => {
    if (p.state !== 'licensed') {
      notActivated += times
      return
    }
    const product = auditTitle(p)
    const id = `${product}\n${p.channel}`
    const row = rows.get(id) ?? { product, channel: p.channel, count: { ...none } }
    rows.set(id, row)
    row.count[p.origin] += times
    if (p.origin === 'own') {
      const host = p.host === null ? null : canonicalHost(p.host)
      own.set(host, (own.get(host) ?? 0) + times)
    }
    // Extended security updates and the like stand beside a licence that is counted already.
    if (!volume.has(p.channel) || p.addOn || p.origin === 'platform') return
    const entitlement = coveredBy(`${product} ${p.name ?? ''}`, entitlements)
    if (entitlement) entitlement.used += times
    else if (entitlements.length > 0) uncovered.set(product, (uncovered.get(product) ?? 0) + times)
  }
  return {
    add: (name, { machine, products, findings }) => {
      asked++
      for (const [i, p] of products.entries()) {
        const by = provableHost(p, name)
        count({ ...p, system: machine.system, host: by?.host ?? null }, 1)
        if (by?.proved && now !== null) seen.push({ name, at: now })
        if (!isRemarked(p)) continue
        // What the statement about the origin rests on, before all else that is known of the product.
        const told = findings.find((f) => f.product === i && f.rule === `origin-${p.origin}`)
        remarks.push({
          machine: name,
          product: auditTitle({ ...p, system: machine.system }),
          origin: p.origin,
          because: p.originBecause,
          honest: p.originHonest,
          evidence: told && told.evidence.length > 0 ? told.evidence : p.evidence,
          next: told?.next ?? p.next,
        })
      }
    },
    count,
    asked: (machines) => {
      asked += machines
    },
    remark: (remark) => {
      remarks.push(remark)
    },
    proof: (proof) => {
      seen.push(proof)
    },
    missed: (problem, machines = 1) => {
      problems.push(problem)
      notAsked += machines
    },
    audit: () => ({
      schema: 'slmctl.audit/1',
      machines: { asked, notAsked },
      products: [...rows.values()].sort((a, b) => a.product.localeCompare(b.product, 'en') || a.channel.localeCompare(b.channel, 'en')),
      own: [...own]
        .map(([host, products]) => ({ host, products, provedAt: host === null ? null : (proofOf(host, [...seen, ...proofs])?.at ?? null) }))
        .sort((a, b) => b.products - a.products || ((a.host ?? '') < (b.host ?? '') ? -1 : 1)),
      notActivated,
      entitlements,
      uncovered: [...uncovered]
        .map(([product, used]) => ({ product, used }))
        .sort((a, b) => b.used - a.used || a.product.localeCompare(b.product, 'en')),
      remarks: remarks.sort(
        (a, b) => remarkedOrigins.indexOf(a.origin) - remarkedOrigins.indexOf(b.origin) || a.machine.localeCompare(b.machine, 'en'),
      ),
      problems,
    }),
  }
}

/** `Windows 11 Enterprise`, `Office Professional Plus 2024`: what was bought is called so. */
export function auditTitle({ system, ...p }: Omit<Counted, 'host' | 'channel' | 'state' | 'origin'>): string {
  const edition = p.edition ?? ''
  if (p.application === 'windows' && !p.addOn && system) {
    const plain = system.replace(/^Microsoft |\(R\)/g, '')
    return edition && !/evaluation/i.test(plain) && /Eval$/.test(edition) ? `${plain} Evaluation` : plain
  }
  if (p.application === 'office' && edition) return /^(?:Visio|Project|Microsoft)/.test(edition) ? edition : `Office ${edition}`
  if (p.application === 'windows' && edition) return `${(p.name ?? 'Windows').split(',')[0]!.replace(/\(R\)/g, '')} ${edition}`
  return p.name ?? (edition || p.activationId) ?? 'a product without a name'
}

/** True where somebody should look: an activation that is not ours, or more in use than was bought. */
export function auditRemarks(audit: Audit): boolean {
  return (
    audit.remarks.some((r) => r.origin !== 'cannot-tell') ||
    audit.entitlements.some((e) => e.used > e.quantity) ||
    audit.uncovered.length > 0
  )
}

/** Of a row: all of them. */
export const total = (row: AuditRow): number => Object.values(row.count).reduce((sum, n) => sum + n, 0)
