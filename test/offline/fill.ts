import { readFileSync, writeFileSync } from 'node:fs'

/** Fills the last column in, as somebody with a telephone and a spreadsheet would. */
export const fillIn = (from: string, to: string, answer: (installationId: string, machine: string) => string, separator = ',') => {
  const [head, ...rows] = readFileSync(from, 'utf8').trim().split('\r\n')
  const lines = rows.map((row) => {
    const cells = [...row.matchAll(/("[^"]*"|[^,]*)(?:,|$)/g)].map((m) => m[1]!).slice(0, 6)
    cells[5] = answer(cells[4]!.replaceAll('-', ''), cells[0]!)
    return cells.join(separator)
  })
  writeFileSync(to, [head!.replaceAll(',', separator), ...lines, ''].join('\r\n'))
}
