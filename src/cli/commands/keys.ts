import { type ClientKeyRow, clientKeys, clientKeysForActivationId, clientKeysForSku, sources } from '../../catalogue.ts'
import { ProblemError, problem } from '../../model.ts'
import { type Io, json, wrap } from '../io.ts'

/** Words that people use for what the table writes out. */
const spoken: Readonly<Record<string, string>> = {
  proplus: 'professional plus',
  pro: 'pro',
  ent: 'enterprise',
  std: 'standard',
  dc: 'datacenter',
  edu: 'education',
  win: 'windows',
  srv: 'server',
  gvlk: '',
}

export async function run(
  words: readonly string[],
  flags: Readonly<Record<string, string | boolean | undefined>>,
  io: Io,
): Promise<number> {
  const wanted = words.flatMap((w) => (spoken[w.toLowerCase()] ?? w.toLowerCase()).split(/\s+/)).filter((w) => w !== '')
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
  if (flags.json) {
    io.out(
      json({
        schema: 'slmctl.keys/1',
        keys: rows.map((r: ClientKeyRow) => ({
          product: r.product,
          edition: r.edition,
          family: r.family,
          channel: r.channel,
          key: r.key,
          listing: r.listing,
          note: r.note ?? null,
          source: r.source.map((id) => sources[id]),
        })),
      }),
    )
    return 0
  }
  const width = Math.min(44, Math.max(...rows.map((r) => r.edition.length)) + 2)
  for (const [i, [product, editions]] of [...Map.groupBy(rows as readonly ClientKeyRow[], (row) => row.product)].entries()) {
    io.out(`${i === 0 ? '' : '\n'}${io.paint('bold', product)}\n`)
    for (const row of editions) {
      io.out(`  ${row.edition.padEnd(width)}${row.key}${row.listing === 'varies-by-revision' ? ' *' : ''}\n`)
      if (row.note) io.out(io.paint('dim', wrap(row.note, io.columns, '    ')))
    }
  }
  if (rows.some((row) => row.listing === 'varies-by-revision'))
    io.out(wrap('Printed on Microsoft’s page in some years only; slmctl never takes it by itself.', io.columns, '\n* ', '  '))
  io.out(
    io.paint(
      'dim',
      `\n${rows.length} ${rows.length === 1 ? 'row' : 'rows'}, as Microsoft publishes them (--json names the page of each).\n`,
    ),
  )
  return 0
}
