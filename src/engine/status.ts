import { boardQuestion, boardUuid, type Judgement, judge, type MachineFacts, planMachine } from '../activation.ts'
import type { MachinePlan } from '../model.ts'
import type { Machine } from '../windows.ts'
import { type Environment, planOptions, type Wished } from './apply.ts'
import { type Collected, collect, problemOf, type Result } from './collect.ts'
import { eachMachine } from './fleet.ts'
import { authority } from './guard.ts'
import { bySeen } from './steps.ts'

export type Named<T> = { readonly name: string; readonly result: Result<T> }

/** By what a machine is known again: the board's UUID and the KMS client machine ID, lower case; null where it has none, or did not say. */
export type Identity = { readonly uuid: string | null; readonly cmid: string | null }

/** Asks one machine and judges what it says. `identity`: its board is asked for its UUID, too; a board that does not tell is no failure. */
export function readMachine(
  name: string,
  env: Environment,
  options: { readonly identity: boolean },
): Promise<Result<{ readonly judged: Judgement; readonly identity: Identity }>> {
  return asked(name, env, async ({ facts, askedAt }, machine) => ({
    judged: judge(facts, env.site, askedAt),
    identity: { uuid: options.identity ? await uuidOf(machine) : null, cmid: cmidOf(facts) },
  }))
}

/** Asks one machine and plans what would bring it to what is wished. Nothing is changed. */
export function planOne(name: string, env: Environment, wished: Wished): Promise<Result<MachinePlan>> {
  return asked(name, env, async ({ facts }) => {
    const may = await authority(facts, env.site, env.names)
    const seen = (await env.hostsSeen?.()) ?? []
    return planMachine(facts, await planOptions(env, name, may, wished, bySeen(may.hosts, seen)))
  })
}

/** Asks machines and judges what they say; results come as machines answer. */
export function statusOf(
  names: Iterable<string> | AsyncIterable<string>,
  env: Environment,
  signal?: AbortSignal,
): AsyncGenerator<Named<Judgement>> {
  const one = async (name: string): Promise<Named<Judgement>> => {
    const result = await readMachine(name, env, { identity: false })
    return { name, result: result.ok ? { ok: true, value: result.value.judged } : result }
  }
  return eachMachine(names, env.parallel, one, signal)
}

/** Asks machines and plans what would bring them to what is wished. Nothing is changed. */
export function plansFor(
  names: Iterable<string>,
  env: Environment,
  wished: Wished,
  signal?: AbortSignal,
): AsyncGenerator<Named<MachinePlan>> {
  return eachMachine(names, env.parallel, async (name) => ({ name, result: await planOne(name, env, wished) }), signal)
}

/** Asks machines and hands their facts to `read`, for what neither judges nor plans. */
export function factsOf<T>(
  names: Iterable<string>,
  env: Environment,
  read: (facts: MachineFacts, name: string) => T,
  signal?: AbortSignal,
): AsyncGenerator<Named<T>> {
  const one = async (name: string) => ({ name, result: await asked(name, env, async ({ facts }) => read(facts, name)) })
  return eachMachine(names, env.parallel, one, signal)
}

/** Opens a machine, collects, and hands on what it said; whatever goes wrong is this machine's Problem. */
async function asked<T>(name: string, env: Environment, then: (collected: Collected, machine: Machine) => Promise<T>): Promise<Result<T>> {
  try {
    const machine = await env.open(name)
    try {
      return { ok: true, value: await then(await collect(machine, env.clock, env.wishes(name), env.carried), machine) }
    } finally {
      await machine.close().catch(() => {})
    }
  } catch (error) {
    return { ok: false, problem: problemOf(error) }
  }
}

async function uuidOf(machine: Machine): Promise<string | null> {
  const { class: of, columns } = boardQuestion
  try {
    const rows = await machine.ask({ class: of, columns })
    return boardUuid(rows?.[0]?.UUID)
  } catch {
    return null
  }
}

/** SoftwareLicensingService.ClientMachineID: asked of every machine with its state. A machine that never asked a KMS host may have none. */
function cmidOf(facts: MachineFacts): string | null {
  const text = facts.service.get('ClientMachineID')?.value.trim().toLowerCase() ?? ''
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text) ? text : null
}
