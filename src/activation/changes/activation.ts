import type { Step } from '../../model.ts'
import { change, type Level, levelOf, productOf, step } from './change.ts'

/** By what a product is to be activated; only `kms` asks a KMS host. */
export type ActivatedBy = 'kms' | 'ad' | 'mak' | 'esu' | 'avma'

export type ActivationWant = {
  readonly by: ActivatedBy
  readonly host: Step['host']
  readonly name: string
  readonly level: Level
}

/** A product is activated. Whether by a host of ours, and whether anew, `verifyStep` adds: a state of before proves nothing. */
export const activation = change<ActivationWant>({
  id: 'activation',
  about: 'A product is activated, by what the site wishes',
  holds: (facts, { level }) => productOf(facts, level.product)?.state === 'licensed',
  steps: ({ host, name, level }, because) => [
    step({ change: 'activation', what: `activate ${name}`, because, method: 'Activate', host, activates: true }, level),
  ],
  wanted: (s) => ({ by: 'kms', host: s.host, name: '', level: levelOf(s) }),
  seen: (facts, { level }) => {
    const p = productOf(facts, level.product)
    return p ? `It is ${p.state}.` : 'The entry is not on the machine.'
  },
})
