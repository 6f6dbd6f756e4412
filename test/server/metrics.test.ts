import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Metrics } from '../../src/app.ts'
import { metricsText, metricsType, RequestCounts } from '../../src/server/metrics.ts'

const empty: Metrics = {
  at: 1_800_000_000_000,
  store: { kind: 'sqlite' },
  machines: {
    ...{ listed: 0, vanished: 0, never: 0, unasked: 0, byProblem: [] },
    byVerdict: { ok: 0, attention: 0, action: 0, 'cannot-tell': 0 },
    byOrigin: { own: 0, platform: 0, vendor: 0, 'cannot-tell': 0, suspect: 0, foreign: 0 },
  },
  ...{ products: [], productsByHost: [], hosts: [], campaigns: [] },
  daysLeft: { buckets: [{ upTo: 0, count: 0 }], count: 0, sum: 0 },
  scanned: { lastAt: null, oldestAt: null, never: 0, age: { buckets: [{ upTo: 3600, count: 0 }], count: 0, sum: 0 } },
}
const server = () => ({
  ...{ version: '1.2.3', startedAt: 1_799_999_000_500, listeners: 2, requests: new RequestCounts() },
  certificateEndsAt: null as number | null,
})
const host = (more: Partial<Metrics['hosts'][number]> = {}): Metrics['hosts'][number] => ({
  ...{ name: 'kms1', port: 1688, declared: true, up: true, state: 'ok', checkedAt: 1_799_990_000_000, clients: [], groups: [], ...more },
})

type Sample = { readonly name: string; readonly labels: Readonly<Record<string, string>>; readonly value: number }
/** The text format as its description has it: each family once, HELP and TYPE first, labels with three escapes. */
function read(text: string): { readonly types: Map<string, string>; readonly samples: Sample[] } {
  assert.ok(text.endsWith('\n'))
  const types = new Map<string, string>()
  const samples: Sample[] = []
  let family = ''
  for (const line of text.slice(0, -1).split('\n')) {
    const [, helped] = /^# HELP (\w+) \S.*$/.exec(line) ?? []
    const [, typed, type] = /^# TYPE (\w+) (gauge|counter|histogram)$/.exec(line) ?? []
    if (helped !== undefined) {
      assert.ok(!types.has(helped), `${helped} once`)
      family = helped
      continue
    }
    if (typed !== undefined) {
      assert.equal(typed, family)
      types.set(typed, type!)
      continue
    }
    const [, name, list, value] = /^([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (\S+)$/.exec(line) ?? []
    assert.ok(name?.startsWith(family), line)
    const labels: Record<string, string> = {}
    for (const [, label, quoted] of (list ?? '').matchAll(/([a-z_]+)="((?:[^"\\\n]|\\["\\n])*)"/g))
      labels[label!] = quoted!.replace(/\\(.)/g, (_, c: string) => (c === 'n' ? '\n' : c))
    assert.ok(Number.isFinite(Number(value)), line)
    samples.push({ name: name!, labels, value: Number(value) })
  }
  assert.equal(new Set(samples.map((s) => JSON.stringify([s.name, s.labels]))).size, samples.length, 'no series twice')
  return { types, samples }
}
const all = (text: string, name: string) => read(text).samples.filter((s) => s.name === name)

describe('what /metrics says', () => {
  test('a fleet with nothing in it: every family is there, what was not told is absent', () => {
    const { types, samples } = read(metricsText(empty, server()))
    assert.ok(types.size > 25)
    assert.equal(metricsType, 'text/plain; version=0.0.4; charset=utf-8')
    assert.deepEqual(
      samples.filter((s) => s.name === 'slmctl_build_info'),
      [{ name: 'slmctl_build_info', labels: { version: '1.2.3', store: 'sqlite' }, value: 1 }],
    )
    for (const absent of [
      'slmctl_server_certificate_end_timestamp_seconds',
      'slmctl_scan_oldest_seconds',
      'slmctl_scan_latest_timestamp_seconds',
      'slmctl_kms_host_up',
    ])
      assert.deepEqual(
        samples.filter((s) => s.name === absent),
        [],
        absent,
      )
    assert.deepEqual(samples.find((s) => s.name === 'slmctl_start_timestamp_seconds')?.value, 1_799_999_000.5)
  })

  test('a host nobody could try is no host that is down, and a count that was not told is no 0', () => {
    const group = {
      application: 'windows' as const,
      name: 'n',
      key: 'k',
      at: 0,
      total: null,
      failed: null,
      thresholds: [{ of: 'Office', count: 5 }],
    }
    const text = metricsText(
      {
        ...empty,
        hosts: [
          host({ name: 'untried', up: null, state: null, checkedAt: null }),
          host({ name: 'down', up: false, groups: [{ ...group, count: 0, total: 7, failed: 1 }] }),
          host({ name: 'silent', groups: [{ ...group, count: null }] }),
        ],
      },
      server(),
    )
    const by = (name: string) => Object.fromEntries(all(text, name).map((s) => [s.labels.host, s.value]))
    assert.deepEqual(by('slmctl_kms_host_up'), { down: 0, silent: 1 })
    assert.deepEqual(by('slmctl_kms_host_counted_machines'), { down: 0 })
    assert.deepEqual(by('slmctl_kms_host_threshold'), { down: 5, silent: 5 })
    assert.deepEqual(by('slmctl_kms_host_requests_total'), { down: 7 })
    assert.deepEqual(by('slmctl_kms_host_checked_timestamp_seconds'), { down: 1_799_990_000, silent: 1_799_990_000 })
  })

  test('histograms: each bucket has those before it, +Inf is the count', () => {
    const text = metricsText(
      {
        ...empty,
        daysLeft: {
          buckets: [
            { upTo: 0, count: 2 },
            { upTo: 14, count: 5 },
          ],
          count: 9,
          sum: 812.5,
        },
      },
      server(),
    )
    assert.deepEqual(
      read(text)
        .samples.filter((s) => s.name.startsWith('slmctl_days_left'))
        .map((s) => [s.name, s.labels.le ?? '', s.value]),
      [
        ['slmctl_days_left_bucket', '0', 2],
        ['slmctl_days_left_bucket', '14', 5],
        ['slmctl_days_left_bucket', '+Inf', 9],
        ['slmctl_days_left_sum', '', 812.5],
        ['slmctl_days_left_count', '', 9],
      ],
    )
  })

  test('whatever machines and hosts are called, the text is read back as it was meant, and no name ends a line', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ unit: 'binary', maxLength: 150 }), { minLength: 1, maxLength: 5 }), (names) => {
        const meant = names.map((n) => `${n}"\\\n} 1\n# TYPE evil`.toWellFormed())
        const text = metricsText(
          {
            ...empty,
            productsByHost: meant.map((name, i) => ({ host: name, state: 'licensed', count: i + 1 })),
            hosts: meant.map((name) => host({ name })),
          },
          server(),
        )
        const sums = new Map<string, number>()
        for (const [i, name] of meant.entries()) sums.set(name, (sums.get(name) ?? 0) + i + 1)
        assert.deepEqual(new Map(all(text, 'slmctl_products_by_host').map((s) => [s.labels.host!, s.value])), sums)
      }),
      { numRuns: 60 },
    )
    const [long] = all(metricsText({ ...empty, hosts: [host({ name: 'n'.repeat(5000) })] }, server()), 'slmctl_kms_host_up')
    assert.equal(long!.labels.host!.length, 201)
    const cut = [1, 2].map((n) => ({ host: `${'n'.repeat(300)}${n}`, state: 'licensed' as const, count: n }))
    assert.deepEqual(
      all(metricsText({ ...empty, productsByHost: cut }, server()), 'slmctl_products_by_host').map((s) => s.value),
      [3],
      'names that are one when they are cut are one series',
    )
  })

  test('campaigns without end do not make series without end', () => {
    const byState = { waiting: 1, retrying: 0, running: 0, done: 0, failed: 0, cancelled: 0 }
    const campaigns = Array.from({ length: 5000 }, (_, i) => ({
      id: 5000 - i,
      kind: 'scan' as const,
      state: 'stopped' as const,
      machines: 1,
      byState,
    }))
    const series = all(metricsText({ ...empty, campaigns }, server()), 'slmctl_campaign_machines')
    assert.equal(series.length, 600)
    assert.equal(series[0]!.labels.campaign, '5000')
  })

  test('requests are counted by route, never by the address that was typed; and by method and status in words of ours', () => {
    const requests = new RequestCounts()
    for (let i = 0; i < 1000; i++) requests.note({ method: i % 2 ? 'BREW' : `X${i}`, route: null, status: 404, seconds: 0.001 })
    requests.note({ method: 'GET', route: '/api/v1/fleet/machines', status: 200, seconds: 0.02 })
    requests.note({ method: 'GET', route: '/api/v1/fleet/machines', status: 200, seconds: 100 })
    const text = metricsText(empty, { ...server(), requests })
    const counts = all(text, 'slmctl_http_request_duration_seconds_count')
    assert.deepEqual(
      counts.map((s) => [s.labels, s.value]),
      [
        [{ method: 'other', route: 'none', status: '4xx' }, 1000],
        [{ method: 'GET', route: '/api/v1/fleet/machines', status: '2xx' }, 2],
      ],
    )
    const buckets = all(text, 'slmctl_http_request_duration_seconds_bucket').filter((s) => s.labels.method === 'GET')
    assert.deepEqual(
      buckets.filter((s) => ['0.01', '0.025', '10', '+Inf'].includes(s.labels.le!)).map((s) => s.value),
      [0, 1, 1, 2],
    )
  })
})
