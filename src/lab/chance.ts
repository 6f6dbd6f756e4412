import { hash } from 'node:crypto'

/**
 * Random numbers from a seed (mulberry32, public domain): the same seed makes the same fleet and the same choices, so that a
 * failure can be told by its seed.
 */
export type Chance = {
  readonly next: () => number
  readonly below: (n: number) => number
}

export function chance(seed: string): Chance {
  // FNV-1a over the seed's characters.
  let a = 0x811c9dc5
  for (let i = 0; i < seed.length; i++) a = Math.imul(a ^ seed.charCodeAt(i), 0x01000193)
  const next = () => {
    a = (a + 0x6d2b79f5) | 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (n: number) => Math.floor(next() * n)
  return {
    next,
    below,
  }
}

/** A GUID that belongs to a text alone: `chance` begins with 32 bits, which two of 100,000 names may share. */
export function guidOf(text: string): string {
  const hex = hash('sha256', text)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

/** So many decimal digits (at most 64) that belong to a text. */
export const digitsOf = (text: string, n: number): string =>
  Array.from(hash('sha512', text, 'buffer'), (b) => b % 10)
    .join('')
    .slice(0, n)
