import { clientKeys, clientKeysEndingIn, keyEditionNames } from '../../catalogue.ts'
import type { Step } from '../../model.ts'
import type { ProductFacts } from '../facts/product.ts'
import { change, type Level, levelOf, productOf, serviceLevel, step } from './change.ts'

type KeyRow = (typeof clientKeys)[number]
type Reference = NonNullable<Step['secret']>['reference']

/** Windows releases of the client-key table that a version number and a build can mean; empty where they do not decide. */
function releases(p: ProductFacts): readonly RegExp[] {
  const build = p.build ?? 0
  const server = /^Server/.test(p.edition ?? '')
  switch (p.windows) {
    case '6.1':
      return [server ? /^Windows Server 2008 R2$/ : /^Windows 7$/]
    case '6.2':
      return [server ? /^Windows Server 2012$/ : /^Windows 8$/]
    case '6.3':
      return [server ? /^Windows Server 2012 R2$/ : /^Windows 8\.1$/]
    case '10.0':
      if (server)
        return build >= 26_100
          ? [/^Windows Server 2025$/]
          : build === 20_348
            ? [/^Windows Server 2022$/]
            : build === 17_763
              ? [/^Windows Server 2019$/]
              : build === 14_393
                ? [/^Windows Server 2016$/]
                : []
      if (/^EnterpriseSN?$/.test(p.edition ?? ''))
        return build === 14_393 ? [/LTSB 2016$/] : build === 10_240 ? [/LTSB 2015$/] : build >= 17_763 ? [/LTSC/] : []
      return [/^Windows 1[01]$/]
    default:
      return []
  }
}

/** The published client key for a product; null where its edition or release does not decide, or Microsoft publishes none. */
export function publishedKey(p: ProductFacts): KeyRow | null {
  if (p.application === 'office') return officeKey(p)
  if (p.application !== 'windows') return null
  const names = keyEditionNames(p.edition)
  const wanted = releases(p)
  const rows = clientKeys.filter(
    (row) => row.listing === 'current' && row.family !== 'office' && names.includes(row.edition) && wanted.some((r) => r.test(row.product)),
  )
  const keys = new Set(rows.map((row) => row.key))
  return keys.size === 1 ? rows[0]! : null
}

/** `Professional Plus 2021` is `Office LTSC Professional Plus 2021` in the table. Only the volume edition of a program has a key. */
function officeKey(p: ProductFacts): KeyRow | null {
  const plain = (name: string) =>
    name
      .replace(/^Office /, '')
      .replace(/\bLTSC /, '')
      .toLowerCase()
  if (!p.edition || !/VL_|Volume|VL\b/.test(`${p.name ?? ''} ${p.cells.get('LicenseFamily')?.value ?? ''}`)) return null
  const rows = clientKeys.filter(
    (row) =>
      row.listing === 'current' &&
      row.family === 'office' &&
      row.product !== 'Office 2016 (Click-to-Run)' &&
      plain(row.edition) === plain(p.edition!),
  )
  return new Set(rows.map((row) => row.key)).size === 1 ? rows[0]! : null
}

/** The product that a key is for, by name. The editions of Office carry their product's name; Windows 10 and 11 share their keys. */
export function keyName(row: KeyRow): string {
  if (row.family === 'office') return row.edition
  const shared = clientKeysEndingIn(row.key.slice(-5)).map((r) => r.product)
  return `${shared.includes('Windows 10') && shared.includes('Windows 11') ? 'Windows 10/11' : row.product} ${row.edition}`
}

/** False where the installed client key is the published one of another edition: Windows keeps no such key activated. */
export function keyFits(p: ProductFacts): boolean {
  if (p.channel !== 'kms-client' || p.application !== 'windows' || p.state === 'licensed' || p.partialKey === null) return true
  const names = keyEditionNames(p.edition)
  const rows = clientKeysEndingIn(p.partialKey)
  return names.length === 0 || rows.length === 0 || rows.some((row) => names.includes(row.edition))
}

/** The client key that Microsoft publishes for the edition. */
export const clientKey = change<{ readonly key: string; readonly name: string; readonly level: Level }>({
  id: 'client-key',
  about: 'A KMS client has the client key that Microsoft publishes for its edition',
  holds: (facts, { key }) => facts.products.some((p) => p.partialKey === key.slice(-5)),
  steps: ({ key, name, level }, because) => [
    step(
      {
        change: 'client-key',
        what: `install the client key of ${name} (${key.slice(-5)})`,
        because,
        method: 'InstallProductKey',
        arguments: { ProductKey: key },
      },
      level,
    ),
  ],
  wanted: (s) => ({ key: String(s.arguments.ProductKey), name: '', level: levelOf(s) }),
  seen: (facts, { key }) =>
    facts.products.some((p) => p.partialKey === key.slice(-5))
      ? `The key ending in ${key.slice(-5)} is installed.`
      : `No entry has the key ending in ${key.slice(-5)}.`,
})

/** A level for installing a key: the service, with the product that it is for. */
export function keyLevel(p: ProductFacts | null, product: string | null): Level {
  return { ...serviceLevel(p), product }
}

type Secret = { readonly reference: Reference; readonly product: string; readonly level: Level }
const secretStep =
  (id: string, what: string) =>
  ({ reference, level }: Secret, because: string) => [
    step({ change: id, what, because, method: 'InstallProductKey', secret: { argument: 'ProductKey', reference } }, level),
  ]
const secretWanted = (s: Step): Secret => ({ reference: s.secret!.reference, product: s.product!, level: levelOf(s) })

/** A multiple activation key of the organisation, by reference. */
export const mak = change<Secret>({
  id: 'mak',
  about: 'A product has the MAK that the site file refers to',
  holds: (facts, { product }) => productOf(facts, product)?.channel === 'mak',
  steps: secretStep('mak', 'install the MAK that the site file refers to'),
  wanted: secretWanted,
  seen: (facts, { product }) => {
    const p = productOf(facts, product)
    return p ? `A MAK is installed${p.partialKey ? `, ending in ${p.partialKey}` : ''}.` : 'No entry has a MAK.'
  },
})

/** The key of one year of extended security updates. */
export const esuKey = change<Secret>({
  id: 'esu',
  about: 'The key of a year of extended security updates is installed',
  holds: (facts, { product }) => productOf(facts, product)?.partialKey != null,
  steps: secretStep('esu', 'install the ESU key that the site file refers to'),
  wanted: secretWanted,
  seen: (facts, { product }) =>
    productOf(facts, product)?.partialKey ? 'The ESU key is installed.' : 'No ESU key of that year is installed.',
})

/** The key by which a guest of Hyper-V is activated by its host. */
export const avmaKey = change<Secret>({
  id: 'avma',
  about: 'A guest of Hyper-V has the key by which its host activates it',
  holds: (facts, { product }) => productOf(facts, product)?.channel === 'avma',
  steps: secretStep('avma', 'install the AVMA key that the site file refers to'),
  wanted: secretWanted,
  seen: (facts, { product }) => (productOf(facts, product) ? 'An AVMA key is installed.' : 'No AVMA key is installed.'),
})

/** A key of an Office entry that is not in use beside one that is. */
export const staleOfficeKey = change<{ readonly partial: string; readonly level: Level }>({
  id: 'stale-office-key',
  about: 'An Office entry that is not in use, beside one that is, has no key',
  holds: (facts, { level }) => productOf(facts, level.product)?.partialKey == null,
  steps: ({ partial, level }, because) => [
    step({ change: 'stale-office-key', what: `remove the key ending in ${partial}`, because, method: 'UninstallProductKey' }, level),
  ],
  wanted: (s) => ({ partial: '', level: levelOf(s) }),
  seen: (facts, { level }) => {
    const p = productOf(facts, level.product)
    return p?.partialKey ? `The key ending in ${p.partialKey} is still installed.` : 'The entry has no key any more.'
  },
})

/** The key is taken out of the registry, so that nobody reads it there; Windows stays activated. No property shows it. */
export const clearRegistryKey = change<{ readonly keys: readonly string[] }>({
  id: 'clear-registry-key',
  about: 'The product key cannot be read in the registry',
  // Whether the registry still has it no property tells, and reading the value would bring the key itself here.
  holds: () => false,
  steps: (_want, because) => [
    step(
      { change: 'clear-registry-key', what: 'take the product key out of the registry', because, method: 'ClearProductKeyFromRegistry' },
      serviceLevel(null),
    ),
  ],
  wanted: () => ({ keys: [] }),
  seen: () => 'No property tells whether the registry still holds the key.',
})
