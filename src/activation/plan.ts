import { inNetworks, isNamedHost } from '../addresses.ts'
import type { MachinePlan, Plan, Problem, Site } from '../model.ts'
import { answered, productLevel, serviceLevel } from './changes/change.ts'
import { clearRegistryKey, keyName, publishedKey, staleOfficeKey } from './changes/keys.ts'
import { activationType, hostCaching, kmsDns, lookupDomain } from './changes/kms-host.ts'
import type { Gathered } from './diagnose.ts'
import type { MachineFacts } from './facts/machine.ts'
import type { ProductFacts } from './facts/product.ts'
import { type OriginReading, originOf } from './origin.ts'
import { type Becomes, planKms } from './plan/by-kms.ts'
import { type Asked, type Authorisation, type AuthorisedHost, Draft, type PlanOptions } from './plan/draft.ts'
import { planAvma, planDirectory, planEsu, planMak } from './plan/otherwise.ts'
import { layered } from './rules/keys.ts'
import { isAway, lacksWindows } from './rules/live.ts'
import { called, capital, isSpare } from './rules/rule.ts'
import { entitlementFor, wishFor } from './wishes.ts'

export type { Asked, Authorisation, AuthorisedHost, PlanOptions } from './plan/draft.ts'

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

/** A client entry beside a product that its own licence activates: nothing is activated beside it. */
function besideItsOwn(draft: Draft, p: ProductFacts, index: number): boolean {
  const own = draft.facts.products.find(
    (o) =>
      o !== p && o.application === p.application && o.state === 'licensed' && !o.addOn && (o.channel === 'oem' || o.channel === 'retail'),
  )
  if (!own || p.application !== 'windows' || (p.channel !== 'kms-client' && p.channel !== 'unknown')) return false
  draft.refuse(
    index,
    'NOT_VOLUME_LICENSED',
    `${capital(called(p))} is licensed by its own ${own.channel === 'oem' ? 'OEM' : 'retail'} licence; this entry is not activated beside it.`,
    ['Moving it to a volume licence needs an entitlement in the site file.'],
  )
  return true
}

/** The client key that a product gets where it is to become a KMS client; null where it is one. */
function becoming(p: ProductFacts, because: string | null): Becomes {
  if (because === null) return null
  const row = publishedKey(p)
  return row ? { key: row.key, name: keyName(row), because } : null
}

/**
 * Whether a product keeps the licence that it has. `done`: it does, and that was said. A sentence: it may be moved to a volume
 * licence, for this reason. Null: it is a volume product already.
 */
function keepsItsOwn(draft: Draft, p: ProductFacts, index: number, instead: boolean, by: string | null): 'done' | string | null {
  const name = called(p)
  switch (p.channel) {
    case 'subscription':
      keeps(draft, p, index)
      return 'done'
    case 'oem':
    case 'retail':
      // Office is moved by its own deployment tool, never by a key; and nothing is given up unless the site says so.
      if (!instead || p.application !== 'windows' || by === null) {
        keeps(draft, p, index)
        return 'done'
      }
      return giveUp(draft, p, index)
    case 'evaluation':
      draft.refuse(index, 'EVALUATION', `${name} is an evaluation; no key of KMS activates it.`, [
        'Move to a volume edition with your own key, or install the volume edition.',
      ])
      return 'done'
    case 'mak':
      if (by === 'mak') return null
      if (p.state === 'licensed' && !instead) {
        draft.hold(`${name}: activated by a MAK.`)
        return 'done'
      }
      if (by === 'kms' || by === 'avma') {
        if (by === 'avma' || publishedKey(p))
          return `The site wishes ${by.toUpperCase()} in place of its MAK (${p.partialKey ?? 'unknown'}); the way back is that MAK, installed again.`
        draft.refuse(index, 'NO_CLIENT_KEY', `${capital(name)}: Microsoft publishes no client key for this edition and release.`, [
          'slmctl keys lists them.',
        ])
        return 'done'
      }
      draft.refuse(
        index,
        'MAK_NEEDS_KEY',
        draft.teller === 'text'
          ? `${name} has a MAK; its activation online is not planned from a text.`
          : `${name} has a MAK and is not activated; no wish of the site file is about it.`,
        [
          'slmgr /ato on the machine, or by telephone',
          ...(draft.teller === 'text' ? [] : ['Or add a wish by: mak, with its key, to the site file.']),
        ],
      )
      return 'done'
    case 'kms-host':
      if (p.state === 'licensed') draft.hold(`${name}: the KMS host key is activated.`)
      else
        draft.refuse(index, 'KMS_HOST_NEEDS_MICROSOFT', `${name} is a KMS host; its own activation is with Microsoft.`, [
          'slmgr /ato on the host, or by telephone',
        ])
      return 'done'
    case 'avma':
      if (by === 'avma') return null
      if (p.state === 'licensed') draft.hold(`${name}: activated by its Hyper-V host.`)
      else if (by === 'kms' && publishedKey(p)) return 'The site wishes KMS; its Hyper-V host does not activate it.'
      else
        draft.refuse(index, 'AVMA', `${name} is activated by its Hyper-V host, not by KMS.`, [
          'Check that the Hyper-V host is an activated Datacenter edition of the same or a newer release.',
        ])
      return 'done'
    case 'unknown':
      if (p.state === 'licensed' && !p.host.name)
        draft.hold(`${name}: licensed; which kind of key it has is not in the ${draft.teller === 'text' ? 'text' : 'answer'}.`)
      else draft.lack('key', `Which kind of key ${name} has is not in the ${draft.teller === 'text' ? 'text' : 'answer'}.`)
      return 'done'
    default:
      return null
  }
}

function keeps(draft: Draft, p: ProductFacts, index: number): void {
  const name = called(p)
  const kind = p.channel === 'oem' ? 'OEM' : p.channel
  if (p.state === 'licensed') draft.hold(`${name}: its own ${kind} licence stays as it is.`)
  else
    draft.refuse(index, 'NOT_VOLUME_LICENSED', `${name} carries its own ${kind} licence; slmctl gives up no licence on its own.`, [
      'Activate it with that licence. Moving it to a volume licence needs an entitlement in the site file.',
    ])
}

/** An OEM or retail Windows may become a volume product: the site wishes it, it was bought, and Microsoft publishes the key. */
function giveUp(draft: Draft, p: ProductFacts, index: number): 'done' | string {
  const { facts, options } = draft
  const name = called(p)
  const oem = p.channel === 'oem'
  if (layered(p, facts) !== null || facts.products.some((o) => o.application === 'windows' && o.channel === 'subscription')) {
    draft.hold(`${name}: Enterprise by subscription on its own licence; both stay as they are.`)
    return 'done'
  }
  if (/^Core/.test(p.edition ?? '') || publishedKey(p) === null) {
    draft.refuse(
      index,
      'NO_CLIENT_KEY',
      `${capital(name)}: Microsoft publishes no client key for this edition and release; KMS cannot activate it.`,
      ['Upgrade the edition with a key of yours first.'],
    )
    return 'done'
  }
  const bought = options.site ? entitlementFor(p, facts, options.site) : null
  if (!bought) {
    draft.refuse(
      index,
      'NO_ENTITLEMENT',
      `${capital(name)}: the site file wishes a volume licence in place of its own ${oem ? 'OEM' : 'retail'} licence, but lists no entitlement for it.`,
      ['List under entitlements what was bought: product, quantity, agreement.'],
    )
    return 'done'
  }
  const way = oem
    ? 'its own key is in the firmware (Settings, Activation, Change product key; slmgr /dlv shows its description)'
    : 'install its own retail key again, or sign in with the account that holds the digital licence'
  return `The site wishes it, and ${bought.quantity} × ${bought.product}${bought.agreement ? ` (${bought.agreement})` : ''} were bought. Given up: its own ${oem ? 'OEM' : 'retail'} licence${p.partialKey ? ` (…${p.partialKey})` : ''}, ${p.state === 'licensed' ? 'which is activated' : `which is ${p.state}`}. The way back: ${way}.`
}

/** A key left over beside the Office that is in use. The live one is licensed; this one is not, and is of the same program. */
function planStale(draft: Draft, p: ProductFacts): void {
  if (p.application !== 'office' || p.partialKey === null || p.activationId === null || p.channel === 'subscription') return
  const program = (o: ProductFacts) => (p.stale ? (o.edition ?? '').replace(/ ?20\d\d$/, '') : o.edition)
  const live = draft.facts.products.find(
    (o) => o !== p && o.application === 'office' && program(o) === program(p) && o.state === 'licensed',
  )
  if (!live || live.activationId === p.activationId) return
  draft.propose(
    staleOfficeKey,
    { partial: p.partialKey, level: productLevel(p) },
    `${capital(called(live))} is in use with the key ending in ${live.partialKey ?? 'unknown'}; this entry is not, and only brings up notices.`,
  )
}

/** A change that somebody asks for beside the wishes. */
function planAsked(draft: Draft, asked: Asked): void {
  const because = 'It was asked for.'
  const at = (id: string | undefined) => {
    const p = id === undefined ? null : draft.facts.products.find((o) => o.activationId === id)
    return p ? productLevel(p) : serviceLevel(null)
  }
  switch (asked.change) {
    case 'host-caching':
      draft.propose(hostCaching, { caching: asked.caching, level: serviceLevel(null) }, because)
      return
    case 'lookup-domain':
      draft.propose(lookupDomain, { domain: asked.domain, level: at(asked.product) }, because)
      return
    case 'kms-dns':
      draft.propose(kmsDns, { level: at(asked.product), part: 'both' }, because)
      return
    case 'activation-type':
      draft.propose(activationType, { type: asked.type, level: at(asked.product) }, because)
      return
    case 'clear-registry-key':
      draft.propose(clearRegistryKey, { keys: draft.facts.products.flatMap((p) => p.partialKey ?? []) }, because)
  }
}
