import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Audit, Origin } from '../../src/model.ts'
import { auditSchema } from '../../src/schemas.ts'
import { stage } from './lab.ts'

const entitled = (text: string) =>
  `${text}\nentitlements:\n  - { product: Windows 11 Enterprise, quantity: 1 }\n  - { product: Office Professional Plus 2024, quantity: 5 }\n`
const counted = (audit: Audit, origin: Origin) => audit.products.reduce((sum, row) => sum + row.count[origin], 0)

describe('audit', () => {
  test('counts by origin, shows what a statement rests on, and holds what was bought against what is used', async () => {
    const s = await stage(
      {
        machines: [
          { name: 'pc-1.corp.example', scenario: 'win11-enterprise-office-2021' },
          { name: 'pc-2.corp.example', scenario: 'win11-enterprise-office-2021' },
          { name: 'pc-3.corp.example', scenario: 'win11-pro-notification' },
          { name: 'pc-4.corp.example', scenario: 'outside-host' },
        ],
      },
      'http',
      entitled,
    )
    try {
      const ran = await s.slmctl('audit', '--all', '--json')
      const audit = auditSchema.parse(JSON.parse(ran.out)) as Audit
      assert.equal(ran.code, 1)
      assert.deepEqual(audit.machines, { asked: 4, notAsked: 0 })
      assert.deepEqual([counted(audit, 'own'), counted(audit, 'foreign'), audit.notActivated], [4, 1, 1])
      assert.deepEqual(
        audit.entitlements.map((e) => [e.product, e.used]),
        [
          ['Windows 11 Enterprise', 2],
          ['Office Professional Plus 2024', 0],
        ],
      )
      assert.deepEqual(audit.uncovered.map((u) => u.product).sort(), ['Office Professional Plus 2021', 'Windows 10 Enterprise'])
      const [foreign] = audit.remarks
      assert.equal(foreign?.machine, 'pc-4.corp.example')
      assert.match(foreign.because, /a public address outside the site/)
      assert.match(foreign.evidence[0]!.text, /^KeyManagementServiceMachine: /)
      const shown = (await s.slmctl('audit', '--all')).out
      assert.match(shown, /^ {2}Windows 11 Enterprise: 2 of 1, 1 too many$/m)
      for (const line of shown.split('\n')) assert.ok(line.length <= 80, line)
      assert.deepEqual(s.lab.calls('pc-4.corp.example'), [])
    } finally {
      await s.close()
    }
  })
  test('a machine that could not be asked is said, and never counted as nothing', async () => {
    const s = await stage({
      machines: [{ name: 'pc-1.corp.example', scenario: 'win11-enterprise-office-2021', faults: [{ kind: 'refused' }] }],
    })
    try {
      const ran = await s.slmctl('audit', '--all')
      assert.equal(ran.code, 2)
      assert.match(ran.out, /1 could not be asked,\s+what they\s+hold is not known/)
      assert.match(ran.err, /refuses the connection/)
    } finally {
      await s.close()
    }
  })
  test('all in order: exit code 0', async () => {
    const s = await stage({ machines: [{ name: 'pc-1.corp.example', scenario: 'win11-enterprise-office-2021' }] })
    try {
      assert.equal((await s.slmctl('audit', '--all')).code, 0)
    } finally {
      await s.close()
    }
  })
})
