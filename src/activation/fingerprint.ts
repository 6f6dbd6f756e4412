import { numberOf } from '../catalogue.ts'
import type { MachineFacts } from './facts/machine.ts'
import type { ProductFacts } from './facts/product.ts'
import { applicationHost, hostAt, own } from './host-in-use.ts'

const soon = numberOf('renewal.toastDays') * 1440
const longest = numberOf('validity.days') * 1440

/**
 * What a plan rests on, as one short text: equal where the facts are equal. Minutes and clocks are not in it, only whether an
 * activation is about to lapse or cannot be true, as that is what a plan depends on.
 */
export function fingerprint(facts: MachineFacts): string {
  const { system } = facts
  return digest(
    JSON.stringify([
      facts.products.map((p) => productPart(p, facts)),
      ['KeyManagementServiceHostCaching', 'KeyManagementServiceLookupDomain'].flatMap((name) =>
        [facts.service, facts.officeService].map((service) => service.get(name)?.value ?? null),
      ),
      [...facts.applicationHosts].map(([id, host]) => [id, host.name, host.port]),
      system && [
        system.version,
        system.build,
        system.revision,
        system.sku,
        system.domain,
        system.suffix,
        system.dhcpSuffix,
        system.platform,
      ],
      facts.unasked.map((u) => u.question),
    ]),
  )
}

function productPart(p: ProductFacts, facts: MachineFacts) {
  const left =
    p.minutesLeft === null || p.state !== 'licensed'
      ? 'none'
      : p.minutesLeft <= soon
        ? 'soon'
        : p.minutesLeft > longest
          ? 'too long'
          : 'enough'
  return [
    p.activationId,
    p.name,
    p.channel,
    p.method,
    p.partialKey,
    // Grace and notification pass into each other by time alone; a plan is the same for them.
    p.state === 'licensed' || p.state === 'unlicensed' || p.state === 'unknown' ? p.state : 'not activated',
    p.reason === 0xc004f035 || p.reason === 0xc004f059,
    p.stale,
    left,
    p.activationObject,
    hostAt('product', p, facts),
    hostAt('global', p, facts),
    applicationHost(p, facts),
    p.host.name,
    p.host.ip,
    own(p, facts, 'DiscoveredKeyManagementServiceMachineName')?.value ?? null,
    own(p, facts, 'DiscoveredKeyManagementServiceMachinePort')?.value ?? null,
    own(p, facts, 'KeyManagementServiceLookupDomain')?.value ?? null,
    own(p, facts, 'VLActivationTypeEnabled')?.value ?? null,
  ]
}

/** FNV-1a over two lanes: no secret hangs on it, it only has to differ where the facts do. */
function digest(text: string): string {
  let a = 0x811c9dc5
  let b = 0xcbf29ce4
  for (let i = 0; i < text.length; i++) {
    a = Math.imul(a ^ text.charCodeAt(i), 0x01000193)
    b = Math.imul(b ^ text.charCodeAt(text.length - 1 - i), 0x01000193)
  }
  return [a, b].map((n) => (n >>> 0).toString(16).padStart(8, '0')).join('')
}
