import { clientKeys, clientKeysEndingIn, keyEditionNames } from '../../catalogue.ts'
import type { ProductFacts } from '../facts/product.ts'
import { called } from '../rules/rule.ts'
import { change, service } from './change.ts'

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
export function publishedKey(p: ProductFacts): (typeof clientKeys)[number] | null {
  if (p.application !== 'windows') return null
  const names = keyEditionNames(p.edition)
  const wanted = releases(p)
  const rows = clientKeys.filter(
    (row) => row.listing === 'current' && row.family !== 'office' && names.includes(row.edition) && wanted.some((r) => r.test(row.product)),
  )
  const keys = new Set(rows.map((row) => row.key))
  return keys.size === 1 ? rows[0]! : null
}

/** A KMS client carries the published client key of its own edition. */
export const clientKey = change(
  'client-key',
  'A KMS client has the client key that Microsoft publishes for its edition',
  (p) => {
    if (p.channel !== 'kms-client' || p.application !== 'windows' || p.state === 'licensed') return true
    if (p.partialKey === null) return true
    const names = keyEditionNames(p.edition)
    const rows = clientKeysEndingIn(p.partialKey)
    return names.length === 0 || rows.length === 0 || rows.some((row) => names.includes(row.edition))
  },
  (p) => {
    const row = publishedKey(p)
    return row
      ? [
          {
            change: 'client-key',
            what: `install the client key of ${row.product} ${row.edition} (${row.key.slice(-5)})`,
            because: `The installed key (${p.partialKey}) belongs to another edition than ${called(p)}.`,
            class: service,
            key: null,
            method: 'InstallProductKey',
            arguments: { ProductKey: row.key },
          },
        ]
      : []
  },
)
