/** What somebody is about to import, and the request that it comes to. */
import { api } from '../addresses.ts'
import type { Given } from '../diagnose/text.ts'

export type Way = 'list' | 'site' | 'directory'
export const ways: readonly (readonly [Way, string])[] = [
  ['list', 'A list, or recordings'],
  ['site', 'The site file'],
  ['directory', 'A directory'],
]

export type Draft = {
  readonly way: Way
  readonly text: string
  /** The name of the file that the text is of; null: it was pasted. */
  readonly file: string | null
  /** In place of a text: what machines recorded of themselves. */
  readonly recordings: readonly Given[]
  /** What is typed beside it, as it stands in the fields. */
  readonly source: string
  readonly kind: string
  readonly zone: string
  readonly group: string
  readonly pool: string
  readonly mayBeEmpty: boolean
  readonly domain: string
  readonly enabled: boolean
  readonly seenWithinDays: string
  readonly system: string
  readonly unit: string
  readonly inGroup: string
}

export const empty: Draft = {
  ...{ way: 'list', text: '', file: null, recordings: [], source: '', kind: '', zone: '', group: '', pool: '', mayBeEmpty: false },
  ...{ domain: '', enabled: false, seenWithinDays: '', system: '', unit: '', inGroup: '' },
}

/** What kinds of lists there are, as --kind has them. */
export const kinds: readonly (readonly [string, string])[] = [
  ['', 'What the text or the name of its file tells'],
  ['list', 'A list: one name a line'],
  ['csv', 'A table (CSV)'],
  ['ansible-ini', 'An inventory of Ansible (INI)'],
  ['ansible-yaml', 'An inventory of Ansible (YAML, JSON)'],
  ['zone', 'A DNS zone'],
]

/** What stands at the beginning of every recording. */
const recording = /"slmctl\.recording\/1"/
export const isRecording = ({ text }: Given): boolean => recording.test(text.slice(0, 2000))
/** Of several files; a cut one among them is the server's to name. */
export const areRecordings = (texts: readonly Given[]): boolean =>
  texts.every(isRecording) || (texts.length > 1 && texts.some(isRecording) && texts.every(({ name }) => /\.json$/i.test(name)))

export type Wanted = { readonly path: string; readonly body: Readonly<Record<string, unknown>> }

/** What the server takes at once. */
const textMax = 32 * 1024 * 1024
const recordingsMax = 5 * 1024 * 1024
const recordingsMany = 200

/** The request for a draft; or the field that it wants, with a sentence. */
export function wantedOf(
  draft: Draft,
): Wanted | { readonly field: 'text' | 'source' | 'domain' | 'seenWithinDays'; readonly wrong: string } {
  const given = (...names: readonly (keyof Draft)[]) =>
    Object.fromEntries(names.flatMap((name) => (draft[name] === '' || draft[name] === false ? [] : [[name, draft[name]]])))
  if (draft.way === 'site') return { path: api.importsOf('site'), body: {} }
  if (draft.way === 'directory') {
    if (draft.domain === '') return { field: 'domain', wrong: 'Choose a domain.' }
    const days = Number(draft.seenWithinDays)
    if (draft.seenWithinDays !== '' && !(Number.isInteger(days) && days > 0))
      return { field: 'seenWithinDays', wrong: 'Give a whole number of days.' }
    const body = {
      ...given('domain', 'enabled', 'system', 'unit', 'inGroup', 'group', 'pool', 'mayBeEmpty'),
      ...(days > 0 && { seenWithinDays: days }),
    }
    return { path: api.importsOf('directory'), body }
  }
  const { text, file, recordings } = draft
  const pasted = { name: 'pasted text', text }
  if (recordings.length > 0 || isRecording(pasted)) {
    const all = recordings.length > 0 ? recordings : [pasted]
    if (all.length > recordingsMany || bytes(all.map((r) => r.text)) > recordingsMax)
      return {
        field: 'text',
        wrong: `At most ${recordingsMany} recordings of 5 MB together are taken at once. Give a part of them, or the folder to: slmctl fleet import --recordings DIR`,
      }
    return {
      path: api.importsOf('recordings'),
      body: { ...given('source'), recordings: all.map(({ name, text }) => ({ file: name, text })) },
    }
  }
  if (text.trim() === '') return { field: 'text', wrong: 'Paste a list first, or choose a file.' }
  if (bytes([text]) > textMax)
    return { field: 'text', wrong: 'At most 32 MB are taken at once. Give it in parts, or leave out columns that are not needed.' }
  if (file === null && draft.source === '')
    return { field: 'source', wrong: 'Give the list a name, so that it is known again at the next import.' }
  return {
    path: api.imports,
    body: { ...given('source', 'kind', 'zone', 'group', 'pool', 'mayBeEmpty'), ...(file === null ? {} : { file }), text },
  }
}

/** As they travel: within JSON. */
const bytes = (texts: readonly string[]) => new Blob([JSON.stringify(texts)]).size
