import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { stage } from './lab.ts'

test('apply whose reader goes away stops as at a signal: exit code 2, and --resume goes on', async () => {
  const s = await stage({
    machines: Array.from({ length: 4 }, (_, i) => ({ name: `pc-${i}.corp.example`, scenario: 'wrong-host' as const })),
  })
  try {
    for (const m of s.lab.machines) await s.lab.fault(m.name, { kind: 'slow', ms: 40 })
    const child = spawn(process.execPath, ['bin/slmctl.cjs', 'apply', '--all', '--yes', '--site', s.site, '--parallel', '1'], {
      env: { ...process.env, SLMCTL_STATE: s.directory },
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    let shown = ''
    child.stdout.on('data', (text) => {
      shown += text
      if (/ {2}changed$/m.test(shown)) child.stdout.destroy()
    })
    const code = await new Promise((resolve) => child.once('close', resolve))
    assert.equal(code, 2)
    for (const m of s.lab.machines) await s.lab.fault(m.name, null)
    const journals = readdirSync(join(s.directory, 'journal')).filter((f) => f.endsWith('.jsonl'))
    assert.doesNotMatch(readFileSync(join(s.directory, 'journal', journals[0]!), 'utf8'), /"kind":"finished"/)
    assert.equal((await s.slmctl('apply', '--resume', '--yes')).code, 0)
    for (const m of s.lab.machines) assert.equal(s.lab.state(m.name).products[0]!.LicenseStatus, 1)
  } finally {
    await s.close()
  }
})
