/** Whether a credential may be shown to a machine that nobody typed: its name, and maybe its address, come out of a store or a list. */
import { isIP } from 'node:net'
import { addressKind, canonicalHost, inDomains, inNetworks, machineName } from '../addresses.ts'
import { type Problem, problem, type Site } from '../model.ts'

export type Shown = {
  readonly name: string
  /** What a source says; null: DNS is asked. */
  readonly address: string | null
  /** The site file lists the name: somebody gave it. Where it stands, a source may still say what it likes. */
  readonly listed: boolean
  /** NTLM over HTTP: the machine proves nothing, and what it is shown can be guessed at or passed on. Kerberos and TLS prove it. */
  readonly unproved: boolean
}

/**
 * REACH_NOT_OURS, where a password's answer would go to a machine outside of what the site file declares: its domains, forests and
 * locations, and for an address that a source gave its networks and those of its locations. A short name is looked up where this
 * computer looks up its own. Without a site file whoever gives the credential says to whom.
 */
export function notOurs(site: Site | null, { name, address, listed, unproved }: Shown): Problem | null {
  if (site === null || !unproved || (listed && address === null)) return null
  const places = site.locations ?? []
  const domains = [...site.domains, ...site.forests.flatMap((f) => f.domains), ...places.flatMap((l) => l.domains)]
  const networks = [...site.networks, ...places.flatMap((l) => l.networks)]
  const plain = canonicalHost(name)
  const inside = (host: string) => inNetworks(host, networks) || (site.lab === true && addressKind(host) === 'loopback')
  // What is no name of a machine (0xc6336407) may be an address to the system.
  const named = (host: string) =>
    isIP(host) !== 0 ? inside(host) : machineName(host) !== null && (!host.includes('.') || inDomains(host, domains))
  const known = listed || named(plain)
  if (known && (address === null || named(canonicalHost(address)))) return null
  const what = known ? `${name} stands at ${address}, as its source says,` : name
  return problem(
    'REACH_NOT_OURS',
    `${what} is in no domain, network or location of the site file: the password is not used there over NTLM, which does not prove who asks for it.`,
    [
      `If it is yours, declare it under locations: in the site file (domains, networks), or list it in a group${listed ? ' with its address' : ''}.`,
      'Or reach it by Kerberos or HTTPS.',
    ],
  )
}
