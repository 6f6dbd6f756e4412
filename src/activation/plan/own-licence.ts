import { publishedKey } from '../changes/keys.ts'
import type { ProductFacts } from '../facts/product.ts'
import { layered } from '../rules/keys.ts'
import { called, capital } from '../rules/rule.ts'
import { entitlementFor } from '../wishes.ts'
import type { Draft } from './draft.ts'

/** A client entry beside a product that its own licence activates: nothing is activated beside it. */
export function besideItsOwn(draft: Draft, p: ProductFacts, index: number): boolean {
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

/**
 * Whether a product keeps the licence that it has. `done`: it does, and that was said. A sentence: it may be moved to a volume
 * licence, for this reason. Null: it is a volume product already.
 */
export function keepsItsOwn(draft: Draft, p: ProductFacts, index: number, instead: boolean, by: string | null): 'done' | string | null {
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
      p.application === 'office'
        ? `Activate it with that licence. To a volume product Office is moved by its own deployment tool: slmctl image --product "Office LTSC 2024 ProPlus" --remove-retail ${retailId(draft)} --out DIR writes the file for it.`
        : 'Activate it with that licence. Moving it to a volume licence needs an entitlement in the site file.',
    ])
}

/** The retail product by the name that the Office Deployment Tool removes it by, where the machine tells one. */
const retailId = (draft: Draft): string => draft.facts.office?.releaseIds.find((id) => /Retail$/.test(id)) ?? 'ID'

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
