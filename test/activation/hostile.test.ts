import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { diagnose, hostInUse, judge, planMachine, verifyStep } from '../../src/activation.ts'
import { machinePlanSchema } from '../../src/schemas.ts'
import { answersOf, caseNames, factsOf, type LiveCase, liveCase, machines, optionsOf, type Said, saysOf, siteOf } from './live.ts'

/** What a machine may say in any property, honest or not. */
const anything = fc.oneof(
  fc.constantFrom(
    '0',
    '1',
    '2',
    '5',
    '4294967295',
    '-1',
    '259200',
    '99999999999',
    'true',
    'false',
    '',
    '<host>',
    '198.51.100.7',
    'kms.corp.example',
    'KMS.CORP.EXAMPLE.',
  ),
  fc.constantFrom(
    'Windows(R), Professional edition',
    'Office 21, Office21ProPlus2021VL_KMS_Client_AE edition',
    'OEM:DM',
    'Volume:MAK',
    'Volume:GVLK',
    'Volume:CSVLK',
  ),
  fc.constantFrom(
    'Windows(R) Operating System, VOLUME_KMSCLIENT channel',
    'Windows(R) Operating System, VOLUME_KMS_WS25 channel',
    'x, RETAIL channel',
  ),
  fc.constantFrom('16010101000000.000000-000', '2026-11-26T02:00:10+01:00', '20261126080000.000000+060', '9999-99-99T99:99:99Z'),
  fc.string({ maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.constant('x'.repeat(5000)),
)
const value = fc.oneof({ weight: 8, arbitrary: anything }, fc.constant(null), fc.array(anything, { maxLength: 3 }))
const names = [
  ...new Set(
    Object.values(machines).flatMap((m) =>
      Object.values(m).flatMap((said) => (Array.isArray(said) ? said.flatMap((row) => Object.keys(row)) : [])),
    ),
  ),
]
const row = fc.dictionary(fc.constantFrom(...names, '__proto__', 'constructor'), value, { maxKeys: 30 })
const values = fc.dictionary(
  fc.constantFrom(
    'KeyManagementServiceName',
    'KeyManagementServicePort',
    'Domain',
    'DhcpDomain',
    'UBR',
    'ProductReleaseIds',
    'CDNBaseUrl',
    'SharedComputerLicensing',
  ),
  fc.oneof(anything, fc.integer()),
)
const failed = fc.constant({ problem: 'The machine did not answer.' })
const said = (honest: Said) =>
  fc.oneof({ weight: 5, arbitrary: fc.array(row, { maxLength: 4 }) }, fc.constant(honest), fc.constant(null), failed)
const registry = fc.oneof({ weight: 3, arbitrary: values }, fc.constant(null), failed)
const machine = fc.record({
  system: said(machines.win11!.system!),
  computer: said(machines.win11!.computer!),
  service: said(machines.win11!.service!),
  products: fc.oneof(
    said(machines.win11!.products!),
    // An honest product of which some properties say something else.
    fc.array(
      row.map((odd) => ({ ...(machines.win11!.products as object[])[0], ...odd })),
      { minLength: 1, maxLength: 3 },
    ),
  ),
  'office-products': said(null),
  'office-service': said(null),
  enclosure: said(null),
  'click-to-run': registry,
  'host:windows': registry,
  'host:office': registry,
  suffix: registry,
  version: registry,
})
const wishes = fc.constantFrom<NonNullable<LiveCase['wishes']>>(
  [],
  [{ product: 'windows', by: 'kms' as const, instead: true }],
  [
    { product: 'windows', by: 'ad' as const },
    { product: 'office', by: 'kms' as const },
  ],
  [{ product: 'windows', by: 'mak' as const, key: { file: 'k' } }],
  [
    { product: 'windows', by: 'avma' as const, key: { file: 'k' } },
    { product: 'windows', by: 'esu' as const, year: 1, key: { file: 'k' } },
  ],
)

test('whatever a machine says: facts, verdict and plan come, and nothing leads to a host that is not ours', () => {
  let led = 0
  fc.assert(
    fc.property(machine, wishes, fc.boolean(), (says, wished, renew) => {
      const c = { from: 'chance', says: says as Record<string, Said>, wishes: wished, renew, expect: {} }
      const options = optionsOf(c)
      const facts = factsOf(c, {}, options.wishes)
      judge(facts, options.site, options.readAt)
      judge(facts, null, null)
      const plan = planMachine(facts, {
        ...options,
        site: siteOf({ entitlements: [{ product: 'Windows', quantity: 1, agreement: null }] }),
      })
      machinePlanSchema.parse(JSON.parse(JSON.stringify(plan)))
      const ours = new Set(options.hosts.map((h) => h.name))
      const all = [...plan.steps, ...plan.fallbacks.flatMap((f) => f.steps)]
      if (all.length > 0) led++
      for (const s of all) {
        if (s.method === 'SetKeyManagementServiceMachine') assert.ok(ours.has(String(s.arguments.MachineName)))
        if (s.host)
          assert.ok(
            [...ours].some((h) => h.toLowerCase() === s.host!.name.toLowerCase().replace(/\.$/, '')),
            s.host.name,
          )
        verifyStep(s, facts, facts, options)
      }
      for (const s of plan.steps.filter((x) => x.activates && x.host === null)) {
        // Where no host is named, none is asked, or DNS of our own domain names it.
        const p = facts.products.find((o) => o.activationId === s.product)
        const directed = plan.steps.some((o) => o.method === 'SetVLActivationTypeEnabled' && o.product === s.product)
        if (p && p.channel === 'kms-client' && !p.addOn && !directed)
          assert.ok(
            options.authorise(hostInUse(p, facts)).ok ||
              plan.steps.some((o) => /KeyManagementServiceMachine|InstallProductKey/.test(o.method)),
          )
      }
      assert.ok(plan.fallbacks.every((f) => f.attempt <= 2))
      if (facts.unasked.some((u) => ['system', 'computer', 'service', 'products'].includes(u.question))) assert.deepEqual(plan.steps, [])
    }),
    { numRuns: 1500 },
  )
  // Chance must lead to plans often enough for that to mean something.
  assert.ok(led > 150, `${led} plans`)
})

test('a product key that a machine says in the wrong place is shown nowhere', () => {
  const key = ['BCDFG', 'HJKMP', 'QRTVW', 'XY234', '67892'].join('-')
  for (const property of [
    'Name',
    'Description',
    'ID',
    'KeyManagementServiceMachine',
    'ADActivationObjectDN',
    'LicenseFamily',
    'ProductKeyID',
  ]) {
    const product = { ...(machines.win11!.products as Record<string, string>[])[0]!, [property]: `${key} and more` }
    const says: Record<string, Said> = {
      products: [product],
      'host:windows': { KeyManagementServiceName: key },
      system: [{ ...(machines.win11!.system as object[])[0], Caption: `Windows ${key}` }] as never,
    }
    const c = { from: 'a planted key', says, expect: {} }
    const options = optionsOf(c)
    const facts = factsOf(c)
    const shown = JSON.stringify([judge(facts, options.site, null), planMachine(facts, options), hostInUse(facts.products[0]!, facts)])
    assert.ok(!shown.includes('BCDFG-HJKMP'), property)
  }
})

test('few questions: no ordinary machine is asked more than eight, and nothing that its Windows lacks', () => {
  const lacking: Record<string, RegExp> = {
    '6.1':
      /^(?:VLActivationType|VLActivationTypeEnabled|ADActivation|KeyManagementServiceLookupDomain|ProductKeyChannel|DiscoveredKeyManagementServiceMachineIpAddress|IAID|AutomaticVM)/,
  }
  for (const name of caseNames) {
    const c = liveCase(name)
    const { asked, rounds } = answersOf(saysOf(c), optionsOf(c).wishes)
    assert.ok(rounds <= 3, name)
    const more = asked.some((q) => ['enclosure', 'bios', 'version', 'updates', 'office-service'].includes(q.id))
    assert.ok(asked.length <= (more ? 10 : asked.some((q) => q.id === 'host:office') ? 9 : 8), `${name}: ${asked.map((q) => q.id)}`)
    const version = /^\d+\.\d+/.exec(String((saysOf(c).system as { Version?: string }[])[0]?.Version))?.[0] ?? ''
    for (const q of asked)
      if ('columns' in q && lacking[version])
        for (const column of q.columns) assert.doesNotMatch(column, lacking[version], `${name}: ${q.id}`)
  }
})

test('no mark is hidden by letters that are two in lower case', () => {
  const path = 'C:\\Program Files\\KMSpico\\Service_KMS.exe'
  for (const before of ['', `${'İ'.repeat(300)}\n`, `${'İ'.repeat(3000)} `]) {
    const { machine } = diagnose([{ source: '-', text: `${before}${path}\n` }])
    assert.equal(machine.origin, 'foreign', `${before.length} before it`)
  }
})

test('what a recording calls a machine goes into no command that is pasted into a shell, but where it is a name', () => {
  const facts = factsOf(liveCase('kms-licensed-by-outside-host'))
  const commands = (id: string) =>
    judge({ ...facts, id }, siteOf({}), '2026-11-26T01:00:00Z')
      .findings.flatMap((f) => f.next)
      .filter((next) => /\bslmctl (?:apply|hosts story) /.test(next))
  assert.ok(commands('pc-17.corp.example').some((next) => next.includes('slmctl apply pc-17.corp.example')))
  for (const id of ['x;reboot', 'pc-17 (file.json)', '$(id)', '-h', 'a|b']) assert.deepEqual(commands(id), [], id)
})
