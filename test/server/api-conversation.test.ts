import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { machineNow } from '../../src/app/machine-now.ts'
import { openFleet } from '../../src/app.ts'
import { clientKeys } from '../../src/catalogue.ts'
import type { Environment } from '../../src/engine.ts'
import { ProblemError, problem } from '../../src/model.ts'
import type { Machine } from '../../src/windows.ts'
import { found } from '../store/fixture.ts'

const key = clientKeys[0]!.key

/** A machine that tells keys whole, does not know a class, refuses another, and talks without end. */
const talker: Machine = {
  name: 'talker',
  ask: async ({ class: of }) => {
    if (of === 'OfficeSoftwareProtectionProduct') return null
    if (of === 'Win32_ComputerSystemProduct') throw new ProblemError(problem('WINRM_ACCESS', `No access with ${key}.`, ['Ask.']))
    return [{ Name: `Windows ${key}`, Description: null, Long: 'x'.repeat(100_000), List: ['a', 'b'] }]
  },
  registry: async () => ({ ProductKey: key }),
  call: async () => assert.fail('nothing is called'),
  close: async () => {},
}

test('a conversation masks keys wherever they stand, cuts what is long, and tells what could not be asked', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'slmctl-conversation-'))
  const store = await openFleet(join(folder, 'fleet.db'), true)
  try {
    await store.importMachines([found('talker.corp.example')], { source: 'list:test', at: Date.now() })
    const [card] = await store.find('talker.corp.example')
    const environment = { site: null, wishes: () => [], clock: () => new Date() } as unknown as Environment
    const said = await machineNow(card!, store, environment, async () => talker).converse()
    const text = JSON.stringify(said)
    assert.ok(!text.includes(key))
    assert.match(text, new RegExp(`XXXXX-XXXXX-XXXXX-XXXXX-${key.slice(-5)}`))
    assert.equal(said.reach, null, 'nobody said how it is reached')
    const long = said.exchanges.find((e) => e.answer.includes('Long = '))!
    assert.ok(long.answer.length < 21_000)
    assert.match(long.answer, /more characters are not shown\.$/)
    assert.match(long.answer, /Description = NULL\n/)
    const refused = said.exchanges.find((e) => /Win32_ComputerSystemProduct/.test(e.what))!
    assert.match(refused.problem!, /No access with XXXXX-.*\(WINRM_ACCESS\)/)
  } finally {
    await store.close()
    rmSync(folder, { recursive: true, force: true })
  }
})
