/**
 * Writes src/lab/scenarios/keys.ts: what the lab has to know of the published client keys, as hashes. A simulated machine then
 * takes a key that it is given and knows its edition, and no product key stands outside the catalogue.
 */
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { clientKeys } from '../src/catalogue.ts'

export function labKeyRows(): Record<string, string[]> {
  const rows: Record<string, string[]> = {}
  for (const row of clientKeys) {
    const hash = createHash('sha256').update(row.key).digest('hex')
    rows[hash] = [...(rows[hash] ?? []), `${row.product}|${row.edition}`]
  }
  return rows
}

if (import.meta.main) {
  const head =
    '/** SHA-256 of a published client key → the rows of the key page that it stands in. Written by scripts/lab-keys.ts. */\nexport const keyRows: Readonly<Record<string, readonly string[]>> ='
  writeFileSync(new URL('../src/lab/scenarios/keys.ts', import.meta.url), `${head} ${JSON.stringify(labKeyRows(), null, 2)}\n`)
}
