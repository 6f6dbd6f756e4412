import type { CauseGroup, ExpiringLine, FleetSummary, History, ImportDifference, MachineCard, MachineLine } from '../../app.ts'
import { clientKeysForActivationId } from '../../catalogue.ts'
import { type Io, wrap } from '../io.ts'
import { colour } from './diagnosis.ts'
import { daysLeft, filterOf } from './fleet-tables.ts'

/** A moment as people here write it, by the clock of this computer. */
export function when(ms: number | null): string {
  if (ms === null) return 'never'
  const at = new Date(ms)
  const two = (n: number) => String(n).padStart(2, '0')
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}`
}

const day = (ms: number) => when(ms).slice(0, 10)
const some = (names: readonly string[]) => `${names.slice(0, 5).join(', ')}${names.length > 5 ? ` and ${names.length - 5} more` : ''}`
const machines = (n: number) => `${n} ${n === 1 ? 'machine' : 'machines'}`
const counted = (n: number) => `${String(n).padStart(8)}  `

/** What an import changed, or would change. */
export function showDifference(d: ImportDifference, notes: readonly string[], dryRun: boolean, io: Io): void {
  io.out(`${io.paint('bold', d.source)}  ${machines(d.listed)}${dryRun ? ', nothing was written' : ''}\n`)
  const row = (what: string, names: readonly string[]) => {
    if (names.length > 0) io.out(wrap(some(names), io.columns, `  ${String(names.length).padStart(6)} ${what.padEnd(9)} `))
  }
  row('new', d.added)
  row(
    'changed',
    d.changed.map((c) => `${c.name} (${c.what.join(', ')})`),
  )
  row(
    'renamed',
    d.renamed.map((r) => `${r.from} → ${r.to}`),
  )
  row('replaced', d.replaced)
  row('back', d.returned)
  row('vanished', d.vanished)
  row('twice', d.duplicates)
  if (d.unchanged > 0) io.out(`  ${String(d.unchanged).padStart(6)} unchanged\n`)
  for (const note of notes) io.out(wrap(note, io.columns, '  - ', '    '))
}

const worstFirst = ['action', 'attention', 'cannot-tell', 'ok'] as const

/** The fleet, or a part of it, in numbers; then what keeps machines from being in order, most machines first, each with one next step. */
export function showCounts({ counts, stale, causes }: FleetSummary, place: string, part: boolean, io: Io): void {
  const { listed, vanished, never, unasked } = counts.machines
  if (listed === 0) {
    io.out(
      part ? 'No machine of the fleet is meant by these filters.\n' : 'The fleet has no machines yet. Next: slmctl fleet import FILE\n',
    )
    return
  }
  io.out(wrap(`${machines(listed)} ${part ? 'meant by the filters, of those' : ''} in ${place}`, io.columns))
  for (const verdict of worstFirst) {
    const n = counts.verdict[verdict] ?? 0
    if (n > 0) io.out(`${counted(n)}${io.paint(colour[verdict], verdict)}\n`)
  }
  if (never > 0) io.out(`${counted(never)}never answered\n`)
  if (stale > 0 || vanished > 0) io.out('\n')
  if (stale > 0)
    io.out(
      wrap(
        `of them answered last more than 30 days ago; what is said of them is as of then: slmctl fleet list --not-seen-for 30`,
        io.columns,
        counted(stale),
      ),
    )
  if (vanished > 0) io.out(wrap('more are in no source any longer: slmctl fleet list --vanished', io.columns, counted(vanished)))
  showGroups(
    'What keeps them from being in order',
    causes.filter((c) => c.problem === null),
    io,
  )
  showGroups(
    `Could not be asked at the last try: ${unasked}`,
    causes.filter((c) => c.problem !== null),
    io,
  )
  if (causes.length > 0)
    io.out(
      `\n${wrap('The machines of a line: slmctl fleet list with the filter behind it; what would change on them: slmctl fleet plan with it.', io.columns)}`,
    )
}

/** As many as a person reads. */
const groupsShown = 15

function showGroups(title: string, groups: readonly CauseGroup[], io: Io): void {
  if (groups.length === 0) return
  io.out(`\n${io.paint('bold', title)}\n`)
  for (const group of groups.slice(0, groupsShown)) {
    const text = group.problem === null ? group.text : `${group.problem}, for example: ${group.text}`
    io.out(wrap(`${text} [${filterOf(group)}]`, io.columns, counted(group.machines)))
    if (group.next) io.out(wrap(group.next, io.columns, '          → ', '            '))
  }
  const more = groups.length - groupsShown
  if (more > 0) io.out(`${' '.repeat(10)}${more} more with fewer machines: slmctl fleet status --csv\n`)
}

const nameWidth = 34

/** One machine in one line, and below it what is not in order. What is known is as of a moment, and says so. */
export function showLine(m: MachineLine, io: Io): string {
  const verdict = m.verdict ?? 'not asked'
  // A name is never cut: it is what is copied into the next command.
  const name = m.name.length > nameWidth ? `${m.name}\n${' '.repeat(nameWidth)}` : m.name.padEnd(nameWidth)
  const paint = m.verdict ? colour[m.verdict] : 'dim'
  const seen = m.seenAt === null ? 'never seen' : `as of ${when(m.seenAt)}`
  const first = `${name} ${io.paint(paint, verdict.padEnd(12))} ${seen}${m.vanishedAt === null ? '' : ', gone'}\n`
  const known = m.verdict === 'ok' || m.headline === null ? '' : wrap(m.headline, io.columns, '    ')
  return `${first}${known}${m.problem ? wrap(unaskedText(m), io.columns, '    ') : ''}`
}

const unaskedText = ({ problem, seenAt }: Pick<MachineLine, 'problem' | 'seenAt'>): string =>
  `could not be asked since ${day(problem!.since)}${problem!.times > 1 ? `, ${problem!.times} times` : ''}${seenAt === null ? '' : ' (what stands above is older)'}: ${problem!.summary} (${problem!.code})`

/** One machine in full, and what is next. */
export function showCard(m: MachineCard, io: Io): void {
  io.out(showLine(m, io))
  for (const next of nextOf(m)) io.out(wrap(next, io.columns, '  → ', '    '))
  io.out('\n')
  const row = (what: string, value: string | null) => {
    if (value) io.out(wrap(value, io.columns, `  ${what.padEnd(9)} `))
  }
  row('system', [m.system, m.systemVersion].filter(Boolean).join(', '))
  row('address', m.address)
  row('groups', m.groups.join(', '))
  row('pool', m.pool)
  row('sources', m.sources.map((s) => `${s.source}${s.vanishedAt === null ? '' : ` (gone since ${day(s.vanishedAt)})`}`).join(', '))
  row('identity', [m.guid && `objectGUID ${m.guid}`, m.uuid && `UUID ${m.uuid}`, m.cmid && `CMID ${m.cmid}`].filter(Boolean).join(', '))
  row('account', m.enabled === false ? 'switched off in the directory' : null)
  for (const p of m.products) {
    if (p.goneAt !== null) continue
    io.out(
      wrap(
        `${titleOf(p)}: ${p.state}${p.reason ? ` (${p.reason})` : ''}${endOf(m, p)}${p.host ? `, by ${p.host}` : ''}, since ${day(p.since)}`,
        io.columns,
        '  - ',
        '    ',
      ),
    )
    if (p.cause && p.cause !== m.headline) io.out(wrap(p.cause, io.columns, '    '))
    if (p.originBecause && p.origin !== 'vendor') io.out(wrap(`${p.origin}: ${p.originBecause}`, io.columns, '    '))
    if (p.originHonest) io.out(wrap(`An honest explanation: ${p.originHonest}`, io.columns, '    '))
  }
  io.out(`\nBefore that: slmctl fleet history ${m.name}\n`)
}

type Titled = { readonly name: string | null; readonly activationId: string | null }

/** Office as the catalogue calls it, for it calls itself Office21ProPlus2021VL_KMS_Client_AE; everything else by its own name. */
function titleOf({ name, activationId }: Titled): string {
  const [key, ...more] = activationId === null ? [] : clientKeysForActivationId(activationId)
  return key?.family === 'office' && more.length === 0 ? key.edition : (name ?? 'A product')
}

/** When it ends. An end that has passed unseen is no lapse: whoever renews it nobody asked since. */
function endOf(m: MachineCard, { expiresAt }: MachineCard['products'][number]): string {
  if (expiresAt === null) return ''
  return expiresAt < Date.now() && (m.seenAt ?? 0) < expiresAt
    ? `, was to end ${day(expiresAt)} unless renewed (not seen since)`
    : `, until ${day(expiresAt)}`
}

/** What is next for a machine: about its products as of when it answered, and about asking it. */
function nextOf(m: MachineCard): readonly string[] {
  if (m.vanishedAt !== null) return [`No source lists it since ${day(m.vanishedAt)}. If it is gone, nothing is to be done.`]
  if (m.problem) return [...m.problem.next, `slmctl status ${m.name}: asks it now`]
  if (m.verdict === null) return [`slmctl fleet scan --text ${m.name}`]
  if (m.next.length > 0) return m.next
  return m.verdict === 'ok' ? ['Nothing is to be done.'] : [`slmctl status ${m.name}: asks it now, with all evidence`]
}

/** What became of a machine, newest first. */
export function showHistory(m: MachineCard, h: History, io: Io): void {
  io.out(`${io.paint('bold', m.name)}  ${m.seenAt === null ? 'never seen' : `as of ${when(m.seenAt)}`}\n`)
  const spans = [
    ...h.products.map((s) => ({
      ...{ from: s.from, until: s.until },
      text: `${titleOf(s)}: ${s.state}, ${s.origin}${s.host ? `, by ${s.host}` : ''}${s.cause ? `. ${s.cause}` : ''}`,
    })),
    ...h.unasked.map((u) => ({
      ...{ from: u.from, until: u.until },
      text: `could not be asked, ${u.times === 1 ? 'once' : `${u.times} times`}: ${u.summary} (${u.code})`,
    })),
    ...h.outcomes.map((o) => ({ from: o.at, until: o.at, text: `applied: ${o.result}${o.verdict ? `, then ${o.verdict}` : ''}` })),
  ].sort((a, b) => (b.until ?? Number.POSITIVE_INFINITY) - (a.until ?? Number.POSITIVE_INFINITY) || b.from - a.from)
  for (const { from, until, text } of spans) {
    const span = until === from ? when(from) : until === null ? `since ${when(from)}` : `${when(from)} to ${when(until)}`
    io.out(`  ${io.paint('dim', span)}\n${wrap(text, io.columns, '    ')}`)
  }
  if (spans.length === 0) io.out(`  Nothing is known of it yet. Next: slmctl fleet scan --text ${m.name}\n`)
}

/** What ends soon, in one line or two. It is as of when the machine was seen: one that was not reached since may have renewed. */
export function showExpiring(e: ExpiringLine, now: number, io: Io): string {
  const left = daysLeft(e, now)
  const head = `${String(left).padStart(4)} ${left === 1 ? 'day ' : 'days'}  ${e.name.padEnd(34)} ${io.paint('dim', `as of ${when(e.seenAt)}`)}\n`
  const last = e.problem ? `; could not be asked since (${e.problem})` : ''
  return head + wrap(`${e.product ?? 'a product'}${e.host ? `, by ${e.host}` : ''}${last}`, io.columns, '           ')
}
