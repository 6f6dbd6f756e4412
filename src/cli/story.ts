/**
 * A fleet with a story, for showing: a lab of Example University that was looked at for some days. Most of it is well; one KMS host
 * died, some machines ask a host that was switched off and lapsed last night, two are copies of one image, others belong to somebody
 * else's host or have a wrong clock.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type App, beginCampaign, openApp, openFleet, rowsOf, type Store, said, sourcesOf, writeSecretFile } from '../app.ts'
import { type Lab, type MachineOption, type ScenarioId, startLab } from '../lab.ts'

export type StoryFleet = {
  readonly lab: Lab
  /** Path of its site file. */
  readonly site: string
  /** Path of its store. */
  readonly store: string
  readonly close: () => Promise<void>
}

/** Kinds of machines that are well, in turn, by the word that their names begin with. */
const well: readonly (readonly [word: string, scenario: ScenarioId, share: number])[] = [
  ['lib', 'win11-enterprise-office-2021', 5],
  ['law', 'win11-enterprise-office-2024-visio', 3],
  ['phys', 'win10-enterprise-office-2019', 3],
  ['pool', 'win10-education-kms', 3],
  ['chem', 'win10-ltsc-2021-kms', 1],
  ['dean', 'win10-pro-oem', 1],
  ['guest', 'win11-pro-digital', 1],
  ['art', 'office-2016-visio', 1],
]
/** And those that are not, or that stand elsewhere: names that a colleague would recognise. */
const others: readonly (readonly [name: string, scenario: ScenarioId, count: number, more?: Partial<MachineOption>])[] = [
  // Told to ask a host that is gone: their grace ends in the ninth day.
  ['exam', 'wrong-host', 6],
  // Their Office asks the host that died.
  ['news', 'product-host', 5],
  ['copy', 'win10-education-kms', 3, { image: 'golden' }],
  ['loan', 'outside-host', 2],
  ['slide', 'clock-off', 2],
  ['desk', 'threshold-not-reached', 2],
  ['media', 'office-wrong-channel', 2],
  ['stage', 'impossible-time', 1],
  ['srv-mail', 'server-2022-kms', 2],
  ['srv-files', 'server-2019-evaluation', 1],
  ['srv-data', 'server-2016-kms', 2],
  ['vm-web', 'avma-guest', 1],
]

/** A small fleet of so many machines, servers and hosts included; always the same. */
function roster(count: number): MachineOption[] {
  const numbered = new Map<string, number>()
  const machine = (word: string, scenario: ScenarioId, more: Partial<MachineOption> = {}): MachineOption => {
    const n = (numbered.get(word) ?? 0) + 1
    numbered.set(word, n)
    const short = `${word.startsWith('srv') || word.startsWith('vm') ? word : `pc-${word}`}-${String(n).padStart(2, '0')}`
    return { name: `${short}.corp.example`, scenario, ...more }
  }
  const told = others.flatMap(([word, scenario, n, more]) => Array.from({ length: n }, () => machine(word, scenario, more)))
  const turn = well.flatMap(([word, scenario, share]) => Array.from({ length: share }, () => [word, scenario] as const))
  const rest = Array.from({ length: Math.max(0, count - told.length - 3) }, (_, i) => machine(...turn[i % turn.length]!))
  return [...told, ...rest]
}

const dayMs = 86_400_000
const dayMinutes = 1440
/** Days before now at which the hosts were checked; the grace of those who ask in vain ends after the last of them. */
const days = [9.4, 8.2, 7.2, 6.2, 5.2, 4.2, 3.2, 2.1, 1.1] as const
/** And those of them on which the fleet was looked at as well. */
const looks: readonly number[] = [9.4, 4.2, 1.1]
/** When the second host died; fewer and fewer asked it before. */
const diedDaysAgo = 3
const deadHost = 'kms2.corp.example'
const countsOfDeadHost: readonly number[] = [44, 43, 41, 38, 36, 33, 31]

/**
 * Starts the lab, looks at it as if some days had passed, and scans it as it is now. `folder`: where the site file, the store and the
 * state of it are; it must exist.
 */
export async function storyFleet(folder: string, count = 150): Promise<StoryFleet> {
  let behindMs = days[0] * dayMs
  const clock = () => Date.now() - behindMs
  const lab = await startLab({ seed: 'story', machines: roster(count), hosts: true, directory: true, clock })
  const site = join(folder, 'slmctl.yaml')
  const file = join(folder, 'fleet.db')
  try {
    await writeSecretFile(join(folder, 'lab.password'), Buffer.from(lab.accounts[0]!.password))
    writeFileSync(join(folder, 'lab-ca.pem'), lab.ca)
    writeFileSync(site, lab.siteYaml())
    mkdirSync(join(folder, 'state'), { recursive: true, mode: 0o700 })
    const app = await openApp({ ...appOptions, siteFile: site, clock: () => new Date(clock()) })
    const store = await openFleet(file, true)
    /** Days pass, in the lab and by the clock. */
    const until = (daysAgo: number) => {
      lab.advance(Math.round((behindMs / dayMs - daysAgo) * dayMinutes))
      behindMs = daysAgo * dayMs
    }
    try {
      for await (const source of sourcesOf(app.site, { ...noSource, siteGroups: true }))
        await store.importMachines(source.machines, { source: source.name, at: clock() })
      for (const [day, daysAgo] of days.entries()) {
        if (daysAgo < diedDaysAgo && lab.absence(deadHost) === null) {
          until(diedDaysAgo)
          lab.host(deadHost, { up: false })
          await lab.absent(deadHost, 'refused')
        }
        until(daysAgo)
        const count = countsOfDeadHost[day]
        if (count !== undefined) lab.host(deadHost, { count })
        if (looks.includes(daysAgo)) await look(app, store, clock())
        await checkHosts(app, store)
      }
      until(0)
      const today = await beginCampaign(store, app.site, everyMachine)
      await app.runCampaigns(store, { campaign: today.id, serves: null }, () => {}, AbortSignal.timeout(120_000))
      await checkHosts(app, store)
    } finally {
      await store.close()
      await app.close()
    }
  } catch (error) {
    await lab.close()
    throw error
  }
  return { lab, site, store: file, close: lab.close }
}

/** Asks every machine, and keeps what it said as of then. */
async function look(app: App, store: Store, at: number): Promise<void> {
  const ids = new Map<string, number>()
  for await (const { id, name } of rowsOf((after) => store.list({}, { limit: 1000, after }))) ids.set(name, id)
  for await (const { name, result } of app.status(ids.keys())) {
    const machine = ids.get(name)!
    const answer = result.ok ? said(machine, at, true, result.value, { uuid: null, cmid: null }) : { machine, at, problem: result.problem }
    await store.observe([answer])
  }
}

async function checkHosts(app: App, store: Store): Promise<void> {
  const hosts = await app.kmsHosts([])
  for await (const _ of hosts.check({ hours: null, client: null, retire: null, whole: false, store }));
}

/** How an app is opened where nothing but the site file says how. */
export const appOptions = {
  ...{ parallel: 32, replay: null, here: null, notice: () => {} },
  reach: {
    ...{ user: null, passwordFile: null, askPassword: false, credential: null, method: null },
    ...{ https: false, port: null, ca: null, pin: null, timeoutSeconds: null },
  },
} as const
const noSource = {
  ...{ files: [], kind: null, zone: null, directory: null, query: {}, user: null, passwordFile: null, startTls: false, ca: null },
  told: () => {},
} as const
const everyMachine = {
  kind: 'scan',
  ...{ filter: {}, selection: 'every machine', plansOf: null, renew: false, asked: [] },
  ...{ atOnce: null, activationsPerMinute: null, window: null, retryForMs: 0, canary: null },
} as const
