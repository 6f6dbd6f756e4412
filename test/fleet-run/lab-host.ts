/**
 * A lab in a process of its own, so that a test's kills and clocks do not reach it. It answers questions of whoever forked it, and
 * counts what it sees at its door: whoever talks to a machine has a connection to it.
 */
import { subscribe } from 'node:diagnostics_channel'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { type Fault, type Lab, type LabOptions, startLab } from '../../src/lab.ts'

/** Who talked to whom at the same time, since the last `reset`. */
export type Seen = {
  /** Machines at once: of all, of each place, and connections of one machine. */
  readonly most: number
  readonly mostAt: Readonly<Record<string, number>>
  readonly mostOfOne: number
  /** Machines that were talked to. */
  readonly machines: readonly string[]
  /** When activations came, ms. */
  readonly activations: readonly number[]
}
export type Executed = { readonly what: string; readonly result: number | null; readonly held: boolean }
/** What a test may ask. */
export type Questions = {
  readonly seen: () => Seen
  readonly reset: () => void
  readonly counts: () => { readonly calls: number; readonly repeated: number }
  /** Every call of every machine that got one. */
  readonly calls: () => Readonly<Record<string, readonly Executed[]>>
  /** LicenseStatus of each product with a key, by activation ID. */
  readonly states: (names: readonly string[]) => Readonly<Record<string, Readonly<Record<string, number>>>>
  readonly fault: (names: readonly string[], fault: Fault | null) => Promise<void>
  readonly absent: (names: readonly string[], how: 'refused' | 'unknown' | 'silent' | null) => Promise<void>
}

const open = new Map<string, Set<Socket>>()
const places = new Map<string, Set<string>>()
let most = 0
let mostOfOne = 0
const mostAt = new Map<string, number>()
const machines = new Set<string>()
const activations: number[] = []

let lab: Lab | null = null

subscribe('http.server.request.start', (message) => {
  const { request } = message as { request: IncomingMessage }
  const { socket } = request
  const name = (request.headers.host ?? '').replace(/:\d+$/, '').toLowerCase()
  const mine = open.get(name) ?? new Set()
  if (mine.has(socket)) return
  open.set(name, mine.add(socket))
  machines.add(name)
  const place = lab?.placeOf(name) ?? '-'
  const here = places.get(place) ?? new Set()
  places.set(place, here.add(name))
  most = Math.max(most, open.size)
  mostOfOne = Math.max(mostOfOne, mine.size)
  mostAt.set(place, Math.max(mostAt.get(place) ?? 0, here.size))
  const gone = () => {
    mine.delete(socket)
    if (mine.size > 0 || open.get(name) !== mine) return
    open.delete(name)
    here.delete(name)
  }
  socket.once('end', gone).once('close', gone)
})

const questions: Questions = {
  seen: () => ({ most, mostAt: Object.fromEntries(mostAt), mostOfOne, machines: [...machines], activations: [...activations] }),
  reset: () => {
    most = 0
    mostOfOne = 0
    mostAt.clear()
    machines.clear()
    activations.length = 0
  },
  counts: () => {
    const { calls, repeated } = lab!.callCounts()
    return { calls, repeated }
  },
  calls: () =>
    Object.fromEntries(
      Object.keys(lab!.callCounts().byMachine).map((name) => [
        name,
        lab!.calls(name).map((c) => ({ what: JSON.stringify([c.class, c.method, c.key, c.arguments]), result: c.result, held: c.held })),
      ]),
    ),
  states: (names) =>
    Object.fromEntries(
      names.map((name) => [
        name,
        Object.fromEntries(
          lab!.state(name).products.flatMap((p) => (p.PartialProductKey ? [[String(p.ID).toLowerCase(), Number(p.LicenseStatus)]] : [])),
        ),
      ]),
    ),
  fault: async (names, fault) => {
    for (const name of names) await lab!.fault(name, fault)
  },
  absent: async (names, how) => {
    for (const name of names) await lab!.absent(name, how)
  },
}

type Asked = { readonly id: number; readonly what: keyof Questions; readonly given: readonly unknown[] }

process.on('message', async ({ id, what, given }: Asked) => {
  const send = (answer: unknown) => process.send?.({ id, ...(answer as object) })
  try {
    send({ answer: await (questions[what] as (...given: readonly unknown[]) => unknown)(...given) })
  } catch (error) {
    send({ error: String(error) })
  }
})
// A test that was killed leaves no lab behind.
process.on('disconnect', () => process.exit(0))

const options = JSON.parse(process.argv[2]!) as LabOptions
lab = await startLab({
  ...options,
  spread: true,
  onExchange: (_machine, request) => {
    if (Buffer.from(request).includes('/Activate</')) activations.push(performance.timeOrigin + performance.now())
  },
})
process.send?.({
  id: 0,
  answer: {
    siteYaml: lab.siteYaml(),
    password: lab.accounts[0]!.password,
    machines: lab.machines.map(({ name, address }) => ({ name, address, place: lab!.placeOf(name) })),
  },
})
