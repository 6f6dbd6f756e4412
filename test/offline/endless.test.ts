import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'

/** A device has no size and no end: of no file more is read than is allowed. */
test('a file without end is refused, whatever it is given as', { skip: process.platform !== 'linux', timeout: 120_000 }, () => {
  const endless = '/dev/zero'
  const site = 'test/cases/sites/university.yaml'
  for (const argv of [
    ['apply', '--plan', endless, '--site', site],
    ['status', '--from-recording', endless],
    ['offline', 'confirm', endless, '--site', site],
    ['status', 'pc-1.corp.example', '--site', endless],
    ['schedule', 'install', '--dry-run', '--site', endless],
    ['diagnose', endless],
  ]) {
    const ran = spawnSync(process.execPath, ['bin/slmctl.cjs', ...argv], { encoding: 'utf8', timeout: 30_000, killSignal: 'SIGKILL' })
    assert.equal(ran.status, 2, `${argv.join(' ')}: ${ran.signal} ${ran.stderr}`)
    assert.match(ran.stderr, /^slmctl: /)
    assert.doesNotMatch(ran.stderr, /\n {4}at /)
  }
})
