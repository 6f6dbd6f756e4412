/**
 * How soon the single file answers, against the same Node doing nothing (`node.exe -e 0`, patched alike): whole processes under Wine,
 * by turns in one run, medians. What nobody who asks WMI from Node by koffi can save is measured beside it, in a process that does only
 * that (answer-time.ts): loading koffi, and WMI's answers to the very questions of status. The last line is JSON (format: docs/guide/README.md, "Benchmarks").
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { stage } from '../../journeys/lab.ts'
import { check } from '../../peers/checks.ts'
import { classesOf, fixtureText, rowsOf } from '../fixture.ts'
import { tree, windowsPath } from '../wine.ts'
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
    const [calls, questions, answers] = ['calls', 'questions', 'answers'].map((name) => join(exe.wine.work, 'exe', `bench-${name}`)) as [
      string,
      string,
      string,
    ]
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
    // What status asks WMI, in order; then the same by a process that does nothing else.
    await exe.wine.provided.run(exe.path, ['status'], { env: { ...env, SLMCTL_FIXTURE_CALLS: windowsPath(calls) } })
    type Recorded = { readonly op: string; readonly namespace?: string; readonly query?: string }
    const recorded = readFileSync(calls, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Recorded)
    let namespace = ''
    const asked = recorded.flatMap((c) => {
      namespace = c.namespace ?? namespace
      return c.query === undefined ? [] : [{ namespace, query: c.query }]
    })
    if (asked.length === 0) throw new Error('status asked nothing')
    writeFileSync(questions, JSON.stringify(asked))
    const answer = async () => {
      const script = join(tree, 'test/wine/exe/answer-time.ts')
      const { code, stderr } = await exe.wine.provided.node([script, questions, answers].map(windowsPath), { env })
      if (code !== 0) throw new Error(stderr)
      return JSON.parse(readFileSync(answers, 'utf8').trimEnd().split('\n').at(-1)!) as { koffi: number; wmi: number }
    }
    const provider = { koffi: [] as number[], wmi: [] as number[] }
    const took = { bare: [] as number[], explain: [] as number[], status: [] as number[] }
    for (let i = -2; i < rounds; i++) {
      for (const name of ['bare', 'explain', 'status'] as const) {
        const ms = await runs[name]()
        if (i >= 0) took[name].push(ms)
      }
      const { koffi, wmi } = await answer()
      if (i < 0) continue
      provider.koffi.push(koffi)
      provider.wmi.push(wmi)
    }
    const [bare, explain, status] = [took.bare, took.explain, took.status].map(median) as [number, number, number]
    const [koffi, wmi] = [median(provider.koffi), median(provider.wmi)]
    console.log(
      `node.exe -e 0 ${bare.toFixed(0)} ms, explain ${explain.toFixed(0)} ms, status ${status.toFixed(0)} ms; alone: WMI ${wmi.toFixed(0)} ms, koffi ${koffi.toFixed(0)} ms`,
    )
    const ratio = (name: string, value: number) => ({ name, value: Number(value.toFixed(2)), goal: 1.5, better: 'less' })
    console.log(
      JSON.stringify({
        bench: 'exe',
        ratios: [
          ratio('slmctl.exe explain ÷ node.exe -e 0', explain / bare),
          ratio('slmctl.exe status ÷ (node.exe -e 0 + WMI’s answers)', status / (bare + wmi)),
          ratio('slmctl.exe status ÷ (node.exe -e 0 + loading koffi + WMI’s answers)', status / (bare + koffi + wmi)),
          // The same as the first, read more strictly: all that is beyond WMI, against the bare start.
          ratio('(slmctl.exe status − WMI’s answers) ÷ node.exe -e 0', (status - wmi) / bare),
        ],
        bytes: readFileSync(exe.path).length,
        machine: { node: process.version, platform: 'win32-x64 under Wine', cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length },
      }),
    )
  })
}
