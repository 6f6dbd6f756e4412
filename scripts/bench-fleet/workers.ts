/**
 * How much more four workers do than one: machines that take 200 ms for each answer, eight at once in a worker, on PostgreSQL. Counted
 * are the machines a second from the first tenth of them to the last: how a process starts, and that at the end some have nothing left
 * to do, is a matter of seconds whatever the size of a fleet.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { openStore, postgresUrl } from '../../src/store.ts'
import { programs, type Server, startServer } from '../../test/store/postgres-server.ts'
import { newHome } from './client.ts'
import { labProcess } from './lab.ts'

const answerAfterMs = 200
const atOnce = 8

/** Machines a second. */
export type Worked = { readonly one: number; readonly four: number }

/** Null: PostgreSQL is not installed. */
export async function benchWorkers(machines: number, rounds: number, log: (line: string) => void): Promise<Worked | null> {
  const bin = programs()
  if (bin === null) return null
  const home = newHome()
  const workers: ChildProcess[] = []
  let server: Server | null = null
  const tidy = () => {
    for (const worker of workers.splice(0)) worker.kill('SIGKILL')
    server?.remove()
    home.remove()
  }
  process.once('exit', tidy)
  const lab = await labProcess(home.path('lab'), machines, answerAfterMs)
  try {
    server = await startServer(bin)
    const url = `postgresql://${server.user}@127.0.0.1:${server.port}/postgres`
    const usual = ['--store', url, '--site', home.path('lab/slmctl.yaml')]
    const table = home.path('machines.csv')
    writeFileSync(table, `Name,Group\n${lab.machines.map(({ name, group }) => `${name},${group}\n`).join('')}`)
    await home.run(['slmctl', 'fleet', 'import', table, ...usual], [0])
    const store = await openStore({ postgres: postgresUrl(url) }, { create: false })
    /** Machines a second in a campaign that so many workers wait for. */
    const timed = async (count: number): Promise<number> => {
      const ready: Promise<void>[] = []
      for (let i = 0; i < count; i++) {
        const worker = spawn(process.execPath, [home.slmctl, 'worker', '--parallel', String(atOnce), ...usual], {
          ...{ env: home.env, cwd: home.path('.'), stdio: ['ignore', 'ignore', 'pipe'] },
        })
        workers.push(worker)
        ready.push(
          new Promise((resolve, reject) => {
            let said = ''
            worker.stderr!.on('data', (part) => {
              said += part
              if (said.includes('serves every location')) resolve()
            })
            worker.once('exit', (code) => reject(new Error(`a worker ended with ${code}: ${said}`)))
          }),
        )
      }
      await Promise.all(ready)
      const began = await home.run(['slmctl', 'fleet', 'scan', '--by-workers', '--json', ...usual], [0, 1, 2])
      const from = performance.now()
      const { id, createdAt } = (JSON.parse(began.stdout) as { campaign: { id: number; createdAt: number } }).campaign
      for (;;) {
        const { leased, waits } = await store.standing(id)
        if (leased === 0 && !waits) break
        if (performance.now() - from > 1_800_000) throw new Error('the workers do not come to an end')
        await new Promise((done) => setTimeout(done, 100))
      }
      const { rows } = await store.targets(id, { states: ['done'] }, { limit: 10_000, after: null })
      if (rows.length !== machines)
        throw new Error(`${count} workers asked ${rows.length} of ${machines} machines: ${JSON.stringify(await store.progress(id))}`)
      const ends = rows.map((r) => r.endedAt!).sort((a, b) => a - b)
      const [first, last] = [Math.floor(machines / 10), Math.floor((9 * machines) / 10)]
      const rate = (last - first) / ((ends[last]! - ends[first]!) / 1000)
      const seconds = ((ends.at(-1)! - createdAt) / 1000).toFixed(1)
      log(
        `${count} ${count === 1 ? 'worker ' : 'workers'}: ${machines} machines in ${seconds} s, ${rate.toFixed(2)} a second while all had work`,
      )
      const over = workers.splice(0).map((w) => new Promise((done) => w.once('exit', done).kill('SIGTERM')))
      await Promise.all(over)
      return rate
    }
    const rates = { one: [] as number[], four: [] as number[] }
    for (let i = 0; i < rounds; i++) {
      rates.four.push(await timed(4))
      rates.one.push(await timed(1))
    }
    await store.close()
    const mean = (list: readonly number[]) => list.reduce((sum, n) => sum + n, 0) / list.length
    return { one: mean(rates.one), four: mean(rates.four) }
  } finally {
    lab.kill()
    process.removeListener('exit', tidy)
    tidy()
  }
}
