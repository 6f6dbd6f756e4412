/**
 * The lab of `bench:wire` in a process of its own, so that its time is not the client's: machines of mixed scenarios, and a count
 * of what each client was told. `lab.ts DIRECTORY MACHINES`; spoken to over Node's channel.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Scenario } from '../../src/lab/scenarios/scenario.ts'
import { scenarios } from '../../src/lab/scenarios/table.ts'
import { type ScenarioId, startLab } from '../../src/lab.ts'

/** Of one machine: its requests (empty where they are not kept), and what the answers held. `refused`: which got a fault. */
export type Asked = Record<string, { requests: string[]; refused: number[]; rows: number; bytes: number }>
export type ToLab = { readonly do: 'start' } | { readonly do: 'begin'; readonly keep: boolean } | { readonly do: 'end' }
export type FromLab =
  | {
      readonly did: 'started'
      readonly user: string
      readonly password: string
      readonly scenarios: number
      readonly endpoints: readonly { readonly name: string; readonly endpoint: string }[]
      /** Partial keys that a status of the machine must show. */
      readonly keys: Readonly<Record<string, readonly string[]>>
    }
  | { readonly did: 'begun' }
  | { readonly did: 'asked'; readonly asked: Asked }

const [home, count] = process.argv.slice(2) as [string, string]
const user = 'bench'
const password = 'Bench-2026-only'
const begin = Date.now()
let asked: Asked = {}
let keep = false

const fragment = Buffer.from('<w:XmlFragment')
const output = Buffer.from('_OUTPUT ')
const fault = Buffer.from('<s:Fault>')
function occurrences(bytes: Buffer, what: Buffer): number {
  let n = 0
  for (let at = bytes.indexOf(what); at >= 0; at = bytes.indexOf(what, at + what.length)) n++
  return n
}

/** Every kind of machine of a domain, by its weight and at least once: workgroup machines are asked over HTTPS, which is not measured. */
const mixed = (Object.entries(scenarios) as [ScenarioId, Scenario][]).flatMap(([name, { domain, often }]) =>
  domain === null ? [] : Array<ScenarioId>(Math.max(1, often ?? 0)).fill(name),
)

async function start(): Promise<FromLab> {
  const lab = await startLab({
    seed: 'bench-wire',
    count: Number(count),
    scenarios: mixed,
    // The same answers in every round, byte by byte.
    clock: () => begin,
    accounts: [{ user, password }],
    onExchange: (name, request, answer) => {
      asked[name] ??= { requests: [], refused: [], rows: 0, bytes: 0 }
      const one = asked[name]
      const bytes = Buffer.from(answer.buffer, answer.byteOffset, answer.length)
      if (bytes.includes(fault)) one.refused.push(one.requests.length)
      one.requests.push(keep ? Buffer.from(request).toString() : '')
      one.rows += occurrences(bytes, fragment) + occurrences(bytes, output)
      one.bytes += bytes.length
    },
  })
  writeFileSync(join(home, 'slmctl.yaml'), lab.siteYaml())
  writeFileSync(join(home, 'lab.password'), `${password}\n`, { mode: 0o600 })
  return {
    did: 'started',
    user,
    password,
    scenarios: new Set(lab.machines.map((m) => m.scenario)).size,
    endpoints: lab.machines.map((m) => ({ name: m.name, endpoint: `http://127.0.0.1:${m.httpPort}/wsman` })),
    keys: Object.fromEntries(
      lab.machines.map((m) => [
        m.name,
        lab.state(m.name).products.flatMap((p) => (p.PartialProductKey ? [String(p.PartialProductKey)] : [])),
      ]),
    ),
  }
}

process.on('message', (message: ToLab) => {
  if (message.do === 'start') {
    start().then(
      (answer) => process.send!(answer),
      (error) => {
        console.error(error)
        process.exit(1)
      },
    )
  } else if (message.do === 'begin') {
    asked = {}
    keep = message.keep
    process.send!({ did: 'begun' } satisfies FromLab)
  } else process.send!({ did: 'asked', asked } satisfies FromLab)
})
process.once('disconnect', () => process.exit(0))
