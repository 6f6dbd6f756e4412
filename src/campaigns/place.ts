import { createHash } from 'node:crypto'

/**
 * A machine's place in the order of a campaign: by chance, but the same at every try, so that the share that goes first is spread
 * over all kinds and places. From 0 to 2^31 − 1.
 */
export function placeOf(campaign: string, machine: number): number {
  return createHash('sha256').update(`${campaign}/${machine}`).digest().readUInt32BE(0) >>> 1
}
