import { canonicalHost, inDomains, isNamedHost } from '../../addresses.ts'
import { productLevel, serviceLevel } from '../changes/change.ts'
import { confirmation, installationIdOf } from '../changes/confirmation.ts'
import { clearRegistryKey, staleOfficeKey } from '../changes/keys.ts'
import { activationType, hostCaching, kmsDns, lookupDomain } from '../changes/kms-host.ts'
import type { MachineFacts } from '../facts/machine.ts'
import type { ProductFacts } from '../facts/product.ts'
import { called, capital } from '../rules/rule.ts'
import { type Asked, type Draft, reasons } from './draft.ts'

/** A key left over beside the Office that is in use. The live one is licensed; this one is not, and is of the same program. */
export function planStale(draft: Draft, p: ProductFacts): void {
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

/** Settings that came with Windows 8 and Server 2012; what an older one lacks is not tried. */
const since62: ReadonlySet<Asked['change']> = new Set(['lookup-domain', 'activation-type'])

/** A change that somebody asks for beside the wishes. */
export function planAsked(draft: Draft, asked: Asked): void {
  const because = reasons.asked
  const { facts, options } = draft
  if (since62.has(asked.change) && facts.products.some((p) => p.windows !== null && Number(p.windows) < 6.2)) {
    draft.refuse(null, 'NOT_ON_THIS_WINDOWS', 'This setting came with Windows 8 and Windows Server 2012; the machine is older.', [
      'Set a KMS host instead: name it in the site file, and plan again.',
    ])
    return
  }
  const at = (id: string | undefined) => {
    const p = id === undefined ? null : facts.products.find((o) => o.activationId === id)
    return p ? productLevel(p) : serviceLevel(null)
  }
  switch (asked.change) {
    case 'host-caching':
      draft.propose(hostCaching, { caching: asked.caching, level: serviceLevel(null) }, because)
      return
    case 'lookup-domain':
      if (asked.domain !== null && options.site && !inDomains(asked.domain, options.site.domains))
        draft.refuse(null, 'HOST_NOT_AUTHORISED', `${asked.domain} is not a domain of the site file.`, [
          'Add the domain to the site file if it is yours.',
        ])
      else draft.propose(lookupDomain, { domain: asked.domain, level: at(asked.product) }, because)
      return
    case 'kms-dns':
      draft.propose(kmsDns, { level: at(asked.product), part: 'both' }, because)
      return
    case 'activation-type':
      // It shows on each product, so it is set where it can be seen.
      for (const p of facts.products)
        if (asked.product === undefined ? p.channel === 'kms-client' && !p.addOn && !p.officeService : p.activationId === asked.product)
          draft.propose(activationType, { type: asked.type, level: productLevel(p) }, because)
      return
    case 'telephone':
      return
    case 'confirmation':
      if (isMachine(asked.machine, facts)) planConfirmation(draft, asked)
      return
    case 'clear-registry-key':
      draft.propose(clearRegistryKey, { keys: facts.products.flatMap((p) => p.partialKey ?? []) }, because)
  }
}

const isMachine = (name: string, facts: MachineFacts) => canonicalHost(name) === canonicalHost(facts.name ?? facts.id)

/** A confirmation ID: for the installation that asked for it, of a MAK, or of the key of a KMS host of ours. */
function planConfirmation(draft: Draft, asked: Extract<Asked, { change: 'confirmation' }>): void {
  const { facts, options } = draft
  const index = facts.products.findIndex((p) => p.activationId === asked.product)
  const p = facts.products[index]
  if (!p) {
    draft.refuse(null, 'CONFIRMATION_NO_PRODUCT', `No product with the activation ID ${asked.product} has a key on the machine.`, [
      'Install the key first, then write the installation IDs anew: slmctl offline ids',
    ])
    return
  }
  const name = called(p)
  if (p.state === 'licensed') {
    draft.hold(`${capital(name)}: licensed already; its confirmation ID is not needed.`)
    return
  }
  if (p.channel !== 'mak' && p.channel !== 'kms-host') {
    draft.refuse(
      index,
      'CONFIRMATION_CHANNEL',
      `${capital(name)} has no MAK and no KMS host key; slmctl activates nothing else by telephone.`,
      ['A KMS client is activated by its host: slmctl plan'],
    )
    return
  }
  if (p.channel === 'kms-host' && !(options.site && isNamedHost(facts.name ?? facts.id, options.site))) {
    draft.refuse(
      index,
      'HOST_NOT_AUTHORISED',
      `${capital(name)} is a KMS host key, on a machine that kms.hosts of the site file does not name.`,
      ['Name the host under kms.hosts if it is yours.'],
    )
    return
  }
  const now = installationIdOf(p)
  if (now === null) {
    draft.lack('answer', `${capital(name)} shows no installation ID.`)
    return
  }
  if (now !== asked.installationId) {
    draft.refuse(
      index,
      'CONFIRMATION_OTHER_INSTALLATION',
      `${capital(name)} shows another installation ID now than the one that the confirmation ID was given for; it would not fit.`,
      ['Write the installation IDs anew and ask for a confirmation ID again: slmctl offline ids'],
    )
    return
  }
  const { installationId, confirmationId } = asked
  draft.propose(confirmation, { installationId, confirmationId, name, level: productLevel(p) }, reasons.telephone)
}
