import { clientKeysEndingIn, defaultKeyEdition, keyEditionNames } from '../../catalogue.ts'
import { evidence } from '../clues/clue.ts'
import type { MachineFacts } from '../facts/machine.ts'
import type { ProductFacts } from '../facts/product.ts'
import { applying, at, called, capital, isSpare, keyed, productRule, rule, shown, toActivate } from './rule.ts'

/** A client key of another edition than the licence: such a key cannot stay. */
export const keyEdition = productRule('key-edition', 'A client key that belongs to another edition', (p) => {
  if (p.channel !== 'kms-client' || p.application !== 'windows' || !p.partialKey || p.addOn) return null
  const rows = clientKeysEndingIn(p.partialKey)
  const names = keyEditionNames(p.edition)
  if (rows.length === 0 || names.length === 0 || rows.some((r) => names.includes(r.edition))) return null
  return {
    severity: p.state === 'licensed' ? 'info' : 'action',
    summary: `The installed client key (${p.partialKey}) is the one of ${rows[0]!.product} ${rows[0]!.edition}, not of ${called(p)}.`,
    evidence: shown(p, ['PartialProductKey', `the key of ${rows[0]!.edition}`], ['Name', `the licence of ${called(p)}`]),
    next: [`Find the right key: slmctl keys ${names[0]}`],
  }
})

/** A volume client key that is none of the published ones: a key of the organisation, or altered in the text. */
export const keyUnpublished = productRule('key-unpublished', 'A KMS client whose key is not one that Microsoft publishes', (p) => {
  if (p.channel !== 'kms-client' || !p.partialKey || p.addOn || clientKeysEndingIn(p.partialKey).length > 0) return null
  if (p.application === 'office' && /2010|2013/.test(p.edition ?? '')) return null
  return {
    severity: 'info',
    summary: `The client key ending in ${p.partialKey} is not in the list that Microsoft publishes (slmctl keys): a pre-release or altered key, or one that the list lacks.`,
    evidence: shown(p, ['PartialProductKey', 'the last five characters of the key']),
  }
})

/** A client key on a machine that never met a host. */
export const neverActivated = productRule(
  'never-activated',
  'A client key on a machine that never got an answer from a KMS host',
  (p, asked) => {
    if (p.channel !== 'kms-client' || p.state === 'licensed' || !(p.neverAsked || p.reason === 0xc004f056)) return null
    return {
      severity: 'action',
      summary: `${capital(called(p))} has the KMS client key${p.partialKey ? ` (${p.partialKey})` : ''} but has not been activated by any host: a machine imaged away from your network looks like this.`,
      evidence: shown(
        p,
        ['NeverAsked', 'no answer from a KMS host is stored'],
        ['LicenseStatusReason', 'the machine has no volume activation'],
      ),
      next: [
        `Bring it to your network (or VPN), where it reaches your KMS host (TCP 1688) or your domain’s activation object; then: ${toActivate(applying(asked), p)}`,
        ...(p.application === 'windows'
          ? ['If the device came with its own Windows licence, give it that key back (Settings, Activation, Change product key).']
          : []),
      ],
    }
  },
)

/** A retail or OEM product where KMS was expected. */
export const wrongChannel = productRule('wrong-channel', 'A product that KMS cannot activate, because of its channel', (p, { facts }) => {
  if (
    p.state === 'licensed' ||
    p.state === 'unknown' ||
    p.addOn ||
    (p.channel !== 'retail' && p.channel !== 'oem' && p.channel !== 'subscription')
  )
    return null
  const kind = p.channel === 'oem' ? 'an OEM' : p.channel === 'retail' ? 'a retail' : 'a subscription'
  if (p.partialKey === null && keyed(facts.products).length > 0) return null
  const spare = isSpare(p, facts.products)
  return {
    // The code says more about the cause than the channel does.
    severity: spare || (p.reason !== null && p.reason >= 0x80000000) ? 'info' : 'action',
    summary: `${capital(called(p))} carries ${kind} licence: KMS does not apply to it.${spare ? ' Another entry of the product is in use.' : ''}`,
    evidence: shown(
      p,
      ['Description', `${p.channel} channel`],
      ['ProductKeyChannel', `${p.channel} channel`],
      ['Name', `${p.channel} licence`],
    ),
    next:
      p.application === 'office' && p.channel === 'retail'
        ? ['If it should be a volume product, remove it and install the volume product with the Office Deployment Tool.']
        : [],
  }
})

/** Several entries of one product: all are judged, the active one is named. */
export const twoEntries = rule('two-entries', 'Several entries of one product', ({ facts }) => {
  const groups = new Map<string, number[]>()
  facts.products.forEach((p, i) => {
    if (p.addOn || !p.edition) return
    const key = `${p.application} ${p.application === 'windows' ? '' : p.edition}`
    const list = groups.get(key)
    if (list) list.push(i)
    else groups.set(key, [i])
  })
  return [...groups.values()]
    .filter((g) => g.length > 1 && g.filter((i) => facts.products[i]!.partialKey !== null).length > 1)
    .map((g) => {
      const entries = g.map((i) => facts.products[i]!)
      const active = entries.filter((p) => p.state === 'licensed')
      return {
        severity: 'info' as const,
        summary: `There are ${g.length} entries of ${entries[0]!.application === 'windows' ? 'Windows' : called(entries[0]!)}; ${active.length === 0 ? 'none of them is licensed' : `active is ${active.map((p) => p.partialKey ?? p.activationId ?? 'one').join(' and ')}`}.`,
        evidence: entries.flatMap((p) => shown(p, ['PartialProductKey', `an entry (${p.state})`], ['ID', 'an entry'])).slice(0, 6),
      }
    })
})

/** An add-on stands beside the system and says nothing about it. */
export const addOnOnly = rule('add-on', 'An add-on (ESU) is apart from the system', ({ facts }) => {
  const addOns = facts.products.filter((p) => p.addOn)
  if (addOns.length === 0 || facts.products.some((p) => !p.addOn && p.application === 'windows')) return []
  const cell = addOns[0]!.cells.get('Name') ?? addOns[0]!.cells.get('ID')
  return [
    {
      severity: 'info',
      summary:
        'This is an add-on licence (extended security updates), not Windows itself: whether Windows is activated is not in this text.',
      evidence: cell ? [evidence(cell, 'an add-on')] : [],
      next: ['For Windows itself run slmgr /dlv without an activation ID.'],
    },
  ]
})

/** Windows licensed by a digital licence: the key says nothing about how it came about. */
export const digitalLicence = productRule('digital-licence', 'A digital licence', (p) => {
  if (!isDigital(p)) return null
  return {
    severity: 'info',
    summary: `${capital(called(p))} is activated by a digital licence${p.partialKey && defaultKeyEdition(p.partialKey) ? ` (${p.partialKey} is the key that Windows installs by itself)` : ''}. It does not lapse and KMS has no part in it.`,
    evidence: shown(
      p,
      ['LicenseStatusReason', 'licence from a store-based (digital) activation'],
      ['PartialProductKey', 'the installed key'],
    ),
  }
})

/** 0x4004F401, or the default key of the edition in a licensed state. */
export function isDigital(p: ProductFacts): boolean {
  if (p.state !== 'licensed' || p.application !== 'windows') return false
  return (
    p.reason === 0x4004f401 ||
    ((p.channel === 'retail' || p.channel === 'oem') && p.partialKey !== null && defaultKeyEdition(p.partialKey) !== null)
  )
}

/** What `/ipk` said: a key was installed, and whose it is by its last five characters. */
export const keyInstalled = rule('key-installed', 'A key that was installed in the text', ({ facts }) =>
  facts.products.length > 0
    ? []
    : facts.notes
        .filter((n) => n.note === 'key-installed')
        .map((n) => {
          const last = n.value.slice(-5).toUpperCase()
          const row = last.length === 5 ? clientKeysEndingIn(last)[0] : undefined
          return {
            severity: 'info' as const,
            summary: row
              ? `The client key of ${row.product} ${row.edition} (${last}) was installed; whether it is activated is not in the text.`
              : 'A product key was installed; whether it is activated is not in the text.',
            evidence: [evidence(n.cell, 'a key was installed')],
            next: ['Activate and look: slmgr /ato, then slmgr /dlv'],
          }
        }),
)

/** `ospp.vbs` found no key at all. */
export const noKey = rule('no-key', 'No product key is installed', ({ facts }) =>
  facts.notes
    .filter((n) => n.note === 'no-key')
    .slice(0, 1)
    .map((n) => ({
      severity: facts.products.some((p) => p.application === 'office' && p.state === 'licensed') ? ('info' as const) : ('action' as const),
      summary: 'No Office product key is installed: there is nothing that could be activated.',
      evidence: [evidence(n.cell, 'no key found')],
      next: [
        'A volume Office: install its published client key (slmctl keys office), cscript ospp.vbs /inpkey:KEY',
        'A Microsoft 365 Office has no key for ospp.vbs; its users sign in.',
      ],
    })),
)

/** An edition for which Microsoft publishes no client key cannot be activated by KMS. */
export const noClientKey = productRule('no-client-key', 'A KMS client of an edition that has no published client key', (p) => {
  if (p.channel !== 'kms-client' || p.application !== 'windows' || p.addOn || !/^Core/.test(p.edition ?? '')) return null
  return {
    severity: 'action',
    summary: `Microsoft publishes no KMS client key for ${called(p)} (a Home edition): KMS cannot activate it.`,
    evidence: shown(p, ['Name', 'the edition'], ['PartialProductKey', 'the installed key']),
    next: ['Give the device its own licence back, or upgrade the edition with a key of yours.'],
  }
})

/** Enterprise by subscription steps up a Pro licence: the edition is Enterprise, the key is still the one of Pro. */
/** PRODUCT_ENTERPRISE, PRODUCT_ENTERPRISE_N */
const enterpriseSkus: ReadonlySet<number> = new Set([4, 27])

/** Whose key it is under an Enterprise that a subscription steps up; null where it is none. */
export function layered(p: ProductFacts, facts: MachineFacts): string | null {
  if (p.application !== 'windows' || p.state !== 'licensed' || p.channel === 'kms-client' || p.addOn || !p.partialKey) return null
  const named = /^Enterprise(?!S)/.test(p.edition ?? '')
  const reported = enterpriseSkus.has(facts.system?.sku ?? 0)
  const keyOf = defaultKeyEdition(p.partialKey)
  if (named && keyOf && /\bPro\b/.test(keyOf)) return keyOf
  // The licence is still the one of Pro while Windows reports Enterprise; no maker sells Enterprise with a device.
  if (reported && /^Professional/.test(p.edition ?? '')) return keyOf ?? 'Windows Pro'
  return reported && named && p.channel === 'oem' ? 'the device’s own Windows Pro' : null
}

export const subscriptionLayer = productRule('subscription-layer', 'Windows Enterprise by subscription on a Pro key', (p, { facts }) => {
  const keyOf = layered(p, facts)
  if (keyOf === null) return null
  return {
    severity: 'info',
    summary: `The edition is Enterprise, the key (${p.partialKey}) is the one of ${keyOf}: Enterprise by subscription on a Pro licence looks like this, and is healthy.`,
    evidence: [
      ...shown(p, ['Name', 'the edition'], ['PartialProductKey', 'the key of Pro']),
      ...at(facts.system?.cells.get('OperatingSystemSKU'), 'the edition that Windows reports'),
    ],
    next: ['Get-SubscriptionLicenseInfo, or Settings, Activation, shows the subscription.'],
  }
})
