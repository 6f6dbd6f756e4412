/** Which machines a campaign is for: flags of the command line, as filters and in words. */
import type { Query } from '../addresses.ts'
import { filterOf, filterWords, hasFilter } from './filter.ts'

/** A selection in flags as filters of the page of machines; null where it is none. */
export function filtersOf(selection: string): Query | null {
  if (selection === 'every machine') return {}
  if (!selection.startsWith('--')) return null
  const parts = ` ${selection}`.split(/ --(?=[a-z])/).slice(1)
  return Object.fromEntries(
    parts.map((p) => {
      const at = p.indexOf(' ')
      return at === -1 ? [p, 'true'] : [p.slice(0, at), p.slice(at + 1)]
    }),
  )
}

/** A selection as the pages say filters; one with a word that they do not have stays as it is, so that nothing of it is lost. */
export function selectionWords(selection: string): string {
  const given = Object.fromEntries(Object.entries(filtersOf(selection) ?? {}).map(([name, value]) => [name, String(value)]))
  const filter = filterOf(given)
  const whole = Object.keys(filter).length === Object.keys(given).length
  return whole && hasFilter(filter) ? filterWords(filter).join('; ') : selection
}
