import { officeApps, officeChannels, officeLanguages, officeRetailProducts, officeSubscription } from '../catalogue.ts'
import { ProblemError, problem } from '../model.ts'
import type { ImageProduct } from './products.ts'
import { document, type Element } from './xml.ts'

/** What is wished of Office beside its products. */
export type OfficeWish = {
  readonly bits: '64' | '32'
  /** Language IDs as typed; none: the languages of Windows. */
  readonly languages: readonly string[]
  /** Applications that suites leave out. */
  readonly exclude: readonly string[]
  /** IDs of retail products that are removed. */
  readonly removeRetail: readonly string[]
  readonly removeMsi: boolean
  /** Open applications are closed, with what is not saved in them. */
  readonly closeApps: boolean
  /** Where the installation files are; null: beside the tool, else Microsoft's content network. */
  readonly source: string | null
  readonly autoActivation: boolean
}

/**
 * The configuration of the Office Deployment Tool for volume products. Throws a ProblemError for a language, an application or a
 * product ID that Microsoft's reference does not have.
 */
export function officeXml(products: readonly ImageProduct[], wish: OfficeWish): string {
  const release = products[0]!.office!.release
  const channel = officeChannels.find((c) => c.volume === release)!.channel
  const languages = languagesOf(wish.languages, release, products)
  const exclude = wish.exclude.map((app) => known(app, officeApps.ids, 'exclude', 'is no application that can be left out'))
  const suites = products.some((p) => p.row.kind === 'Office suite')
  if (exclude.length > 0 && !suites) throw usage('--exclude is about Office suites, and none is among the products.', officeApps.ids)
  return document('Office Deployment Tool: setup.exe /configure configuration.xml', {
    name: 'Configuration',
    inside: [
      {
        name: 'Add',
        attributes: {
          ...(wish.source === null ? {} : { SourcePath: sourcePath(wish.source) }),
          OfficeClientEdition: wish.bits,
          Channel: channel,
        },
        inside: products.map((p) => ({
          name: 'Product',
          attributes: { ID: p.office!.id, PIDKEY: p.row.key },
          inside: [
            ...languages,
            ...(p.row.kind === 'Office suite' ? exclude.map((ID): Element => ({ name: 'ExcludeApp', attributes: { ID } })) : []),
          ],
        })),
      },
      ...removed(wish.removeRetail),
      ...(wish.removeMsi ? [{ name: 'RemoveMSI' }] : []),
      { name: 'Property', attributes: { Name: 'AUTOACTIVATE', Value: wish.autoActivation ? '1' : '0' } },
      { name: 'Property', attributes: { Name: 'FORCEAPPSHUTDOWN', Value: wish.closeApps ? 'TRUE' : 'FALSE' } },
      { name: 'Updates', attributes: { Enabled: 'TRUE', Channel: channel } },
      { name: 'Display', attributes: { Level: 'None', AcceptEULA: 'TRUE' } },
    ],
  })
}

function usage(summary: string, next: readonly string[]): ProblemError {
  return new ProblemError(problem('USAGE', summary, [`Known: ${next.join(', ')}`]))
}

/** A typed ID as the reference writes it. */
function known(typed: string, ids: readonly string[], flag: string, not: string): string {
  const found = ids.find((id) => id.toLowerCase() === typed.toLowerCase())
  if (found === undefined) throw usage(`--${flag} ${plain(typed)}: this ${not}.`, ids)
  return found
}

/** What was typed, as it may stand in a message. */
const plain = (text: string): string => text.replace(/[^\x20-\x7e]/g, '?').slice(0, 60)

function languagesOf(typed: readonly string[], release: string, products: readonly ImageProduct[]): Element[] {
  // Windows' own languages; where Office does not have one, English (ODT reference: Fallback is recommended with MatchOS).
  const ids = typed.length === 0 ? ['MatchOS'] : [...new Set(typed.map((l) => l.toLowerCase()))]
  return ids.map((id): Element => {
    if (id.toLowerCase() === 'matchos') return { name: 'Language', attributes: { ID: 'MatchOS', Fallback: 'en-us' } }
    if (!officeLanguages.ids.includes(id))
      throw new ProblemError(
        problem('USAGE', `--language ${plain(id)}: Office has no language of this name.`, [
          'Languages are written like en-us, de-de, fr-fr, pt-br; MatchOS takes those of Windows.',
        ]),
      )
    if ((officeLanguages.limited as readonly string[]).includes(id)) {
      const not = release === '2019' ? products[0] : products.find((p) => p.row.kind === 'Project' || p.row.kind === 'Visio')
      if (not)
        throw new ProblemError(
          problem('LANGUAGE_NOT_FOR_PRODUCT', `${not.row.edition} does not have the language ${id}; setup would fail.`, [
            `Take ${id.slice(0, 2) === 'en' ? 'en-us' : id.slice(0, 2) === 'fr' ? 'fr-fr' : 'es-es'}, or write this product to a folder of its own.`,
          ]),
        )
    }
    return { name: 'Language', attributes: { ID: id } }
  })
}

function removed(ids: readonly string[]): Element[] {
  if (ids.length === 0) return []
  const all = officeRetailProducts.map((p) => p.id)
  return [
    {
      name: 'Remove',
      attributes: { All: 'FALSE' },
      inside: ids.map((typed) => {
        if (officeSubscription.id.test(typed))
          throw new ProblemError(
            problem('SUBSCRIPTION_STAYS', `${plain(typed)} is a subscription; slmctl writes no file that takes one away.`, [
              'Where the subscription has ended, remove the product yourself, then install the volume product.',
            ]),
          )
        if (!all.some((id) => id.toLowerCase() === typed.toLowerCase()))
          throw new ProblemError(
            problem('USAGE', `--remove-retail ${plain(typed)}: Microsoft lists no retail product of this ID.`, [
              'On the machine: HKLM\\SOFTWARE\\Microsoft\\Office\\ClickToRun\\Configuration, ProductReleaseIds',
              'For example: --remove-retail ProPlus2021Retail,VisioPro2021Retail',
            ]),
          )
        return { name: 'Product', attributes: { ID: known(typed, all, 'remove-retail', 'is unknown') } }
      }),
    },
  ]
}

function sourcePath(path: string): string {
  if (path.length > 260 || path.trim() === '' || !/^[^\p{C}\p{Zl}\p{Zp}<>"|?*]+$/u.test(path))
    throw new ProblemError(
      problem('USAGE', '--office-source is a folder as Windows writes it, without < > " | ? *.', ['--office-source \\\\server\\share']),
    )
  return path
}
