import { type ClientKeyRow, clientKeys, notVolume, type OfficeProductRow, officeProducts } from '../catalogue.ts'
import { ProblemError, problem } from '../model.ts'

/** A product that setup is prepared for: its published client key, and for Office the ID and the release. */
export type ImageProduct = {
  readonly row: ClientKeyRow
  readonly office: { readonly id: string; readonly release: string } | null
}

/** What people write for what the table writes out; an empty text says nothing. */
const spoken: ReadonlyMap<string, string> = new Map([
  ['proplus', 'professional plus'],
  ['ent', 'enterprise'],
  ['std', 'standard'],
  ['dc', 'datacenter'],
  ['edu', 'education'],
  ['win', 'windows'],
  ['microsoft', ''],
  ['ms', ''],
  ['version', ''],
  ['for', ''],
  ['edition', ''],
])

function tokens(text: string): Set<string> {
  return new Set(
    text
      .toLowerCase()
      .split(/[^\p{L}\p{N}.]+/u)
      .flatMap((w) => (spoken.get(w) ?? w).split(' '))
      .filter((w) => w !== ''),
  )
}

/** What a row is called: product and edition, without saying the same twice. */
export function nameOf(row: ClientKeyRow): string {
  if (row.family === 'office') return row.edition
  const release = / LT[SB][CB] (\d{4})$/.exec(row.product)?.[1]
  const product = row.product.replace(/ LT[SB][CB] \d{4}$/, '').replace(/ IoT$/, '')
  return release ? `${product} ${row.edition} ${release}` : `${product} ${row.edition}`
}

/** IoT releases have a number in their full name that the key table leaves out: Windows 11 IoT Enterprise LTSC 2024. */
const iotOf: Readonly<Record<string, string>> = { 'Windows IoT LTSC 2024': '11', 'Windows IoT LTSC 2021': '10' }

/** Rows that a program may choose; those that come and go in Microsoft's table are not among them. */
const rows: readonly { readonly row: ClientKeyRow; readonly words: ReadonlySet<string>; readonly also: string | null }[] = clientKeys
  .filter((row: ClientKeyRow) => row.listing === 'current')
  .map((row: ClientKeyRow) => ({ row, words: tokens(`${row.product} ${row.edition}`), also: iotOf[row.product] ?? null }))

/**
 * The products that words mean. Throws a ProblemError where words mean none, several, or one that no volume activation or no
 * setup of today knows, and where products do not go together on one machine.
 */
export function chooseProducts(texts: readonly string[]): readonly ImageProduct[] {
  const chosen = [...new Map(texts.map((text) => chooseOne(text)).map((p) => [p.row, p])).values()]
  const windows = chosen.filter((p) => p.office === null)
  if (windows.length > 1)
    throw conflict(
      `An image has one Windows; here are ${windows.map((p) => nameOf(p.row)).join(' and ')}.`,
      'Write one image for each of them, to a folder of its own.',
    )
  const office = chosen.filter((p) => p.office !== null)
  // MicrosoftDocs/OfficeDocs-DeployOffice, office/ltsc/2024/update.md: the update channel is a device-wide setting.
  if (new Set(office.map((p) => p.office!.release)).size > 1)
    throw conflict(
      'All Office products of a machine, Visio and Project too, have one update channel, so they are of one release.',
      `Name products of one release only; here are ${office.map((p) => nameOf(p.row)).join(' and ')}.`,
    )
  for (const kind of ['Office suite', 'Project', 'Visio']) {
    const alike = office.filter((p) => p.row.kind === kind)
    if (alike.length > 1)
      throw conflict(`A machine has one of ${alike.map((p) => nameOf(p.row)).join(' and ')}.`, 'Name the one that was bought.')
  }
  return chosen
}

function conflict(summary: string, next: string): ProblemError {
  return new ProblemError(problem('PRODUCTS_CONFLICT', summary, [next]))
}

function chooseOne(text: string): ImageProduct {
  const shown = text.replace(/[^\x20-\x7e]/g, '?').slice(0, 100)
  const wanted = tokens(text)
  const matching = rows.filter(({ words, also }) => wanted.size > 0 && [...wanted].every((w) => words.has(w) || w === also))
  // Visio, Project and single applications stand under "Office" in the table; who says Office means a suite.
  const suites = wanted.has('office') ? matching.filter(({ row }) => row.kind === 'Office suite') : []
  const holds = suites.length > 0 ? suites : matching
  const exact = holds.filter(({ words }) => [...words].every((w) => wanted.has(w)))
  const found = exact.length > 0 ? exact : holds
  // Windows Installer and Click-to-Run editions of 2016 have the same words, and neither is for the deployment tool of today.
  const first = found[0]?.row
  const one = found.length === 1 || (found.length > 1 && found.every(({ row }) => row.edition === first!.edition && isOffice2016(row)))
  if (first !== undefined && one) return usable(first)
  if (found.length > 1)
    throw new ProblemError(
      problem('PRODUCT_AMBIGUOUS', `"${shown}" means ${found.length} products; one is needed.`, nearest(found.map(({ row }) => row))),
    )
  const why = notVolume.find((n) => n.words.test(text))
  if (why)
    throw new ProblemError(
      problem('NOT_VOLUME_ACTIVATABLE', `Microsoft publishes no client key for "${shown}": ${why.because}.`, [
        'KMS and Active Directory activate volume editions only; slmctl keys lists them.',
      ]),
    )
  throw new ProblemError(
    problem(
      'PRODUCT_UNKNOWN',
      `Microsoft publishes no client key for "${shown}": the name is another, or the edition is not volume-activatable.`,
      [...nearest(closest(wanted)), 'slmctl keys lists every edition that has one.'],
    ),
  )
}

const isOffice2016 = (row: ClientKeyRow): boolean => row.family === 'office' && row.product.startsWith('Office 2016')

/** A row that setup of today can be prepared for; throws where it cannot. */
function usable(row: ClientKeyRow): ImageProduct {
  const no = (because: string, next: string) => new ProblemError(problem('PRODUCT_NOT_FOR_IMAGE', `${nameOf(row)}: ${because}.`, [next]))
  if (row.family !== 'office') {
    if (row.channel === 'legacy')
      throw no(
        'slmctl.exe runs on Windows 10 and Windows Server 2016 or later',
        `Its client key: slmctl keys ${row.product} ${row.edition}`,
      )
    return { row, office: null }
  }
  if (isOffice2016(row))
    throw no(
      'volume editions of Office 2016 are installed by Windows Installer and the customization tool in its setup, not by the Office Deployment Tool',
      'Its client key: slmctl keys office 2016. The deployment tool installs Office 2019, LTSC 2021 and LTSC 2024.',
    )
  const product = officeProducts.find((p: OfficeProductRow) => p.edition === row.edition)
  if (!product) throw no('no product ID of the Office Deployment Tool is known for it', 'slmctl keys office lists the editions.')
  return { row, office: { id: product.id, release: /\d{4}$/.exec(row.product)![0] } }
}

/** At most six products to choose from, each with how it is written. */
function nearest(found: readonly ClientKeyRow[]): string[] {
  const names = [...new Set(found.map((row) => `--product "${nameOf(row)}"`))]
  return names.length > 6 ? [...names.slice(0, 6), `and ${names.length - 6} more: slmctl keys lists them`] : names
}

/** The rows that share most words, a number of the release counting most. */
function closest(wanted: ReadonlySet<string>): readonly ClientKeyRow[] {
  const weight = (words: ReadonlySet<string>) =>
    [...words].reduce((sum, w) => sum + (wanted.has(w) ? (/\d/.test(w) ? 3 : 2) : [...wanted].some((x) => alike(x, w)) ? 1 : -0.5), 0)
  return rows
    .map(({ row, words }) => ({ row, weight: weight(words) }))
    .filter((r) => r.weight >= 2)
    .toSorted((a, b) => b.weight - a.weight)
    .slice(0, 4)
    .map((r) => r.row)
}

/** Words that differ at their end only, or by one letter. */
function alike(a: string, b: string): boolean {
  if (a.length < 4 || b.length < 4 || /\d/.test(a + b)) return false
  return a.slice(0, 5) === b.slice(0, 5) || (a.length === b.length && [...a].filter((c, i) => c !== b[i]).length <= 1)
}
