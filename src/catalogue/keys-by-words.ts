/** The published client keys that words mean: the answer of `keys`, schema `slmctl.keys/1`. */
import { clientKeysForActivationId, clientKeysForSku } from '../catalogue.ts'
import { ProblemError, problem } from '../model.ts'
import { type ClientKeyRow, clientKeys } from './keys.ts'
import { type SourceRow, sources } from './sources.ts'

/** Words that people use for what the table writes out. */
const spoken: ReadonlyMap<string, string> = new Map([
  ['proplus', 'professional plus'],
  ['pro', 'pro'],
  ['ent', 'enterprise'],
  ['std', 'standard'],
  ['dc', 'datacenter'],
  ['edu', 'education'],
  ['win', 'windows'],
  ['srv', 'server'],
  ['gvlk', ''],
])

/** Published client keys by words: product, edition, the last five characters of a key, an activation ID, a SKU number. Throws NO_SUCH_KEY. */
export function keysByWords(words: readonly string[]): readonly ClientKeyRow[] {
  const wanted = words.flatMap((w) => (spoken.get(w.toLowerCase()) ?? w.toLowerCase()).split(/\s+/)).filter((w) => w !== '')
  // An activation ID or a SKU number names an edition exactly.
  const id = wanted.find((w) => /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(w))
  const sku = /^sku[:=]?(\d{1,4})$/.exec(wanted.join(''))?.[1]
  const exact = id ? clientKeysForActivationId(id) : sku ? clientKeysForSku(Number(sku)) : null
  const rows =
    exact ??
    clientKeys.filter((row: ClientKeyRow) => {
      const text = `${row.product} ${row.edition} ${row.channel} ${row.kind ?? ''} ${row.key}`.toLowerCase()
      const tokens = text.split(/[\s,:()-]+/)
      return wanted.every((w) => (/^\d/.test(w) || w.length <= 3 ? tokens.includes(w) : text.includes(w)))
    })
  if (rows.length === 0) {
    throw new ProblemError(
      problem('NO_SUCH_KEY', `Microsoft publishes no client key for ${words.join(' ')}.`, [
        'An edition without a published client key (Home, for example) cannot be activated by KMS.',
        'Fewer words find more: slmctl keys server 2022',
      ]),
    )
  }
  return rows
}

/** The answer to be shown. */
export function keysAnswer(rows: readonly ClientKeyRow[]) {
  return {
    schema: 'slmctl.keys/1' as const,
    keys: rows.map((r) => ({
      product: r.product,
      edition: r.edition,
      family: r.family,
      channel: r.channel,
      key: r.key,
      listing: r.listing,
      note: r.note ?? null,
      source: r.source.map((id): SourceRow => sources[id]),
    })),
  }
}
