/**
 * Random numbers from a seed (mulberry32, public domain): the same seed makes the same fleet and the same choices, so that a
 * failure can be told by its seed.
 */
export type Chance = {
  readonly next: () => number
  readonly below: (n: number) => number
  readonly digits: (n: number) => string
  readonly guid: () => string
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
  const hex = (n: number) => Array.from({ length: n }, () => below(16).toString(16)).join('')
  return {
    next,
    below,
    digits: (n) => Array.from({ length: n }, () => below(10)).join(''),
    guid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`,
  }
}
