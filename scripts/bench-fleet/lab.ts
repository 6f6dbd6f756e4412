/**
 * A lab of `bench:fleet` in a process of its own, so that its time is not the client's: `lab.ts DIRECTORY MACHINES ANSWER_AFTER_MS`;
 * spoken to over Node's channel. Counts what it was asked, and keeps the requests where that is wished.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startLab } from '../../src/lab.ts'

export type Place = { readonly name: string; readonly address: string; readonly port: number; readonly group: string }
/** Since the last question: requests, machines that were asked, bytes of the answers; by machine what it was asked, where that is kept. */
export type Told = {
  readonly requests: number
  readonly machines: number
  readonly bytes: number
  readonly kept: Readonly<Record<string, readonly string[]>>
}
type ToLab = { readonly do: 'start' } | { readonly do: 'begin'; readonly keep: boolean; readonly at: number } | { readonly do: 'end' }

export type LabProcess = {
  readonly machines: readonly Place[]
  /** From now on the machines show this time; `keep`: what they are asked is kept, word by word. */
  readonly begin: (at: number, keep: boolean) => Promise<void>
  readonly end: () => Promise<Told>
  readonly kill: () => void
}

export const user = 'bench'
export const password = 'Bench-2026-only'

/** Starts one; its site file and password are in `directory`. */
export async function labProcess(directory: string, machines: number, answerAfterMs: number): Promise<LabProcess> {
  mkdirSync(directory, { recursive: true })
  const child: ChildProcess = fork(import.meta.filename, [directory, String(machines), String(answerAfterMs)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const tell = (message: ToLab): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const ended = () => reject(new Error('the lab ended'))
      child.once('exit', ended)
      child.once('message', (answer) => {
        child.off('exit', ended)
        resolve(answer)
      })
      child.send(message)
    })
  const places = (await tell({ do: 'start' })) as readonly Place[]
  return {
    machines: places,
    begin: async (at, keep) => {
      await tell({ do: 'begin', at, keep })
    },
    end: async () => (await tell({ do: 'end' })) as Told,
    kill: () => child.kill('SIGKILL'),
  }
}

async function main([directory, count, answerAfterMs]: readonly string[]): Promise<void> {
  let at = Date.now()
  let keep = false
  let told = { requests: 0, bytes: 0 }
  const asked = new Set<string>()
  let kept: Record<string, string[]> = {}
  const lab = await startLab({
    seed: 7,
    count: Number(count),
    spread: true,
    answerAfterMs: Number(answerAfterMs),
    // Who asks the same at the same time is told the same, to the byte.
    clock: () => at,
    accounts: [{ user, password, domain: 'CORP' }],
    onExchange: (name, request, answer) => {
      told.requests++
      told.bytes += answer.length
      asked.add(name)
      if (!keep) return
      kept[name] ??= []
      kept[name].push(Buffer.from(request).toString())
    },
  })
  writeFileSync(join(directory!, 'slmctl.yaml'), lab.siteYaml())
  writeFileSync(join(directory!, 'lab.password'), `${password}\n`, { mode: 0o600 })
  process.on('message', (message: ToLab) => {
    if (message.do === 'start')
      process.send!(
        lab.machines.map(({ name, address, httpPort }): Place => ({ name, address, port: httpPort, group: lab.placeOf(name)! })),
      )
    else if (message.do === 'end') process.send!({ ...told, machines: asked.size, kept } satisfies Told)
    else {
      at = message.at
      keep = message.keep
      told = { requests: 0, bytes: 0 }
      kept = {}
      asked.clear()
      process.send!('begun')
    }
  })
  process.once('disconnect', () => process.exit(0))
}

if (import.meta.main) await main(process.argv.slice(2))
