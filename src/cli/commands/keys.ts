import { type ClientKeyRow, keysAnswer, keysByWords } from '../../catalogue.ts'
import { type Io, json, wrap } from '../io.ts'

export async function run(
  words: readonly string[],
  flags: Readonly<Record<string, string | boolean | undefined>>,
  io: Io,
): Promise<number> {
  const rows = keysByWords(words)
  if (flags.json) {
    io.out(json(keysAnswer(rows)))
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
