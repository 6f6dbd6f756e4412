/** Which machines are meant: the filters of the API, as the address of a page has them. */
import type { z } from 'zod'
import type { filterQuery } from '../../../src/schemas/api.ts'
import { origins, states, verdicts, wordOf } from '../words.ts'

export type Filter = z.input<typeof filterQuery>
export type FilterName = keyof Filter

/** What each filter is called, in the order in which they are shown. */
export const filterTitles: Readonly<Record<FilterName, string>> = {
  text: 'Name, address, system or headline has',
  verdict: 'Verdict',
  origin: 'Origin',
  state: 'State of a product',
  host: 'KMS host',
  product: 'Product has',
  days: 'Ends within (days)',
  error: 'Result code',
  problem: 'Could not be asked',
  cause: 'Cause',
  remark: 'Remark of the audit',
  group: 'Group',
  pool: 'Pool',
  source: 'Source',
  'not-seen-for': 'Not seen for (days)',
  'never-seen': 'Never answered',
  'shared-cmid': 'Shares its CMID with another',
  vanished: 'In no source any more',
}
export const filterNames = Object.keys(filterTitles) as readonly FilterName[]

/** Of an address, what is a filter. */
export function filterOf(query: Readonly<Record<string, string | undefined>>): Filter {
  return Object.fromEntries(filterNames.flatMap((name) => (query[name] ? [[name, query[name]]] : [])))
}
export const hasFilter = (filter: Filter): boolean => Object.keys(filter).length > 0

const words: Readonly<Partial<Record<FilterName, Readonly<Record<string, string>>>>> = { verdict: verdicts, origin: origins, state: states }

/** In words, for whoever is asked to say yes. */
export function filterWords(filter: Filter): readonly string[] {
  return filterNames.flatMap((name) => {
    const value = filter[name]
    if (value === undefined) return []
    const known = words[name]
    const said = known ? value.split(',').map((one) => wordOf(known, one)) : [value]
    return [value === 'true' ? filterTitles[name] : `${filterTitles[name]}: ${said.join(' or ')}`]
  })
}
