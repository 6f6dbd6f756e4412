import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { schemaFiles } from '../scripts/schema.ts'
import { decode, diagnose, gather, plan } from '../src/activation.ts'
import { readSite } from '../src/site.ts'

const dir = 'test/cases/diagnose/'
const texts = readdirSync(dir).filter((n) => !n.endsWith('.json'))
const { site } = readSite('university.yaml', readFileSync('test/cases/sites/university.yaml', 'utf8'))

test('the published schemas are the ones of the code', () => {
  for (const [file, text] of Object.entries(schemaFiles())) assert.equal(readFileSync(file, 'utf8'), text, `${file}: run npm run schema`)
})

test('every answer to every case is valid by the published JSON Schema, as another validator reads it', () => {
  const ajv = new Ajv2020({ strict: false })
  const diagnosis = ajv.compile(JSON.parse(readFileSync('docs/diagnosis.schema.json', 'utf8')))
  const planned = ajv.compile(JSON.parse(readFileSync('docs/plan.schema.json', 'utf8')))
  for (const name of texts) {
    const { text, encoding } = decode(readFileSync(dir + name))
    for (const s of [null, site]) {
      assert.ok(
        diagnosis(JSON.parse(JSON.stringify(diagnose([{ source: name, text, encoding }], { site: s })))),
        `${name}: ${JSON.stringify(diagnosis.errors)}`,
      )
      assert.ok(
        planned(JSON.parse(JSON.stringify(plan(gather([{ source: name, text }]), s, null)))),
        `${name}: ${JSON.stringify(planned.errors)}`,
      )
    }
  }
  assert.ok(!diagnosis({ schema: 'slmctl.diagnosis/1' }))
})
