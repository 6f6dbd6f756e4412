/**
 * How soon the single file answers, against the same Node doing nothing (`node.exe -e 0`, patched alike): whole processes under Wine,
 * by turns in one run, medians. The last line is JSON (format: docs/guide/README.md, "Benchmarks").
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { stage } from '../../journeys/lab.ts'
import { check } from '../../peers/checks.ts'
import { classesOf, fixtureText, rowsOf } from '../fixture.ts'
import { windowsPath } from '../wine.ts'
import { scenario } from './journey.ts'
import type { Exe } from './run.ts'

const rounds = Number(process.env.BENCH_ROUNDS ?? 15)
const median = (list: readonly number[]) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)]!

export async function bench(exe: Exe): Promise<void> {
  await check('bench: how soon the single file answers', async () => {
    const s = await stage({ machines: [{ scenario }] })
    const fixture = join(exe.wine.work, 'exe', 'bench-fixture')
    const [machine] = s.lab.machines
    writeFileSync(
      fixture,
      fixtureText({ classes: classesOf(s.lab.tables(machine!.name)), states: [{ rows: rowsOf(s.lab.tables(machine!.name)) }] }),
    )
    await s.close()
    const env = { SLMCTL_FIXTURE: windowsPath(fixture) }
    const time = async (program: string, args: readonly string[], codes: readonly number[]) => {
      const start = performance.now()
      const { code, stdout, stderr } = await exe.wine.provided.run(program, args, { env })
      const took = performance.now() - start
      if (code === null || !codes.includes(code)) throw new Error(`${args.join(' ')} ended with ${code}: ${stdout}${stderr}`)
      return took
    }
    const runs = {
      bare: () => time(exe.wine.node.runs, ['-e', '0'], [0]),
      explain: () => time(exe.path, ['explain', '0xC004F074'], [0]),
      status: () => time(exe.path, ['status'], [0, 1]),
    }
    const took = { bare: [] as number[], explain: [] as number[], status: [] as number[] }
    for (let i = -2; i < rounds; i++) {
      for (const name of ['bare', 'explain', 'status'] as const) {
        const ms = await runs[name]()
        if (i >= 0) took[name].push(ms)
      }
    }
    const of = (name: keyof typeof took) => median(took[name]) / median(took.bare)
    console.log(
      `bare ${median(took.bare).toFixed(0)} ms, explain ${median(took.explain).toFixed(0)} ms, status ${median(took.status).toFixed(0)} ms`,
    )
    console.log(
      JSON.stringify({
        bench: 'exe',
        ratios: [
          { name: 'slmctl.exe explain ÷ node.exe -e 0', value: Number(of('explain').toFixed(2)), goal: 1.5, better: 'less' },
          { name: 'slmctl.exe status ÷ node.exe -e 0', value: Number(of('status').toFixed(2)), goal: 1.5, better: 'less' },
        ],
        bytes: readFileSync(exe.path).length,
        machine: { node: process.version, platform: 'win32-x64 under Wine', cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length },
      }),
    )
  })
}
