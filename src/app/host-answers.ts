/** Answers about KMS hosts that were looked at: schema `slmctl.hosts/1`. */
import type { CheckedHost, DomainAnswer } from '../hosts.ts'
import { ProblemError, problem } from '../model.ts'
import type { ObjectsFound } from './activation-objects.ts'
import type { KmsHosts } from './hosts.ts'

/** The hosts that names mean; NO_KMS_HOSTS where the site has none at all. */
export function someHosts(hosts: KmsHosts): KmsHosts {
  if (hosts.hosts.length === 0 && hosts.domains.every((d) => d.problem === null))
    throw new ProblemError(
      problem('NO_KMS_HOSTS', 'The site file names no KMS host, and its domains publish none.', [
        'Name them under kms.hosts of the site file, or its domains under domains.',
      ]),
    )
  return hosts
}

/** What is answered by a command or a route: the hosts, their fields in one order. */
export const hostsAnswer = (
  command: 'discover' | 'check' | 'show',
  domains: readonly DomainAnswer[],
  hosts: readonly CheckedHost[],
  objects: ObjectsFound | null = null,
) => ({ schema: 'slmctl.hosts/1' as const, command, domains, hosts: hosts.map(entry), objects })

function entry(h: CheckedHost) {
  const { name, port, named, declared, publishedBy, standing, verdict, cause, next, ports, said, problem, requests } = h
  const { forecast, users, remarks } = h
  return {
    ...{ name, port, named, declared, publishedBy, standing, verdict, cause, next, ports, said, problem, requests },
    ...{ forecast, users, remarks },
  }
}

/** Eight days: a machine that is activated asks every seven. */
export const storyHours = 192
