import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { stage } from './stage.ts'

const text = readFileSync('test/cases/diagnose/07-win11-pro-gvlk-notification-c004f056-dlv.txt', 'utf8')

test('a text is diagnosed without signing in only where the site file says so; nothing of it is kept', async () => {
  const closed = await stage()
  try {
    assert.equal((await closed.ask('/api/v1/diagnose', { body: { texts: [{ text }] } })).status, 401)
    const viewer = await closed.token(await closed.person('viewer'), 'read')
    const said = await closed.ask('/api/v1/diagnose', { body: { texts: [{ text }] }, token: viewer.value })
    assert.equal(said.status, 200)
    // As curl --data-binary @FILE sends it; no other route takes a text.
    const headers = { 'content-type': 'text/plain; charset=utf-8' }
    const plain = await closed.ask('/api/v1/diagnose', { raw: text, headers, token: viewer.value })
    assert.equal(plain.status, 200, plain.text)
    assert.deepEqual((plain.json as { products: unknown }).products, (said.json as { products: unknown }).products)
    const other = await closed.ask('/api/v1/campaigns/scan', { raw: '{}', headers, token: viewer.value })
    assert.equal(other.status, 403)
    const operator = await closed.token(await closed.person('operator'), 'operate')
    assert.equal((await closed.ask('/api/v1/campaigns/scan', { raw: '{}', headers, token: operator.value })).status, 415)
    const recording = await closed.ask('/api/v1/diagnose', {
      body: { texts: [{ name: 'pc.json', text: '{"schema":"slmctl.recording/1","machines":[]}' }] },
      token: viewer.value,
    })
    assert.deepEqual(
      (recording.json as { problems: { code: string }[] }).problems.map((p) => p.code),
      ['RECORDING_GIVEN'],
    )
  } finally {
    await closed.close()
  }
  const open = await stage({ openDiagnose: true })
  try {
    const mark = 'PC-THAT-NOBODY-KNOWS'
    const body = {
      texts: [
        { name: `${mark}.txt`, text: `${text}\n${mark}` },
        { name: 'empty.txt', text: ' ' },
      ],
    }
    const said = await open.ask('/api/v1/diagnose', { body })
    assert.equal(said.status, 200)
    const { machines, problems } = said.json as { machines: unknown[]; problems: { code: string; file: string }[] }
    assert.equal(machines.length, 1)
    assert.deepEqual(
      problems.map((p) => [p.code, p.file]),
      [['TEXT_EMPTY', 'empty.txt']],
    )
    // Nor by a refusal.
    await open.ask('/api/v1/diagnose', { body: { texts: [{ text: mark, shoe: 1 }] } })
    await open.ask('/api/v1/diagnose', { raw: `{"texts": "${mark}`, headers: { 'content-type': 'application/json' } })
    for (const file of readdirSync(open.directory)) assert.ok(!readFileSync(join(open.directory, file)).includes(mark), `${file} has it`)
    assert.ok(!open.log.join('\n').includes(mark))
    const tooLarge = await open.ask('/api/v1/diagnose', { body: { texts: [{ text: 'x'.repeat(5 * 1024 * 1024) }] } })
    assert.equal(tooLarge.status, 413)
  } finally {
    await open.close()
  }
})

test('a plan from a text is the command’s, and keeps nothing', async () => {
  const on = await stage()
  try {
    const viewer = await on.token(await on.person('viewer'), 'read')
    const said = await on.ask('/api/v1/plan-from-text', { body: { texts: [{ text }] }, token: viewer.value })
    assert.equal(said.status, 200)
    assert.equal((said.json as { machines: unknown[] }).machines.length, 1)
    const none = await on.ask('/api/v1/plan-from-text', { body: { texts: [{ text: 'good morning' }] }, token: viewer.value })
    assert.deepEqual([none.status, (none.json as { code: string }).code], [422, 'NOTHING_RECOGNISED'])
  } finally {
    await on.close()
  }
})
