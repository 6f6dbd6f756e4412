/**
 * What /metrics says: the fleet's numbers in the text format of Prometheus 0.0.4 (github.com/prometheus/docs,
 * content/docs/instrumenting/exposition_formats.md). Nothing is counted here but the server's own requests; the rest is `app`'s.
 */
import type { Metrics } from '../app.ts'

/** Media type of the answer. */
export const metricsType = 'text/plain; version=0.0.4; charset=utf-8'

/** What a server says of itself beside the fleet. */
export type ServerNumbers = {
  readonly version: string
  readonly startedAt: number
  /** How many listen to live events. */
  readonly listeners: number
  /** Until when the certificate holds that it shows; null: no TLS of its own. */
  readonly certificateEndsAt: number | null
  readonly requests: RequestCounts
}

type Labels = Readonly<Record<string, string | number>>
type Sample = readonly [labels: Labels, value: number]
type Buckets = {
  readonly buckets: readonly { readonly upTo: number; readonly count: number }[]
  readonly count: number
  readonly sum: number | null
}

/** More campaigns than are looked at in a graph; the newest come first. */
const campaignsMost = 100
/** A label is no place for a text without end: what machines bring is cut. */
const labelMost = 200

/** In a label: a backslash, a quotation mark and a line end are written with a backslash; nothing else needs it. */
function quoted(value: string | number): string {
  const text = String(value).toWellFormed()
  const short = text.length > labelMost ? `${text.slice(0, labelMost).toWellFormed()}…` : text
  return short.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
const labelled = (labels: Labels) => {
  const list = Object.entries(labels)
  return list.length === 0 ? '' : `{${list.map(([name, value]) => `${name}="${quoted(value)}"`).join(',')}}`
}

/** Writes families one after another, each with what it means. */
class Page {
  #text = ''
  #head(name: string, type: 'gauge' | 'counter' | 'histogram', help: string): void {
    this.#text += `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n# TYPE ${name} ${type}\n`
  }
  /** One family; one sample for each set of labels, where a name that was cut would be a second one of the same. */
  family(name: string, type: 'gauge' | 'counter', help: string, samples: readonly Sample[]): void {
    this.#head(name, type, help)
    const sums = new Map<string, number>()
    for (const [labels, value] of samples) {
      const at = labelled(labels)
      sums.set(at, (sums.get(at) ?? 0) + value)
    }
    for (const [at, value] of sums) this.#text += `${name}${at} ${value}\n`
  }
  histogram(name: string, help: string, of: readonly (readonly [Labels, Buckets])[]): void {
    this.#head(name, 'histogram', help)
    for (const [labels, { buckets, count, sum }] of of) {
      for (const b of buckets) this.#text += `${name}_bucket${labelled({ ...labels, le: b.upTo })} ${b.count}\n`
      this.#text += `${name}_bucket${labelled({ ...labels, le: '+Inf' })} ${count}\n`
      if (sum !== null) this.#text += `${name}_sum${labelled(labels)} ${sum}\n`
      this.#text += `${name}_count${labelled(labels)} ${count}\n`
    }
  }
  toString(): string {
    return this.#text
  }
}

/** The fleet and the server, as Prometheus reads it. */
export function metricsText(numbers: Metrics, server: ServerNumbers): string {
  const page = new Page()
  machines(page, numbers)
  products(page, numbers)
  hosts(page, numbers)
  campaigns(page, numbers)
  scans(page, numbers)
  itself(page, numbers, server)
  return page.toString()
}

const words = (counts: Readonly<Record<string, number>>, label: string): Sample[] =>
  Object.entries(counts).map(([word, count]) => [{ [label]: word }, count])

function machines(page: Page, { machines: m }: Metrics): void {
  page.family('slmctl_machines_listed', 'gauge', 'Machines that a source of the fleet lists.', [[{}, m.listed]])
  page.family('slmctl_machines_vanished', 'gauge', 'Machines that no source lists any more.', [[{}, m.vanished]])
  page.family('slmctl_machines_never_answered', 'gauge', 'Listed machines that never answered.', [[{}, m.never]])
  page.family('slmctl_machines', 'gauge', 'Listed machines that answered, by verdict.', words(m.byVerdict, 'verdict'))
  page.family(
    'slmctl_machines_by_origin',
    'gauge',
    'Listed machines that answered, by whose activation it is.',
    words(m.byOrigin, 'origin'),
  )
  page.family(
    'slmctl_machines_unasked',
    'gauge',
    'Listed machines that could not be asked at the last try, by the code of the problem.',
    m.byProblem.map((p) => [{ problem: p.problem }, p.machines]),
  )
}

function products(page: Page, numbers: Metrics): void {
  page.family(
    'slmctl_products',
    'gauge',
    'Products of listed machines, by application, state, channel and whose activation it is.',
    numbers.products.map((p) => [{ application: p.application, state: p.state, channel: p.channel, origin: p.origin }, p.count]),
  )
  page.family(
    'slmctl_products_by_host',
    'gauge',
    'Products that name a KMS host, by host and state; hosts with few products are together in "other".',
    numbers.productsByHost.map((p) => [{ host: p.host, state: p.state }, p.count]),
  )
  page.histogram('slmctl_days_left', 'Days until products end, if nothing renews them; up to 0: their end is past.', [
    [{}, numbers.daysLeft],
  ])
}

function hosts(page: Page, { hosts: list }: Metrics): void {
  const of = (h: Metrics['hosts'][number]) => ({ host: h.name, port: h.port })
  const groups = list.flatMap((h) =>
    h.groups.map((g) => ({ ...g, labels: { ...of(h), application: g.application, key: g.key, name: g.name ?? '' } })),
  )
  const gauge = (name: string, help: string, samples: readonly Sample[]) => page.family(name, 'gauge', help, samples)
  gauge(
    'slmctl_kms_host_up',
    '1: an RPC server answered at the port of the KMS host at the last check; 0: none did; no value: the port was not tried.',
    list.flatMap((h): Sample[] => (h.up === null ? [] : [[{ ...of(h), declared: String(h.declared) }, h.up ? 1 : 0]])),
  )
  gauge(
    'slmctl_kms_host_verdict',
    '1 at the verdict of the last check of a KMS host.',
    list.flatMap((h): Sample[] => (h.state === null ? [] : [[{ ...of(h), verdict: h.state }, 1]])),
  )
  gauge(
    'slmctl_kms_host_checked_timestamp_seconds',
    'When a KMS host was checked last.',
    list.flatMap((h): Sample[] => (h.checkedAt === null ? [] : [[of(h), h.checkedAt / 1000]])),
  )
  gauge(
    'slmctl_kms_host_clients',
    'Machines of the fleet that name a KMS host.',
    list.flatMap((h) => h.clients.map((c): Sample => [{ ...of(h), application: c.application }, c.machines])),
  )
  gauge(
    'slmctl_kms_host_clients_licensed',
    'Machines of the fleet that name a KMS host and are licensed.',
    list.flatMap((h) => h.clients.map((c): Sample => [{ ...of(h), application: c.application }, c.licensed])),
  )
  gauge(
    'slmctl_kms_host_counted_machines',
    'What a KMS host key counts: different machines of the last 30 days, as the host said it last.',
    groups.flatMap((g): Sample[] => (g.count === null ? [] : [[g.labels, g.count]])),
  )
  gauge(
    'slmctl_kms_host_threshold',
    'What the count of a KMS host key must reach, so that it activates.',
    groups.flatMap((g) => g.thresholds.map((t): Sample => [{ ...g.labels, of: t.of }, t.count])),
  )
  page.family(
    'slmctl_kms_host_requests_total',
    'counter',
    'Requests since a KMS host key was installed.',
    groups.flatMap((g): Sample[] => (g.total === null ? [] : [[g.labels, g.total]])),
  )
  page.family(
    'slmctl_kms_host_requests_failed_total',
    'counter',
    'Requests that failed since a KMS host key was installed.',
    groups.flatMap((g): Sample[] => (g.failed === null ? [] : [[g.labels, g.failed]])),
  )
}

function campaigns(page: Page, numbers: Metrics): void {
  const list = numbers.campaigns.slice(0, campaignsMost)
  page.family(
    'slmctl_campaign_machines',
    'gauge',
    'Machines of campaigns that run, are stopped, or ended within a day, by how far they are.',
    list.flatMap((c) => Object.entries(c.byState).map(([state, n]): Sample => [{ campaign: c.id, kind: c.kind, state }, n])),
  )
  page.family(
    'slmctl_campaign_state',
    'gauge',
    '1 at the state of a campaign.',
    list.map((c) => [{ campaign: c.id, kind: c.kind, state: c.state }, 1]),
  )
}

function scans(page: Page, { at, scanned }: Metrics): void {
  page.histogram('slmctl_scan_age_seconds', 'How long ago machines answered last; of those that ever did.', [[{}, scanned.age]])
  page.family(
    'slmctl_scan_oldest_seconds',
    'gauge',
    'Age of the oldest of these answers.',
    scanned.oldestAt === null ? [] : [[{}, Math.max(0, (at - scanned.oldestAt) / 1000)]],
  )
  page.family(
    'slmctl_scan_latest_timestamp_seconds',
    'gauge',
    'When a machine answered last.',
    scanned.lastAt === null ? [] : [[{}, scanned.lastAt / 1000]],
  )
}

function itself(page: Page, { store }: Metrics, server: ServerNumbers): void {
  page.family('slmctl_build_info', 'gauge', 'The version of slmctl that answers, and the kind of its store.', [
    [{ version: server.version, store: store.kind }, 1],
  ])
  page.family('slmctl_start_timestamp_seconds', 'gauge', 'When the server was started.', [[{}, server.startedAt / 1000]])
  page.family(
    'slmctl_server_certificate_end_timestamp_seconds',
    'gauge',
    'When the certificate ends that the server shows; no value: a proxy does TLS, or nobody.',
    server.certificateEndsAt === null ? [] : [[{}, server.certificateEndsAt / 1000]],
  )
  page.family('slmctl_event_listeners', 'gauge', 'Listeners to live events.', [[{}, server.listeners]])
  page.histogram('slmctl_http_request_duration_seconds', 'Requests that were answered, by route and status.', server.requests.all())
}

/** Bounds in seconds: from an answer of the store to one that somebody waits for. */
const secondsBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10] as const

/** Counts requests by their routes: addresses as they were typed are no label, since anybody may type any. */
export class RequestCounts {
  readonly #of = new Map<string, { readonly labels: Labels; readonly below: number[]; count: number; sum: number }>()
  /** `route`: as it is registered (`/api/v1/fleet/machines/:id`); null where none fits. */
  note(request: { readonly method: string; readonly route: string | null; readonly status: number; readonly seconds: number }): void {
    const method = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'].includes(request.method) ? request.method : 'other'
    const labels = { method, route: request.route ?? 'none', status: `${Math.trunc(request.status / 100)}xx` }
    const id = JSON.stringify(labels)
    const of = this.#of.get(id) ?? { labels, below: secondsBounds.map(() => 0), count: 0, sum: 0 }
    this.#of.set(id, of)
    of.count++
    of.sum += request.seconds
    for (const [i, bound] of secondsBounds.entries()) if (request.seconds <= bound) of.below[i]!++
  }
  all(): readonly (readonly [Labels, Buckets])[] {
    return [...this.#of.values()].map(({ labels, below, count, sum }) => [
      labels,
      { buckets: secondsBounds.map((upTo, i) => ({ upTo, count: below[i]! })), count, sum },
    ])
  }
}
