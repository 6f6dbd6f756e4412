/**
 * What a scan costs the client for each machine: a large number against a tenth of it, and that tenth against the bare loop of
 * `bench:wire` with the same requests. The bare loop is given the addresses; slmctl asks DNS for each, as a fleet is given by names,
 * and keeps what it was told: both are in its bill.
 */
import { writeFileSync } from 'node:fs'
import { buildBare } from '../bench-wire/client.ts'
import { newHome, type Spent } from './client.ts'
import { labProcess, type Place, password, type Told, user } from './lab.ts'

export type ScanSizes = {
  readonly large: number
  readonly small: number /** Of the small number and the bare loop. */
  readonly rounds: number
}
export type Scanned = {
  /** CPU time for each machine, ms. */
  readonly largeMs: number
  readonly smallMs: number
  readonly largeMb: number
  readonly smallMb: number
  readonly bareMs: number
}

type Campaign = { state: string; machines: number; done: number; groups: { result: string | null; machines: number }[] }

const median = (list: readonly number[]) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)]!

export async function benchScan({ large, small, rounds }: ScanSizes, log: (line: string) => void): Promise<Scanned> {
  const home = newHome()
  process.once('exit', home.remove)
  const lab = await labProcess(home.path('lab'), large, 0)
  try {
    await buildBare(home.path('bare.mjs'))
    const site = ['--site', home.path('lab/slmctl.yaml')]
    const some = (n: number) => Array.from({ length: n }, (_, i) => lab.machines[Math.floor((i * large) / n)]!)
    const expected = new Map<number, string>()
    let store = 0
    /** A scan of so many, into a store of its own. */
    const scan = async (n: number, keep = false): Promise<{ spent: Spent; told: Told; at: number }> => {
      const table = home.path('machines.csv')
      writeFileSync(table, `Name,Group\n${some(n).map(lineOf).join('')}`)
      const kept = ['--store', home.path(`fleet-${++store}.db`)]
      await home.run(['slmctl', 'fleet', 'import', table, ...kept, ...site], [0])
      const at = Date.now()
      await lab.begin(at, keep)
      // 1: not every machine is as wished; 2 would be one that could not be asked.
      const spent = await home.run(['slmctl', 'fleet', 'scan', '--json', ...kept, ...site], [0, 1])
      const told = await lab.end()
      const { campaign } = JSON.parse(spent.stdout) as { campaign: Campaign }
      const verdicts = campaign.groups.map((g) => `${g.machines} ${g.result}`).sort()
      const said = JSON.stringify([told.requests, verdicts])
      if (campaign.state !== 'finished' || campaign.done !== n || told.machines !== n)
        throw new Error(`a scan of ${n} machines: ${campaign.state}, ${campaign.done} done, the lab was asked for ${told.machines}`)
      if ((expected.get(n) ?? said) !== said) throw new Error(`a scan of ${n} machines was told ${said}, and before ${expected.get(n)}`)
      expected.set(n, said)
      log(
        `scan of ${String(n).padStart(6)}: ${(spent.cpuMs / n).toFixed(2)} ms of CPU a machine, ${Math.round(spent.peakMb)} MB, ${Math.round(n / (spent.wallMs / 1000))} machines a second`,
      )
      return { spent, told, at }
    }
    // Once without counting: caches of the file system and of Node. It tells what slmctl asks each machine.
    const first = await scan(small, true)
    const work = some(small).map((m) => ({
      endpoint: `http://${m.name}:${m.port}/wsman`,
      address: m.address,
      requests: first.told.kept[m.name] ?? [],
    }))
    writeFileSync(home.path('work.json'), JSON.stringify({ user, password, machines: work }))
    const loop = async (): Promise<Spent> => {
      // Questions about the last days are answered as at the time at which they were asked first.
      await lab.begin(first.at, false)
      const spent = await home.run([home.path('bare.mjs'), home.path('work.json'), '128'], [0])
      const told = await lab.end()
      if (told.machines !== small || told.requests !== first.told.requests || told.bytes !== first.told.bytes)
        throw new Error(`the bare loop was told ${told.requests} answers in ${told.bytes} bytes by ${told.machines} machines`)
      log(`bare loop of ${small}: ${(spent.cpuMs / small).toFixed(2)} ms of CPU a machine`)
      return spent
    }
    const spent = { small: [] as Spent[], bare: [] as Spent[] }
    const round = async () => {
      spent.bare.push(await loop())
      spent.small.push((await scan(small)).spent)
    }
    // Before and after the large number, so that a slow hour meets all of them.
    for (let i = 1; i < rounds; i++) await round()
    const much = (await scan(large)).spent
    await round()
    const cpu = (list: readonly Spent[]) => median(list.map((s) => s.cpuMs)) / small
    return {
      largeMs: much.cpuMs / large,
      smallMs: cpu(spent.small),
      largeMb: much.peakMb,
      smallMb: median(spent.small.map((s) => s.peakMb)),
      bareMs: cpu(spent.bare),
    }
  } finally {
    lab.kill()
    process.removeListener('exit', home.remove)
    home.remove()
  }
}

const lineOf = ({ name, group }: Place) => `${name},${group}\n`
