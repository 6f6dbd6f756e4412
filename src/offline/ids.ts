/**
 * Telephone activation by file (VAMT calls it proxy activation): installation IDs out, confirmation IDs in. A confirmation ID is no
 * secret: it fits one installation of one key and nothing else. It is still not shown whole, as nobody gains by it.
 */
import type { MachineFacts } from '../activation.ts'
import { type Problem, ProblemError, problem } from '../model.ts'
import { csvLine, readCsv } from './csv.ts'

/** One product of a machine that may be activated by telephone. IDs are digits only. */
export type TelephoneRow = {
  readonly machine: string
  readonly product: string
  readonly activationId: string
  readonly partialKey: string
  readonly installationId: string
  readonly confirmationId: string
}

const columns = ['machine', 'product', 'activation ID', 'partial key', 'installation ID', 'confirmation ID'] as const
const word = (text: string) => text.toLowerCase().replace(/[^a-z]/g, '')
/** More rows than machines that anybody calls about. */
const mostRows = 50_000
/** Read out in groups of six digits, eight at most. Whether it is right only Windows can tell: no check digit is documented. */
const confirmation = { group: 6, most: 48 } as const

/** Digits as they are read out; groups also keep a spreadsheet from making a number of them. */
export function grouped(digits: string): string {
  const size = digits.length % 7 === 0 ? 7 : 6
  return digits.match(new RegExp(`.{1,${size}}`, 'g'))?.join('-') ?? ''
}

/** The digits of an ID however it is grouped; null where there is anything else in it. */
export function digitsOf(text: string): string | null {
  const digits = text.replace(/[\s\-\u00a0\u2010-\u2015\u2212.,'’_/]/g, '')
  return /^\d*$/.test(digits) ? digits : null
}

/**
 * What of a machine may be activated by telephone: products with a MAK, and KMS host keys, which are the organisation's own. KMS
 * clients ask their host, and OEM, retail and subscription licences are their owners' affair.
 */
export function telephoneRows(facts: MachineFacts, name: string): TelephoneRow[] {
  // What could not be asked is not nothing.
  const unasked = facts.unasked.find((u) => u.decides)
  if (unasked) throw new ProblemError(unasked.problem)
  return facts.products.flatMap((p) => {
    const installationId = digitsOf(p.cells.get('OfflineInstallationId')?.value ?? '')
    if ((p.channel !== 'mak' && p.channel !== 'kms-host') || p.state === 'licensed') return []
    if (p.activationId === null || p.partialKey === null) return []
    if (!installationId)
      throw new ProblemError(
        problem('IDS_MISSING', `${name}: ${p.name ?? p.edition ?? 'a product'} has its key, but shows no installation ID.`, [
          'Restart the service of software protection (sppsvc) on the machine, then ask again.',
        ]),
      )
    return [
      {
        machine: name,
        product: p.name ?? p.edition ?? p.application,
        activationId: p.activationId,
        partialKey: p.partialKey,
        installationId,
        confirmationId: '',
      },
    ]
  })
}

/** The file: UTF-8 with the mark by which spreadsheets know it. */
export function telephoneFile(rows: readonly TelephoneRow[]): string {
  const line = (r: TelephoneRow) =>
    csvLine([r.machine, r.product, r.activationId, r.partialKey, grouped(r.installationId), r.confirmationId])
  return `\ufeff${csvLine(columns)}${rows.map(line).join('')}`
}

/** Reads the file back. Rows without a confirmation ID are counted; one that cannot be right is a Problem, and so is the file. */
export function readTelephoneFile(
  file: string,
  text: string,
): { readonly rows: readonly TelephoneRow[]; readonly empty: number; readonly problems: readonly Problem[] } {
  const failed = (summary: string, next: string, line?: number) =>
    problem('IDS_INVALID', summary, [next], line === undefined ? { file } : { file, line })
  const parsed = readCsv(text)
  const [head, ...body] = parsed ?? []
  const at = new Map(columns.map((c) => [c, head?.cells.findIndex((cell) => word(cell) === word(c)) ?? -1]))
  const lacking = columns.filter((c) => c !== 'product' && c !== 'partial key' && at.get(c)! < 0)
  if (!parsed || lacking.length > 0 || body.length > mostRows)
    return {
      rows: [],
      empty: 0,
      problems: [
        failed(
          parsed
            ? `It is no file of installation IDs: the column ${lacking[0] ?? 'limit'} is missing.`
            : 'A quotation mark in it is not closed.',
          'slmctl offline ids MACHINE --out FILE.csv makes one; fill in its last column only.',
        ),
      ],
    }
  const problems: Problem[] = []
  const rows: TelephoneRow[] = []
  const seen = new Set<string>()
  let empty = 0
  for (const { line, cells } of body) {
    const cell = (c: (typeof columns)[number]) => cells[at.get(c)!] ?? ''
    const machine = cell('machine')
    const activationId = cell('activation ID').toLowerCase()
    const spoilt = [cell('installation ID'), cell('confirmation ID')].find((c) => /^[\d.,]+e\+?\d+$/i.test(c))
    if (spoilt) {
      problems.push(
        failed(`${machine}: a spreadsheet has made a number of an ID.`, 'Format the column as text, and enter the ID in its groups.', line),
      )
      continue
    }
    const installationId = digitsOf(cell('installation ID'))
    const confirmationId = digitsOf(cell('confirmation ID'))
    if (confirmationId === '') {
      empty++
      continue
    }
    const wrong =
      machine === '' || !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(activationId) || !installationId
        ? 'the machine, the activation ID or the installation ID is not as slmctl wrote it'
        : confirmationId === null
          ? 'the confirmation ID has something else in it than digits'
          : confirmationId.length > confirmation.most || confirmationId.length % confirmation.group !== 0
            ? `the confirmation ID has ${confirmationId.length} digits; it consists of groups of ${confirmation.group}, ${confirmation.most} digits at most`
            : seen.has(`${machine.toLowerCase()} ${activationId}`)
              ? 'the same product is in the file twice'
              : null
    if (wrong)
      problems.push(failed(`${machine || 'A row'}: ${wrong}.`, 'Compare with what was read out or shown, then correct the row.', line))
    else {
      seen.add(`${machine.toLowerCase()} ${activationId}`)
      rows.push({
        machine,
        activationId,
        installationId: installationId!,
        confirmationId: confirmationId!,
        product: cell('product'),
        partialKey: cell('partial key'),
      })
    }
  }
  return { rows, empty, problems }
}
