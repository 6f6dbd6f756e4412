import { numberOf } from '../../catalogue.ts'
import type { Step } from '../../model.ts'
import { activation } from '../changes/activation.ts'
import { answered, hasOfficeService, type Level, productLevel, sameHost, serviceLevel, valueAt } from '../changes/change.ts'
import { clientKey, keyFits, keyLevel, keyName, publishedKey } from '../changes/keys.ts'
import { activationType, foreignHost, kmsHost, kmsPort } from '../changes/kms-host.ts'
import type { ProductFacts } from '../facts/product.ts'
import { type HostInUse, hostInUse } from '../host-in-use.ts'
import { type OriginReading, originOf } from '../origin.ts'
import { called, capital, days } from '../rules/rule.ts'
import { type Authorisation, type AuthorisedHost, type Draft, type PlanOptions, reasons } from './draft.ts'

const soon = numberOf('renewal.toastDays') * 1440
const allowedSkew = numberOf('clock.maxSkewHours') * 60

/** What a product is to become: its own client key stays, or another is installed first. */
export type Becomes = { readonly key: string; readonly name: string; readonly because: string } | null

/**
 * A product that is to be activated by KMS: the host that it would ask is one that it may ask, or is replaced by one of ours; then
 * the key, then the activation, where it is due. Nothing is proposed that would make a machine ask a host that is not ours.
 */
export function planKms(draft: Draft, p: ProductFacts, index: number, becomes: Becomes): void {
  const { facts, options } = draft
  const name = called(p)
  const origin = originOf(p, facts, options.site, options.readAt)
  const live = facts.system !== null
  // Another key makes another entry of it: a host of the present entry alone does not go over to it.
  const use = hostInUse(p, facts, becomes ? 'product' : null)
  const type = valueAt(facts, productLevel(p), 'VLActivationTypeEnabled')
  const barred = live && (type === '1' || type === '3')
  // What KMS would ask, once it is allowed.
  const asks = barred ? withoutType(p, draft) : use
  const unasked = live
    ? facts.unasked.find((u) => /^(?:host:|suffix|office-service)/.test(u.question) && concerns(u.question, p))
    : undefined
  if (unasked && asks.host === null) {
    draft.refuse(
      index,
      'COULD_NOT_ASK',
      `${capital(name)}: which host it would ask could not be found out. ${unasked.problem.summary}`,
      unasked.problem.next,
    )
    return
  }
  const due = becomes !== null || isDue(p, origin, options.renew)
  const authority = options.authorise(asks, { product: p, origin })
  const clock = live ? (facts.system?.clockAheadMinutes ?? null) : null
  if (due && clock !== null && Math.abs(clock) > allowedSkew) {
    draft.refuse(
      index,
      'CLOCK_DIFFERENCE',
      `${capital(name)}: the machine’s clock is ${days(Math.abs(clock))} ${clock > 0 ? 'ahead' : 'behind'}; a KMS host refuses a request that is more than ${allowedSkew / 60} hours off.`,
      ['Set its clock and time zone right: w32tm /resync'],
    )
    return
  }
  // Windows asks the directory before any host: one that is not ours could activate it first, and the guard lets no step through.
  const kmsOnly = type === '2' || options.asked?.some((a) => a.change === 'activation-type' && a.type === 2)
  const { directory } = options
  if (live && due && directory && !directory.ok && !kmsOnly && !hasOfficeService(p) && Number(facts.system?.version ?? 0) >= 6.2) {
    draft.refuse(index, 'HOST_NOT_AUTHORISED', `${capital(name)}: ${directory.because}`, directory.next)
    return
  }
  const refusing = options.allRefused ?? null
  const asksThem =
    authority.ok && asks.host !== null
      ? options.hosts.some((h) => sameHost(h.name, asks.host!) || h.addresses.includes(asks.host!))
      : options.hosts.length > 0
  if (live && due && refusing !== null && asksThem && (authority.ok || authority.leave !== true)) {
    const names = options.hosts.map((h) => h.name)
    draft.refuse(
      index,
      'KMS_HOSTS_DOWN',
      `${capital(name)}: ${names.length === 1 ? `${names[0]}, the only KMS host that it may use, refused` : `all KMS hosts that it may use refused (${names.slice(0, 3).join(', ')}${names.length > 3 ? ' …' : ''})`} when checked last, ${moment(refusing)}; no activation can succeed now.`,
      [
        'See to the hosts first: slmctl hosts check says what is wrong with each, and once one answers, this plan can be made anew.',
        'Where a firewall refuses only the computer that checks, let it reach their port; or have it check no more (site file: server: {check-hosts: null}), and plan two hours later.',
      ],
    )
    return
  }
  // An OEM marker that is missing or wrong: no host can activate it (Windows 7 and Vista).
  if (live && due && becomes === null && (p.reason === 0xc004f035 || p.reason === 0xc004f059)) {
    draft.refuse(
      index,
      'OEM_MARKER',
      `${capital(name)}: the firmware lacks a valid Windows marker; KMS cannot activate a volume edition on this device.`,
      ['Use a MAK with a qualifying licence, a retail key, or have the maker repair the firmware.'],
    )
    return
  }
  const byHand = asks.from === 'product' || asks.from === 'application' || asks.from === 'global'
  let target: Step['host'] = null
  // Office shares the service with Windows; its setting is then the product's own. A text does not tell at which level one is set.
  const own =
    p.activationId !== null &&
    becomes === null &&
    (p.application === 'office' || (live && (asks.from === 'product' || asks.from === 'application')))
  const level = own ? productLevel(p) : serviceLevel(p)
  let settles = false
  if (authority.ok) {
    const published = options.hosts.find((h) => h.by === 'dns')
    target = asks.host !== null ? { name: asks.host, port: asks.port } : published ? { name: published.name, port: published.port } : null
  } else if (!due && live && !byHand) {
    // Nothing is set by hand, and nothing is to be activated now: a DNS that does not answer today is no reason to set a host.
    draft.hold(`${name}: ${origin.because}`)
    return
  } else if (becomes && asks.from === 'application') {
    // Windows asks its host by itself once the key is there; what the registry says for the application goes before what can be set.
    draft.refuse(index, 'HOST_NOT_AUTHORISED', `${name}: ${authority.because}`, [
      'Clear the host that is set for the application below SoftwareProtectionPlatform in the registry (Office: cscript ospp.vbs /remhst).',
    ])
    return
  } else if (authority.leave !== true && options.hosts.length > 0) {
    settles = true
    const passed = passedWords(options)
    const because = asks.host ? `${name} uses ${asks.host}, which the site file does not name.` : `${name} has found no host of the site.`
    const host = options.hosts[0]!
    target = { name: host.name, port: host.port }
    if (clears(draft, p, origin, asks)) {
      draft.propose(foreignHost, { level, part: 'both' }, live ? authority.because : because, true)
    } else {
      draft.propose(kmsHost, { name: host.name, level }, `${live ? authority.because : because}${passed}`, !live)
      if (live) draft.propose(kmsPort, { port: host.port, level }, 'The site gives the host this port.')
      else if (host.port !== (p.host.port ?? 1688))
        draft.propose(kmsPort, { port: host.port, level }, 'The site file gives the host this port.', true)
    }
  }
  const may = authority.ok || settles
  if (!may) {
    blocked(draft, p, index, origin, authority, due)
    return
  }
  if (barred)
    draft.propose(
      activationType,
      { type: 0, level: productLevel(p) },
      `The site wishes KMS; the machine may activate ${name} by ${type === '1' ? 'Active Directory' : 'tokens'} only.`,
    )
  let entry = productLevel(p)
  if (becomes) {
    const product = `key:${becomes.key.slice(-5)}`
    draft.propose(clientKey, { key: becomes.key, name: becomes.name, level: keyLevel(p, product) }, becomes.because)
    entry = { ...entry, key: { PartialProductKey: becomes.key.slice(-5) }, product }
  } else if (!keyFits(p)) {
    const row = publishedKey(p)
    if (row) {
      const product = live ? `key:${row.key.slice(-5)}` : p.activationId
      draft.propose(
        clientKey,
        { key: row.key, name: keyName(row), level: keyLevel(p, product) },
        `The installed key (${p.partialKey}) belongs to another edition than ${name}.`,
      )
      if (live) entry = { ...entry, key: { PartialProductKey: row.key.slice(-5) }, product }
    }
  }
  if (!due) {
    if (!settles && !barred) draft.hold(`${name}: ${origin.because}`)
    return
  }
  // A text that does not tell the host, or a cause that is not the host: nothing is gained by asking again.
  if (!live && (p.state === 'unknown' || (p.host.name === null && answered(p)))) return
  if (p.state === 'unknown') return
  const because = becomes ? 'The client key alone does not activate it.' : whyDue(p, options.renew, origin)
  draft.propose(activation, { by: 'kms', host: target, name, level: entry }, because, true)
  if (live) fallbacks(draft, p, name, entry, level, target)
}

function concerns(question: string, p: ProductFacts): boolean {
  if (question === 'suffix') return true
  return p.officeService ? question === 'office-service' : question === (p.application === 'office' ? 'host:office' : 'host:windows')
}

/** The same product as if every kind of activation were allowed. */
function withoutType(p: ProductFacts, draft: Draft): HostInUse {
  const cells = new Map(p.cells)
  cells.delete('VLActivationTypeEnabled')
  return hostInUse({ ...p, cells }, draft.facts)
}

/** True where the activation that there is does not do: none, about to lapse, or not by a host of ours. */
function isDue(p: ProductFacts, origin: OriginReading, renew: boolean): boolean {
  if (renew || p.state !== 'licensed') return true
  const ours = origin.origin === 'own' || origin.origin === 'cannot-tell' || origin.origin === 'platform'
  return !ours || (p.minutesLeft !== null && p.minutesLeft <= soon)
}

function whyDue(p: ProductFacts, renew: boolean, origin: OriginReading): string {
  if (p.state !== 'licensed') return `It is not activated (${p.state}).`
  if (p.minutesLeft !== null && p.minutesLeft <= soon) return `Only ${days(p.minutesLeft)} are left.`
  return renew && (origin.origin === 'own' || origin.origin === 'cannot-tell')
    ? reasons.renewal
    : 'Its present activation is not by a host of the site.'
}

/** A host that is set is cleared rather than replaced where the hosts of the site are found by DNS and DNS alone would do. */
function clears(draft: Draft, p: ProductFacts, origin: OriginReading, use: HostInUse): boolean {
  const { facts, options } = draft
  if (facts.system === null || !options.hosts.every((h) => h.by === 'dns')) return false
  if (use.from !== 'product' && use.from !== 'global') return false
  return options.authorise(hostInUse(p, facts, use.from), { product: p, origin }).ok
}

/** No host of ours is known to which the product could be led: nothing is proposed that would ask one. */
function blocked(draft: Draft, p: ProductFacts, index: number, origin: OriginReading, authority: Authorisation, due: boolean): void {
  const { options, facts } = draft
  const name = called(p)
  const because = authority.ok ? '' : authority.because
  const next = authority.ok ? [] : authority.next
  // Nobody knows yet whose the host is: that is no refusal of it.
  const code = !authority.ok && authority.unasked ? 'COULD_NOT_ASK' : 'HOST_NOT_AUTHORISED'
  if (!due) {
    if (facts.system !== null) draft.refuse(index, code, `${name}: ${because}`, next)
    else if (origin.origin === 'own') draft.hold(`${name}: ${origin.because}`)
    return
  }
  if (facts.system !== null) {
    draft.refuse(index, code, `${name}: ${because}`, next)
    return
  }
  const silent = p.state === 'unknown' || (p.host.name === null && answered(p))
  if (options.hosts.length === 0 && origin.origin !== 'own') {
    if (p.state !== 'licensed')
      draft.refuse(index, 'HOST_NOT_AUTHORISED', `${name}: the site file names no KMS host that it could use.`, [
        'Name your hosts under kms.hosts.',
      ])
    return
  }
  if (!silent) draft.refuse(index, 'HOST_NOT_AUTHORISED', `${name}: ${because}`, next)
}

const moment = (at: string) => `${at.slice(0, 16).replace('T', ' ')} UTC`

/** Which hosts others were put before, for the reason of a step: a saved plan is known by it when it is carried out. */
const passedWords = ({ passedOver = [] }: PlanOptions) =>
  passedOver.map((h) => ` ${h.name} ${reasons.passedOver}${h.at === null ? '' : ` (${moment(h.at)})`}.`).join('')

/** Two more hosts at most: what to do when the first one refuses or is away. */
function fallbacks(draft: Draft, p: ProductFacts, name: string, entry: Level, level: Level, first: Step['host']): void {
  const others = draft.options.hosts.filter((h: AuthorisedHost) => first === null || !sameHost(h.name, first.name) || h.port !== first.port)
  const passed = passedWords(draft.options)
  let port = first?.port ?? 1688
  others.slice(0, 2).forEach((host, i) => {
    const because = `${i === 0 ? 'The first host did not activate it.' : 'Two hosts did not activate it.'}${passed}`
    const target = { name: host.name, port: host.port }
    const steps = [
      ...kmsHost.steps({ name: host.name, level }, because),
      ...(host.port !== port || host.port !== 1688 ? kmsPort.steps({ port: host.port, level }, 'The site gives the host this port.') : []),
      ...activation.steps({ by: 'kms', host: target, name, level: entry }, because),
    ]
    port = host.port
    draft.fallback({ product: entry.product ?? p.activationId ?? '', attempt: i + 1, host: target, steps })
  })
}
