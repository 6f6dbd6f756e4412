import { wholeNumber } from '../clues/shapes.ts'
import { change, forWhom, type Level, levelOf, sameHost, step, valueAt } from './change.ts'

const standard = 1688

/** Which KMS host the machine, or one product, is told to use. Setting one turns DNS discovery off. */
export const kmsHost = change<{ readonly name: string; readonly level: Level }>({
  id: 'kms-host',
  about: 'The KMS host that a machine or a product is told to use is one of the site’s own',
  holds: (facts, { name, level }) => sameHost(valueAt(facts, level, 'KeyManagementServiceMachine'), name),
  steps: ({ name, level }, because) => [
    step(
      {
        change: 'kms-host',
        what: `use the KMS host ${name}${forWhom(level)}`,
        because,
        method: 'SetKeyManagementServiceMachine',
        arguments: { MachineName: name },
      },
      level,
    ),
  ],
  wanted: (s) => ({ name: String(s.arguments.MachineName), level: levelOf(s) }),
  seen: (facts, { level }) => `It is told to use ${valueAt(facts, level, 'KeyManagementServiceMachine') ?? 'no host'}.`,
})

export const kmsPort = change<{ readonly port: number; readonly level: Level }>({
  id: 'kms-port',
  about: 'The port of the KMS host is the one that the site gives it',
  holds: (facts, { port, level }) => portAt(facts, level) === port,
  steps: ({ port, level }, because) => [
    step(
      {
        change: 'kms-port',
        what: `use port ${port}${forWhom(level)}`,
        because,
        method: 'SetKeyManagementServicePort',
        arguments: { PortNumber: port },
      },
      level,
    ),
  ],
  wanted: (s) => ({ port: Number(s.arguments.PortNumber), level: levelOf(s) }),
  seen: (facts, { level }) => `It is told to use port ${portAt(facts, level)}.`,
})

function portAt(facts: Parameters<typeof valueAt>[0], level: Level): number {
  return wholeNumber(valueAt(facts, level, 'KeyManagementServicePort') ?? '') || standard
}

const cleared = (id: string, because: string, what: string, level: Level) => [
  step({ change: id, what, because, method: 'ClearKeyManagementServiceMachine' }, level),
  step({ change: id, what: `use the standard port again${forWhom(level)}`, because, method: 'ClearKeyManagementServicePort' }, level),
]

/** Back to DNS: neither a host nor a port is set. */
export const kmsDns = change<{ readonly level: Level; readonly part: 'host' | 'port' | 'both' }>({
  id: 'kms-dns',
  about: 'No KMS host is set, so that DNS names it',
  holds: (facts, { level, part }) =>
    (part === 'port' || valueAt(facts, level, 'KeyManagementServiceMachine') === null) &&
    (part === 'host' || !wholeNumber(valueAt(facts, level, 'KeyManagementServicePort') ?? '')),
  steps: ({ level }, because) => cleared('kms-dns', because, `let DNS name the KMS host${forWhom(level)}`, level),
  wanted: (s) => ({ level: levelOf(s), part: partOf(s.method) }),
  seen: (facts, { level }) =>
    `The host that is set: ${valueAt(facts, level, 'KeyManagementServiceMachine') ?? 'none'}; the port: ${valueAt(facts, level, 'KeyManagementServicePort') ?? 'none'}.`,
})

/** A host that is not ours, or that cannot exist, is no longer set. */
export const foreignHost = change<{ readonly level: Level; readonly part: 'host' | 'port' | 'both' }>({
  id: 'foreign-host',
  about: 'No KMS host is set that is not the site’s own, or that cannot exist',
  holds: kmsDns.holds,
  steps: ({ level }, because) => cleared('foreign-host', because, `clear the KMS host that is not ours${forWhom(level)}`, level),
  wanted: kmsDns.wanted,
  seen: kmsDns.seen,
})

const partOf = (method: string) => (method === 'ClearKeyManagementServicePort' ? 'port' : 'host')

/** Whether the machine remembers the host of its last activation. */
export const hostCaching = change<{ readonly caching: boolean; readonly level: Level }>({
  id: 'host-caching',
  about: 'The machine remembers the KMS host that it found, or asks DNS each time',
  holds: (facts, { caching, level }) =>
    !/^(?:false|0)$/i.test(valueAt(facts, level, 'KeyManagementServiceHostCaching') ?? 'true') === caching,
  steps: ({ caching, level }, because) => [
    step(
      {
        change: 'host-caching',
        what: caching ? 'remember the KMS host that was found' : 'look for the KMS host in DNS each time',
        because,
        method: 'DisableKeyManagementServiceHostCaching',
        arguments: { DisableCaching: !caching },
      },
      level,
    ),
  ],
  wanted: (s) => ({ caching: s.arguments.DisableCaching === false, level: levelOf(s) }),
  seen: (facts, { level }) => `Host caching: ${valueAt(facts, level, 'KeyManagementServiceHostCaching') ?? 'on, which is the default'}.`,
})

/** The DNS domain in which the host is looked for, in place of the machine's own suffix. Null clears it. */
export const lookupDomain = change<{ readonly domain: string | null; readonly level: Level }>({
  id: 'lookup-domain',
  about: 'The DNS domain in which a machine looks for its KMS host',
  holds: (facts, { domain, level }) => sameHost(valueAt(facts, level, 'KeyManagementServiceLookupDomain'), domain),
  steps: ({ domain, level }, because) => [
    domain === null
      ? step(
          {
            change: 'lookup-domain',
            what: 'look for the KMS host in the machine’s own domain',
            because,
            method: 'ClearKeyManagementServiceLookupDomain',
          },
          level,
        )
      : step(
          {
            change: 'lookup-domain',
            what: `look for the KMS host in ${domain}`,
            because,
            method: 'SetKeyManagementServiceLookupDomain',
            arguments: { LookupDomain: domain },
          },
          level,
        ),
  ],
  wanted: (s) => ({ domain: typeof s.arguments.LookupDomain === 'string' ? s.arguments.LookupDomain : null, level: levelOf(s) }),
  seen: (facts, { level }) => `The domain that is set: ${valueAt(facts, level, 'KeyManagementServiceLookupDomain') ?? 'none'}.`,
})

/** By what a product may be activated: 0 anything, 1 Active Directory, 2 KMS, 3 tokens. */
export const activationType = change<{ readonly type: number; readonly level: Level }>({
  id: 'activation-type',
  about: 'By what a product may be activated: Active Directory, KMS, or either',
  holds: (facts, { type, level }) => (wholeNumber(valueAt(facts, level, 'VLActivationTypeEnabled') ?? '') ?? 0) === type,
  steps: ({ type, level }, because) => [
    type === 0
      ? step(
          { change: 'activation-type', what: 'allow every kind of volume activation', because, method: 'ClearVLActivationTypeEnabled' },
          level,
        )
      : step(
          {
            change: 'activation-type',
            what: `allow activation by ${type === 1 ? 'Active Directory' : type === 2 ? 'KMS' : 'tokens'} only`,
            because,
            method: 'SetVLActivationTypeEnabled',
            arguments: { ActivationType: type },
          },
          level,
        ),
  ],
  wanted: (s) => ({ type: Number(s.arguments.ActivationType ?? 0), level: levelOf(s) }),
  seen: (facts, { level }) => `The activation type that is allowed: ${valueAt(facts, level, 'VLActivationTypeEnabled') ?? '0'}.`,
})
