import type { Responder } from './answer.ts'
import { chance } from './chance.ts'
import { Faults } from './faults.ts'
import { type Asleep, fallAsleep, type Machine, startMachine, wakeUp } from './machine.ts'
import type { Network } from './network.ts'
import type { LabOptions } from './option.ts'
import type { Entry } from './roster.ts'
import type { Scenario } from './scenarios/scenario.ts'
import { scenarios } from './scenarios/table.ts'
import type { Counters, Endpoint, House } from './server.ts'
import { Shells } from './shell.ts'

/** What is kept of a machine that nobody talks to: what cannot be made again from the seed. */
type Rest = {
  /** Null where the machine is as the seed makes it. */
  readonly machine: Asleep | null
  readonly calls: Responder['calls']
  readonly faults: Faults
  readonly counters: Counters
}

/** The machines of a lab: each is made when it is first wanted, and only so many are kept ready. */
export type Crowd = {
  /** Null where no machine is called so. */
  readonly find: (name: string) => Endpoint | null
  readonly has: (name: string) => boolean
  /** A machine that is ready now; does not make it. */
  readonly peek: (name: string) => Endpoint | null
  /** Every machine that was ever wanted, with the calls it got. */
  readonly called: () => Iterable<readonly [name: string, calls: Responder['calls']]>
  /** Machines that are ready now. */
  readonly ready: () => Iterable<Endpoint>
  readonly awake: () => number
}

export function gather(
  entries: readonly Entry[],
  options: Pick<LabOptions, 'methodFailure'>,
  around: {
    readonly network: Network
    readonly seed: string
    readonly house: House
    readonly apart: boolean
    readonly away: (name: string) => boolean
  },
  most: number,
): Crowd {
  const { network, seed } = around
  const places = new Map(entries.map((e) => [e.name.toLowerCase(), e]))
  if (places.size !== entries.length) throw new Error('Two machines of the lab have one name.')
  const ready = new Map<string, Endpoint>()
  const resting = new Map<string, Rest>()

  function start(entry: Entry): Machine {
    const scenario: Scenario = scenarios[entry.scenario]
    return startMachine({
      name: entry.name,
      scenarioId: entry.scenario,
      scenario,
      network,
      seed,
      now: 0,
      apart: around.apart,
      image: entry.image,
    })
  }

  function make(name: string, entry: Entry): Endpoint {
    const rest = resting.get(name)
    resting.delete(name)
    const machine = start(entry)
    if (rest?.machine) wakeUp(machine, rest.machine)
    const random = chance(`${seed}/${entry.name}/answers`)
    const failure = (['return-value', 'wmi-error', 'wsman-fault'] as const)[random.below(3)]!
    const form = machine.system.build >= 9200 && random.below(2) === 1 ? 'wmi' : 'wsman'
    return {
      responder: {
        machine,
        methodFailure: entry.methodFailure ?? options.methodFailure ?? failure,
        faultForm: entry.faultForm ?? form,
        calls: rest?.calls ?? [],
        contexts: new Map(),
        encoded: new Map(),
      },
      faults: rest?.faults ?? new Faults(),
      counters: rest?.counters ?? { requests: 0, logons: 0, refusedLogons: 0, operations: {}, bytesIn: 0, bytesOut: 0 },
      house: around.house,
      shells: new Shells(),
      sockets: new Set(),
      certificate: null,
      away: around.away(entry.name),
      httpPort: null,
      httpsPort: null,
      http: null,
      https: null,
    }
  }

  /** The oldest that nobody talks to go, a tenth of all at a time. */
  function lieDown(): void {
    let left = Math.ceil(most / 10)
    for (const [name, endpoint] of ready) {
      if (left <= 0) break
      // Whoever has a port of its own stays, also while it is closed.
      if (endpoint.sockets.size > 0 || endpoint.httpPort !== null || endpoint.httpsPort !== null) continue
      const { responder, faults, counters } = endpoint
      // Its enumerations end with its sleep, as they do where a client waits for too long.
      resting.set(name, { machine: fallAsleep(responder.machine), calls: responder.calls, faults, counters })
      ready.delete(name)
      left--
    }
  }

  return {
    find: (wanted) => {
      const name = wanted.toLowerCase()
      const known = ready.get(name)
      if (known) {
        if (ready.size > most / 2) {
          ready.delete(name)
          ready.set(name, known)
        }
        return known
      }
      const entry = places.get(name)
      if (!entry) return null
      if (ready.size >= most) lieDown()
      const made = make(name, entry)
      ready.set(name, made)
      return made
    },
    has: (name) => places.has(name.toLowerCase()),
    peek: (name) => ready.get(name.toLowerCase()) ?? null,
    called: function* () {
      for (const { responder } of ready.values()) if (responder.calls.length > 0) yield [responder.machine.name, responder.calls] as const
      for (const [name, { calls }] of resting) if (calls.length > 0) yield [places.get(name)!.name, calls] as const
    },
    ready: () => ready.values(),
    awake: () => ready.size,
  }
}
