/** What an import changes, or would change, in the words of the command; and what of it was not taken, with its line. */
import { Fragment } from 'preact'
import type { z } from 'zod'
import type { fleetSchemas } from '../../../src/schemas/fleet.ts'
import { type Column, DataTable } from '../parts.ts'
import { count, number } from '../words.ts'

export type ImportAnswer = z.output<(typeof fleetSchemas)['fleet-import']>
type Difference = ImportAnswer['imports'][number]
type Problem = ImportAnswer['problems'][number]

type Row = { readonly what: string; readonly means: string; readonly names: readonly string[] }

/** As slmctl fleet import says it (src/cli/views/fleet.ts). */
const rowsOf = (d: Difference): readonly Row[] => [
  { what: 'new', means: 'not in the fleet before', names: d.added },
  { what: 'changed', means: 'told differently now', names: d.changed.map((c) => `${c.name} (${c.what.join(', ')})`) },
  { what: 'renamed', means: 'the same machine, called otherwise', names: d.renamed.map((r) => `${r.from} → ${r.to}`) },
  { what: 'replaced', means: 'another machine has its name now', names: d.replaced },
  { what: 'back', means: 'listed again', names: d.returned },
  { what: 'vanished', means: 'in no source any more; marked, never deleted', names: d.vanished },
  { what: 'twice', means: 'said twice in the list', names: d.duplicates },
]

/** So many names are read at one go, and so many can be looked through. */
const firstNames = 8
const mostNames = 1000

function Names({ names }: { readonly names: readonly string[] }) {
  const left = names.length - mostNames
  return (
    <div class="import-names">
      {names.slice(0, firstNames).map((name, i, { length }) => (
        <Fragment key={`${i} ${name}`}>
          <span class="import-name">{`${name}${i < length - 1 ? ',' : ''}`}</span>{' '}
        </Fragment>
      ))}
      {names.length > firstNames && (
        <details>
          <summary>and {number(names.length - firstNames)} more</summary>
          <ul>
            {names.slice(firstNames, mostNames).map((name, i) => (
              <li key={`${i} ${name}`}>{name}</li>
            ))}
            {left > 0 && <li>and {number(left)} more</li>}
          </ul>
        </details>
      )}
    </div>
  )
}

const columns: readonly Column<Row>[] = [
  {
    id: 'what',
    title: 'What',
    head: true,
    cell: ({ what, means }) => (
      <>
        {what}
        <span class="import-means">{means}</span>
      </>
    ),
  },
  { id: 'count', title: 'Machines', number: true, cell: ({ names }) => number(names.length) },
  { id: 'names', title: 'Which', wide: true, cell: ({ names }) => <Names names={names} /> },
]

export function DifferenceTable({ difference, dryRun }: { readonly difference: Difference; readonly dryRun: boolean }) {
  const rows = rowsOf(difference).filter(({ names }) => names.length > 0)
  return (
    <>
      <p>
        <strong class="mono">{difference.source}</strong>: {count(difference.listed, 'machine')}
        {difference.unchanged > 0 && `, ${number(difference.unchanged)} unchanged`}
        {dryRun ? '. Nothing was written.' : '.'}
      </p>
      {difference.notes.map((note) => (
        <p key={note} class="note">
          {note}
        </p>
      ))}
      {rows.length === 0 ? (
        <p>{dryRun ? 'Nothing would change.' : 'Nothing changed.'}</p>
      ) : (
        <DataTable caption={dryRun ? 'What would change' : 'What changed'} columns={columns} rows={rows} keyOf={({ what }) => what} />
      )}
    </>
  )
}

/** Lines, or recordings, that were not taken. `toLine` leads to a line of the text, where it is there to be corrected. */
export function NotTaken({
  problems,
  toLine,
}: {
  readonly problems: readonly Problem[]
  readonly toLine: ((line: number) => void) | null
}) {
  if (problems.length === 0) return null
  const where: Column<Problem> = {
    id: 'where',
    title: 'Where',
    head: true,
    cell: ({ file, line }) =>
      line === null ? (
        (file ?? 'the list')
      ) : toLine ? (
        <button type="button" class="as-link" onClick={() => toLine(line)}>
          line {number(line)}
        </button>
      ) : (
        `line ${number(line)}`
      ),
  }
  const rest: readonly Column<Problem>[] = [
    {
      id: 'why',
      title: 'Why',
      wide: true,
      cell: ({ summary, code }) => (
        <>
          {summary} <code class="quiet">{code}</code>
        </>
      ),
    },
    { id: 'next', title: 'What to do', wide: true, cell: ({ next }) => next.join(' ') },
  ]
  return (
    <>
      <h3>Not taken</h3>
      <DataTable
        caption="Not taken"
        columns={[where, ...rest]}
        rows={problems}
        keyOf={({ file, line, code }, i) => `${i} ${file} ${line} ${code}`}
      />
    </>
  )
}
