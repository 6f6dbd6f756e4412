/** Every command's JSON is what its published schema says, as another validator reads it. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { main } from '../../src/cli.ts'

const dir = mkdtempSync(join(tmpdir(), 'slmctl-answers-'))
after(() => rmSync(dir, { recursive: true }))
const ajv = new Ajv2020({ strict: false, addUsedSchema: false })
const site = 'test/cases/sites/university.yaml'

/** The answer is valid by the schema that it names; its name. */
function valid(text: string): string {
  const answer = JSON.parse(text) as { schema: string }
  const [, name] = /^slmctl\.([a-z-]+)\/1$/.exec(answer.schema) ?? []
  assert.ok(name, answer.schema)
  const schema = JSON.parse(readFileSync(`docs/${name}.schema.json`, 'utf8')) as { $id: string }
  assert.ok(ajv.validate(schema, answer), `${name}: ${JSON.stringify(ajv.errors)}`)
  return name
}

test('answers that are about no machine', async () => {
  const asked: [string, string[]][] = [
    ['explanation', ['explain', '0xC004F074']],
    ['explanation', ['explain', 'rearm']],
    ['explanation', ['explain', 'KeyManagementServiceMachine']],
    ['keys', ['keys']],
    ['image', ['image', '--product', 'Windows 11 Enterprise', '--site', site, '--dry-run']],
    ['image', ['image', '--product', 'Windows 11 Enterprise,Office 2024 ProPlus', '--site', site, '--out', join(dir, 'image')]],
    ['schedule-actions', ['schedule', 'remove', '--dry-run']],
    ['site-check', ['site', 'check', site]],
    ['site-init', ['site', 'init', join(dir, 'new.yaml')]],
    ['lab-scenarios', ['lab', '--list']],
    ['completion', ['completion', 'fish']],
    ['signer', ['offline', 'signer', join(dir, 'signer.key')]],
    ['problems', ['explain', 'nosuchword']],
    ['problems', ['nosuchcommand']],
    ['problems', ['status', '--nosuchflag']],
  ]
  for (const [name, args] of asked) {
    let out = ''
    await main([...args, '--json'], { out: (t) => (out += t), err: () => {}, columns: 80, paint: (_, t) => t })
    assert.equal(valid(out), name, args.join(' '))
  }
  process.exitCode = 0
  if (process.platform !== 'linux') return
  let out = ''
  await main(['schedule', 'show', '--json'], { out: (t) => (out += t), err: () => {}, columns: 80, paint: (_, t) => t })
  process.exitCode = 0
  assert.equal(valid(out), 'schedule')
})

test('the answer of a lab comes when its machines run', async () => {
  const lab = spawn(process.execPath, ['bin/slmctl.cjs', 'lab', '--machines', '1', '--directory', join(dir, 'lab'), '--json'])
  try {
    let out = ''
    for await (const chunk of lab.stdout) {
      out += chunk
      if (/^\}$/m.test(out)) break
    }
    assert.equal(valid(out), 'lab')
  } finally {
    lab.kill('SIGINT')
  }
})
