import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { labKeyRows } from '../../scripts/lab-keys.ts'
import { clientKeys, wmiClasses } from '../../src/catalogue.ts'
import { classes, classesAt, hasType, type Property } from '../../src/lab/classes.ts'
import { startMachine } from '../../src/lab/machine.ts'
import { openNetwork, usualNetwork } from '../../src/lab/network.ts'
import { registryOf, registrySources } from '../../src/lab/registry.ts'
import { results } from '../../src/lab/results.ts'
import { keyRows } from '../../src/lab/scenarios/keys.ts'
import type { Scenario } from '../../src/lab/scenarios/scenario.ts'
import { hardware, systems } from '../../src/lab/scenarios/systems.ts'
import { scenarios } from '../../src/lab/scenarios/table.ts'
import { sources } from '../../src/lab/sources.ts'
import { classOf, instances, type Now } from '../../src/lab/store.ts'

type Documented = {
  readonly name: string
  readonly documented: boolean
  readonly properties: readonly { readonly name: string; readonly type: string | null }[]
  readonly methods: readonly { readonly name: string }[]
}

const now: Now = { minute: 0, clockMs: Date.UTC(2026, 10, 1, 12) }
const machineOf = (id: string, scenario: Scenario) =>
  startMachine({
    name: `pc-1${scenario.domain === null ? '' : '.corp.example'}`,
    scenarioId: id,
    scenario,
    network: openNetwork(usualNetwork),
    seed: '1',
    now: 0,
  })
const all = (Object.entries(scenarios) as [string, Scenario][]).map(([id, scenario]) => machineOf(id, scenario))

test('every property that a machine serves has the type that its class declares', () => {
  for (const machine of all)
    for (const { name, namespaces } of classes) {
      const found = classOf(machine, namespaces[0]!, name)
      if (!found) continue
      for (const row of instances(machine, found, now)) {
        assert.deepEqual(
          Object.keys(row),
          [...found.properties.values()].map((p) => p.name),
        )
        for (const p of found.properties.values())
          assert.ok(
            hasType(row[p.name], p.type),
            `${machine.scenarioId}: ${name}.${p.name} is no ${p.type}: ${JSON.stringify(row[p.name])}`,
          )
        for (const p of found.properties.values()) if (p.key) assert.notEqual(row[p.name], null, `${name}.${p.name} is a key`)
      }
    }
})

test('types are those of the documents, wherever these give them, and documented methods exist there', () => {
  let compared = 0
  for (const documented of wmiClasses as readonly Documented[]) {
    const ours = classes.find((c) => c.name === documented.name)
    if (!ours || !documented.documented) continue
    for (const p of documented.properties) {
      const own: Property | undefined = ours.properties.find((o) => o.name === p.name)
      if (!own || !p.type) continue
      assert.equal(own.type, p.type, `${ours.name}.${p.name}`)
      compared++
    }
    for (const m of ours.methods)
      if (m.source === 'spp-service' || m.source === 'spp-product')
        assert.ok(
          documented.methods.some((d) => d.name === m.name),
          `${ours.name}.${m.name} is not documented`,
        )
  }
  assert.ok(compared > 70, String(compared))
})

test('every property, method, code, system, scenario, licence and registry key names a source that exists', () => {
  const known = new Set(Object.keys(sources))
  const named: [string, readonly string[]][] = []
  for (const c of classes) for (const m of [...c.properties, ...c.methods]) named.push([`${c.name}.${m.name}`, [m.source]])
  for (const [id, r] of Object.entries(results)) named.push([id, [r.source]])
  for (const [id, r] of [...Object.entries(systems), ...Object.entries(hardware), ...Object.entries(scenarios)]) named.push([id, r.source])
  for (const machine of all) for (const p of machine.products) named.push([p.licence.name, [...p.licence.source, p.licence.idSource]])
  for (const [what, from] of named) {
    assert.ok(from.length > 0, `${what} names no source`)
    for (const s of from) assert.ok(known.has(s), `${what}: there is no source ${s}`)
  }
  for (const machine of all)
    for (const { path } of registryOf(machine).values())
      assert.ok(
        Object.keys(registrySources).some((key) => `${path}\\`.toLowerCase().startsWith(`${key}\\`.toLowerCase())),
        `${path} names no source`,
      )
})

test('every reason that a machine starts with is a code of the table', () => {
  const codes = new Set(Object.values(results).map((r) => r.code as number))
  for (const machine of all) for (const p of machine.products) assert.ok(codes.has(p.reason), `${machine.scenarioId}: ${p.reason}`)
})

test('what a version of Windows does not have is absent', () => {
  const of = (build: number, name: string) => classesAt(build).get(name.toLowerCase())!
  for (const property of [
    'vlactivationtype',
    'adactivationobjectname',
    'productkeychannel',
    'keymanagementservicelookupdomain',
    'iaid',
    'automaticvmactivationhostmachinename',
  ])
    assert.equal(of(7601, 'SoftwareLicensingProduct').properties.has(property), false, property)
  assert.equal(of(9200, 'SoftwareLicensingProduct').properties.has('vlactivationtypeenabled'), true)
  assert.equal(of(9200, 'SoftwareLicensingProduct').properties.has('automaticvmactivationhostmachinename'), false)
  assert.equal(of(9600, 'SoftwareLicensingProduct').properties.has('automaticvmactivationhostmachinename'), true)
  assert.equal(of(7601, 'SoftwareLicensingService').properties.has('keymanagementserviceactivationdisabled'), true)
  assert.equal(of(17763, 'SoftwareLicensingService').properties.has('keymanagementserviceactivationdisabled'), false)
  assert.equal(of(7601, 'SoftwareLicensingProduct').methods.has('setvlactivationtypeenabled'), false)
  // Office's own service is where Office 2010, or any Office before Windows 8, is.
  for (const machine of all) {
    const expected = ['win7-office-2010', 'win7-office-2013', 'office-2013-subscription'].includes(machine.scenarioId)
    assert.equal(classOf(machine, 'root/cimv2', 'OfficeSoftwareProtectionProduct') !== null, expected, machine.scenarioId)
  }
})

test('the lab knows published keys by their hashes, written from the catalogue', () => {
  assert.deepEqual({ ...keyRows }, labKeyRows())
  for (const file of globSync('src/lab/**/*.ts')) {
    const text = readFileSync(file, 'utf8')
    for (const { key } of clientKeys) assert.ok(!text.includes(key), `${file} holds a key`)
  }
})

test('partial keys of client licences are those of published keys, except where a scenario says that it invents', () => {
  const published = new Set<string>(clientKeys.map((k) => k.key.slice(-5)))
  // Recorded endings of keys that no page read publishes, and one that the lab made.
  const others = new Set(['J3AT1', 'GVGXT', 'JHCPD'])
  for (const [id, s] of Object.entries(scenarios) as [string, Scenario][])
    for (const k of s.keyed)
      if (/gvlk|office-|visio-|project-/.test(k.licence) && !/mak|grace|subscription|host/.test(k.licence))
        assert.ok(published.has(k.key) || others.has(k.key), `${id}: ${k.key}`)
})

test('nothing of an activation exchange is in the lab', () => {
  for (const file of globSync('src/lab/**/*.ts')) {
    const text = readFileSync(file, 'utf8')
    assert.doesNotMatch(text, /\bconnect\(|createConnection|node:child_process|\bfetch\(/, file)
  }
})
