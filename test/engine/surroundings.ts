/** What tests of the engine share: its surroundings as the app makes them, against a lab. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { openResolver } from '../../src/directory.ts'
import { type Environment, planOne } from '../../src/engine.ts'
import { type MachinePlan, ProblemError, problem } from '../../src/model.ts'
import { readSecret } from '../../src/secrets.ts'
import { openReaches, reachOf, readSite } from '../../src/site.ts'
import { type Machine, openMachine } from '../../src/windows.ts'
import type { Stage } from '../journeys/lab.ts'

export const pc = 'pc-1.corp.example'

/** The engine's surroundings as the app makes them; `between` may break a machine's connection. */
export function surroundings(s: Stage, between: (machine: Machine) => Machine = (machine) => machine): Environment {
  const { siteFile } = readSite(s.site, readFileSync(s.site, 'utf8'))
  const site = siteFile!.site
  const reaches = openReaches()
  return {
    site,
    names: openResolver({ servers: site.dnsServers }),
    open: async (name) => {
      const [answer] = reachOf(siteFile!, name, {})
      assert.ok(answer?.ok)
      return between(openMachine(await reaches.resolve(answer.reach)))
    },
    wishes: () => site.wishes,
    secret: readSecret,
    partialKey: async () => null,
    clock: () => new Date(),
    parallel: 4,
  }
}
export const none = { renew: false, asked: [] }
export async function planOf(env: Environment): Promise<MachinePlan> {
  const result = await planOne(pc, env, none)
  if (!result.ok) throw new ProblemError(result.problem)
  return result.value
}
export const silent = (code: string) => new ProblemError(problem(code, 'The test broke it.', ['Mend it.']))
