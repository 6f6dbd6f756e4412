import { canonicalHost } from '../addresses.ts'
import type { Audit, AuditRemark, AuditRow, Origin, Problem, Product, Site } from '../model.ts'
import type { Judgement } from './judge.ts'
import { type HostProof, proofOf, provableHost } from './origin.ts'
import { coveredBy } from './wishes.ts'

export type Auditor = {
  /** Takes one machine's judgement in; `name` is what the user or the site file calls it. */
  readonly add: (name: string, judged: Judgement) => void
  /** A machine that could not be asked. */
  readonly missed: (problem: Problem) => void
  readonly audit: () => Audit
}

/** Kinds of key that use a volume licence; a KMS host or an OEM, retail or evaluation licence uses none. */
const volume: ReadonlySet<Product['channel']> = new Set(['kms-client', 'mak', 'avma'])
const none: Readonly<Record<Origin, number>> = { own: 0, platform: 0, vendor: 0, 'cannot-tell': 0, suspect: 0, foreign: 0 }
const order: readonly AuditRemark['origin'][] = ['foreign', 'suspect', 'cannot-tell']

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
  let notActivated = 0
  return {
    add: (name, { machine, products, findings }) => {
      asked++
      for (const [i, p] of products.entries()) {
        if (p.state !== 'licensed') {
          notActivated++
          if (p.origin !== 'foreign' && p.origin !== 'suspect') continue
        } else {
          const id = `${title(p, machine.system)}\n${p.channel}`
          const row = rows.get(id) ?? { product: title(p, machine.system), channel: p.channel, count: { ...none } }
          rows.set(id, row)
          row.count[p.origin]++
          if (p.origin === 'own') {
            const by = provableHost(p, name)
            const host = by && canonicalHost(by.host)
            own.set(host, (own.get(host) ?? 0) + 1)
            if (by?.proved && now !== null) seen.push({ name, at: now })
          }
          // Extended security updates and the like stand beside a licence that is counted already.
          if (volume.has(p.channel) && !p.addOn && p.origin !== 'platform') {
            const entitlement = coveredBy(`${title(p, machine.system)} ${p.name ?? ''}`, entitlements)
            if (entitlement) entitlement.used++
            else if (entitlements.length > 0) uncovered.set(title(p, machine.system), (uncovered.get(title(p, machine.system)) ?? 0) + 1)
          }
        }
        if (p.origin === 'own' || p.origin === 'platform' || p.origin === 'vendor') continue
        // What the statement about the origin rests on, before all else that is known of the product.
        const told = findings.find((f) => f.product === i && f.rule === `origin-${p.origin}`)
        remarks.push({
          machine: name,
          product: title(p, machine.system),
          origin: p.origin,
          because: p.originBecause,
          honest: findings.find((f) => f.product === i && f.honest !== null)?.honest ?? null,
          evidence: told && told.evidence.length > 0 ? told.evidence : p.evidence,
          next: told?.next ?? p.next,
        })
      }
    },
    missed: (problem) => {
      problems.push(problem)
    },
    audit: () => ({
      schema: 'slmctl.audit/1',
      machines: { asked, notAsked: problems.length },
      products: [...rows.values()].sort((a, b) => a.product.localeCompare(b.product, 'en') || a.channel.localeCompare(b.channel, 'en')),
      own: [...own]
        .map(([host, products]) => ({ host, products, provedAt: host === null ? null : (proofOf(host, [...seen, ...proofs])?.at ?? null) }))
        .sort((a, b) => b.products - a.products || ((a.host ?? '') < (b.host ?? '') ? -1 : 1)),
      notActivated,
      entitlements,
      uncovered: [...uncovered].map(([product, used]) => ({ product, used })).sort((a, b) => b.used - a.used),
      remarks: remarks.sort((a, b) => order.indexOf(a.origin) - order.indexOf(b.origin) || a.machine.localeCompare(b.machine, 'en')),
      problems,
    }),
  }
}

/** `Windows 11 Enterprise`, `Office Professional Plus 2024`: what was bought is called so. */
function title(p: Product, system: string | null): string {
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
