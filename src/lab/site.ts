import { activationObjects } from './machine.ts'
import type { Network } from './network.ts'
import { perimeter, places } from './roster.ts'

/** What the site file of a lab says; every value of it is a value of the lab. */
export type SiteOption = {
  /** `https` needs a lab that was started with it. */
  readonly transport?: 'http' | 'https'
  /** Where the password is: the file beside the site file, or a variable. */
  readonly password?: { readonly file: string } | { readonly env: string }
  /** File with the authority's certificate, relative to the site file. */
  readonly ca?: string
}
type Known = {
  readonly machines: readonly {
    readonly name: string
    readonly scenario: string
    readonly domain: string | null
    readonly httpPort: number | null
    readonly httpsPort: number | null
  }[]
  readonly address: string
  readonly user: string
  readonly domain: string | null
  readonly dns: { readonly address: string; readonly port: number }
  readonly network: Network
  /** The port of all machines, where they share one: they are then not listed one by one. */
  readonly port: number | null
}

const locations = `locations:\n${Object.entries(places)
  .map(([name, { network }]) => `  ${name}: { groups: [${name}], networks: [127.${network}.0.0/16] }\n`)
  .join('')}  dmz: { domains: [${perimeter}] }\n`

const quote = (text: string) => JSON.stringify(text)

/** A site file by which slmctl reaches the lab's machines, with wishes that fit an organisation of this kind. */
export function siteYaml(lab: Known, option: SiteOption): string {
  const password = option.password ?? { file: 'lab.password' }
  const secret = 'file' in password ? `{ file: ${quote(password.file)} }` : `{ env: ${password.env} }`
  const ca = option.ca ?? 'lab-ca.pem'
  const domains = [...lab.network.dns.keys()]
  // Ours are the hosts with a private address; a lab may have others, to see them refused.
  const own = lab.network.hosts.filter((h) => h.ip.startsWith('10.'))
  // A host below its threshold is asked last.
  const hostLine = (h: (typeof own)[number]) => {
    const more = `${h.port === 1688 ? '' : `, port: ${h.port}`}${h.windowsCount < 25 ? ', priority: 50' : ''}`
    return more === '' ? h.name : `{ name: ${h.name}${more} }`
  }
  const line = (m: Known['machines'][number]) => {
    const https = m.domain === null || option.transport === 'https'
    const port = https ? m.httpsPort : m.httpPort
    const more = `${https && option.transport !== 'https' ? ', transport: https' : ''}${https ? `, ca: [${quote(ca)}]` : ''}${m.domain === null ? ', credential: local' : ''}`
    return `      - { name: ${m.name}, address: ${quote(lab.address)}, port: ${port}${more} } # ${m.scenario}`
  }
  const inForest = (m: Known['machines'][number]) => m.domain !== null && lab.network.activationObjects.has(m.domain)
  const clients = lab.machines.filter((m) => !inForest(m) && /^(pc|vm)/.test(m.name))
  const servers = lab.machines.filter((m) => !inForest(m) && !/^(pc|vm)/.test(m.name))
  const forests = [...lab.network.activationObjects].map(
    ([domain, object]) =>
      `  - name: ${domain}\n    domains: [${domain}]\n    activation-objects:\n      - ${quote(`CN=${object},${activationObjects(domain)}`)}\n    credential: lab\n`,
  )
  const byDirectory = '    wishes:\n      - { product: windows, by: ad }\n      - { product: office, by: ad }\n'
  const group = (name: string, members: typeof lab.machines, wishes = '') =>
    members.length === 0 ? '' : `  ${name}:\n    machines:\n${members.map(line).join('\n')}\n${wishes}`
  const listed = lab.port === null
  const groups = group('clients', clients) + group('servers', servers) + group('forest', lab.machines.filter(inForest), byDirectory)
  return `# The site file of a lab: simulated machines on this computer.
organisation: Example University
lab: true
domains: [${domains.join(', ')}]
networks: [10.0.0.0/8]
kms:
  hosts: [${own.map(hostLine).join(', ')}]
platforms: [azure, aws, google, oracle]
dns:
  servers: [${quote(lab.dns.address.includes(':') ? `[${lab.dns.address}]:${lab.dns.port}` : `${lab.dns.address}:${lab.dns.port}`)}]
${forests.length === 0 ? '' : `forests:\n${forests.join('')}`}credentials:
  lab: { method: ntlm, user: ${quote(lab.domain ? `${lab.domain}\\${lab.user}` : lab.user)}, password: ${secret} }
  local: { method: ntlm, user: Administrator, password: ${secret} }
reach: { transport: ${option.transport ?? 'http'}, credential: lab${listed ? '' : `, port: ${lab.port}`}${!listed && option.transport === 'https' ? `, ca: [${quote(ca)}]` : ''}, timeout: 20, connect-timeout: 5 }
groups:${groups === '' ? ' {}\n' : `\n${groups}`}${listed ? '' : locations}wishes:
  - { product: windows, by: kms }
  - { product: office, by: kms }
`
}
