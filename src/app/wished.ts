/** What is wished of a plan beyond the site file, in words: renewals, and settings that are asked for. */
import type { Asked } from '../activation.ts'
import type { Wished } from '../engine.ts'
import { usage, type Words } from './filter.ts'

/** Wishes by their words; a word without a value is true. Throws USAGE. */
export function wishedOf(words: Words): Wished {
  const asked: Asked[] = []
  const one = (word: string, values: readonly string[]): string | null => {
    const given = words[word]
    if (given === undefined) return null
    if (!values.includes(String(given))) throw usage(`--${word} ${given}: expected ${values.join(', ')}.`, `--${word} ${values[0]}`)
    return String(given)
  }
  if (words['use-dns'] === true) asked.push({ change: 'kms-dns' })
  const caching = one('host-caching', ['on', 'off'])
  if (caching) asked.push({ change: 'host-caching', caching: caching === 'on' })
  const domain = words['lookup-domain'] as string | undefined
  if (domain !== undefined) asked.push({ change: 'lookup-domain', domain: domain === 'none' ? null : domain })
  const type = one('activation-type', ['any', 'ad', 'kms'])
  if (type) asked.push({ change: 'activation-type', type: type === 'any' ? 0 : type === 'ad' ? 1 : 2 })
  if (words['clear-key-from-registry'] === true) asked.push({ change: 'clear-registry-key' })
  if (words['by-telephone'] === true) asked.push({ change: 'telephone' })
  return { renew: words.renew === true, asked }
}
