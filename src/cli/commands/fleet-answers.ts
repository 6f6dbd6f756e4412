import { machineName } from '../../addresses.ts'
import { expiringOf, historyAnswer, type MachineCard, rowsOf, type Store, summaryOf } from '../../app.ts'
import { ProblemError, problem } from '../../model.ts'
import { openTable, type Table } from '../csv-out.ts'
import { type Io, json } from '../io.ts'
import { showCard, showCounts, showExpiring, showHistory, showLine } from '../views/fleet.ts'
import * as columns from '../views/fleet-tables.ts'
import { type Flags, filtered, filterOf, number, usage } from './fleet-filter.ts'

type Answer = (words: readonly string[], flags: Flags, store: Store, io: Io) => Promise<number>

/** A table that is ended where the answer is whole, and dropped where it is not. */
async function withTable<T>(table: Table | null, work: () => Promise<T>): Promise<T> {
  try {
    const done = await work()
    table?.end()
    return done
  } catch (error) {
    table?.drop()
    throw error
  }
}

const noWords = (words: readonly string[], word: string) => {
  if (words.length > 0)
    throw usage(`fleet ${word} takes filters, no names.`, `slmctl fleet show ${words[0]}`, `slmctl fleet ${word} --text ${words[0]}`)
}

/** The fleet, or the part of it that filters mean, in numbers, with what keeps machines from being in order. */
export const status: Answer = async (words, flags, store, io) => {
  noWords(words, 'status')
  const filter = filtered(flags) ? filterOf(flags) : null
  const table = openTable(flags, columns.status, io)
  return await withTable(table, async () => {
    const summary = await summaryOf(store, filter, Date.now())
    const { counts } = summary
    if (table) for (const row of columns.statusRows(summary)) table.row(row)
    else if (flags.json) io.out(json({ schema: 'slmctl.fleet-status/1', ...summary }))
    else showCounts(summary, store.place, filter !== null, io)
    const { listed, unasked } = counts.machines
    return listed === (counts.verdict.ok ?? 0) && unasked === 0 ? 0 : 1
  })
}

/** Machines by name, each with what is not in order. */
export const list: Answer = async (words, flags, store, io) => {
  noWords(words, 'list')
  const filter = filterOf(flags)
  const limit = number(flags, 'limit', 1, 1_000_000) ?? Number.POSITIVE_INFINITY
  const table = openTable(flags, columns.machine, io)
  return await withTable(table, async () => {
    let shown = 0
    if (flags.json) io.out('{"schema":"slmctl.fleet-list/1","machines":[')
    // A page is no larger than what is wanted of it.
    const size = Math.min(1000, limit)
    for await (const line of rowsOf((after) => store.list(filter, { limit: size, after }))) {
      if (table) for (const row of columns.machineRows(line)) table.row(row)
      else if (flags.json) io.out(`${shown === 0 ? '' : ','}\n${JSON.stringify(line)}`)
      else io.out(showLine(line, io))
      if (++shown === limit) break
    }
    if (flags.json) io.out('\n]}\n')
    else if (!table) io.out(await listEnd(shown, flags, store))
    return 0
  })
}

async function listEnd(shown: number, flags: Flags, store: Store): Promise<string> {
  if (shown > 0) return `\n${shown} ${shown === 1 ? 'machine' : 'machines'}. In full: slmctl fleet show NAME\n`
  const all = await store.count({})
  if (all === 0) return 'The fleet has no machines yet. Next: slmctl fleet import FILE\n'
  if (!filtered(flags)) return ''
  const spelt = ['group', 'pool', 'source', 'host'].find((flag) => flags[flag] !== undefined)
  const hint = spelt ? `  - --${spelt} is spelt in full, as slmctl fleet show NAME has it of a machine.\n` : ''
  return `None of the ${all} machines of the fleet is meant by these filters.\n${hint}`
}

/**
 * The machines of one name: as it is kept, or a short one where one machine alone begins with it. Throws MACHINE_UNKNOWN, or
 * MACHINE_AMBIGUOUS where several begin so.
 */
async function found(words: readonly string[], store: Store, word: string): Promise<readonly MachineCard[]> {
  if (words.length !== 1) throw usage(`fleet ${word} wants the name of one machine.`, `slmctl fleet ${word} pc-17.corp.example`)
  // However it is spelt: case, a dot at the end, letters beyond ASCII.
  const name = machineName(words[0]!) ?? words[0]!
  const cards = await store.find(name)
  if (cards.length > 0) return cards
  const begin = `${name.toLowerCase()}.`
  const near = new Set<string>()
  // Names come sorted; those that only have the text somewhere in them are few.
  for (const vanished of ['no', 'only'] as const)
    for await (const line of rowsOf((after) => store.list({ text: begin, vanished }, { limit: 100, after }))) {
      if (line.name.startsWith(begin)) near.add(line.name)
      if (near.size > 5) break
    }
  if (near.size === 1) return await store.find([...near][0]!)
  if (near.size > 1)
    throw new ProblemError(
      problem(
        'MACHINE_AMBIGUOUS',
        `Several machines are called ${name}, in different domains.`,
        [...near].slice(0, 5).map((one) => `slmctl fleet ${word} ${one}`),
      ),
    )
  throw new ProblemError(
    problem('MACHINE_UNKNOWN', `The fleet has no machine called ${name}.`, [
      `slmctl fleet list --text ${name}`,
      'slmctl fleet import FILE',
    ]),
  )
}

/** All that is known of one machine, and what is next. */
export const show: Answer = async (words, flags, store, io) => {
  const cards = await found(words, store, 'show')
  const table = openTable(flags, columns.card, io)
  await withTable(table, async () => {
    if (table) for (const card of cards) for (const row of columns.cardRows(card)) table.row(row)
    else if (flags.json) io.out(json({ schema: 'slmctl.fleet-show/1', machines: cards }))
    else
      for (const [i, card] of cards.entries()) {
        if (i > 0) io.out('\n')
        showCard(card, io)
      }
  })
  return cards[0]!.verdict === 'ok' && cards[0]!.problem === null ? 0 : 1
}

/** What became of one machine, newest first. */
export const history: Answer = async (words, flags, store, io) => {
  const [card] = await found(words, store, 'history')
  const answer = await historyAnswer(card!, store)
  const table = openTable(flags, columns.history, io)
  return await withTable(table, async () => {
    if (table) for (const row of columns.historyRows(card!.name, answer)) table.row(row)
    else if (flags.json) io.out(json(answer))
    else showHistory(card!, answer, io)
    return 0
  })
}

/** The days that were asked about. */
const span = (days: number, from: string | null) =>
  from === null ? `in the next ${days} days` : days === 1 ? `on ${from} (UTC)` : `in the ${days} days from ${from} (UTC)`

/** What ends soon, soonest first: of the whole fleet, or of the machines that filters mean. */
export const expiring: Answer = async (words, flags, store, io) => {
  noWords(words, 'expiring')
  const now = Date.now()
  const { inDays, from, page } = expiringOf(store, flags, now)
  const table = openTable(flags, columns.expiring, io)
  return await withTable(table, async () => {
    let n = 0
    if (flags.json) io.out('{"schema":"slmctl.fleet-expiring/1","products":[')
    for await (const line of rowsOf((after) => page({ limit: 1000, after }))) {
      if (table) table.row(columns.expiringRow(line, now))
      else if (flags.json) io.out(`${n === 0 ? '' : ','}\n${JSON.stringify(line)}`)
      else io.out(showExpiring(line, now, io))
      n++
    }
    if (flags.json) io.out('\n]}\n')
    else if (!table)
      io.out(
        n === 0
          ? `Nothing that is known ends ${span(inDays, from)}.\n`
          : `\n${n} ${n === 1 ? 'product ends' : 'products end'} ${span(inDays, from)}, if nothing renews them.\n`,
      )
    return n === 0 ? 0 : 1
  })
}
