/** A made-up fleet, the same in every run: machines, what they say, and a campaign half way through. */
import type { FoundMachine, Product } from '../../src/model.ts'
import type { Observation, Store } from '../../src/store.ts'
import { product as one } from '../../test/store/fixture.ts'

export const day = 86_400_000
/** 2026-11-01T12:00:00Z. */
export const now = Date.UTC(2026, 10, 1, 12)

export const names = [
  'Windows(R), Enterprise edition',
  'Office 24, Office24ProPlus2024VL_KMS_Client_AE edition',
  'Office 24, Visio',
  'Office 24, Project',
] as const
const causes = [
  ['The client asked no KMS host: none is published in DNS.', 'Publish the host in DNS.'],
  ['The clock is 7 hours off; a host refuses that.', 'Set the clock.'],
  ['The count of the host is 12, and 25 are needed.', 'Wait for more clients.'],
  ['Windows 11 has not been renewed for 30 days.', 'slmctl status on the machine.'],
] as const

/** Repeatable without a clock or chance. */
const mix = (i: number, n: number) => (Math.imul(i + 1, 0x9e3779b1) >>> 8) % n

export const nameOf = (i: number) => `pc-${mix(i, 1_000_000).toString(36)}-${i}.${i % 5 === 0 ? 'emea' : 'corp'}.example`
const guid = (begin: string, i: number) => `${begin}-0000-4000-8000-${i.toString(16).padStart(12, '0')}`

const found = (i: number): FoundMachine => ({
  name: nameOf(i),
  guid: guid('00000000', i),
  uuid: null,
  address: null,
  system: 'Windows 11 Enterprise',
  systemVersion: '10.0 (26100)',
  enabled: true,
  lastSeen: null,
  distinguishedName: `CN=PC-${i},OU=Clients,OU=Site${i % 40},DC=corp,DC=example`,
  groups: [`site${i % 40}`],
  pool: i % 50 === 0 ? `vdi${i % 4}` : null,
})

function product(i: number, p: number): Product {
  const bad = mix(i * 4 + p, 20) === 0
  const cause = causes[mix(i + p, causes.length)]!
  return one({
    name: names[p]!,
    application: p === 0 ? 'windows' : 'office',
    edition: null,
    activationId: `${p}0000000-1111-4222-8333-444444444444`,
    state: bad ? 'notification' : 'licensed',
    reason: bad ? '0xC004F074' : null,
    minutesLeft: bad ? null : 10_080 + mix(i * 7 + p, 170 * 1440),
    kms: { ...one().kms!, host: `kms${mix(i, 30)}.corp.example` },
    verdict: bad ? 'action' : 'ok',
    cause: bad ? cause[0] : null,
    next: bad ? [cause[1]] : [],
    origin: bad ? 'cannot-tell' : mix(i, 500) === 0 ? 'foreign' : 'own',
  })
}

function said(i: number, at: number): Observation {
  if (mix(i, 25) === 3) {
    const problem = { code: 'WINRM_UNREACHABLE', summary: `${nameOf(i)} does not answer.`, next: ['Is it on?'] }
    return { machine: i + 1, at, problem: { ...problem, file: null, line: null, column: null } }
  }
  const products = names.map((_, p) => product(i, p))
  const worst = products.find((p) => p.verdict !== 'ok')
  return {
    machine: i + 1,
    at,
    live: true,
    whole: true,
    uuid: guid('0a000000', i),
    // Some were copied.
    cmid: guid('0c000000', mix(i, 300) === 0 ? i % 7 : i),
    products,
    reading: {
      verdict: worst?.verdict ?? 'ok',
      origin: products[0]!.origin,
      headline: worst?.cause ?? 'All is well.',
      next: worst?.next ?? [],
      system: 'Windows 11 Enterprise',
    },
  }
}

export type Filled = { readonly importMs: number; readonly firstMs: number; readonly againMs: number; readonly reimportMs: number }

/** Fills an empty store; answers what it took. */
export async function fill(store: Store, machines: number): Promise<Filled> {
  const take = async (at: number) => {
    const from = performance.now()
    await store.importMachines(
      Array.from({ length: machines }, (_, i) => found(i)),
      { source: 'directory', at },
    )
    return performance.now() - from
  }
  const scan = async (at: number) => {
    let ms = 0
    for (let i = 0; i < machines; i += 250) {
      const part = Array.from({ length: Math.min(250, machines - i) }, (_, n) => said(i + n, at))
      const from = performance.now()
      await store.observe(part)
      ms += performance.now() - from
    }
    return ms
  }
  return { importMs: await take(now), firstMs: await scan(now), againMs: await scan(now + 60_000), reimportMs: await take(now + 1) }
}

/** A campaign over half of the fleet, half way through; answers its id. */
export async function campaignOver(store: Store, machines: number): Promise<number> {
  const campaign = await store.createCampaign({ key: 'bench', kind: 'scan', name: 'bench', settings: {}, at: now })
  const all = Array.from({ length: Math.floor(machines / 2) }, (_, i) => ({
    machine: 2 * i + 1,
    site: `site${i % 40}`,
    position: mix(i, 2 ** 24),
  }))
  for (let i = 0; i < all.length; i += 5000) await store.addTargets(campaign, all.slice(i, i + 5000), now)
  await store.setCampaign(campaign, { state: 'running', because: null, at: now })
  for (let s = 0; s < 40; s++) {
    const wish = { campaign, site: `site${s}`, owner: 'w', now, leaseMs: day, mostAtOnce: null, upTo: null }
    for (let left = Math.floor(machines / 160); left > 0; left -= 500) {
      const held = await store.claimTargets({ ...wish, limit: Math.min(500, left) })
      await store.endTargets(
        held.slice(s === 0 ? 60 : 0).map((h, i) => ({
          held: h,
          end:
            i % 12 === 0
              ? { dueAt: now + day, problemCode: 'WINRM_UNREACHABLE', attempted: true }
              : i % 15 === 0
                ? { state: 'failed', result: 'unreachable', problemCode: 'WINRM_UNREACHABLE', outcome: null, at: now }
                : { state: 'done', result: 'asked', problemCode: null, outcome: null, at: now },
        })),
      )
    }
  }
  return campaign
}
