import assert from 'node:assert/strict'
import { wmiClasses } from '../../../src/catalogue.ts'
import { check } from '../checks.ts'
import type { Ground, Row } from './ground.ts'

type Member = { readonly type: string | null }
const documented = new Map<string, Map<string, Member>>(
  wmiClasses.map((c) => [
    c.name.toLowerCase(),
    new Map(c.properties.map((p) => [p.name.toLowerCase(), { type: p.type as string | null }])),
  ]),
)

/** DMTF DSP0004 5.2: how a value of a type is written. */
const forms: Readonly<Record<string, (text: string) => boolean>> = {
  string: () => true,
  boolean: (t) => t === 'true' || t === 'false',
  uint8: (t) => whole(t, 0n, 255n),
  uint16: (t) => whole(t, 0n, 65_535n),
  uint32: (t) => whole(t, 0n, 4_294_967_295n),
  uint64: (t) => whole(t, 0n, 18_446_744_073_709_551_615n),
  sint32: (t) => whole(t, -2_147_483_648n, 2_147_483_647n),
  // [MS-WSMV]: cim:Datetime holds an xs:dateTime.
  datetime: (t) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/.test(t) && !Number.isNaN(Date.parse(t)),
}
function whole(text: string, min: bigint, max: bigint): boolean {
  return /^-?\d{1,20}$/.test(text) && BigInt(text) >= min && BigInt(text) <= max
}

/** What is wrong with one instance; `known` are the lab's own sourced properties beyond the documented ones. */
function wrong(row: Row, properties: ReadonlyMap<string, Member>, known: ReadonlyMap<string, string>): string[] {
  const found: string[] = []
  for (const [name, value] of Object.entries(row.values)) {
    const member = properties.get(name.toLowerCase())
    const type = member?.type ?? known.get(name.toLowerCase()) ?? null
    if (!member && type === null) {
      found.push(`${row.type}.${name}: no document and no source of the lab names it`)
      continue
    }
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one === null || type === null) continue
      const text = typeof one === 'object' ? (one.Datetime ?? JSON.stringify(one)) : one
      const form = forms[type.replace('[]', '')]
      if (!form) found.push(`${row.type}.${name}: type ${type}?`)
      else if (!form(text)) found.push(`${row.type}.${name}: ${JSON.stringify(text)} is no ${type}`)
      if ((type === 'datetime') !== (typeof one === 'object')) found.push(`${row.type}.${name}: ${type} written as ${JSON.stringify(one)}`)
    }
  }
  return found
}

const classes = [
  'SoftwareLicensingService',
  'SoftwareLicensingProduct',
  'OfficeSoftwareProtectionService',
  'OfficeSoftwareProtectionProduct',
]

/** Everything that machines of every scenario serve, read by python3-winrm and held against what Microsoft documents. */
export async function dumpOfLab(ground: Ground): Promise<void> {
  const sourced = ground.sourced()
  const seen = { machines: 0, rows: 0, values: 0 }
  const names = new Set<string>()
  await check('dump: SELECT * of every licensing class on a machine of every scenario is as documented', async () => {
    const remarks: string[] = []
    const queue = [...ground.everyScenario()]
    const work = async () => {
      for (let machine = queue.shift(); machine; machine = queue.shift()) {
        const answers = await ground.python(
          machine,
          classes.map((name) => ({ do: 'enumerate', wql: `SELECT * FROM ${name}` }) as const),
          'ntlm',
          ground.accountOf(machine),
        )
        seen.machines++
        for (const [i, answer] of answers.entries()) {
          const name = classes[i]!
          if (!answer.ok) {
            // Office’s own service is only there with Office 2010, or on Windows 7; the fault is WS-Man’s or WMI’s own.
            if (!name.startsWith('Office') || ![0x8033801a, 0x80041010].includes((answer.fault?.code ?? 0) >>> 0))
              remarks.push(`${machine.scenario} ${name}: ${JSON.stringify(answer).slice(0, 300)}`)
            continue
          }
          if (answer.rows!.length === 0) remarks.push(`${machine.scenario} ${name}: no row`)
          for (const row of answer.rows!) {
            if (row.type !== name) remarks.push(`${machine.scenario}: ${row.type} in place of ${name}`)
            seen.rows++
            seen.values += Object.keys(row.values).length
            for (const p of Object.keys(row.values)) names.add(`${name}.${p}`)
            for (const remark of wrong(row, documented.get(name.toLowerCase())!, sourced.get(name.toLowerCase()) ?? new Map()))
              remarks.push(`${machine.scenario} ${remark}`)
          }
        }
      }
    }
    await Promise.all([work(), work(), work()])
    assert.deepEqual([...new Set(remarks)].slice(0, 40), [])
    assert.ok(seen.machines >= 50 && seen.rows > 200 && names.size > 80, JSON.stringify({ ...seen, names: names.size }))
  })
  console.log(`        ${seen.machines} machines, ${seen.rows} instances, ${seen.values} values of ${names.size} properties`)
  await check('dump: the check sees a wrong type and an unknown property', () => {
    const row: Row = {
      type: 'SoftwareLicensingProduct',
      xsi: null,
      namespace: '',
      values: {
        LicenseStatus: 'licensed',
        GracePeriodRemaining: '-1',
        Invented: 'x',
        LicenseIsAddon: 'True',
        EvaluationEndDate: '16010101000000.000000-000',
      },
    }
    assert.equal(wrong(row, documented.get('softwarelicensingproduct')!, new Map()).length, 6)
  })
}
