/** The columns of a fleet's answers as tables (--csv). Times are in UTC. */
import {
  type CauseGroup,
  type Cell,
  type ExpiringLine,
  type FleetSummary,
  type History,
  type MachineCard,
  machineColumns,
  rowsWith,
  utc,
} from '../../app.ts'

const joined = (list: readonly string[]): string => list.join('; ')

/** One row for each product, and one for a machine that is not known to have any. */
export const machine: readonly string[] = machineColumns
export const machineRows = rowsWith(machineColumns)

export const card: readonly string[] = [
  ...machine,
  ...['objectguid', 'uuid', 'cmid', 'enabled', 'distinguishedname', 'directory_seen_utc', 'added_utc', 'groups', 'sources'],
]

export function cardRows(m: MachineCard): readonly (readonly Cell[])[] {
  const sources = m.sources.map((s) => (s.vanishedAt === null ? s.source : `${s.source} (gone ${utc(s.vanishedAt)})`))
  const more: readonly Cell[] = [
    ...[m.guid, m.uuid, m.cmid, m.enabled, m.distinguishedName, utc(m.directorySeenAt), utc(m.addedAt), joined(m.groups), joined(sources)],
  ]
  return machineRows(m).map((row) => [...row, ...more])
}

/** `what` is a kind of number (verdict, origin, machines), a cause, or a problem; `listed_by` is the command that lists its machines. */
export const status: readonly string[] = ['what', 'value', 'machines', 'next', 'listed_by']

export function* statusRows({ counts, stale, causes }: FleetSummary): Generator<readonly Cell[]> {
  const { listed, vanished, never, unasked } = counts.machines
  yield ['machines', 'listed', listed, null, null]
  yield ['machines', 'vanished', vanished, null, 'slmctl fleet list --vanished']
  yield ['machines', 'never answered', never, null, 'slmctl fleet list --never-seen']
  yield ['machines', 'could not be asked', unasked, null, 'slmctl fleet list --problem any']
  yield ['machines', 'answered, but not in the last 30 days', stale, null, 'slmctl fleet list --not-seen-for 30']
  for (const [verdict, n] of Object.entries(counts.verdict)) yield ['verdict', verdict, n, null, `slmctl fleet list --verdict ${verdict}`]
  for (const [origin, n] of Object.entries(counts.origin)) yield ['origin', origin, n, null, `slmctl fleet list --origin ${origin}`]
  for (const c of causes)
    yield [c.problem === null ? 'cause' : 'problem', c.problem ?? c.text, c.machines, c.next, `slmctl fleet list ${filterOf(c)}`]
}

/** What lists the machines of a group of causes. */
export const filterOf = (c: CauseGroup): string => (c.problem === null ? `--cause ${c.cause}` : `--problem ${c.problem}`)

export const history: readonly string[] = [
  ...['name', 'what', 'from_utc', 'until_utc', 'product', 'state', 'reason', 'method', 'host', 'verdict', 'origin', 'cause', 'times'],
]

export function* historyRows(name: string, told: History): Generator<readonly Cell[]> {
  for (const s of told.products)
    yield [
      ...[name, 'product', utc(s.from), utc(s.until), s.name ?? s.key, s.state, s.reason, s.method, s.host, s.verdict, s.origin, s.cause],
      null,
    ]
  for (const u of told.unasked)
    yield [name, 'could not be asked', utc(u.from), utc(u.until), null, null, u.code, null, null, null, null, u.summary, u.times]
  for (const o of told.outcomes)
    yield [name, 'applied', utc(o.at), utc(o.at), null, o.result, null, null, null, o.verdict, null, null, null]
}

export const expiring: readonly string[] = [
  ...['name', 'product', 'application', 'state', 'method', 'host', 'expires_utc', 'days_left', 'last_seen_utc', 'problem'],
]

export const expiringRow = (e: ExpiringLine, now: number): readonly Cell[] => [
  ...[e.name, e.product, e.application, e.state, e.method, e.host, utc(e.expiresAt), daysLeft(e, now), utc(e.seenAt), e.problem],
]

export const daysLeft = ({ expiresAt }: Pick<ExpiringLine, 'expiresAt'>, now: number): number => Math.floor((expiresAt - now) / 86_400_000)
