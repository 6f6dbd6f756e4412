/** The site file as the server understood it, and what is wrong with it. Never a secret, never a path to one. */
import type { ComponentChildren } from 'preact'
import type { SiteAnswer } from '../../../src/schemas/api.ts'
import { api, page, pageOfHost } from '../addresses.ts'
import { useAnswer } from '../answer.ts'
import { type Column, DataTable, Empty, PageTitle, Shown, Time } from '../parts.ts'
import { count, number } from '../words.ts'

export default function Site() {
  const answer = useAnswer<SiteAnswer>(api.site)
  return (
    <>
      <PageTitle title="Site" lead="The site file as this server understood it: what counts as your own, and what is wished." />
      <Shown answer={answer} what="the site file" rows={12}>
        {(site) => <Understood site={site} />}
      </Shown>
    </>
  )
}

function Understood({ site }: { readonly site: SiteAnswer }) {
  if (site.file === null)
    return (
      <Empty title="This server runs without a site file.">
        <p>
          Without one nothing counts as your own, and nothing can be changed. <code>slmctl site init</code> writes one to begin with; then{' '}
          <code>slmctl serve --site FILE</code>.
        </p>
      </Empty>
    )
  return (
    <div class="stack">
      <section class="panel" aria-label="The file">
        <dl class="facts">
          <dt>File</dt>
          <dd class="mono">{site.file}</dd>
          <dt>Read</dt>
          <dd>
            <Time at={site.loadedAt} exact />
          </dd>
          <dt>Organisation</dt>
          <dd>{site.organisation ?? <span class="quiet">not named</span>}</dd>
        </dl>
        {site.changed && (
          <p class="note note-look">The file was changed since it was read. What it says now holds when the server is started again.</p>
        )}
        {site.problems.length === 0 ? (
          <p class="quiet">Nothing is wrong with the file as it is now.</p>
        ) : (
          <Problems problems={site.problems} />
        )}
      </section>
      <div class="columns">
        <Panel title="What is your own">
          <dl class="facts">
            <dt>KMS hosts</dt>
            <dd>
              <Items
                none="none: those that your domains publish in DNS"
                items={site.kmsHosts.map((h) => (
                  <a href={pageOfHost(h.name, h.port)}>
                    {h.name}
                    {h.port === 1688 ? '' : `:${h.port}`}
                  </a>
                ))}
              />
            </dd>
            <dt>Domains</dt>
            <dd>
              <Items none="none" items={site.domains} />
            </dd>
            <dt>Networks</dt>
            <dd class="mono">
              <Items none="none" items={site.networks} />
            </dd>
            <dt>Platforms</dt>
            <dd>
              <Items none="none: a cloud’s KMS would be suspect" items={site.platforms} />
            </dd>
            {site.forests.length > 0 && (
              <>
                <dt>Forests</dt>
                <dd>
                  <Items none="" items={site.forests.map((f) => `${f.name}: ${f.domains.join(', ')}`)} />
                </dd>
              </>
            )}
          </dl>
        </Panel>
        <div class="stack">
          <Panel title="What is wished">
            <Items none="Nothing is wished where no group says so." items={site.wishes} />
          </Panel>
          <Panel title="How machines are reached">
            <Items none="No credential is named." items={site.credentials.map((c) => `${c.name}: ${c.method}`)} />
            <p class="quiet">Names and ways only; where the secrets are is in the file.</p>
          </Panel>
          <Panel title="Alerts">
            {site.alerts === null ? (
              <p class="quiet">Nobody is told: the file has no alerts.</p>
            ) : (
              <dl class="facts">
                <dt>By</dt>
                <dd>
                  {[site.alerts.mail ? 'mail' : '', site.alerts.webhooks > 0 ? count(site.alerts.webhooks, 'webhook') : '']
                    .filter(Boolean)
                    .join(', ') || 'nothing'}
                </dd>
                <dt>When</dt>
                <dd>
                  <Items none="never" items={site.alerts.rules} />
                </dd>
              </dl>
            )}
          </Panel>
        </div>
      </div>
      <Tables site={site} />
    </div>
  )
}

const groupColumns: readonly Column<SiteAnswer['groups'][number]>[] = [
  { id: 'name', title: 'Group', head: true, cell: (g) => <a href={page('/machines', { group: g.name })}>{g.name}</a> },
  { id: 'machines', title: 'Machines named', number: true, cell: (g) => number(g.machines) },
  { id: 'wishes', title: 'Wishes', wide: true, cell: (g) => <Items none="as the site wishes" items={g.wishes} /> },
]
const locationColumns: readonly Column<SiteAnswer['locations'][number]>[] = [
  { id: 'name', title: 'Location', head: true, cell: (l) => l.name },
  { id: 'domains', title: 'Domains', cell: (l) => l.domains.join(', ') },
  { id: 'networks', title: 'Networks', cell: (l) => l.networks.join(', ') },
  { id: 'groups', title: 'Groups', cell: (l) => l.groups.join(', ') },
  { id: 'at-once', title: 'At once', number: true, cell: (l) => (l.atOnce === null ? 'no limit' : number(l.atOnce)) },
]
const boughtColumns: readonly Column<SiteAnswer['entitlements'][number]>[] = [
  { id: 'product', title: 'Product', head: true, cell: (e) => e.product },
  { id: 'quantity', title: 'Bought', number: true, cell: (e) => number(e.quantity) },
  { id: 'agreement', title: 'Agreement', wide: true, cell: (e) => e.agreement },
]

function Tables({ site }: { readonly site: SiteAnswer }) {
  return (
    <>
      {site.groups.length > 0 && (
        <section aria-labelledby="groups">
          <h2 id="groups">Groups</h2>
          <DataTable caption="Groups" columns={groupColumns} rows={site.groups} keyOf={(g) => g.name} />
        </section>
      )}
      {site.locations.length > 0 && (
        <section aria-labelledby="locations">
          <h2 id="locations">Locations</h2>
          <DataTable caption="Locations" columns={locationColumns} rows={site.locations} keyOf={(l) => l.name} />
        </section>
      )}
      {site.entitlements.length > 0 && (
        <section aria-labelledby="bought">
          <h2 id="bought">What was bought</h2>
          <DataTable caption="What was bought" columns={boughtColumns} rows={site.entitlements} keyOf={(_, i) => i} />
          <p class="quiet">
            Against what is in use: <a href="/origin">Origin</a>
          </p>
        </section>
      )}
    </>
  )
}

function Problems({ problems }: { readonly problems: SiteAnswer['problems'] }) {
  return (
    <div class="note note-bad">
      <p>
        <strong>{count(problems.length, 'thing is', 'things are')} wrong with the file as it is now.</strong>
      </p>
      <ul class="plain-list">
        {problems.map((p) => (
          <li key={`${p.code}${p.line}${p.summary}`}>
            {p.line !== null && `Line ${p.line}${p.column === null ? '' : `, column ${p.column}`}: `}
            {p.summary} <code>{p.code}</code>
            {p.next.map((n) => (
              <p key={n} class="quiet">
                {n}
              </p>
            ))}
          </li>
        ))}
      </ul>
    </div>
  )
}

function Panel({ title, children }: { readonly title: string; readonly children: ComponentChildren }) {
  const id = title.replaceAll(' ', '-').toLowerCase()
  return (
    <section class="panel" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {children}
    </section>
  )
}

function Items({ items, none }: { readonly items: readonly ComponentChildren[]; readonly none: string }) {
  if (items.length === 0) return <span class="quiet">{none}</span>
  return (
    <ul class="plain-list">
      {items.map((item, i) => (
        <li key={i}>{item}</li>
      ))}
    </ul>
  )
}
