/** Machines in: from a list, recordings, the site file or a directory. First what would change is shown; then just that is imported. */
import './import.css'
import { useRef, useState } from 'preact/hooks'
import { useLocation } from 'preact-iso'
import type { SiteAnswer } from '../../../src/schemas/api.ts'
import { api, page } from '../addresses.ts'
import { useAnswer } from '../answer.ts'
import { type ProblemDetails, problemOf, send } from '../api.ts'
import { DifferenceTable, type ImportAnswer, NotTaken } from '../import/difference.tsx'
import { type Draft, empty, type Wanted, type Way, wantedOf, ways } from '../import/draft.ts'
import { DirectoryFields, ListFields, type Wrong } from '../import/fields.tsx'
import { Give } from '../import/give.tsx'
import { ErrorState, Loading, NoRights, PageTitle, Shown } from '../parts.ts'
import { useMay, useSession } from '../session.ts'
import { count } from '../words.ts'
import { StartCampaign } from './campaign-start.tsx'

export default function Import() {
  const may = useMay('operator')
  return (
    <>
      <PageTitle title="Add machines" lead="First what would change is shown. Nothing is written before you import it.">
        <a class="button" href="/machines">
          All machines
        </a>
      </PageTitle>
      {may ? <Importing /> : <NoRights problem={notMine} />}
    </>
  )
}

const notMine: ProblemDetails = {
  ...{ status: 403, code: 'NO_RIGHT', title: 'Machines are added by operators and approvers.' },
  next: ['Whoever looks after the accounts gives roles.'],
}

/** What somebody gave stays, also where their session ends and they sign in again; nobody else gets it. */
let kept: { readonly who: string; readonly draft: Draft } | null = null

/** What was looked at, or imported; null: the server is still at it. */
type Said = { readonly wanted: Wanted; readonly text: string | null; readonly answer: ImportAnswer | ProblemDetails | null }

function Importing() {
  const who = useSession().me!.name
  const [draft, setDraft] = useState(kept?.who === who ? kept.draft : empty)
  const [wrong, setWrong] = useState<Wrong>(null)
  const [said, setSaid] = useState<Said | null>(null)
  const [busy, setBusy] = useState(false)
  const heading = useRef<HTMLHeadingElement>(null)
  const area = useRef<HTMLTextAreaElement>(null)
  const { query, route, path } = useLocation()
  const way = ways.find(([of]) => of === query.from)?.[0] ?? 'list'
  const put = (next: Draft) => {
    kept = { who, draft: next }
    setDraft(next)
    setWrong(null)
  }
  /** What was looked at is no longer what stands there. */
  const change = (part: Partial<Draft>) => {
    put({ ...draft, ...part })
    setSaid(null)
  }
  const ask = async (wanted: Wanted, more: object) => {
    const text = wanted.path === api.imports ? draft.text : null
    setBusy(true)
    setSaid({ wanted, text, answer: null })
    const answer = await send<ImportAnswer>('POST', wanted.path, { ...wanted.body, ...more }).catch(problemOf)
    setBusy(false)
    setSaid({ wanted, text, answer })
    if ('schema' in answer && !answer.dryRun) put({ ...empty, way })
    requestAnimationFrame(() => heading.current?.focus())
  }
  const look = () => {
    const wanted = wantedOf({ ...draft, way })
    if ('wrong' in wanted) return setWrong(wanted)
    void ask(wanted, { dryRun: true })
  }
  const answer = said?.answer
  const taken = answer && 'schema' in answer && !answer.dryRun
  return (
    <div class="stack import">
      {!taken && (
        <form
          class="stack"
          onSubmit={(e) => {
            e.preventDefault()
            if (!busy) look()
          }}
        >
          <fieldset class="import-ways">
            <legend>Where they come from</legend>
            {ways.map(([of, title]) => (
              <label key={of} class="check">
                <input
                  type="radio"
                  name="from"
                  value={of}
                  checked={of === way}
                  onChange={() => {
                    setSaid(null)
                    setWrong(null)
                    route(page(path, { from: of === 'list' ? null : of }), true)
                  }}
                />{' '}
                {title}
              </label>
            ))}
          </fieldset>
          {way === 'list' ? (
            <>
              <Give draft={draft} change={change} wrong={wrong} area={area} />
              <ListFields draft={draft} change={change} wrong={wrong} />
            </>
          ) : (
            <BySite way={way} draft={draft} change={change} wrong={wrong} />
          )}
          <div class="actions">
            <button type="submit" class="primary" aria-disabled={busy}>
              Show what would change
            </button>
            {way === 'list' && <span class="quiet">Ctrl+Enter does it, too.</span>}
          </div>
        </form>
      )}
      {said && (
        <section class="stack" aria-labelledby="import-said" aria-busy={said.answer === null}>
          <h2 id="import-said" ref={heading} tabIndex={-1}>
            {taken ? 'Taken' : 'What would change'}
          </h2>
          {!answer ? (
            <Loading what="what would change" rows={4} />
          ) : !('schema' in answer) ? (
            <ErrorState problem={answer} retry={() => void ask(said.wanted, { dryRun: true })} />
          ) : (
            <>
              <Outcome answer={answer} toLine={said.text === null || taken ? null : (line) => showLine(area.current, line)} />
              {taken ? (
                <Onward answer={answer} more={() => setSaid(null)} />
              ) : (
                <ImportButton answer={answer} busy={busy} go={(expect) => void ask(said.wanted, { dryRun: false, expect })} />
              )}
            </>
          )}
        </section>
      )}
    </div>
  )
}

/** What the site file knows of: its machines, and the directories that the server may read. */
function BySite({ way, ...fields }: { readonly way: Way } & Parameters<typeof ListFields>[0]) {
  const site = useAnswer<SiteAnswer>(api.site)
  return (
    <Shown answer={site} what="the site file" rows={3}>
      {({ file, groups, directories }) => {
        if (file === null)
          return (
            <p class="note">
              This server runs without a site file: <code>slmctl site init</code> writes one to begin with.
            </p>
          )
        if (way === 'site') {
          const machines = groups.reduce((sum, g) => sum + g.machines, 0)
          return (
            <p>
              The machines that stand in the groups of <a href="/site">the site file</a>: {count(machines, 'machine')} in{' '}
              {count(groups.length, 'group')}.
            </p>
          )
        }
        return directories.length === 0 ? (
          <p class="note">
            The site file names no directory that this server may read. Under <code>forests:</code> give the forest a line{' '}
            <code>directory: CREDENTIAL</code>: the credential to read it with. On a command line, with your own Kerberos ticket, no such
            line is needed: <code>slmctl fleet import --directory DOMAIN</code>.
          </p>
        ) : (
          <>
            <p>The server signs in as the site file says. A field that is left empty leaves nothing out.</p>
            <DirectoryFields {...fields} domains={directories} />
          </>
        )
      }}
    </Shown>
  )
}

function Outcome({ answer, toLine }: { readonly answer: ImportAnswer; readonly toLine: ((line: number) => void) | null }) {
  return (
    <>
      {answer.imports.map((difference) => (
        <DifferenceTable key={difference.source} difference={difference} dryRun={answer.dryRun} />
      ))}
      {answer.problems.length > 0 && (
        <p class="note note-look">
          {answer.imports.every(({ listed }) => listed === 0) ? (
            <>
              Nothing of it could be read as machines. What slmgr, ospp or an event log printed is read by <a href="/diagnose">Diagnose</a>.
            </>
          ) : answer.dryRun ? (
            `What is named below would not be taken; everything else would.${answer.problems.some((p) => p.line !== null) ? ' As long as lines cannot be read, no machine is marked as vanished.' : ''}`
          ) : (
            'What is named below was not taken; everything else was.'
          )}
        </p>
      )}
      <NotTaken problems={answer.problems} toLine={toLine} />
    </>
  )
}

function ImportButton({
  answer,
  busy,
  go,
}: {
  readonly answer: ImportAnswer
  readonly busy: boolean
  readonly go: (expect: string) => void
}) {
  const [difference] = answer.imports
  if (!difference || (difference.listed === 0 && difference.vanished.length === 0)) return <p>There is nothing to import.</p>
  return (
    <div class="actions">
      <button type="button" class="primary" aria-disabled={busy} onClick={() => !busy && go(difference.fingerprint)}>
        Import {count(difference.listed, 'machine')}
      </button>
      <span class="quiet">Exactly what is shown here; if anything is different by then, nothing is written.</span>
    </div>
  )
}

/** Where one goes from here: to the machines, and to asking them. */
function Onward({ answer, more }: { readonly answer: ImportAnswer; readonly more: () => void }) {
  const source = answer.imports[0]!.source
  return (
    <div class="actions">
      <a class="button primary" href={page('/machines', { source })}>
        Look at these machines
      </a>
      <StartCampaign kind="scan" label="Ask these machines now" filter={{ source }} />
      <button type="button" onClick={more}>
        Add more
      </button>
    </div>
  )
}

/** Marks a line where it can be corrected. */
function showLine(area: HTMLTextAreaElement | null, line: number): void {
  if (!area) return
  const lines = area.value.split('\n')
  const from = lines.slice(0, line - 1).reduce((sum, l) => sum + l.length + 1, 0)
  area.focus()
  area.setSelectionRange(from, from + (lines[line - 1]?.length ?? 0))
  // Browsers scroll to what is typed, not to what is marked.
  area.scrollTop = (area.scrollHeight / lines.length) * (line - 3)
}
