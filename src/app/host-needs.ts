/** What of the KMS hosts needs somebody: silence, a count below what is needed, a name that nobody of us gave. */
import type { Site } from '../model.ts'
import { type SeenGroup, type SeenHost, silentSince, standingOf } from './kept-hosts.ts'
import { type Ask, date, eachShown, type Link, machines, type Need, withoutDot } from './need.ts'

/** What of hosts as they were seen last needs somebody; each by the machines that name it. */
export async function hostNeeds(hosts: readonly SeenHost[], site: Site | null, ask: Ask): Promise<Need[]> {
  const needs: Need[] = []
  for (const host of hosts) {
    const down = standingOf(host) === 'down'
    const wrong = host.state === 'action'
    if (!down && !wrong && !host.groups.some(isLow)) continue
    const { number, link } = await ask({ host: host.name })
    const users = number === 0 ? 'no machine of the fleet names it' : `${machines(number, 'names', 'name')} it`
    const lead = number > 0 ? { number, link } : { number: 1, link: hostLink(host) }
    const severity = number > 0 ? 'action' : 'attention'
    const because = host.problem ? ` (${withoutDot(host.problem.summary)})` : ''
    const low = host.groups.filter(isLow).map((g) => countNeed(host, g, number))
    if (down)
      needs.push({
        ...{ kind: 'host-down', severity, ...lead },
        text: `The KMS host ${called(host)} has given no answer since ${date(silentSince(host)!)}${because}; ${users}.`,
        next: host.problem?.next[0] ?? `slmctl hosts check ${host.name} tries it again.`,
      })
    else if (wrong && low.every((n) => n.severity !== 'action'))
      needs.push({
        ...{ kind: 'host-check', severity, ...lead },
        text: `The check of the KMS host ${called(host)} has said since ${date(host.since!)} that something is wrong; ${users}.`,
        next: `slmctl hosts show ${host.name} says what.`,
      })
    needs.push(...low)
  }
  return [...needs, ...(site === null ? [] : await unknownHostNeeds(hosts, ask))]
}

const called = (host: SeenHost) => (host.port === 1688 ? host.name : `${host.name}:${host.port}`)
const hostLink = (host: SeenHost): Link => ({ page: 'host', query: { host: host.name, port: String(host.port) } })

/** A count that nobody raised yet is none; with the directory in its place, it stays so. */
const isLow = ({ count, thresholds, total }: SeenGroup): boolean =>
  count !== null && (count > 0 || Boolean(total)) && thresholds.some((t) => count < t.count)

/** A count below what somebody needs. Below all of its thresholds a host activates nobody. */
function countNeed(host: SeenHost, { name, release, count, thresholds }: SeenGroup, clients: number): Need {
  const under = thresholds.filter((t) => count! < t.count)
  const nobody = under.length === thresholds.length
  return {
    ...{ kind: 'host-count', severity: nobody && clients > 0 ? 'action' : 'attention', number: count!, link: hostLink(host) },
    text: `${called(host)} counts ${machines(count!)} (${release ?? name ?? 'a host key'}): fewer than ${under.map((t) => `the ${t.count} that ${t.of} needs`).join(' and ')}.`,
    next: `Let more machines ask it, or use another way for few: slmctl hosts show ${host.name}.`,
  }
}

/** Hosts that neither the site file nor its DNS names, and machines do: one sentence for all of them, the most named first. */
async function unknownHostNeeds(hosts: readonly SeenHost[], ask: Ask): Promise<Need[]> {
  const unknown = hosts.filter((h) => !h.declared && h.clients.length > 0)
  const next = `If ${unknown.length === 1 ? 'it is' : 'one is'} yours, name it under kms.hosts of the site file; else find out who set it.`
  const told = await Promise.all(unknown.map(async (host) => ({ host, ...(await ask({ host: host.name })) })))
  const [first, ...others] = told.sort((a, b) => b.number - a.number || (a.host.name < b.host.name ? -1 : 1))
  if (!first) return []
  const kind = 'unknown-host' as const
  if (others.length === 0) {
    const text = `${machines(first.number, 'names', 'name')} the KMS host ${called(first.host)}, which the site file does not know.`
    return [{ kind, severity: 'attention', number: first.number, text, next, link: first.link }]
  }
  const names = told.slice(0, eachShown).map(({ host, number }, i) => `${called(host)} (${i === 0 ? machines(number) : number})`)
  const more = told.length > eachShown ? ` and ${told.length - eachShown} more` : ''
  const text = `${told.length} KMS hosts that machines name are not known to the site file: ${names.join(', ')}${more}.`
  return [{ kind, severity: 'attention', number: told.length, text, next, link: { page: 'hosts', query: {} } }]
}
