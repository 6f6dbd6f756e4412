import type { Wine } from '../wine.ts'
export async function wrongUses(_wine: Wine): Promise<void> {}
