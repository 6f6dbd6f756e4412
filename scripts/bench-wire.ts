/**
 * `npm run bench:wire`: what it costs the client to know the licensing state of a machine. One lab of 500 machines in a process of
 * its own, NTLM with sealed bodies; python3-winrm, Ansible, slmctl and a bare loop ask it in turn, with the requests that slmctl
 * sent them in a first run. "fleet scan" keeps what it is told in a new store each time; it asks for more than "status" does, and is
 * compared with a bare loop of its own requests. Compared is the CPU time of the client and its children, by the operating system's account (bash's
 * `time`: user + system of what was waited for), for each machine; wall times stand beside it, because the lab shares the cores.
 * Last line: JSON (CONTRIBUTING.md). Ends with 1 where a client failed, or was told anything else than the others.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { chmodSync, cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { machine } from './bench-machine.ts'
import { buildBare, packageInto, timed as run, type Spent } from './bench-wire/client.ts'
import type { Asked, FromLab, ToLab } from './bench-wire/lab.ts'

const machines = Number(process.env.BENCH_MACHINES ?? 500)
const ansibleMachines = Math.min(100, machines)
/** Rounds of the quick clients and of the slow ones; they are mixed, so that a noisy minute meets all of them. */
const rounds = { quick: Number(process.env.BENCH_ROUNDS ?? 9), slow: 3 }

const home = mkdtempSync(join(tmpdir(), 'slmctl-bench-wire-'))
let lab: ChildProcess | null = null
const tidy = () => {
  lab?.kill('SIGKILL')
  rmSync(home, { recursive: true, force: true })
}
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    tidy()
    process.exit(130)
  })

const timed = (command: readonly string[], env: Readonly<Record<string, string>>, may: readonly number[]) =>
  run(command, home, { ...process.env, ...env }, may)

/** Asks the lab's process. */
function tell(message: ToLab): Promise<FromLab> {
  return new Promise((resolve, reject) => {
    const ended = () => reject(new Error('the lab ended'))
    lab!.once('exit', ended)
    lab!.once('message', (answer) => {
      lab!.off('exit', ended)
      resolve(answer as FromLab)
    })
    lab!.send(message)
  })
}

const median = (list: readonly number[]) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)]!

async function main(): Promise<void> {
  packageInto(home)
  await buildBare(join(home, 'bare.mjs'))
  cpSync('test/peers/clients/status.py', join(home, 'status.py'))
  writeFileSync(
    join(home, 'openssl.cnf'),
    'openssl_conf = init\n[init]\nproviders = providers\n[providers]\ndefault = standard\nlegacy = legacy\n[standard]\nactivate = 1\n[legacy]\nactivate = 1\n',
  )
  const python = { OPENSSL_CONF: join(home, 'openssl.cnf'), no_proxy: '*', NO_PROXY: '*' }
  const node = { NODE_COMPILE_CACHE: join(home, 'cache'), SLMCTL_STATE: join(home, 'state') }

  lab = fork('scripts/bench-wire/lab.ts', [home, String(machines)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const started = await tell({ do: 'start' })
  if (started.did !== 'started') throw new Error('the lab did not start')
  const { user, password, endpoints } = started

  const slmctl = (...words: readonly string[]) => [process.execPath, join(home, 'bin/slmctl.cjs'), ...words]
  const site = ['--site', join(home, 'slmctl.yaml')]
  const list = join(home, 'fleet.txt')
  writeFileSync(list, endpoints.map(({ name }) => `${name}\n`).join(''))
  const bare = (work: string) => timed([process.execPath, join(home, 'bare.mjs'), join(home, work), '128'], node, [0])
  let stores = 0
  const ask = {
    /** 0: all as wished, 1: something is not; 2 would be a machine that could not be asked. */
    slmctl: () => timed(slmctl('status', '--all', ...site, '--json'), node, [0, 1]),
    bare: () => bare('work.json'),
    /** Taking the machines in is not counted: it is done once, and a scan every day. */
    scan: async () => {
      const store = join(home, `fleet-${++stores}.db`)
      await timed(slmctl('fleet', 'import', list, '--store', store), node, [0])
      const done = await timed(slmctl('fleet', 'scan', '--store', store, ...site, '--json'), node, [0, 1])
      for (const end of ['', '-wal', '-shm']) rmSync(store + end, { force: true })
      return done
    },
    'bare for scan': () => bare('work-scan.json'),
    python: () => timed(['/usr/bin/python3', join(home, 'status.py'), join(home, 'work.json'), '64'], python, [0]),
    ansible: () =>
      timed(
        ['/usr/bin/ansible', 'all', '-i', join(home, 'inventory.json'), '-f', '64', '-m', 'raw', '-a', '{{ command }}'],
        { ...python, HOME: home, ANSIBLE_NOCOLOR: '1', ANSIBLE_LOCALHOST_WARNING: 'False' },
        [0],
      ),
  }

  // The first run tells what slmctl asks each machine; its answers are what every later run must get.
  const firstOf = async (client: 'slmctl' | 'scan', file: string) => {
    await tell({ do: 'begin', keep: true })
    const { stdout } = await ask[client]()
    const kept = await tell({ do: 'end' })
    if (kept.did !== 'asked') throw new Error('the lab kept nothing')
    const work = {
      user,
      password,
      machines: endpoints.map((e) => ({ endpoint: e.endpoint, requests: kept.asked[e.name]?.requests ?? [] })),
    }
    if (work.machines.some((m) => m.requests.length === 0)) throw new Error(`slmctl (${client}) did not ask every machine`)
    writeFileSync(join(home, file), JSON.stringify(work))
    return { stdout, asked: kept.asked }
  }
  const first = await firstOf('slmctl', 'work.json')
  const expected = first.asked
  const verdicts = read(first.stdout)
  const { asked: expectedOfScan } = await firstOf('scan', 'work-scan.json')
  const vars = {
    ansible_connection: 'winrm',
    ansible_winrm_scheme: 'http',
    ansible_winrm_transport: 'ntlm',
    ansible_winrm_message_encryption: 'always',
    ansible_user: user,
    ansible_password: password,
  }
  const hosts = Object.fromEntries(
    endpoints
      .slice(0, ansibleMachines)
      .map(({ name, endpoint }) => [
        name,
        { ansible_host: '127.0.0.1', ansible_port: Number(new URL(endpoint).port), command: commandFor(expected[name]!) },
      ]),
  )
  writeFileSync(join(home, 'inventory.json'), JSON.stringify({ all: { hosts, vars } }))
  chmodSync(join(home, 'inventory.json'), 0o600)
  const total = sum(expected)
  console.log(
    `${machines} machines of ${started.scenarios} scenarios; slmctl asked ${total.requests} requests (${(total.requests / machines).toFixed(1)} a machine) and got ${total.rows} rows in ${(total.bytes / 1024 / machines).toFixed(1)} KiB a machine`,
  )

  const spent: Record<keyof typeof ask, Spent[]> = { slmctl: [], bare: [], scan: [], 'bare for scan': [], python: [], ansible: [] }
  const run = async (client: keyof typeof ask, counted = true) => {
    await tell({ do: 'begin', keep: false })
    const done = await ask[client]()
    const answer = await tell({ do: 'end' })
    if (answer.did !== 'asked') throw new Error('the lab kept nothing')
    check(client, done.stdout, answer.asked)
    if (counted) spent[client].push(done)
  }
  /** Every client must have been told the same: for each machine as many requests, answers, rows and bytes as in the first run. */
  const check = (client: keyof typeof ask, stdout: string, asked: Asked) => {
    if (client === 'ansible') {
      for (const { name } of endpoints.slice(0, ansibleMachines)) {
        const part = new RegExp(`^${name.replaceAll('.', '\\.')} \\| CHANGED \\| rc=0 >>\n([^]*?)(?=^\\S+ \\| |$(?![^]))`, 'm').exec(
          stdout,
        )?.[1]
        if (part === undefined) throw new Error(`ansible: no answer of ${name}: ${stdout.slice(0, 500)}`)
        for (const key of started.keys[name]!)
          if (!part.includes(key)) throw new Error(`ansible: ${name} told nothing of the product with key ${key}`)
      }
      return
    }
    const wanted = client === 'scan' || client === 'bare for scan' ? expectedOfScan : expected
    for (const [name, first] of Object.entries(wanted)) {
      const now = asked[name]
      if (
        !now ||
        now.requests.length !== first.requests.length ||
        now.rows !== first.rows ||
        now.bytes !== first.bytes ||
        now.refused.join() !== first.refused.join()
      )
        throw new Error(
          `${client} and ${name}: ${JSON.stringify({ ...now, requests: now?.requests.length })} in place of ${JSON.stringify({ ...first, requests: first.requests.length })}`,
        )
    }
    if (client === 'slmctl') {
      const now = read(stdout)
      for (const [name, verdict] of Object.entries(verdicts))
        if (now[name] !== verdict) throw new Error(`slmctl says of ${name} ${now[name]}, and before ${verdict}`)
    } else if (client === 'python') {
      const { failed, items, faults } = JSON.parse(stdout) as { failed: number; items: number; faults: number }
      if (failed !== 0 || items !== total.rows || faults !== total.faults)
        throw new Error(
          `python3-winrm: ${failed} failures, ${items} rows and ${faults} faults in place of ${total.rows} and ${total.faults}`,
        )
    } else if (client !== 'scan') {
      const { bytes } = JSON.parse(stdout) as { bytes: number }
      const all = sum(wanted).bytes
      if (bytes !== all) throw new Error(`the bare loop read ${bytes} bytes in place of ${all}`)
    }
  }
  // Once without counting: caches of the file system, of Node and of Python.
  await run('slmctl', false)
  await run('bare', false)
  await run('scan', false)
  for (let i = 0; i < rounds.quick; i++) {
    await run('slmctl')
    await run('bare')
    await run('scan')
    await run('bare for scan')
    if (i % Math.ceil(rounds.quick / rounds.slow) === 0) {
      await run('python')
      await run('ansible')
    }
  }

  const of = (client: keyof typeof ask) => {
    const n = client === 'ansible' ? ansibleMachines : machines
    return {
      cpu: median(spent[client].map((s) => s.cpuMs)) / n,
      wall: median(spent[client].map((s) => s.wallMs)) / n,
      all: spent[client].map((s) => s.cpuMs / n),
    }
  }
  const names = {
    slmctl: 'slmctl status --all --json',
    bare: 'bare node:http loop',
    scan: 'slmctl fleet scan, with its store',
    'bare for scan': 'bare loop of the requests of a scan',
    python: 'python3-winrm, 64 threads',
    ansible: `ansible raw, 64 forks (${ansibleMachines} machines)`,
  }
  console.log(`\n${'client'.padEnd(36)}CPU ms a machine   wall ms a machine   rounds`)
  for (const client of ['bare', 'slmctl', 'bare for scan', 'scan', 'python', 'ansible'] as const) {
    const { cpu, wall, all } = of(client)
    console.log(
      `${names[client].padEnd(36)}${cpu.toFixed(2).padStart(9)}${wall.toFixed(2).padStart(19)}           ${all.length} (${Math.min(...all).toFixed(2)} to ${Math.max(...all).toFixed(2)} CPU ms)`,
    )
  }
  const ratio = (a: keyof typeof ask, b: keyof typeof ask) => Number((of(a).cpu / of(b).cpu).toFixed(2))
  console.log(
    JSON.stringify({
      bench: 'wire',
      ratios: [
        { name: 'python3-winrm ÷ slmctl', value: ratio('python', 'slmctl'), goal: 15, better: 'more' },
        { name: 'Ansible ÷ slmctl', value: ratio('ansible', 'slmctl'), goal: 100, better: 'more' },
        { name: 'slmctl ÷ bare', value: ratio('slmctl', 'bare'), goal: 1.5, better: 'less' },
        { name: 'fleet scan, storing ÷ bare', value: ratio('scan', 'bare for scan'), goal: 1.5, better: 'less' },
      ],
      machine: machine(),
    }),
  )
}

/** What slmctl says of each machine; one that it could not ask ends the run. */
function read(stdout: string): Record<string, string> {
  const { machines: list } = JSON.parse(stdout) as {
    machines: { name: string; ok: boolean; machine?: { verdict: string; products?: unknown[] }; problem?: unknown }[]
  }
  if (list.length !== machines) throw new Error(`slmctl told of ${list.length} machines`)
  const failed = list.filter((m) => !m.ok)
  if (failed.length > 0) throw new Error(`slmctl could not ask ${failed.length} machines: ${JSON.stringify(failed[0]).slice(0, 1000)}`)
  return Object.fromEntries(list.map((m) => [m.name, `${m.machine!.verdict}, ${m.machine!.products?.length ?? 0} products`]))
}

/** By which a shell of the lab prints the rows of all queries that slmctl sent to this machine and that were answered. */
function commandFor({ requests, refused }: Asked[string]): string {
  return `wmiquery ${requests.flatMap((xml, i) => (refused.includes(i) ? [] : query(xml))).join(' ; ')}`
}

/** The WQL of a request, as it was before it became XML. */
function query(xml: string): string[] {
  const text = /<w:Filter [^>]*>([^<]*)<\/w:Filter>/.exec(xml)?.[1]
  return text === undefined
    ? []
    : [text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&apos;', "'").replaceAll('&quot;', '"').replaceAll('&amp;', '&')]
}

function sum(asked: Asked): { requests: number; rows: number; bytes: number; faults: number } {
  const total = { requests: 0, rows: 0, bytes: 0, faults: 0 }
  for (const one of Object.values(asked)) {
    total.requests += one.requests.length
    total.rows += one.rows
    total.bytes += one.bytes
    total.faults += one.refused.length
  }
  return total
}

try {
  await main()
} catch (error) {
  console.error(`bench:wire failed: ${error instanceof Error ? error.message : error}`)
  process.exitCode = 1
} finally {
  tidy()
}
