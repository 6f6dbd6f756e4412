import { chance } from './chance.ts'
import type { MachineOption } from './option.ts'
import type { Scenario } from './scenarios/scenario.ts'
import { type ScenarioId, scenarios } from './scenarios/table.ts'

/** Where the machines of no domain stand in a large lab: by full names, as clients find all of them by DNS. */
export const perimeter = 'dmz.example'

/** Who is in a lab: names, kinds, places and who is away, from the seed alone, so that a machine is the same whenever it is made. */
export type Entry = MachineOption & { readonly name: string }

/** How a machine is not there: nothing listens; DNS does not know it; it takes the connection and never says a word. */
export type Absence = 'refused' | 'unknown' | 'silent'
export type Shares = { readonly [how in Absence]?: number }

/** Of a hundred machines that are away; a machine that never answers costs whoever asks it the whole limit. */
const usualAway: Readonly<Record<Absence, number>> = { refused: 0.8, unknown: 0.15, silent: 0.05 }

/** Where a large lab's machines stand, and how many of a hundred. Each place has a network of its own in 127/8. */
export const places = {
  berlin: { share: 50, network: 21 },
  hamburg: { share: 25, network: 22 },
  munich: { share: 15, network: 23 },
  remote: { share: 10, network: 24 },
} as const
export type Places = typeof places
export type Place = keyof Places
/** Listening addresses of each place: with a few hundred in all, no client runs out of ports towards one of them. */
export const addressesOfPlace = 64

const weighed = (Object.entries(scenarios) as [ScenarioId, Scenario][]).flatMap(([id, s]) => Array<ScenarioId>(s.often ?? 0).fill(id))

/** A fleet by number: kinds by weight (`often`), or the scenarios that were named, in turn. */
export function chosen(
  option: { readonly count?: number; readonly scenarios?: readonly ScenarioId[] },
  random: ReturnType<typeof chance>,
): MachineOption[] {
  const count = option.count ?? option.scenarios?.length ?? 20
  if (option.scenarios) return Array.from({ length: count }, (_, i) => ({ scenario: option.scenarios![i % option.scenarios!.length]! }))
  return Array.from({ length: count }, () => ({ scenario: weighed[random.below(weighed.length)]! }))
}

/** Of a thousand machines so many have a part in a story, and which. */
const parts: readonly { readonly of: number; readonly part: MachineOption }[] = [
  { of: 20, part: { scenario: 'clock-off' } },
  { of: 15, part: { scenario: 'win10-education-kms', image: 'golden' } },
  { of: 10, part: { scenario: 'outside-host' } },
  { of: 30, part: { scenario: 'other-domain' } },
  { of: 20, part: { scenario: 'win10-expired' } },
]

/** Gives some machines a part in a story, spread evenly, at least one for each part and two for what is shared. */
export function withStory(machines: readonly MachineOption[]): MachineOption[] {
  const told = [...machines]
  const wanted = parts.flatMap(({ of, part }) => {
    const least = part.image ? 2 : 1
    return Array<MachineOption>(Math.max(least, Math.round((machines.length * of) / 1000))).fill(part)
  })
  const step = machines.length / wanted.length
  if (step >= 1)
    wanted.forEach((part, i) => {
      told[Math.floor(i * step)] = part
    })
  return told
}

/** The KMS hosts of a network as machines. */
export const hostMachines = (hosts: readonly { readonly name: string; readonly windowsCount: number }[]): MachineOption[] =>
  hosts.map(({ name, windowsCount }) => ({ name, scenario: windowsCount < 25 ? 'kms-host-low-count' : 'kms-host-2022' }))

/**
 * Gives every machine a name: `pc-0001.corp.example`, or a short one in a workgroup. In a lab whose machines are found by DNS
 * (`full`) a machine of a workgroup has a full name, too.
 */
export function named(machines: readonly MachineOption[], full: boolean): Entry[] {
  const numbers = new Map<string, number>()
  return machines.map((m) => {
    if (m.name) return { ...m, name: m.name }
    const scenario: Scenario = scenarios[m.scenario]
    const prefix = scenario.prefix ?? 'pc'
    const n = (numbers.get(prefix) ?? 0) + 1
    numbers.set(prefix, n)
    const short = `${prefix}-${String(n).padStart(4, '0')}`
    const domain = scenario.domain === null ? (full ? perimeter : null) : (scenario.domain ?? 'corp.example')
    return { ...m, name: domain === null ? short : `${short}.${domain}` }
  })
}

/** A number in [0, 1) that belongs to a machine and a purpose. */
export const lot = (seed: string, name: string, purpose: string): number => chance(`${seed}/${name.toLowerCase()}/${purpose}`).next()

export function placeOf(seed: string, name: string): Place {
  let left = lot(seed, name, 'place') * 100
  for (const [place, { share }] of Object.entries(places)) {
    left -= share
    if (left < 0) return place as Place
  }
  return 'berlin'
}

/** Which of its place's addresses a machine has. */
export function addressOf(seed: string, name: string): string {
  const { network } = places[placeOf(seed, name)]
  return `127.${network}.0.${1 + Math.floor(lot(seed, name, 'address') * addressesOfPlace)}`
}

/** In which way a machine is away from the start; null where it is there. */
export function awayAtFirst(seed: string, name: string, off: number | Shares | undefined): Absence | null {
  if (!off) return null
  const shares: Shares =
    typeof off === 'number' ? { refused: off * usualAway.refused, unknown: off * usualAway.unknown, silent: off * usualAway.silent } : off
  let left = lot(seed, name, 'away')
  for (const how of ['refused', 'unknown', 'silent'] as const) {
    left -= shares[how] ?? 0
    if (left < 0) return how
  }
  return null
}
