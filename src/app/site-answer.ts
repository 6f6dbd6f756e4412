/** The site file as it is understood, for people who cannot read it where it is: no secret, no path to one. */
import { statSync } from 'node:fs'
import { readWhole } from '../files.ts'
import { type Problem, ProblemError, problem, type Wish } from '../model.ts'
import { type AlertRules, readSite, type SiteFile } from '../site.ts'

/** More than the site file of the largest fleet. */
const siteBytes = 64 * 1024 * 1024

/** The text of a site file. Throws SITE_UNREADABLE. */
export function siteText(file: string): string {
  try {
    return readWhole(file, siteBytes).toString('utf8')
  } catch (error) {
    throw new ProblemError(
      problem(
        'SITE_UNREADABLE',
        (error as NodeJS.ErrnoException).code === 'ENOENT'
          ? 'There is no such file.'
          : `The site file cannot be read (${(error as NodeJS.ErrnoException).code}).`,
        ['slmctl site init writes one to begin with.'],
        { file },
      ),
    )
  }
}

/** Whether the file says now what it said when it was read, and what is wrong with it. */
export type SiteNow = { readonly changed: boolean; readonly problems: readonly Problem[] }

/** Looks at a site file now and then; one that is as large and as old as before is not read again. */
export function siteWatch(file: string, loaded: string): () => SiteNow {
  let known: { readonly of: string; readonly now: SiteNow } | null = null
  return () => {
    const is = statSync(file, { throwIfNoEntry: false })
    const of = `${is?.mtimeMs} ${is?.size} ${is?.ino}`
    if (known?.of === of) return known.now
    let now: SiteNow
    try {
      const text = siteText(file)
      now = { changed: text !== loaded, problems: text === loaded ? [] : readSite(file, text).problems }
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error
      now = { changed: true, problems: error.problems }
    }
    known = { of, now }
    return now
  }
}

const ways = {
  kms: 'by a KMS host',
  ad: 'by Active Directory',
  mak: 'by a MAK',
  avma: 'by the virtual machine’s host (AVMA)',
  esu: 'extended security updates (ESU)',
  leave: 'is left as it is',
} as const satisfies Record<Wish['by'], string>

/** A wish as a sentence would have it: `windows: by a KMS host`. Of a key only where it is kept. */
export function wishInWords({ product, by, year, key, instead }: Wish): string {
  const kept = key === null ? null : 'env' in key ? 'the environment' : 'file' in key ? 'a file' : 'the keyring'
  return [
    `${product}: ${ways[by]}${year === null ? '' : `, year ${year}`}`,
    ...(kept === null ? [] : [`its key is in ${kept}`]),
    ...(instead ? ['in place of the licence that the machine came with'] : []),
  ].join(', ')
}

function rulesInWords(rules: AlertRules): string[] {
  return [
    ...(rules.daysLeft === null ? [] : [`a product ends within ${rules.daysLeft} days`]),
    ...(rules.hostDown ? ['a KMS host does not answer'] : []),
    ...(rules.underThreshold ? ['a KMS host counts less than its threshold'] : []),
    ...(rules.foreign ? ['an activation is foreign'] : []),
    ...(rules.campaignStopped ? ['a campaign stopped'] : []),
    ...(rules.notScannedDays === null ? [] : [`machines were not asked for ${rules.notScannedDays} days`]),
  ]
}

/** What the site file declares, in words. */
export function siteAnswer(file: string | null, siteFile: SiteFile | null, loadedAt: number, now: SiteNow) {
  const site = siteFile?.site
  return {
    ...{ file, loadedAt, changed: now.changed, problems: now.problems },
    organisation: site?.organisation ?? null,
    domains: site?.domains ?? [],
    networks: site?.networks ?? [],
    kmsHosts: (site?.kmsHosts ?? []).map(({ name, port }) => ({ name, port })),
    platforms: site?.platforms ?? [],
    forests: (site?.forests ?? []).map(({ name, domains }) => ({ name, domains })),
    directories: [...(siteFile?.directories.keys() ?? [])],
    groups: (site?.groups ?? []).map((g) => ({ name: g.name, machines: g.machines.length, wishes: g.wishes.map(wishInWords) })),
    locations: (site?.locations ?? []).map(({ name, domains, networks, groups, atOnce }) => ({ name, domains, networks, groups, atOnce })),
    wishes: (site?.wishes ?? []).map(wishInWords),
    entitlements: (site?.entitlements ?? []).map(({ product, quantity, agreement }) => ({ product, quantity, agreement })),
    credentials: [...(siteFile?.credentials.values() ?? [])].map(({ name, method }) => ({ name, method })),
    alerts: siteFile?.alerts
      ? {
          mail: siteFile.alerts.mail !== null,
          webhooks: siteFile.alerts.webhooks.length,
          rules: rulesInWords(siteFile.alerts.rules),
        }
      : null,
  }
}
