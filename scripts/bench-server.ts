/**
 * `npm run bench:server`: the server over 200,000 machines with 4 products each, in SQLite and in PostgreSQL. Of every GET of the API:
 * its p95 against 1.3 × the time of the store's functions for the same question (measured in this process over the same database, both
 * in turn) plus 20 ms. The first page over the wire, by Chromium, with its cache empty. Two hundred listeners of live events for a
 * minute while scans run over a lab of 2,000 machines: none may miss anything, and memory stays. Only ratios of one run count. Last
 * line: JSON (CONTRIBUTING.md). Ends with 1 where something failed or was lost.
 *
 * BENCH_SERVER_MACHINES=10000 makes all of it small (300 machines in the lab, 20 s). BENCH_SERVER=questions,page,listeners: only these;
 * BENCH_STORE=sqlite or postgres: only that one.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { allRoutes } from '../src/server.ts'
import { openStore, postgresUrl, type Store, type Place as StorePlace } from '../src/store.ts'
import { program as chromium } from '../test/browser/browser.ts'
import { addAccount, command, type Place, type Served, serve, tokenOf } from '../test/browser/served.ts'
import { freePort } from '../test/peers/checks.ts'
import { programs, type Server, startServer } from '../test/store/postgres-server.ts'
import { machine } from './bench-machine.ts'
import { firstPage, signedInBy } from './bench-server/first-page.ts'
import { listeners, lost } from './bench-server/listeners.ts'
import { checkedHosts, plansFor } from './bench-server/made-up.ts'
import { type Answered, askAll, type Known, partsOver, questionsTo } from './bench-server/questions.ts'
import { campaignOver, fill } from './bench-store/fleet.ts'

const machines = Number(process.env.BENCH_SERVER_MACHINES ?? 200_000)
const whole = machines >= 50_000
const rounds = Number(process.env.BENCH_ROUNDS ?? 20)
const wanted = (process.env.BENCH_SERVER ?? 'questions,page,listeners').split(',')
const kinds = (['sqlite', 'postgres'] as const).filter((k) => process.env.BENCH_STORE === undefined || process.env.BENCH_STORE === k)
/** Listeners, seconds, machines of the lab. */
const live = { count: 200, seconds: Number(process.env.BENCH_SERVER_SECONDS ?? (whole ? 60 : 20)), machines: whole ? 2000 : 300 }
/** Bytes of the first page. */
const firstPageMost = 80_000

type Ratio = { readonly name: string; readonly value: number; readonly goal: number; readonly better: 'less' | 'more' }
const ratios: Ratio[] = []
const ratio = (name: string, value: number, goal: number) => ratios.push({ name, value: Number(value.toFixed(3)), goal, better: 'less' })
const log = (line: string) => console.log(line)
const seconds = (from: number) => `${((performance.now() - from) / 1000).toFixed(1)} s`

const undo: (() => unknown)[] = []
const home = mkdtempSync(join(tmpdir(), 'slmctl-bench-server-'))

/** A site whose fleet is made up: nothing of it is ever asked. */
async function placeFor(name: string, store: string, labSite: string | null = null): Promise<Place> {
  const state = join(home, `${name}-state`)
  mkdirSync(state, { recursive: true, mode: 0o700 })
  const site = join(labSite === null ? state : resolve(labSite, '..'), `${name}.yaml`)
  const begin =
    labSite === null ? 'organisation: Example University\ndomains: [corp.example]\nnetworks: [10.0.0.0/8]\n' : readFileSync(labSite, 'utf8')
  writeFileSync(site, `${begin}server:\n  listen: "127.0.0.1:${await freePort()}"\n`)
  return { site, store, state }
}

async function known(store: Store, campaign: number, plans: number): Promise<Known> {
  const page = await store.list({ verdict: ['action'] }, { limit: 1, after: null })
  return { machine: page.rows[0]!.id, campaign, plans, host: 'kms7.corp.example', port: 1688 }
}

/** A token of an account that may do everything. */
async function bearer(place: Place): Promise<string> {
  await addAccount(place, 'bench', 'approver', 'a-benchmark-may-do-everything')
  return await tokenOf(place, 'bench', 'apply')
}

async function overStore(kind: 'sqlite' | 'postgres'): Promise<void> {
  let server: Server | null = null
  if (kind === 'postgres') {
    const bin = programs()
    if (bin === null) {
      log('PostgreSQL is not installed, and not measured (apt-get install postgresql)')
      return
    }
    server = await startServer(bin)
    undo.push(server.remove)
  }
  const at = server ? `postgresql://${server.user}@127.0.0.1:${server.port}/postgres` : join(home, 'fleet.db')
  const place: StorePlace = server ? { postgres: postgresUrl(at) } : { file: at }
  const began = performance.now()
  const store = await openStore(place, { create: true })
  let served: Served | null = null
  try {
    await fill(store, machines)
    const campaign = await campaignOver(store, machines)
    await store.setCampaign(campaign, { state: 'stopped', because: 'by the benchmark', at: Date.now() })
    await checkedHosts(store)
    const plans = await plansFor(store, Math.floor(machines / 10))
    await store.compact()
    log(`\n${kind}: ${machines} machines filled in ${seconds(began)}`)
    const here = await placeFor(kind, at)
    const headers = { authorization: `Bearer ${await bearer(here)}`, 'accept-encoding': 'gzip' }
    served = await serve(here, { withinMs: 120_000 })
    if (wanted.includes('questions')) {
      log(`${'GET'.padEnd(64)}${'HTTP p95'.padStart(10)}${'SQL p95'.padStart(10)}   of what is allowed`)
      const questions = await questionsTo(allRoutes, await partsOver(here.site), await known(store, campaign, plans))
      const answers = await askAll(questions, store, { origin: served.origin, headers }, rounds, (a) =>
        log(`${a.name.slice(0, 62).padEnd(64)}${[a.httpMs, a.sqlMs, a.share].map((n) => n.toFixed(2).padStart(10)).join('')}`),
      )
      const worst = answers.reduce((a: Answered, b) => (b.share > a.share ? b : a))
      const name = kind === 'sqlite' ? 'SQLite' : 'PostgreSQL'
      ratio(`${name}: p95 of the slowest GET (${worst.name}) ÷ (1.3 × its SQL + 20 ms)`, worst.share, 1)
    }
    if (wanted.includes('page') && kind === 'sqlite') {
      if (!existsSync(chromium)) log('Chromium is not installed, and the first page not measured (apt-get install chromium)')
      else {
        const page = await firstPage(served.origin, await signedInBy(served.origin, served.link))
        for (const { path, bytes } of page.parts) log(`${path.padEnd(64)}${String(bytes).padStart(10)} bytes`)
        ratio('first page over the wire, bytes ÷ 80,000', page.bytes / firstPageMost, 1)
        ratio('layout shift of the first page ÷ 0.02', page.shift / 0.02, 1)
      }
    }
  } finally {
    await served?.stop()
    await store.close()
    server?.remove()
  }
}

/** A lab as a process, and a store with its machines. */
async function lab(): Promise<{ readonly folder: string; readonly stop: () => Promise<void> }> {
  const folder = join(home, 'lab')
  const child: ChildProcess = spawn(
    process.execPath,
    ['bin/slmctl.cjs', 'lab', '--machines', String(live.machines), '--spread', '--directory', folder],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGTERM')
    await once(child, 'close')
  }
  undo.push(stop)
  let said = ''
  child.stdout!.on('data', (part) => {
    said += part
  })
  for (let i = 0; i < 600 && !/ends the lab/.test(said); i++) await pause(100)
  return { folder, stop }
}

const memoryKb = (pid: number) => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1])

type Headers = Readonly<Record<string, string>>

/** Begins a scan of every machine; answers its number. */
async function scan(served: Served, headers: Headers, key: string): Promise<number> {
  const made = await fetch(`${served.origin}/api/v1/campaigns/scan`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json', 'idempotency-key': `bench-listeners-${key}` },
    body: '{}',
  })
  if (made.status !== 201) throw new Error(`a scan was refused: ${made.status} ${await made.text()}`)
  return ((await made.json()) as { campaign: { id: number } }).campaign.id
}

async function stateOf(served: Served, headers: Headers, id: number): Promise<string> {
  const answer = await fetch(`${served.origin}/api/v1/campaigns/${id}`, { headers })
  return ((await answer.json()) as { campaign: { state: string } }).campaign.state
}

async function ended(served: Served, headers: Headers, id: number): Promise<void> {
  while ((await stateOf(served, headers, id)) === 'running') await pause(250)
}

async function withListeners(): Promise<void> {
  const { folder, stop } = await lab()
  const here = await placeFor('listeners', join(folder, 'fleet.db'), join(folder, 'slmctl.yaml'))
  const imported = await command(here, ['fleet', 'import', join(folder, 'machines.csv'), '--store', here.store, '--site', here.site])
  if (imported.code !== 0) throw new Error(imported.err)
  const headers = { authorization: `Bearer ${await bearer(here)}` }
  const served = await serve(here)
  try {
    // What is loaded and made once is there before anything is measured.
    await ended(served, headers, await scan(served, headers, 'first'))
    const over = await listeners(`${served.origin}/api/v1/events`, live.count, headers)
    const end = performance.now() + live.seconds * 1000
    const begin = performance.now()
    const memory: { readonly at: number; readonly kb: number }[] = []
    let [campaigns, pages] = [0, 0]
    let running = await scan(served, headers, String(campaigns++))
    while (performance.now() < end) {
      await pause(250)
      pages++
      memory.push({ at: performance.now(), kb: memoryKb(served.child.pid!) })
      if ((await stateOf(served, headers, running)) !== 'running' && performance.now() < end - 3000)
        running = await scan(served, headers, String(campaigns++))
    }
    // What is collected goes in waves: the middle of ten seconds, around the tenth and before the last.
    const middle = (from: number, to: number) => {
      const some = memory.filter(({ at }) => at >= from && at <= to).map(({ kb }) => kb)
      return some.sort((a, b) => a - b)[Math.floor(some.length / 2)]!
    }
    const [early, late] = [middle(begin + 5_000, begin + 15_000), middle(end - 10_000, Number.POSITIVE_INFINITY)]
    // What is under way is heard to its end.
    for (let before = -1; before !== over.heard(); ) {
      before = over.heard()
      await pause(1500)
    }
    const heard = over.close()
    const missing = lost(heard)
    for (const line of missing.slice(0, 10)) log(line)
    const events = [...heard[0]!.names].map(([name, n]) => `${n} ${name}`).join(', ')
    log(
      `\n${live.count} listeners, ${live.seconds} s, ${campaigns} scans of ${live.machines} machines: each heard ${heard[0]!.ids.length} events (${events})`,
    )
    log(
      `memory ${Math.round(early / 1000)} MB at 10 s, ${Math.round(late / 1000)} MB at ${live.seconds} s; ${pages} other requests meanwhile`,
    )
    if (heard[0]!.ids.length < 10) throw new Error('hardly an event came')
    if (missing.length > 0) process.exitCode = 1
    ratio(`listeners that lost something, of ${live.count}`, missing.length, 0)
    ratio(`memory at ${live.seconds} s ÷ at 10 s, ${live.count} listeners`, late / early, 1.1)
  } finally {
    await served.stop()
    await stop()
  }
}

async function tidy(): Promise<void> {
  for (const f of undo.splice(0).reverse()) await f()
  rmSync(home, { recursive: true, force: true })
}
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)
  process.once(signal, () => void tidy().then(() => process.exit(code)))

try {
  if (wanted.includes('questions') || wanted.includes('page')) for (const kind of kinds) await overStore(kind)
  if (wanted.includes('listeners')) await withListeners()
  console.log(
    JSON.stringify({
      bench: 'server',
      ratios,
      machine: machine(),
    }),
  )
} catch (error) {
  console.error(`bench:server failed: ${error instanceof Error ? error.stack : error}`)
  process.exitCode = 1
} finally {
  await tidy()
}
