import { type UnattendRow, unattendComponent, unattendSettings } from '../catalogue.ts'
import type { ImageProduct } from './products.ts'
import { document, type Element } from './xml.ts'

/** Processors that an answer file names. */
export const architectures = ['amd64', 'arm64', 'x86'] as const
export type Architecture = (typeof architectures)[number]

type SettingId = (typeof unattendSettings)[number]['id']

/**
 * The answer file's part: the published client key for setup and for activation. Nothing is written about rearming: resetting the
 * licensing state when an image is generalized is Windows' default, and right.
 */
export function unattendXml(
  product: ImageProduct,
  options: { readonly architecture: Architecture; readonly autoActivation: boolean },
): string {
  const { key } = product.row
  const values: readonly (readonly [SettingId, string])[] = [
    ['setup-key', key],
    ['setup-key-ui', 'OnError'],
    ['configuration-set', 'true'],
    ['key', key],
    ['skip-auto-activation', options.autoActivation ? 'false' : 'true'],
  ]
  const settings = values.map(([id, value]) => ({ row: unattendSettings.find((r) => r.id === id) as UnattendRow, value }))
  const passes = [...new Set(settings.map((s) => s.row.pass))]
  return document('Part of an answer file: merge it into your own, or add your own settings to it.', {
    name: 'unattend',
    attributes: { xmlns: unattendComponent.namespace },
    inside: passes.map((pass) => {
      const here = settings.filter((s) => s.row.pass === pass)
      return {
        name: 'settings',
        attributes: { pass },
        inside: [...new Set(here.map((s) => s.row.component))].map((component) => ({
          name: 'component',
          attributes: {
            name: component,
            processorArchitecture: options.architecture,
            publicKeyToken: unattendComponent.publicKeyToken,
            language: unattendComponent.language,
            versionScope: unattendComponent.versionScope,
          },
          inside: nested(here.filter((s) => s.row.component === component).map((s) => ({ path: s.row.path, value: s.value }))),
        })),
      }
    }),
  })
}

/** Paths with values as elements, those with the same beginning in one. */
function nested(values: readonly { readonly path: readonly string[]; readonly value: string }[]): Element[] {
  return [...new Set(values.map((v) => v.path[0]!))].map((name) => {
    const below = values.filter((v) => v.path[0] === name)
    const only = below[0]!
    return { name, inside: only.path.length === 1 ? only.value : nested(below.map((v) => ({ ...v, path: v.path.slice(1) }))) }
  })
}
