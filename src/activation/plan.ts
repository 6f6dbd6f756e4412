import { inNetworks, isNamedHost } from '../addresses.ts'
import type { MissingFact, Plan, Problem, Refusal, Site, Step } from '../model.ts'
import { answered } from './changes/change.ts'
import { changes } from './changes.ts'
import type { Gathered } from './diagnose.ts'
import { originOf } from './origin.ts'
import { called, capital, isSpare } from './rules/rule.ts'

/** How to get a fact that a text lacks. */
const howToGet = {
  state: 'slmgr /dlv (Office: cscript ospp.vbs /dstatus)',
  host: 'slmgr /dlv: the lines "KMS machine name" and "KMS machine IP address"',
  windows: 'slmgr /dlv without an activation ID',
  key: 'Get-CimInstance SoftwareLicensingProduct -Filter "PartialProductKey IS NOT NULL"',
} as const

/**
 * Facts from texts → what slmctl would do. A step needs authority: without a site file nothing is proposed that would make a
 * machine ask a host, and no activation is proposed against a host that is unknown or not ours.
 */
export function plan(gathered: Gathered, site: Site | null, readAt: string | null, problems: readonly Problem[] = []): Plan {
  return {
    schema: 'slmctl.plan/1',
    machines: gathered.machines.map((facts) => {
      const holds: string[] = []
      const steps: Step[] = []
      const refused: Refusal[] = []
      const missing: MissingFact[] = []
      const lacks = (fact: keyof typeof howToGet, why: string) => {
        if (!missing.some((m) => m.fact === fact)) missing.push({ machine: facts.id, fact, why, get: howToGet[fact] })
      }
      const refuse = (product: number | null, code: string, because: string, next: readonly string[]) =>
        refused.push({ code, product, machine: facts.id, because, next })
      if (facts.products.length === 0) lacks('state', 'The text names no product.')
      if (facts.products.length > 0 && facts.products.every((p) => p.addOn))
        lacks('windows', 'The text is about an add-on; Windows itself is not in it.')
      facts.products.forEach((p, index) => {
        const name = called(p)
        if (p.addOn) {
          if (p.state === 'licensed') holds.push(`${capital(name)}: licensed.`)
          else if (p.partialKey !== null || p.attempt)
            refuse(index, 'ADD_ON', `${capital(name)} is not activated; its key comes with its own agreement.`, [
              'slmgr /ato ACTIVATION-ID on the machine, or by telephone',
            ])
          return
        }
        if (isSpare(p, facts.products)) return
        if (p.state === 'unlicensed' && p.partialKey === null) {
          lacks('key', `This entry of ${name} has no key; which entry is the active one is not in the text.`)
          return
        }
        const own = facts.products.find(
          (o) =>
            o !== p &&
            o.application === p.application &&
            o.state === 'licensed' &&
            !o.addOn &&
            (o.channel === 'oem' || o.channel === 'retail'),
        )
        if (own && p.application === 'windows' && (p.channel === 'kms-client' || p.channel === 'unknown')) {
          refuse(
            index,
            'NOT_VOLUME_LICENSED',
            `${capital(name)} is licensed by its own ${own.channel === 'oem' ? 'OEM' : 'retail'} licence; this entry is not activated beside it.`,
            ['Moving it to a volume licence needs an entitlement in the site file.'],
          )
          return
        }
        switch (p.channel) {
          case 'oem':
          case 'retail':
          case 'subscription':
            if (p.state === 'licensed') holds.push(`${name}: its own ${p.channel === 'oem' ? 'OEM' : p.channel} licence stays as it is.`)
            else
              refuse(
                index,
                'NOT_VOLUME_LICENSED',
                `${name} carries its own ${p.channel === 'oem' ? 'OEM' : p.channel} licence; slmctl gives up no licence on its own.`,
                ['Activate it with that licence. Moving it to a volume licence needs an entitlement in the site file.'],
              )
            return
          case 'evaluation':
            refuse(index, 'EVALUATION', `${name} is an evaluation; no key of KMS activates it.`, [
              'Move to a volume edition with your own key, or install the volume edition.',
            ])
            return
          case 'mak':
            if (p.state === 'licensed') holds.push(`${name}: activated by a MAK.`)
            else
              refuse(index, 'MAK_NEEDS_KEY', `${name} has a MAK; its activation online is not planned from a text.`, [
                'slmgr /ato on the machine, or by telephone',
              ])
            return
          case 'kms-host':
            if (p.state === 'licensed') holds.push(`${name}: the KMS host key is activated.`)
            else
              refuse(index, 'KMS_HOST_NEEDS_MICROSOFT', `${name} is a KMS host; its own activation is with Microsoft.`, [
                'slmgr /ato on the host, or by telephone',
              ])
            return
          case 'avma':
            if (p.state === 'licensed') holds.push(`${name}: activated by its Hyper-V host.`)
            else
              refuse(index, 'AVMA', `${name} is activated by its Hyper-V host, not by KMS.`, [
                'Check that the Hyper-V host is an activated Datacenter edition of the same or a newer release.',
              ])
            return
          case 'unknown':
            if (p.state === 'licensed' && !p.host.name) holds.push(`${name}: licensed; which kind of key it has is not in the text.`)
            else lacks('key', `Which kind of key ${name} has is not in the text.`)
            return
          default:
        }
        const origin = originOf(p, facts, site, readAt)
        if (p.state === 'unknown') lacks('state', `Whether ${name} is activated is not in the text.`)
        if (p.method === 'adba' && p.state === 'licensed') {
          if (origin.origin === 'suspect')
            refuse(index, 'AD_OBJECT_NOT_OURS', `${name}: ${origin.because}`, [
              'Find out which forest the machine belongs to; name its domain in the site file if it is yours.',
            ])
          else holds.push(`${name}: activated through Active Directory.`)
          return
        }
        if (/^Core/.test(p.edition ?? '') && p.application === 'windows') {
          refuse(index, 'NOT_VOLUME_ACTIVATABLE', `${name}: Microsoft publishes no client key for this edition; KMS cannot activate it.`, [
            'Give it its own licence back, or upgrade the edition with a key of yours.',
          ])
          return
        }
        if (site === null) {
          if (p.state === 'licensed' && origin.origin !== 'foreign' && origin.origin !== 'suspect')
            holds.push(`${name}: licensed. Whose host it is, a site file would tell.`)
          else
            refuse(index, 'NO_SITE_FILE', `${name}: which host it may use is for a site file to say.`, [
              'slmctl plan --from FILE --site slmctl.yaml',
            ])
          return
        }
        if (origin.origin === 'platform' && p.state !== 'licensed') {
          refuse(index, 'PLATFORM', `${name}: ${origin.because} It is for the platform to activate it.`, [
            'See the provider’s page on Windows activation; the machine must reach that address.',
          ])
          return
        }
        if (origin.origin === 'platform') {
          holds.push(`${name}: ${origin.because}`)
          return
        }
        if (!p.host.name && (p.state === 'licensed' || answered(p))) lacks('host', `Which host ${name} uses is not in the text.`)
        else if (p.host.name && !p.host.ip && origin.origin === 'own' && site.networks.length > 0 && p.state !== 'licensed')
          lacks('host', `The address of ${p.host.name} is not in the text; it must be inside the site's networks.`)
        const wished = changes.flatMap((change) => change.propose(p, { site, origin: origin.origin }))
        // Before every activation the host that would be asked must be known and ours: told by a step, or by the facts.
        const known =
          (p.host.name !== null && isNamedHost(p.host.name, site)) || (p.host.ip !== null && inNetworks(p.host.ip, site.networks))
        const authorised = (origin.origin === 'own' && known) || wished.some((s) => s.change === 'kms-host')
        const proposed = authorised ? wished : wished.filter((s) => s.change !== 'activation')
        if (proposed.length < wished.length) {
          const named = p.host.name !== null && isNamedHost(p.host.name, site)
          refuse(
            index,
            'HOST_NOT_AUTHORISED',
            named || origin.origin === 'foreign'
              ? `${name}: ${origin.because}`
              : `${name}: the host that an activation would ask is unknown or not the site's.`,
            named || origin.origin === 'foreign'
              ? ['Settle that first; slmctl renews no activation whose host does not fit.']
              : ['Name your hosts under kms.hosts; take a fresh slmgr /dlv that names the host.'],
          )
        }
        if (wished.length === 0) {
          if (origin.origin === 'own' && p.state === 'licensed') holds.push(`${name}: ${origin.because}`)
          else if (p.state !== 'licensed' && site.kmsHosts.length === 0)
            refuse(index, 'HOST_NOT_AUTHORISED', `${name}: the site file names no KMS host that it could use.`, [
              'Name your hosts under kms.hosts.',
            ])
        }
        steps.push(...proposed)
      })
      return { id: facts.id, name: facts.name, holds, steps, refused, missing }
    }),
    problems,
  }
}
