import { type Judgement, judge, type MachineFacts, planMachine } from '../activation.ts'
import type { MachinePlan } from '../model.ts'
import { type Environment, planOptions, type Wished } from './apply.ts'
import { type Collected, collect, problemOf, type Result } from './collect.ts'
import { eachMachine } from './fleet.ts'
import { authority } from './guard.ts'

export type Named<T> = { readonly name: string; readonly result: Result<T> }

/** Asks machines and judges what they say; results come as machines answer. */
export function statusOf(
  names: Iterable<string> | AsyncIterable<string>,
  env: Environment,
  signal?: AbortSignal,
): AsyncGenerator<Named<Judgement>> {
  return eachMachine(names, env.parallel, (name) => asked(name, env, async (c) => judge(c.facts, env.site, c.askedAt)), signal)
}

/** Asks machines and plans what would bring them to what is wished. Nothing is changed. */
export function plansFor(
  names: Iterable<string>,
  env: Environment,
  wished: Wished,
  signal?: AbortSignal,
): AsyncGenerator<Named<MachinePlan>> {
  return eachMachine(
    names,
    env.parallel,
    (name) =>
      asked(name, env, async ({ facts }) => {
        const may = await authority(facts, env.site, env.names)
        return planMachine(facts, await planOptions(env, name, may, wished))
      }),
    signal,
  )
}

/** Asks machines and hands their facts to `read`, for what neither judges nor plans. */
export function factsOf<T>(
  names: Iterable<string>,
  env: Environment,
  read: (facts: MachineFacts, name: string) => T,
  signal?: AbortSignal,
): AsyncGenerator<Named<T>> {
  return eachMachine(names, env.parallel, (name) => asked(name, env, async ({ facts }) => read(facts, name)), signal)
}

/** Opens a machine, collects, and hands the facts on; whatever goes wrong is this machine's Problem. */
async function asked<T>(name: string, env: Environment, then: (collected: Collected) => Promise<T>): Promise<Named<T>> {
  try {
    const machine = await env.open(name)
    try {
      return { name, result: { ok: true, value: await then(await collect(machine, env.clock, env.wishes(name), env.carried)) } }
    } finally {
      await machine.close().catch(() => {})
    }
  } catch (error) {
    return { name, result: { ok: false, problem: problemOf(error) } }
  }
}
