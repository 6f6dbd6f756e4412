/** What the catalogue says of a code, an event, an option, a property, a word: the answer of `explain`, schema `slmctl.explanation/1`. */
import { errorByCode, eventById } from '../catalogue.ts'
import { type Basis, maskKeys, nearest, ProblemError, problem } from '../model.ts'
import type { ErrorRow } from './errors.ts'
import { hostKeys, hostUpdates } from './hosts.ts'
import { numbers } from './numbers.ts'
import { registry } from './registry.ts'
import { scriptOptions } from './scripts.ts'
import { type SourceId, sources } from './sources.ts'
import { type TermRow, terms } from './terms.ts'
import { wmiClasses } from './wmi.ts'

/** One thing that was found; `basis` says how sure it is. */
export type Explanation = {
  readonly kind: 'code' | 'event' | 'option' | 'property' | 'registry' | 'term' | 'number' | 'host'
  readonly title: string
  readonly name: string | null
  readonly meaning: string
  readonly basis: Basis
  readonly details: readonly { readonly label: string; readonly lines: readonly string[] }[]
  readonly sources: readonly string[]
}

/** Explains what somebody asked about. Throws PRODUCT_KEY for a whole key, NOT_IN_CATALOGUE for what nobody knows. */
export function explanationOf(asked: string): { schema: 'slmctl.explanation/1'; asked: string; found: readonly Explanation[] } {
  if (maskKeys(asked) !== asked) {
    throw new ProblemError(
      problem('PRODUCT_KEY', 'That is a product key; slmctl never takes or shows a whole one here.', [
        `Its last five characters tell whether it is a published client key: slmctl keys ${asked.slice(-5)}`,
      ]),
    )
  }
  // As people type an option: slmgr.vbs /dlv, slmgr -dlv.
  const word = asked.replace(/^(?:cscript\s+)?(slmgr|ospp)(?:\.vbs)?\s+(?=[-/])/i, '$1.vbs ').replace(/(^|\s)-(?=[a-z])/i, '$1/')
  const found = explain(word)
  if (found.length === 0) {
    const code = number(asked)
    throw new ProblemError(
      problem(
        'NOT_IN_CATALOGUE',
        code !== null ? `${hex(code)} is not in the catalogue.` : `The catalogue does not know ${asked.slice(0, 60)}.`,
        [
          code !== null
            ? 'If it came from licensing, slmctl diagnose with the whole output may tell more.'
            : 'It explains result codes, event numbers, options such as /skms, WMI properties and words such as MAK.',
          ...near(word).map((known) => `slmctl explain ${/\s/.test(known) ? `"${known}"` : known}`),
        ],
      ),
    )
  }
  return { schema: 'slmctl.explanation/1', asked, found }
}

/** What was meant by a word that is not there. */
function near(asked: string): string[] {
  const known = [...terms.flatMap((t) => [t.term, ...t.also]), ...scriptOptions.map((o) => o.option.toLowerCase())]
  const found = nearest(asked, known)
  return found === null ? [] : [found]
}

function hex(code: number): string {
  return `0x${code.toString(16).toUpperCase().padStart(8, '0')}`
}

/** Hexadecimal with or without 0x, signed or unsigned decimal. Null where the word is no 32-bit number. */
function number(word: string): number | null {
  const h = /^(?:0x)?([0-9a-f]{8})$/i.exec(word.replace(/[.,;:]$/, ''))
  if (h && (/^0x/i.test(word) || /[a-f]/i.test(h[1]!))) return Number.parseInt(h[1]!, 16)
  if (!/^-?\d{1,10}$/.test(word)) return null
  const n = Number(word)
  if (n < -2_147_483_648 || n > 4_294_967_295) return null
  return n < 0 ? n + 4_294_967_296 : n
}

function explain(asked: string): Explanation[] {
  const code = number(asked)
  const row = code === null ? null : errorByCode(code)
  if (row) return [codeExplanation(row)]
  const id = /^(?:event\s*(?:id)?\s*)?(\d{1,5})$/i.exec(asked)?.[1]
  const event = id ? eventById(Number(id)) : null
  if (event) {
    return [
      {
        kind: 'event',
        title: `Event ${event.id}`,
        name: event.provider,
        meaning: event.meaning,
        basis: 'documented',
        details: [
          { label: 'log', lines: [`${event.log} (${event.side})`] },
          ...(event.fields.length > 0 ? [{ label: 'fields', lines: event.fields.map((f, i) => `${i + 1}. ${f}`) }] : []),
        ],
        sources: named(event.source),
      },
    ]
  }
  const word = asked.toLowerCase()
  const term = terms.filter((t) => t.term.toLowerCase() === word || t.also.some((a) => a === word))
  const option = scriptOptions.filter(
    (o) => o.option.toLowerCase() === word || o.option.toLowerCase() === `/${word}` || `${o.tool} ${o.option}`.toLowerCase() === word,
  )
  if (option.length > 0) {
    // A word that is an option, too (rearm), is first the word.
    const options = option.map(
      (o): Explanation => ({
        kind: 'option',
        title: `${o.tool} ${o.syntax.replace(/^(?:slmgr|ospp)\.vbs\s*/, '')}`,
        name: null,
        meaning: o.meaning,
        basis: 'documented',
        details: [
          { label: 'slmctl', lines: [...o.slmctl.run, ...(o.slmctl.note === '' ? [] : [o.slmctl.note])] },
          ...(o.wmi.length > 0 ? [{ label: 'WMI', lines: o.wmi }] : []),
          ...(o.cmdlet ? [{ label: 'PowerShell', lines: [o.cmdlet] }] : []),
          ...('note' in o && o.note ? [{ label: 'note', lines: [o.note] }] : []),
        ],
        sources: named(o.source),
      }),
    )
    return [...term.map(termExplanation), ...options]
  }
  if (term.length > 0) return term.map(termExplanation)
  const members = wmiClasses.flatMap((c) =>
    [...c.properties, ...c.methods].filter((m) => m.name.toLowerCase() === word).map((m) => ({ c, m })),
  )
  if (members.length > 0) {
    return members.map(({ c, m }) => ({
      kind: 'property' as const,
      title: `${c.name}.${m.name}`,
      name: m.type,
      meaning: m.meaning || 'Documented without a description.',
      basis: 'documented',
      details: [],
      sources: named(m.source),
    }))
  }
  const values = registry.filter((r) => r.value.toLowerCase() === word)
  if (values.length > 0) {
    return values.map((r) => ({
      kind: 'registry' as const,
      title: r.value,
      name: r.type,
      meaning: r.meaning,
      basis: 'documented',
      details: [
        { label: 'key', lines: [r.key] },
        { label: 'role', lines: [r.role] },
      ],
      sources: named(r.source),
    }))
  }
  const figures = numbers.filter((n) => n.id.toLowerCase().split('.').includes(word) || n.id.toLowerCase() === word)
  if (figures.length > 0) {
    return figures.map((n) => ({
      kind: 'number' as const,
      title: `${n.value} ${n.unit}`,
      name: n.id,
      meaning: n.meaning,
      basis: 'documented',
      details: [],
      sources: named(n.source),
    }))
  }
  const hosts = hostKeys.filter(
    (h) => h.hostKey.toLowerCase() === word || h.hostKey.toLowerCase() === `windows server ${word.replace(/^server /, '')}`,
  )
  if (hosts.length > 0) {
    return hosts.map((h) => ({
      kind: 'host' as const,
      title: `KMS host key of ${h.hostKey}`,
      name: null,
      meaning: 'Where this host key may sit and what it activates.',
      basis: 'documented',
      details: [
        { label: 'sits on', lines: [h.hostableOn.join(', ')] },
        ...(h.activatesServer.length > 0 ? [{ label: 'activates Windows Server', lines: [h.activatesServer.join(', ')] }] : []),
        { label: 'activates', lines: [h.activatesClient.join(', ')] },
        ...hostUpdates
          .filter((u) => (h.hostableOn as readonly string[]).includes(u.hostOS))
          .map((u) => ({ label: `${u.hostOS} needs, for ${u.toActivate.join(', ')}`, lines: [u.update.join(', ')] })),
      ],
      sources: named(h.source),
    }))
  }
  const near = terms.filter((t) => t.term.toLowerCase().includes(word) || t.also.some((a) => a.includes(word)))
  return word.length < 3 ? [] : near.map(termExplanation)
}

function termExplanation(t: TermRow): Explanation {
  return {
    kind: 'term',
    title: t.term,
    name: null,
    meaning: t.means,
    basis: 'documented',
    details: [...(t.tell ? [{ label: 'how to tell', lines: [t.tell] }] : []), ...(t.out ? [{ label: 'way out', lines: [t.out] }] : [])],
    sources: named(t.source),
  }
}

function codeExplanation(row: ErrorRow): Explanation {
  const signed = row.code > 0x7fffffff ? row.code - 4_294_967_296 : row.code
  return {
    kind: 'code',
    title: hex(row.code),
    name: row.name,
    meaning: row.meaning,
    basis: row.basis,
    details: [
      { label: 'also written', lines: [`${signed}, ${row.code}`] },
      ...(row.appliesTo.length > 0 && row.appliesTo[0] !== 'any' ? [{ label: 'seen with', lines: [row.appliesTo.join(', ')] }] : []),
      ...(row.causes.length > 0 ? [{ label: 'causes', lines: row.causes }] : []),
      ...(row.remedies.length > 0 ? [{ label: 'try', lines: row.remedies }] : []),
      ...(row.note ? [{ label: 'note', lines: [row.note] }] : []),
    ],
    sources: named(row.source),
  }
}

function named(ids: readonly SourceId[]): string[] {
  return ids.map((id) => {
    const s = sources[id] as { repo?: string; path?: string; title?: string }
    return s.repo ? `${s.repo} ${s.path ?? ''}`.trim() : (s.title ?? id)
  })
}
