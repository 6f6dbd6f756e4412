/**
 * Writes src/lab/scenarios/keys.ts: what the lab has to know of the published client keys, as hashes. A simulated machine then
 * takes a key that it is given and knows its edition, and no product key stands outside the catalogue.
 */
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { clientKeys } from '../src/catalogue.ts'

export function labKeys(): string {
  const rows = new Map<string, string[]>()
  for (const row of clientKeys) {
    const hash = createHash('sha256').update(row.key).digest('hex')
    rows.set(hash, [...(rows.get(hash) ?? []), `${row.product}|${row.edition}`])
  }
  const lines = [...rows].map(([hash, names]) => `  '${hash}': [${names.map((n) => `'${n.replaceAll("'", "\\'")}'`).join(', ')}],`)
  return `/** SHA-256 of a published client key → the rows of the key page that it stands in. Written by scripts/lab-keys.ts. */\nexport const keyRows: Readonly<Record<string, readonly string[]>> = {\n${lines.join('\n')}\n}\n`
}

if (import.meta.main) writeFileSync(new URL('../src/lab/scenarios/keys.ts', import.meta.url), labKeys())
