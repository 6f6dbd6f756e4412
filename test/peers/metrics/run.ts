/**
 * Metrics before a real Prometheus: it scrapes slmctl serve over the lab that was looked at, checks the format, loads the rules, is
 * asked every expression of the Grafana dashboard, and tests every alert. What the dashboard and the rules name, the export has.
 */
import assert from 'node:assert/strict'
import { appendFileSync, chmodSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { request as plainRequest } from 'node:http'
import { request as tlsRequest } from 'node:https'
import { join } from 'node:path'
import { parse } from 'yaml'
import { storyFleet } from '../../../src/cli/story.ts'
import { afterwards, check, folder, freePort, main, run, start } from '../checks.ts'

const root = join(import.meta.dirname, '../../..')
const dir = folder('metrics')
const file = (name: string) => join(dir, name)
const slmctl = join(root, 'bin/slmctl.cjs')

type Series = { readonly metric: Readonly<Record<string, string>>; readonly value: readonly [number, string] }
type Panel = { readonly title: string; readonly type: string; readonly targets?: readonly { readonly expr: string }[] }
type Rule = { readonly alert: string; readonly expr: string; readonly annotations: Readonly<Record<string, string>> }

function get(url: string, token?: string): Promise<{ readonly status: number; readonly type: string; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const secure = url.startsWith('https:')
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
    const asked = (secure ? tlsRequest : plainRequest)(
      url,
      { headers, ...(secure ? { ca: readFileSync(file('cert.pem')) } : {}) },
      (answer) => {
        const parts: Buffer[] = []
        answer.on('data', (part: Buffer) => parts.push(part))
        answer.on('end', () =>
          resolve({ status: answer.statusCode!, type: String(answer.headers['content-type']), text: Buffer.concat(parts).toString() }),
        )
      },
    )
    asked.on('error', reject)
    asked.end()
  })
}

/** The server, as somebody starts it, over a fleet with a story; and a token for its numbers. */
async function serve(): Promise<{ readonly url: string; readonly token: string }> {
  const fleet = await storyFleet(dir, 60)
  afterwards(fleet.close)
  const where = ['--site', fleet.site, '--store', fleet.store]
  const env = { SLMCTL_STATE: file('state') }
  const [certificate, key] = [file('cert.pem'), file('key.pem')]
  const words = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 90 -subj /CN=slmctl -addext subjectAltName=IP:127.0.0.1'
  const certified = await run('openssl', [...words.split(' '), '-keyout', key, '-out', certificate])
  assert.equal(certified.code, 0, certified.stderr)
  chmodSync(key, 0o600)
  // TLS of its own, as its certificate is a number, too.
  appendFileSync(fleet.site, `server: {tls: {certificate: ${certificate}, key: {file: ${key}}}}\n`)
  writeFileSync(file('password'), 'a password of somebody\n', { mode: 0o600 })
  const added = await run(
    process.execPath,
    [slmctl, 'accounts', 'add', 'maria', '--role', 'viewer', '--password-file', file('password'), ...where],
    { env },
  )
  assert.equal(added.code, 0, added.stderr)
  const made = await run(
    process.execPath,
    [slmctl, 'tokens', 'create', 'prometheus', '--for', 'maria', '--scope', 'metrics', '--json', ...where],
    { env },
  )
  assert.equal(made.code, 0, made.stderr)
  const token = /"(?:token|value|secret)": "([^"]{20,})"/.exec(made.stdout)?.[1]
  assert.ok(token, made.stdout)
  const server = start(process.execPath, [slmctl, 'serve', '--listen', '127.0.0.1:0', '--no-work', '--json', ...where], { env })
  const line = Promise.withResolvers<string>()
  let said = ''
  server.stdout!.on('data', (part: Buffer) => {
    said += part.toString()
    if (said.includes('\n')) line.resolve(said.split('\n')[0]!)
  })
  let errors = ''
  server.stderr!.on('data', (part: Buffer) => {
    errors += part.toString()
  })
  server.once('close', () => line.reject(new Error(`slmctl serve ended: ${errors}`)))
  return { url: (JSON.parse(await line.promise) as { url: string }).url, token }
}

/** A Prometheus that scrapes it every second, with the rules. Answers a question of the query language. */
async function prometheus(url: string, token: string): Promise<(path: string) => Promise<unknown>> {
  writeFileSync(file('token'), token, { mode: 0o600 })
  copyFileSync(join(root, 'docs/prometheus-rules.yml'), file('prometheus-rules.yml'))
  writeFileSync(
    file('prometheus.yml'),
    `global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [prometheus-rules.yml]
scrape_configs:
  - job_name: slmctl
    scheme: https
    tls_config: {ca_file: ${file('cert.pem')}}
    authorization: {credentials_file: ${file('token')}}
    static_configs: [{targets: ['${new URL(url).host}']}]
`,
  )
  const port = await freePort()
  const child = start('prometheus', [
    ...['--config.file', file('prometheus.yml'), '--storage.tsdb.path', file('data'), '--web.listen-address', `127.0.0.1:${port}`],
    ...['--log.level', 'error'],
  ])
  let errors = ''
  child.stderr!.on('data', (part: Buffer) => {
    errors += part.toString()
  })
  const ask = async (path: string): Promise<unknown> => {
    const { text } = await get(`http://127.0.0.1:${port}/api/v1/${path}`)
    const answer = JSON.parse(text) as { status: string; error?: string; data: unknown }
    assert.equal(answer.status, 'success', answer.error ?? 'no reason was told')
    return answer.data
  }
  // Twice scraped: rates have two points then.
  for (const until = Date.now() + 40_000; ; await new Promise((next) => setTimeout(next, 250))) {
    const scraped: unknown = await ask('query?query=count_over_time(slmctl_build_info[1m])').catch(() => null)
    const [series] = (scraped as { result: Series[] } | null)?.result ?? []
    if (series && Number(series.value[1]) >= 4) return ask
    if (Date.now() > until)
      throw new Error(`Prometheus has scraped nothing: ${JSON.stringify(await ask('targets').catch(String))} ${errors.slice(-2000)}`)
  }
}

const dashboard = JSON.parse(readFileSync(join(root, 'docs/grafana-dashboard.json'), 'utf8')) as { readonly panels: readonly Panel[] }
const panels = dashboard.panels.filter((p) => p.type !== 'row')
const rules = (parse(readFileSync(join(root, 'docs/prometheus-rules.yml'), 'utf8')) as { groups: { rules: Rule[] }[] }).groups.flatMap(
  (g) => g.rules,
)
const concrete = (expr: string) => expr.replaceAll('$job', '.*').replaceAll('$instance', '.*').replaceAll('$__rate_interval', '1m')

/** Names and labels of metrics, as an expression has them. */
function named(expr: string): { readonly metrics: string[]; readonly labels: string[] } {
  const bare = expr.replace(/"(?:[^"\\]|\\.)*"/g, '""')
  const lists = [...bare.matchAll(/\b(?:by|on|ignoring|without)\s*\(([^)]*)\)/g)].flatMap((m) => m[1]!.split(','))
  const matched = [...bare.matchAll(/([a-z_]+)\s*(?:=~|!~|!=|=)\s*""/g)].map((m) => m[1]!)
  return {
    metrics: [...bare.matchAll(/\bslmctl_\w+/g)].map((m) => m[0]),
    labels: [...lists.map((l) => l.trim()).filter(Boolean), ...matched],
  }
}

await main(async () => {
  const { url, token } = await serve()
  const exported = await get(`${url}/metrics`, token)
  await check('/metrics is for who has a token', async () => {
    assert.equal((await get(`${url}/metrics`)).status, 401)
    assert.equal(exported.status, 200, exported.text)
    assert.match(exported.type, /^text\/plain; version=0\.0\.4/)
  })
  await check('promtool reads the export, and has one remark: days', async () => {
    const checked = await run('promtool', ['check', 'metrics'], { input: exported.text })
    // People count what is left in days, and so do the commands; the rest is in base units.
    assert.equal(`${checked.stdout}${checked.stderr}`.trim(), 'slmctl_days_left use base unit "seconds" instead of "days"')
  })
  await check('the rules: promtool checks them, and each alert fires where it should, and only there', async () => {
    const checked = await run('promtool', ['check', 'rules', join(root, 'docs/prometheus-rules.yml')])
    assert.equal(checked.code, 0, checked.stderr)
    copyFileSync(join(root, 'docs/prometheus-rules.yml'), file('prometheus-rules.yml'))
    copyFileSync(join(import.meta.dirname, 'rules.test.yml'), file('rules.test.yml'))
    const tested = await run('promtool', ['test', 'rules', 'rules.test.yml'], { cwd: dir })
    assert.equal(tested.code, 0, `${tested.stdout}${tested.stderr}`)
    const tests = readFileSync(file('rules.test.yml'), 'utf8')
    for (const { alert } of rules) {
      assert.match(tests, new RegExp(`alertname: ${alert} \\}`), `${alert} is tested where it does not fire`)
      assert.match(tests, new RegExp(`alertname: ${alert}\\n +exp_alerts`), `${alert} is tested where it fires`)
    }
  })
  const ask = await prometheus(url, token)
  const query = async (expr: string) => ((await ask(`query?query=${encodeURIComponent(expr)}`)) as { result: Series[] }).result
  for (const { title, targets } of panels)
    await check(`Grafana, ${title}: every expression answers`, async () => {
      assert.ok(targets?.length)
      for (const { expr } of targets) {
        const series = await query(concrete(expr))
        assert.ok(series.length > 0, `no series: ${expr}`)
        assert.ok(
          series.some((s) => s.value[1] !== 'NaN'),
          `no number: ${expr}`,
        )
      }
    })
  await check('what the dashboard and the rules name is in the export, metrics and labels', async () => {
    const labels = new Map<string, Set<string>>()
    for (const { metric } of await query('{__name__=~"slmctl_.+"}'))
      labels.set(metric.__name__!, new Set([...(labels.get(metric.__name__!) ?? []), ...Object.keys(metric)]))
    const every = new Set([...labels.values()].flatMap((l) => [...l]))
    const exprs = [...panels.flatMap((p) => p.targets!.map((t) => t.expr)), ...rules.map((r) => r.expr)]
    for (const expr of exprs) {
      const { metrics, labels: used } = named(expr)
      assert.ok(metrics.length > 0 || /\bup\b/.test(expr), expr)
      for (const metric of metrics) assert.ok(labels.has(metric), `${metric} is not exported`)
      for (const label of used) assert.ok(every.has(label), `no metric has the label ${label}: ${expr}`)
    }
    for (const { alert, annotations } of rules)
      for (const [, label] of Object.values(annotations)
        .join(' ')
        .matchAll(/\$labels\.(\w+)/g))
        assert.ok(every.has(label!), `${alert}: ${label}`)
  })
  await check('Prometheus evaluates every rule; what the story has is pending, what it has not is not', async () => {
    await new Promise((next) => setTimeout(next, 2500))
    const { groups } = (await ask('rules')) as {
      groups: { rules: { name: string; health: string; state: string; lastError?: string }[] }[]
    }
    const states = new Map(groups.flatMap((g) => g.rules).map((r) => [r.name, r]))
    assert.equal(states.size, rules.length)
    for (const [name, rule] of states) assert.equal(rule.health, 'ok', `${name}: ${rule.lastError}`)
    assert.equal(states.get('KmsHostDown')!.state, 'pending')
    assert.equal(states.get('ForeignActivations')!.state, 'pending')
    assert.equal(states.get('SlmctlDown')!.state, 'inactive')
    assert.equal(states.get('SlmctlCertificateEnding')!.state, 'inactive')
    assert.equal(states.get('CampaignStuck')!.state, 'inactive')
    assert.equal(states.get('NothingScanned')!.state, 'inactive')
  })
})
