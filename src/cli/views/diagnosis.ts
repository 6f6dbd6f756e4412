import type { Diagnosis, Evidence, Finding, Product, Verdict } from '../../model.ts'
import { type Io, wrap } from '../io.ts'

/** The colour of a verdict, the same in every view. */
export const colour = { ok: 'green', attention: 'yellow', action: 'red', 'cannot-tell': 'cyan' } as const satisfies Record<Verdict, string>
const word: Readonly<Record<Verdict, string>> = {
  ok: 'OK',
  attention: 'LOOK AT THIS',
  action: 'ACTION NEEDED',
  'cannot-tell': 'CANNOT TELL',
}
/** A kind of key in words. */
export const channels: Readonly<Record<Product['channel'], string>> = {
  'kms-client': 'KMS client',
  'kms-host': 'KMS host',
  mak: 'MAK',
  retail: 'retail',
  oem: 'OEM',
  evaluation: 'evaluation',
  subscription: 'subscription',
  avma: 'automatic VM activation',
  unknown: 'unknown',
}
const found = { override: 'set by hand', dns: 'from DNS', cache: 'cached', unknown: '' } as const

/** The answer for people, in 80 columns: the machine in one sentence, then its products, what else was noted, the codes. */
export function showDiagnosis(d: Diagnosis, io: Io, show: { readonly unread: boolean; readonly lines: boolean }): void {
  const files = d.sources.length > 1
  for (const [i, machine] of d.machines.entries()) {
    // Lines name their file only where a machine was read from several.
    const places: Lines = !show.lines ? 'none' : machine.sources.length > 1 ? 'file and line' : 'line'
    if (i > 0) io.out(`\n${io.paint('dim', '─'.repeat(Math.min(io.columns, 80)))}\n`)
    const products = d.products.filter((p) => p.machine === machine.id)
    const title = machine.name ?? (d.machines.length > 1 ? machine.id : null)
    if (title || files) io.out(`${io.paint('bold', [title, files ? machine.sources.join(', ') : null].filter(Boolean).join('  '))}\n`)
    const mark = word[machine.verdict]
    io.out(wrap(machine.headline, io.columns, `${mark}  `, '  ').replace(mark, io.paint(colour[machine.verdict], io.paint('bold', mark))))
    for (const next of machine.next) io.out(wrap(next, io.columns, '  → ', '    '))
    for (const p of products) showProduct(p, machine.headline, machine.next, io, places)
    const told = new Set([machine.headline, ...products.map((p) => p.cause)])
    const rest = d.findings.filter((f) => f.machine === machine.id && !told.has(f.summary) && !f.rule.startsWith('origin-'))
    if (rest.length > 0) {
      io.out(`\n${io.paint('bold', 'Also')}\n`)
      for (const f of rest) showFinding(f, io, places)
    }
    const honest = d.findings.filter((f) => f.machine === machine.id && f.honest && told.has(f.summary) && !f.rule.startsWith('origin-'))
    for (const f of honest) io.out(wrap(`An honest explanation: ${f.honest}`, io.columns, '  ', '  '))
    const codes = d.codes.filter((c) => c.machine === machine.id)
    if (codes.length > 0) {
      io.out(`\n${io.paint('bold', 'Codes')}\n`)
      for (const c of codes) {
        const sure = c.basis === 'name-only' ? ' (a hint only: Microsoft documents the name, not the meaning)' : ''
        io.out(wrap(`${c.meaning}${sure}${at(c.evidence, places)}`, io.columns, `  ${c.code}  `, '              '))
      }
    }
    const events = d.events.filter((e) => e.machine === machine.id)
    if (events.length > 0) {
      io.out(`\n${io.paint('bold', 'Events')}\n`)
      for (const e of events) io.out(wrap(`${e.meaning}${at(e.evidence, places)}`, io.columns, `  ${String(e.id).padEnd(5)}  `))
    }
  }
  if (d.unread.length > 0) {
    if (show.unread) {
      io.out(`\n${io.paint('bold', 'Lines that nobody recognised')}\n`)
      for (const u of d.unread) io.out(`  ${files ? `${u.source}:` : ''}${u.line}  ${u.text.slice(0, io.columns - 8)}\n`)
    } else
      io.out(
        io.paint(
          'dim',
          `\n${d.unread.length} ${d.unread.length === 1 ? 'line was' : 'lines were'} not recognised (--unread shows ${d.unread.length === 1 ? 'it' : 'them'}).\n`,
        ),
      )
  }
}

function showProduct(p: Product, headline: string, told: readonly string[], io: Io, places: Lines): void {
  const line = (name: string, value: string) => io.out(wrap(value, io.columns, `  ${name.padEnd(9)} `))
  const title = p.name ?? p.edition ?? (p.activationId ? `Product ${p.activationId}` : 'A product that the text does not name')
  io.out(`
${io.paint('bold', wrap(title, io.columns - 13, '', '  ').trimEnd())}  ${io.paint(colour[p.verdict], p.verdict)}
`)
  const left = p.minutesLeft === null ? '' : `, ${p.minutesLeft} minutes (${Math.floor(p.minutesLeft / 1440)} days) left`
  line(
    'state',
    `${p.state}${p.reason ? ` (${p.reason})` : ''}${left}${p.expires ? `, until ${p.expires.replace('T', ' ')}` : ''}${line_(p, /state|left|reason|code/i, places)}`,
  )
  line(
    'channel',
    `${channels[p.channel]}${p.partialKey ? `, key …${p.partialKey}` : ''}${p.method !== 'unknown' && p.method !== 'none' ? `, method ${p.method}` : ''}${line_(p, /channel/i, places)}`,
  )
  if (p.kms?.host)
    line(
      'KMS host',
      `${p.kms.host}${p.kms.port ? `:${p.kms.port}` : ''}${p.kms.ip && p.kms.ip !== p.kms.host ? ` (${p.kms.ip})` : ''}${found[p.kms.found] ? `, ${found[p.kms.found]}` : ''}${line_(p, /KMS host/i, places)}`,
    )
  if (p.count !== null) line('count', `${p.count}${line_(p, /^count/i, places)}`)
  line('origin', `${p.origin}: ${p.originBecause}`)
  if (p.originHonest) io.out(wrap(`An honest explanation: ${p.originHonest}`, io.columns, '            '))
  if (p.cause && p.cause !== headline) line('cause', p.cause)
  if (p.verdict !== 'ok')
    for (const next of p.next.filter((n) => !told.includes(n)).slice(0, 3)) io.out(wrap(next, io.columns, '  → ', '    '))
}

function line_(p: Product, means: RegExp, places: Lines): string {
  return at(
    p.evidence.filter((e) => means.test(e.means)),
    places,
  )
}

/** How places are shown: not at all for a machine that was asked itself, with the file where several were read. */
type Lines = 'none' | 'line' | 'file and line'

/** `[line 12]`, or the file with it where several were read. */
function at(evidence: readonly Evidence[], places: Lines): string {
  if (places === 'none') return ''
  const files = places === 'file and line'
  const lines = [...new Set(evidence.map((e) => (files ? `${e.source}:${e.line}` : String(e.line))))].slice(0, 3)
  return lines.length === 0 ? '' : files ? ` [${lines.join(', ')}]` : ` [line ${lines.join(', ')}]`
}

function showFinding(f: Finding, io: Io, places: Lines): void {
  const sign = f.severity === 'action' ? io.paint('red', '!') : f.severity === 'attention' ? io.paint('yellow', '?') : '-'
  io.out(wrap(`${f.summary}${at(f.evidence, places)}`, io.columns, '  @ ', '    ').replace('@', sign))
  if (f.honest) io.out(wrap(`An honest explanation: ${f.honest}`, io.columns, '    ', '    '))
}
