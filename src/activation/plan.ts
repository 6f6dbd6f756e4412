import { inNetworks, isNamedHost } from '../addresses.ts'
import type { MachinePlan, Plan, Problem, Site } from '../model.ts'
import { answered } from './changes/change.ts'
import { keyName, publishedKey } from './changes/keys.ts'
import type { Gathered } from './diagnose.ts'
import type { MachineFacts } from './facts/machine.ts'
import type { ProductFacts } from './facts/product.ts'
import { type OriginReading, originOf } from './origin.ts'
import { planAsked, planStale } from './plan/asked.ts'
import { type Becomes, planKms } from './plan/by-kms.ts'
import { type Authorisation, type AuthorisedHost, Draft, type PlanOptions } from './plan/draft.ts'
import { planAvma, planDirectory, planEsu, planMak } from './plan/otherwise.ts'
import { besideItsOwn, keepsItsOwn } from './plan/own-licence.ts'
import { isAway, lacksWindows } from './rules/live.ts'
import { called, capital, isSpare } from './rules/rule.ts'
import { wishFor } from './wishes.ts'

export { type Asked, type Authorisation, type AuthorisedHost, type PlanOptions, reasons } from './plan/draft.ts'

/**
 * Facts from texts → what slmctl would do. A step needs authority: without a site file nothing is proposed that would make a
 * machine ask a host, and no activation is proposed against a host that is unknown or not ours.
 */
export function plan(gathered: Gathered, site: Site | null, readAt: string | null, problems: readonly Problem[] = []): Plan {
  return { schema: 'slmctl.plan/1', machines: gathered.machines.map((facts) => planMachine(facts, byText(site, readAt))), problems }
}

/** How a text is planned: the hosts are those of the site file, and what is known of the host in use is what the text says. */
function byText(site: Site | null, readAt: string | null): PlanOptions {
  const hosts: AuthorisedHost[] = [...(site?.kmsHosts ?? [])]
    .sort((a, b) => (a.priority ?? 0) - (b.priority ?? 0))
    .map((h) => ({ name: h.name, port: h.port, priority: h.priority ?? 0, weight: h.weight ?? 0, addresses: [], by: 'site' }))
  return {
    site,
    wishes: site?.wishes ?? [],
    readAt,
    renew: false,
    hosts,
    authorise: (_use, { product, origin }) =>
      site ? toldByText(product, origin, site) : { ok: false, because: '', next: [], leave: true },
  }
}

/** Before every activation the host that would be asked must be known and ours: named by the site file, or at an address of ours. */
function toldByText(p: ProductFacts, { origin, because }: OriginReading, site: Site): Authorisation {
  const named = p.host.name !== null && isNamedHost(p.host.name, site)
  if (origin === 'own' && (named || (p.host.ip !== null && inNetworks(p.host.ip, site.networks)))) return { ok: true }
  // What is not said is left as it is; so is a host where another one would change nothing.
  const leave =
    (p.host.name === null && answered(p)) ||
    (p.host.found === 'override' && named) ||
    (p.host.found !== 'override' && origin === 'own') ||
    (p.host.found === 'unknown' && p.state === 'licensed' && origin !== 'foreign' && origin !== 'suspect')
  return named || origin === 'foreign'
    ? { ok: false, because, next: ['Settle that first; slmctl renews no activation whose host does not fit.'], leave }
    : {
        ok: false,
        because: 'the host that an activation would ask is unknown or not the site’s.',
        next: ['Name your hosts under kms.hosts; take a fresh slmgr /dlv that names the host.'],
        leave,
      }
}

/** What would bring one machine to what the site wishes, whatever brought its facts. Pure: the same facts give the same plan. */
export function planMachine(facts: MachineFacts, options: PlanOptions): MachinePlan {
  const draft = new Draft(facts, options)
  const blind = facts.unasked.filter((u) => u.decides)
  for (const u of blind) draft.lack('answer', `Could not ask for ${u.about}: ${u.problem.summary}`)
  // What rests on half an answer could be wrong in every step.
  if (blind.some((u) => u.question !== 'office-products' && u.question !== 'office-service')) return draft.plan()
  if (facts.products.length === 0 && facts.system === null) draft.lack('state', 'The text names no product.')
  if (lacksWindows(facts))
    draft.refuse(null, 'NO_KEY', 'No entry of Windows has a product key; which licence this machine has, nothing on it tells.', [
      'Give it its own licence, or the client key of its edition where a volume licence covers it: slmctl keys windows',
    ])
  if (facts.products.length > 0 && facts.products.every((p) => p.addOn))
    draft.lack('windows', `The ${draft.teller} is about an add-on; Windows itself is not in it.`)
  // What came back from the telephone is a task of its own: nothing else is planned along with it.
  const told = options.site ? (options.asked ?? []).filter((a) => a.change === 'confirmation') : []
  if (told.length > 0) {
    for (const asked of told) planAsked(draft, asked)
    return draft.plan()
  }
  facts.products.forEach((p, index) => {
    planProduct(draft, p, index)
  })
  if (options.site) for (const wish of options.wishes) if (wish.by === 'esu') planEsu(draft, wish)
  if (options.site) for (const asked of options.asked ?? []) planAsked(draft, asked)
  return draft.plan()
}

function planProduct(draft: Draft, p: ProductFacts, index: number): void {
  const { facts, options } = draft
  const { site } = options
  const name = called(p)
  const live = facts.system !== null
  if (p.addOn) {
    if (p.state === 'licensed') draft.hold(`${capital(name)}: licensed.`)
    else if ((p.partialKey !== null || p.attempt) && !options.wishes.some((w) => w.by === 'esu'))
      draft.refuse(index, 'ADD_ON', `${capital(name)} is not activated; its key comes with its own agreement.`, [
        'slmgr /ato ACTIVATION-ID on the machine, or by telephone',
      ])
    return
  }
  const { wish, explicit } = wishFor(p, facts, options.wishes)
  if (isSpare(p, facts.products)) {
    if (live && explicit && wish.by !== 'leave') planStale(draft, p)
    else if (p.stale)
      draft.refuse(
        index,
        'STALE_KEY',
        `${capital(name)} is not installed any more; its key (${p.partialKey ?? 'unknown'}) is left over and only brings up notices.`,
        ['A wish about office in the site file lets slmctl remove it.'],
      )
    return
  }
  if (wish.by === 'leave') {
    draft.hold(`${name}: left alone, as the site wishes.`)
    return
  }
  if (p.state === 'unlicensed' && p.partialKey === null) {
    draft.lack(
      'key',
      `This entry of ${name} has no key; which entry is the active one is not in the ${draft.teller === 'text' ? 'text' : 'answer'}.`,
    )
    return
  }
  if (besideItsOwn(draft, p, index)) return
  const leaves = keepsItsOwn(draft, p, index, wish.instead, explicit && wish.by !== 'kms' ? wish.by : explicit ? 'kms' : null)
  if (leaves === 'done') return
  const because = leaves ?? `The site wishes ${p.application === 'office' ? 'Office' : 'Windows'} to be activated this way.`
  if (wish.by === 'mak' && site) {
    planMak(draft, p, index, wish, because)
    return
  }
  if (wish.by === 'avma' && site && p.application === 'windows') {
    planAvma(draft, p, index, wish, because)
    return
  }
  const origin = originOf(p, facts, site, options.readAt)
  if (p.state === 'unknown')
    draft.lack('state', `Whether ${name} is activated is not in the ${draft.teller === 'text' ? 'text' : 'answer'}.`)
  if (p.method === 'adba' && p.state === 'licensed' && leaves === null) {
    if (origin.origin === 'suspect')
      draft.refuse(index, 'AD_OBJECT_NOT_OURS', `${name}: ${origin.because}`, [
        'Find out which forest the machine belongs to; name its domain in the site file if it is yours.',
      ])
    else draft.hold(`${name}: activated through Active Directory.`)
    return
  }
  if (p.application === 'windows' && isAway(facts)) {
    draft.refuse(
      index,
      'MULTI_SESSION',
      `${capital(name)}: Enterprise multi-session is for Azure Virtual Desktop; no KMS host activates it elsewhere.`,
      ['Install Windows Enterprise or Windows Server in its place.'],
    )
    return
  }
  if (/^Core/.test(p.edition ?? '') && p.application === 'windows') {
    draft.refuse(index, 'NOT_VOLUME_ACTIVATABLE', `${name}: Microsoft publishes no client key for this edition; KMS cannot activate it.`, [
      'Give it its own licence back, or upgrade the edition with a key of yours.',
    ])
    return
  }
  if (site === null) {
    if (p.state === 'licensed' && origin.origin !== 'foreign' && origin.origin !== 'suspect')
      draft.hold(`${name}: licensed. Whose host it is, a site file would tell.`)
    else
      draft.refuse(
        index,
        'NO_SITE_FILE',
        `${name}: which host it may use is for a site file to say.`,
        live ? ['slmctl site init writes one to begin with.'] : ['slmctl plan --from FILE --site slmctl.yaml'],
      )
    return
  }
  if (origin.origin === 'platform' && p.state !== 'licensed') {
    draft.refuse(index, 'PLATFORM', `${name}: ${origin.because} It is for the platform to activate it.`, [
      'See the provider’s page on Windows activation; the machine must reach that address.',
    ])
    return
  }
  if (origin.origin === 'platform') {
    draft.hold(`${name}: ${origin.because}`)
    return
  }
  if (wish.by === 'ad') {
    planDirectory(draft, p, index)
    return
  }
  if (!live) {
    if (!p.host.name && (p.state === 'licensed' || answered(p))) draft.lack('host', `Which host ${name} uses is not in the text.`)
    else if (p.host.name && !p.host.ip && origin.origin === 'own' && site.networks.length > 0 && p.state !== 'licensed')
      draft.lack('host', `The address of ${p.host.name} is not in the text; it must be inside the site's networks.`)
  }
  planKms(draft, p, index, becoming(p, leaves))
}

/** The client key that a product gets where it is to become a KMS client; null where it is one. */
function becoming(p: ProductFacts, because: string | null): Becomes {
  if (because === null) return null
  const row = publishedKey(p)
  return row ? { key: row.key, name: keyName(row), because } : null
}
