import type { MissingFact, Plan, Problem, Refusal, Site, Step } from '../model.ts'
import { changes } from './changes.ts'
import type { Gathered } from './diagnose.ts'
import { originOf } from './origin.ts'
import { called } from './rules/rule.ts'

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
        if (p.addOn) return
        const name = called(p)
        if (p.state === 'unlicensed' && p.partialKey === null) {
          lacks('key', `This entry of ${name} has no key; which entry is the active one is not in the text.`)
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
            return
          default:
        }
        const origin = originOf(p, facts, site, readAt)
        if (p.state === 'unknown') lacks('state', `Whether ${name} is activated is not in the text.`)
        if (p.method === 'adba' && p.state === 'licensed') {
          holds.push(`${name}: activated through Active Directory.`)
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
        if (origin.origin === 'platform') {
          holds.push(`${name}: ${origin.because}`)
          return
        }
        if (!p.host.name && p.state === 'licensed') lacks('host', `Which host ${name} uses is not in the text.`)
        const wished = changes.flatMap((change) => change.propose(p, { site, origin: origin.origin }))
        // Before every activation the host that would be asked must be known and ours: told by a step, or by the facts.
        const authorised = origin.origin === 'own' || wished.some((s) => s.change === 'kms-host')
        const proposed = authorised ? wished : wished.filter((s) => s.change !== 'activation')
        if (proposed.length < wished.length)
          refuse(index, 'HOST_NOT_AUTHORISED', `${name}: the host that an activation would ask is unknown or not the site's.`, [
            'Name your hosts under kms.hosts; take a fresh slmgr /dlv that names the host.',
          ])
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
