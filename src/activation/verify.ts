import { numberOf } from '../catalogue.ts'
import type { Site, Step } from '../model.ts'
import { activation } from './changes/activation.ts'
import { productOf } from './changes/change.ts'
import { changes } from './changes.ts'
import type { MachineFacts } from './facts/machine.ts'
import type { ProductFacts } from './facts/product.ts'
import { type HostInUse, hostInUse } from './host-in-use.ts'
import { originOf } from './origin.ts'
import type { Authorisation } from './plan/draft.ts'
import { called, capital } from './rules/rule.ts'
import { domainOf, isOurObject } from './wishes.ts'

export type VerifyOptions = {
  readonly site: Site | null
  readonly authorise: (host: HostInUse) => Authorisation
}

export type Verified = { readonly holds: boolean; readonly because: string }

/**
 * Whether a step did what it was to do, by what the machine says now. A return value proves nothing. An activation holds only if
 * the product is licensed, by a host that is ours as the machine reports it, and the time that is left moved.
 */
export function verifyStep(step: Step, before: MachineFacts, after: MachineFacts, options: VerifyOptions): Verified {
  const change = changes.find((c) => c.id === step.change)
  if (!change) return { holds: false, because: `${step.change} is no change that slmctl knows.` }
  const deciding = after.unasked.find((u) => u.decides)
  if (deciding) return { holds: false, because: `Could not ask for ${deciding.about}: ${deciding.problem.summary}` }
  if (step.change === 'clear-registry-key') {
    const kept = before.products.every(
      (p) => p.partialKey === null || after.products.some((o) => o.activationId === p.activationId && o.partialKey === p.partialKey),
    )
    return kept
      ? { holds: true, because: 'The installed keys are as they were; whether the registry still shows one, no property tells.' }
      : { holds: false, because: 'An installed key is not there any more.' }
  }
  const want = change.wanted(step)
  if (!change.holds(after, want)) return { holds: false, because: change.seen(after, want) }
  if (step.secret) {
    // A key that was there before is no sign that another one was installed.
    const was = productOf(before, step.product)?.partialKey
    if (was && was === productOf(after, step.product)?.partialKey)
      return { holds: false, because: `The key ending in ${was} was there before.` }
  }
  if (step.change !== activation.id) return { holds: true, because: change.seen(after, want) }
  return activated(step, before, after, options)
}

const longest = numberOf('validity.days') * 1440

function activated(step: Step, before: MachineFacts, after: MachineFacts, options: VerifyOptions): Verified {
  const p = productOf(after, step.product ?? step.key?.ID ?? null)!
  const name = capital(called(p))
  const was = before.products.find((o) => o.activationId === p.activationId) ?? null
  if (p.channel === 'kms-client') {
    if (p.method === 'adba') {
      const domain = domainOf(p.activationObject ?? '')
      if (!options.site || isOurObject(p.activationObject ?? '', options.site) !== true)
        return {
          holds: false,
          because: `${name} is licensed by an activation object${domain ? ` in ${domain}` : ''} that the site file does not name.`,
        }
    } else {
      const use = hostInUse(p, after)
      const may = options.authorise(use)
      if (!may.ok) return { holds: false, because: `${name} is licensed, but the host that it uses is not ours: ${may.because}` }
      const origin = options.site ? originOf(p, after, options.site, null) : null
      if (origin && (origin.origin === 'foreign' || origin.origin === 'suspect'))
        return { holds: false, because: `${name} is licensed, but: ${origin.because}` }
    }
  }
  const moved = expiryMoved(was, p)
  if (!moved)
    return { holds: false, because: `${name} is licensed as before; the time that is left did not grow, so nothing was activated anew.` }
  return { holds: true, because: `${name} is licensed${p.minutesLeft === null ? '' : `, ${Math.floor(p.minutesLeft / 1440)} days left`}.` }
}

/** Newly licensed, or more time than before; a time that no genuine host could give counts as none. */
function expiryMoved(was: ProductFacts | null, now: ProductFacts): boolean {
  if (was === null || was.state !== 'licensed') return true
  if (now.channel !== 'kms-client') return true
  if (was.minutesLeft === null || was.minutesLeft > longest) return now.minutesLeft !== null && now.minutesLeft <= longest
  if (now.minutesLeft === null) return false
  // A clock of minutes cannot show that the longest time was given again.
  return now.minutesLeft > was.minutesLeft || (was.minutesLeft >= longest - 1 && now.minutesLeft >= longest - 1)
}

/** A step whose entry came into being by an earlier step, with the ID that the machine shows now; null where it is not there. */
export function resolveStep(step: Step, facts: MachineFacts): Step | null {
  if (step.key === null || step.key.ID !== undefined) return step
  const p = productOf(facts, step.product)
  return p?.activationId ? { ...step, key: { ID: p.activationId }, product: p.activationId } : null
}
