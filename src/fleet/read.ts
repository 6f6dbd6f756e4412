import { ProblemError, problem, type Site } from '../model.ts'
import { readAnsibleIni } from './ansible-ini.ts'
import { readAnsibleYaml } from './ansible-yaml.ts'
import { csvRows, hasHeading, readCsvMachines } from './csv.ts'
import { Found, type SourceKind, type SourceReading } from './found.ts'
import { readList } from './list.ts'
import { readZone } from './zone.ts'

/** A hundred thousand machines with all that is known of them are less. */
const bytesMax = 32 * 1024 * 1024
/** Of YAML, which takes a hundred times its own size in memory. */
const yamlMax = 8 * 1024 * 1024

export type FileKind = Exclude<SourceKind, 'site'>

export type SourceOptions = {
  /** What it is; told by its name and content where it is left out. */
  readonly kind?: FileKind
  /** Domain of the relative names of a zone. */
  readonly zone?: string
}

/**
 * Machines of a file. `name` is shown in problems and helps to tell what it is. Throws a ProblemError (`SOURCE_TOO_LARGE`,
 * `SOURCE_BINARY`, `SOURCE_EMPTY`) where nothing can be read at all; a line that cannot be read is in `problems`.
 */
export function readSource(name: string, bytes: Uint8Array, { kind, zone }: SourceOptions = {}): SourceReading {
  if (bytes.length > bytesMax)
    throw refused('SOURCE_TOO_LARGE', name, 'is larger than 32 MB', ['Import it in parts, or leave out columns that are not needed.'])
  const text = decode(bytes)
  if (text.includes('\0'))
    throw refused('SOURCE_BINARY', name, 'is no text', [
      bytes[0] === 0x50 && bytes[1] === 0x4b
        ? 'A workbook is saved as CSV first: File, Save as, CSV UTF-8.'
        : 'Export it as text: CSV, an inventory of Ansible, a zone file, or one name a line.',
    ])
  if (text.trim() === '') throw refused('SOURCE_EMPTY', name, 'is empty', ['Was the export run to its end? Nothing counts as vanished.'])
  const is = kind ?? kindOf(name, text)
  if (is === 'ansible-yaml' && bytes.length > yamlMax)
    throw refused('SOURCE_TOO_LARGE', name, 'is larger than 8 MB, which is too much for YAML', ['Import it as INI or CSV, or in parts.'])
  switch (is) {
    case 'csv':
      return readCsvMachines(text, name)
    case 'ansible-ini':
      return readAnsibleIni(text, name)
    case 'ansible-yaml':
      return readAnsibleYaml(text, name)
    case 'zone':
      return readZone(text, name, zone ?? null)
    case 'list':
      return readList(text, name)
  }
}

/** The machines that the site file names in its groups. */
export function siteMachines(site: Pick<Site, 'groups'>, file = 'site file'): SourceReading {
  const found = new Found('site', file)
  for (const group of site.groups) for (const name of group.machines) found.take({ name, groups: [group.name] }, 1)
  return found.done()
}

function refused(code: string, name: string, what: string, next: readonly string[]): ProblemError {
  return new ProblemError(problem(code, `It ${what}.`, next, { file: name }))
}

/** Byte order marks, UTF-16 without one (PowerShell, csvde -u), UTF-8, else Windows' Western code page: names are ASCII in all of them. */
function decode(bytes: Uint8Array): string {
  const utf16 = (order: 'le' | 'be') => new TextDecoder(`utf-16${order}`).decode(bytes)
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return utf16('le')
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return utf16('be')
  const head = bytes.subarray(0, 4096)
  let even = 0
  let odd = 0
  for (let i = 0; i < head.length; i++) if (head[i] === 0) i % 2 === 0 ? even++ : odd++
  if (odd > head.length / 4 && even === 0) return utf16('le')
  if (even > head.length / 4 && odd === 0) return utf16('be')
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return new TextDecoder('windows-1252').decode(bytes)
  }
}

const byName: readonly (readonly [RegExp, FileKind])[] = [
  [/\.ya?ml$/i, 'ansible-yaml'],
  [/\.(?:csv|tsv)$/i, 'csv'],
  [/\.(?:zone|dns)$|(?:^|[\\/])db\.[^\\/]+$/i, 'zone'],
  [/\.ini$/i, 'ansible-ini'],
]

/** What a file is. Its name decides where it has a telling end; else the first lines do. */
export function kindOf(name: string, text: string): FileKind {
  for (const [pattern, kind] of byName) if (pattern.test(name)) return kind
  const head = text.slice(0, 65_536)
  if (
    /^\$(?:ORIGIN|TTL)\s/im.test(head) ||
    /\sIN\s+SOA\s/i.test(head) ||
    /^HostName\s+RecordType\b/m.test(head) ||
    /^Returned records:/m.test(head)
  )
    return 'zone'
  if (/^\s*\[[^\]\n,;]+\]\s*$/m.test(head) || /^\S+[ \t]+(?:\S+[ \t]+)*ansible_\w+=/m.test(head)) return 'ansible-ini'
  if (/^\s*\{\s*"/.test(head) || /^---\s*$/m.test(head) || (/^[\w"'.-]+:\s*$/m.test(head) && /^\s+(?:hosts|children):/m.test(head)))
    return 'ansible-yaml'
  const first = csvRows(head).next().value
  if (first && first.cells.length > 0 && (hasHeading(first.cells) || (first.cells.length > 1 && !/^[^\n]*\s[;#]/.test(head)))) return 'csv'
  return 'list'
}
