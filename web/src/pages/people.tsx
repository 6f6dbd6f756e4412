/** Own API tokens; for approvers also the trail of who changed what. */

import { useId, useState } from 'preact/hooks'
import { useLocation } from 'preact-iso'
import type { NewToken, Scope, Token, TrailAnswer } from '../../../src/schemas/api.ts'
import { api, page } from '../addresses.ts'
import { useAnswer } from '../answer.ts'
import { type ProblemDetails, problemOf, send } from '../api.ts'
import {
  type Column,
  CopyButton,
  DataTable,
  Dialog,
  Empty,
  ErrorState,
  Pager,
  PageTitle,
  Shown,
  Tag,
  Time,
  toast,
  useNow,
} from '../parts.ts'
import { may, useSession } from '../session.ts'
import { count, roleMeans, roles } from '../words.ts'

const scopes = {
  metrics: { role: 'viewer', title: 'metrics', means: 'only /metrics, for Prometheus' },
  read: { role: 'viewer', title: 'read', means: 'look at everything' },
  operate: { role: 'operator', title: 'operate', means: 'also scan and plan' },
  apply: { role: 'approver', title: 'apply', means: 'also apply' },
} as const satisfies Record<Scope, unknown>
const spans = [
  [30, '30 days'],
  [90, '90 days'],
  [180, '180 days'],
  [365, 'a year'],
] as const

export default function People() {
  const { me } = useSession()
  if (!me) return null
  return (
    <>
      <PageTitle
        title={may(me, 'approver') ? 'Tokens and trail' : 'Tokens'}
        lead={`You are ${me.name}, ${roles[me.role]}: you ${roleMeans[me.role]}.`}
      />
      <div class="stack-wide">
        <Tokens />
        {may(me, 'approver') && <Trail />}
      </div>
    </>
  )
}

function Tokens() {
  const answer = useAnswer<{ readonly rows: readonly Token[] }>(api.tokens)
  const [making, setMaking] = useState(false)
  const [made, setMade] = useState<NewToken | null>(null)
  const [revoking, setRevoking] = useState<Token | null>(null)
  const [problem, setProblem] = useState<ProblemDetails | null>(null)
  const revoke = async (token: Token) => {
    try {
      await send('DELETE', api.token(token.id))
      toast(`The token ${token.name} is revoked.`)
      setRevoking(null)
      answer.reload()
    } catch (error) {
      setProblem(problemOf(error))
    }
  }
  return (
    <section aria-labelledby="tokens">
      <div class="section-head">
        <h2 id="tokens">Your API tokens</h2>
        <button type="button" onClick={() => setMaking(true)}>
          New token
        </button>
      </div>
      <p class="lead">With a token another program asks this server as you, with no more rights than its scope, until its end.</p>
      <div class="room">
        <Shown answer={answer} what="your tokens" rows={2}>
          {({ rows }) => (
            <DataTable
              caption="Your API tokens"
              columns={tokenColumns((token) => {
                setProblem(null)
                setRevoking(token)
              })}
              rows={rows}
              keyOf={(t) => t.id}
              empty={<Empty title="You have no tokens." />}
            />
          )}
        </Shown>
      </div>
      <NewTokenDialog
        open={making}
        close={() => setMaking(false)}
        made={(token) => {
          setMaking(false)
          setMade(token)
          answer.reload()
        }}
      />
      <Dialog open={made !== null} title={`The token ${made?.name ?? ''}`} onClose={() => setMade(null)}>
        <p>Copy it now: it cannot be shown again.</p>
        <p class="secret">
          <code>{made?.token}</code>
        </p>
        <p>
          <CopyButton label="Copy the token" text={() => made?.token ?? ''} />
        </p>
        <p class="field-help after">
          It goes into a header: <code>Authorization: Bearer …</code>
        </p>
      </Dialog>
      <Dialog
        open={revoking !== null}
        title={`Revoke the token ${revoking?.name ?? ''}?`}
        onClose={() => setRevoking(null)}
        actions={
          <button type="button" class="danger" onClick={() => revoking && void revoke(revoking)}>
            Revoke
          </button>
        }
      >
        <p>Whatever uses it is refused from now on. It cannot be taken back; a new token can be made.</p>
        {problem && <ErrorState problem={problem} />}
      </Dialog>
    </section>
  )
}

const tokenColumns = (revoke: (token: Token) => void): readonly Column<Token>[] => [
  { id: 'name', title: 'Name', head: true, cell: (t) => t.name },
  { id: 'scope', title: 'Scope', cell: (t) => t.scope },
  { id: 'state', title: 'State', cell: (t) => <TokenState token={t} /> },
  { id: 'ends', title: 'Ends', cell: (t) => <Time at={t.endsAt} /> },
  { id: 'used', title: 'Last used', cell: (t) => <Time at={t.usedAt} /> },
  { id: 'created', title: 'Made', minor: true, cell: (t) => <Time at={t.createdAt} /> },
  {
    id: 'revoke',
    title: 'Revoke',
    cell: (t) =>
      t.revokedAt === null && t.endsAt > Date.now() ? (
        <button type="button" class="as-link" aria-label={`Revoke the token ${t.name}`} onClick={() => revoke(t)}>
          Revoke
        </button>
      ) : null,
  },
]

function TokenState({ token: t }: { readonly token: Token }) {
  const now = useNow()
  if (t.revokedAt !== null) return <Tag tone="plain">revoked</Tag>
  return t.endsAt <= now ? <Tag tone="plain">ended</Tag> : <Tag tone="good">valid</Tag>
}

function NewTokenDialog({
  open,
  close,
  made,
}: {
  readonly open: boolean
  readonly close: () => void
  readonly made: (token: NewToken) => void
}) {
  const { me } = useSession()
  const [problem, setProblem] = useState<ProblemDetails | null>(null)
  const [busy, setBusy] = useState(false)
  const id = useId()
  const create = async (form: HTMLFormElement) => {
    const said = new FormData(form)
    setBusy(true)
    setProblem(null)
    try {
      made(
        await send<NewToken>('POST', api.tokens, {
          name: String(said.get('name')).trim(),
          scope: said.get('scope'),
          days: Number(said.get('days')),
        }),
      )
    } catch (error) {
      setProblem(problemOf(error))
    }
    setBusy(false)
  }
  return (
    <Dialog
      open={open}
      title="New token"
      onClose={() => {
        setProblem(null)
        close()
      }}
      actions={
        <button type="submit" class="primary" form={id} disabled={busy}>
          Make it
        </button>
      }
    >
      <form
        id={id}
        class="stack"
        onSubmit={(e) => {
          e.preventDefault()
          void create(e.currentTarget)
        }}
      >
        <div class="field">
          <label for={`${id}-name`}>What it is for</label>
          <input id={`${id}-name`} name="name" required maxLength={80} autocomplete="off" placeholder="Prometheus in Berlin" />
        </div>
        <fieldset class="field">
          <legend>What it may do</legend>
          {(Object.keys(scopes) as Scope[])
            .filter((s) => may(me, scopes[s].role))
            .map((s) => (
              <label key={s} class="check">
                <input type="radio" name="scope" value={s} defaultChecked={s === 'read'} required />
                <span>
                  {scopes[s].title} <span class="quiet">{scopes[s].means}</span>
                </span>
              </label>
            ))}
        </fieldset>
        <div class="field">
          <label for={`${id}-days`}>Until it ends</label>
          <select id={`${id}-days`} name="days">
            {spans.map(([days, title]) => (
              <option key={days} value={days} selected={days === 90}>
                {title}
              </option>
            ))}
          </select>
        </div>
        {problem && <ErrorState problem={problem} />}
      </form>
    </Dialog>
  )
}

type TrailRow = TrailAnswer['rows'][number]
const limit = 100
const results = { done: ['good', 'done'], refused: ['look', 'refused'], failed: ['bad', 'failed'] } as const
/** As the command line says it. */
const whoOf = (who: string) => (who === '-' ? 'nobody' : who)
const trailColumns: readonly Column<TrailRow>[] = [
  { id: 'at', title: 'When', head: true, cell: (r) => <Time at={r.at} exact /> },
  { id: 'who', title: 'Who', cell: (r) => <a href={page('/people', { who: r.who })}>{whoOf(r.who)}</a> },
  { id: 'by', title: 'By', minor: true, cell: (r) => r.by },
  {
    id: 'what',
    title: 'What',
    cell: (r) => (
      <a href={page('/people', { what: r.what })}>
        <code class="breaks">{r.what}</code>
      </a>
    ),
  },
  { id: 'about', title: 'About', wide: true, cell: (r) => r.about },
  {
    id: 'result',
    title: 'Result',
    cell: (r) => {
      const [tone, word] = results[r.result]
      return <Tag tone={tone}>{word}</Tag>
    },
  },
  { id: 'from', title: 'From', minor: true, cell: (r) => (r.from === '-' ? <span class="quiet">this computer</span> : r.from) },
]

function Trail() {
  const { query } = useLocation()
  const answer = useAnswer<TrailAnswer>(api.trail, { who: query.who, what: query.what, limit, after: query.after }, { keep: true })
  const meant = [query.who && `by ${whoOf(query.who)}`, query.what && `of ${query.what}`].filter(Boolean)
  return (
    <section aria-labelledby="trail">
      <h2 id="trail">Trail</h2>
      <p class="lead">
        Every change that was made or refused, by the pages, the API or a command, the latest first. Nothing in it can be changed.
      </p>
      {meant.length > 0 && (
        <p class="filters">
          Only {meant.join(', ')}. <a href="/people">The whole trail</a>
        </p>
      )}
      <Shown answer={answer} what="the trail" rows={8}>
        {({ rows, next }) => (
          <>
            <DataTable
              caption="Trail"
              columns={trailColumns}
              rows={rows}
              keyOf={(r) => r.id}
              busy={answer.busy}
              empty={<Empty title={meant.length > 0 ? 'Nothing in the trail is like this.' : 'Nothing was changed yet.'} />}
            />
            <Pager next={next} shown={rows.length} limit={limit} />
            <p class="unseen" role="status">
              {count(rows.length, 'row')} shown
            </p>
          </>
        )}
      </Shown>
    </section>
  )
}
