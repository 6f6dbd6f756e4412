import { type EsuRow, esu } from '../../catalogue.ts'
import type { Wish } from '../../model.ts'
import { activation } from '../changes/activation.ts'
import { hasOfficeService, productLevel, productOf } from '../changes/change.ts'
import { avmaKey, esuKey, keyLevel, mak } from '../changes/keys.ts'
import { activationType } from '../changes/kms-host.ts'
import type { ProductFacts } from '../facts/product.ts'
import { originOf } from '../origin.ts'
import { called, capital } from '../rules/rule.ts'
import { fits, isOurDomain } from '../wishes.ts'
import type { Draft } from './draft.ts'

/**
 * True where a key is not to be activated online: an isolated machine reaches nobody. Where the key is there, what is left to do is
 * no step but a call.
 */
function byTelephone(draft: Draft, index: number, name: string, there: boolean): boolean {
  if (!draft.options.asked?.some((a) => a.change === 'telephone')) return false
  if (there)
    draft.refuse(index, 'BY_TELEPHONE', `${capital(name)} has its key, and is to be activated by telephone.`, [
      'slmctl offline ids MACHINE --out FILE.csv, then slmctl offline confirm FILE.csv',
    ])
  return true
}

/** By a multiple activation key: installed by reference, activated online with Microsoft. No KMS host is asked. */
export function planMak(draft: Draft, p: ProductFacts, index: number, wish: Wish, because: string): void {
  const name = called(p)
  if (wish.key === null) {
    draft.refuse(index, 'MAK_NEEDS_KEY', `${capital(name)} is wished to have a MAK, but the wish refers to no key.`, [
      'Add key: {file: …} (or env, keyring) to the wish in the site file.',
    ])
    return
  }
  const known = draft.options.partialKeyOf?.(wish.key) ?? null
  const there = p.channel === 'mak' && (known === null || known === p.partialKey)
  if (there && p.state === 'licensed') {
    draft.hold(`${name}: activated by a MAK.`)
    return
  }
  const product = there ? p.activationId : `new:${p.application === 'office' ? 'office' : 'windows'}:mak`
  if (!there) draft.propose(mak, { reference: wish.key, product: product!, level: keyLevel(p, product) }, because, true)
  if (byTelephone(draft, index, name, there)) return
  const entry = { ...productLevel(p), product, key: there ? productLevel(p).key : { ProductKeyChannel: 'Volume:MAK' } }
  draft.propose(
    activation,
    { by: 'mak', host: null, name, level: entry },
    'A MAK is activated with Microsoft; each activation counts against the key.',
    true,
  )
}

/** By Active Directory alone: no KMS host is asked, as no other kind is allowed. */
export function planDirectory(draft: Draft, p: ProductFacts, index: number): void {
  const { facts, options } = draft
  const name = called(p)
  const { system } = facts
  const site = options.site!
  const origin = originOf(p, facts, site, options.readAt)
  if (p.method === 'adba' && p.state === 'licensed' && origin.origin !== 'suspect') {
    if (!options.renew) {
      draft.hold(`${name}: activated through Active Directory.`)
      return
    }
  }
  if (hasOfficeService(p) || (p.windows !== null && Number(p.windows) < 6.2)) {
    draft.refuse(
      index,
      'AD_NOT_SUPPORTED',
      `${capital(name)}: Active Directory-based activation began with Windows 8, Server 2012 and Office 2013.`,
      ['Wish KMS for it.'],
    )
    return
  }
  if (p.channel !== 'kms-client') {
    draft.refuse(index, 'AD_NEEDS_CLIENT_KEY', `${capital(name)} has no client key; Active Directory activates volume products only.`, [
      'Wish KMS with instead: true first, or install the volume edition.',
    ])
    return
  }
  if (system === null) {
    draft.lack('host', `Whether the machine of ${name} is in a domain of ours is not in the text.`)
    return
  }
  if (system.domain === null) {
    draft.refuse(index, 'AD_NEEDS_DOMAIN', `${capital(name)}: the machine is in no domain; Active Directory cannot activate it.`, [
      'Join it to a domain, or wish KMS for it.',
    ])
    return
  }
  if (!isOurDomain(system.domain, site)) {
    draft.refuse(index, 'AD_OBJECT_NOT_OURS', `${capital(name)}: the machine is in ${system.domain}, which the site file does not name.`, [
      'Add the domain (or its forest) to the site file if it is yours.',
    ])
    return
  }
  const level = productLevel(p)
  draft.propose(activationType, { type: 1, level }, 'The site wishes activation by Active Directory; so no KMS host is asked.')
  draft.propose(
    activation,
    { by: 'ad', host: null, name, level },
    p.state === 'licensed' ? 'Its present activation is not by Active Directory.' : `It is not activated (${p.state}).`,
    true,
  )
}

/** By the Hyper-V host, in its own guests: an AVMA key by reference, then nothing but the host is asked. */
export function planAvma(draft: Draft, p: ProductFacts, index: number, wish: Wish, because: string): void {
  const { facts } = draft
  const name = called(p)
  if (p.channel === 'avma' && p.state === 'licensed') {
    draft.hold(`${name}: activated by its Hyper-V host.`)
    return
  }
  if (!/^Server/.test(p.edition ?? '') || facts.system === null || !facts.system.hyperV || facts.system.platform !== null) {
    draft.refuse(
      index,
      'AVMA_NOT_A_GUEST',
      `${capital(name)}: automatic activation is for Windows Server in a guest of your own Hyper-V host; this machine is none.`,
      ['Wish KMS for it.'],
    )
    return
  }
  if (p.channel !== 'avma' && wish.key === null) {
    draft.refuse(index, 'AVMA_NEEDS_KEY', `${capital(name)} has no AVMA key, and the wish refers to none.`, [
      'Add key: {file: …} with the AVMA key of its edition to the wish.',
    ])
    return
  }
  const there = p.channel === 'avma'
  const product = there ? p.activationId : 'new:windows:avma'
  if (!there && wish.key) draft.propose(avmaKey, { reference: wish.key, product: product!, level: keyLevel(p, product) }, because, true)
  const entry = { ...productLevel(p), product, key: there ? productLevel(p).key : { ProductKeyChannel: 'Volume:AVMA' } }
  draft.propose(activation, { by: 'avma', host: null, name, level: entry }, 'Its Hyper-V host activates it.', true)
}

/** A year of extended security updates, beside what activates the system: prerequisites first, then the key, then its activation. */
export function planEsu(draft: Draft, wish: Wish): void {
  const { facts } = draft
  const { system } = facts
  const base = facts.products.find((p) => p.application === 'windows' && !p.addOn && fits(wish.product, p, facts))
  if (!system || !base) return
  const index = facts.products.indexOf(base)
  const year = wish.year ?? 1
  const row = esu.find(
    (r: EsuRow) =>
      r.windows === system.version &&
      r.server === system.server &&
      system.build !== null &&
      system.build >= r.minBuild &&
      system.build <= r.maxBuild,
  ) as EsuRow | undefined
  const id = row?.years[year - 1]
  if (!row || !id) {
    draft.refuse(
      index,
      'ESU_NOT_FOR_THIS',
      `No extended security updates of year ${year} are known for ${system.caption ?? called(base)} (build ${system.build ?? 'unknown'}).`,
      [
        'Extended security updates are for Windows 10 22H2, Windows 7 SP1, Server 2008 R2 SP1 and Server 2012 R2; update the system to that release first.',
      ],
    )
    return
  }
  const entry = productOf(facts, id)
  if (entry?.state === 'licensed') {
    draft.hold(`Extended security updates, year ${year}: licensed.`)
    return
  }
  if (base.state !== 'licensed' && !facts.products.some((p) => p.application === 'windows' && !p.addOn && p.state === 'licensed')) {
    draft.refuse(index, 'ESU_PREREQUISITES', `Windows itself is not activated; extended security updates need that first.`, [
      'Activate Windows first.',
    ])
    return
  }
  if (row.revision) {
    if (system.revision === null) {
      draft.lack('revision', `Whether ${row.revision.update}, which extended security updates need, is installed was not told.`)
      return
    }
    if (system.revision < row.revision.least) {
      draft.refuse(
        index,
        'ESU_PREREQUISITES',
        `Extended security updates need ${row.revision.update} or later (revision ${row.revision.least}); this machine has revision ${system.revision}.`,
        [`Install ${row.revision.update} or a later cumulative update.`],
      )
      return
    }
  }
  if (row.updates.length > 0) {
    if (system.updates === null) {
      draft.lack('updates', 'Whether the licensing preparation package is installed was not told.')
      return
    }
    const lacking = row.updates.find((some) => !some.some((kb) => system.updates!.includes(kb)))
    if (lacking) {
      draft.refuse(index, 'ESU_PREREQUISITES', `Extended security updates need ${lacking.join(' or ')}, which is not installed.`, [
        `Install ${lacking[0]}.`,
      ])
      return
    }
  }
  const level = { class: 'SoftwareLicensingProduct', key: { ID: id }, product: id } as const
  if (!entry?.partialKey) {
    if (wish.key === null) {
      draft.refuse(index, 'ESU_NEEDS_KEY', `The wish for extended security updates refers to no key.`, [
        'Add key: {file: …} (or env, keyring) to the wish in the site file.',
      ])
      return
    }
    draft.propose(
      esuKey,
      { reference: wish.key, product: id, level: keyLevel(null, id) },
      `The site wishes extended security updates of year ${year} for ${row.product}.`,
    )
  }
  if (byTelephone(draft, index, `extended security updates, year ${year}`, entry?.partialKey != null)) return
  draft.propose(
    activation,
    { by: 'esu', host: null, name: `extended security updates, year ${year}`, level },
    'The ESU key is activated with Microsoft; each activation counts against the key.',
    true,
  )
}
