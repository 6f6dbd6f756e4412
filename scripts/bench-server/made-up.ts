/** What a server is asked about beside machines: hosts with a history, plans of a campaign. Made up, the same in every run. */
import type { MachinePlan, Step } from '../../src/model.ts'
import type { Store } from '../../src/store.ts'
import { day, now } from '../bench-store/fleet.ts'

/** The hosts that the machines name, checked twice a day for 50 days. */
export async function checkedHosts(store: Store): Promise<void> {
  const hosts = Array.from({ length: 30 }, (_, i) => ({ name: `kms${i}.corp.example`, port: 1688, sources: ['site'] }))
  const ids = await store.saveHosts(hosts, now)
  for (const [i, host] of ids.entries())
    for (let half = 100; half > 0; half--) {
      const count = { application: 'windows', name: 'Windows Server 2022', partialKey: '3P6XD', count: 20 + ((i * 7 + half) % 31) } as const
      const more = { thresholds: [{ of: 'client Windows', count: 25 }], total: 18_000 - half, failed: 20 } as const
      const check = {
        host,
        at: now - (half * day) / 2,
        address: `10.0.0.${i + 1}`,
        state: i === 9 ? 'refused' : 'rpc',
        problem: null,
        told: null,
      }
      await store.saveCheck({ ...check, counts: [{ ...count, ...more }] })
    }
}

const step: Step = {
  ...{ change: 'kms-host', what: 'use the KMS host kms1.corp.example', because: 'kms-old is no KMS host of the site file.' },
  ...{
    class: 'SoftwareLicensingService',
    key: null,
    method: 'SetKeyManagementServiceMachine',
    arguments: { MachineName: 'kms1.corp.example' },
  },
  ...{ product: null, host: null, secret: null, activates: false },
}
const planFor = (machine: number, changes: boolean): MachinePlan => ({
  ...{
    id: 'm',
    name: `machine ${machine}`,
    holds: [],
    steps: changes ? [step, { ...step, what: 'activate Windows', activates: true }] : [],
  },
  ...{ refused: [], missing: [], fallbacks: [], fingerprint: String(machine), changes: changes ? ['kms-host'] : [] },
})

/** A plan for so many machines that has ended; two of five would be changed. Answers its number. */
export async function plansFor(store: Store, machines: number): Promise<number> {
  const campaign = await store.createCampaign({ key: 'bench-plans', kind: 'plan', name: 'every machine', settings: {}, at: now })
  const ids = Array.from({ length: machines }, (_, i) => i + 1)
  for (let i = 0; i < machines; i += 5000)
    await store.addTargets(
      campaign,
      ids.slice(i, i + 5000).map((machine) => ({ machine, site: '-', position: machine })),
      now,
    )
  await store.setCampaign(campaign, { state: 'running', because: null, at: now })
  for (let left = machines; left > 0; left -= 500) {
    const held = await store.claimTargets({
      ...{ campaign, site: '-', owner: 'w', now, leaseMs: day, mostAtOnce: null, upTo: null, limit: Math.min(500, left) },
    })
    const changes = (machine: number) => machine % 5 < 2
    await store.savePlans(
      held.map(({ machine }) => ({ key: `bench-plans/${machine}`, machine, campaign, at: now, plan: planFor(machine, changes(machine)) })),
    )
    await store.endTargets(
      held.map((h) => ({
        held: h,
        end: {
          ...{ state: 'done', problemCode: null, outcome: null, at: now },
          result: changes(h.machine) ? 'use the KMS host kms1.corp.example, activate Windows' : 'nothing to change',
        },
      })),
    )
  }
  await store.setCampaign(campaign, { state: 'finished', because: null, at: now })
  return campaign
}
