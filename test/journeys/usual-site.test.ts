import assert from 'node:assert/strict'
import { chmodSync, chownSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { usualSiteFile } from '../../src/app/usual-site.ts'
import { ProblemError } from '../../src/model.ts'

/** A site file that somebody left in a shared folder would say which hosts are ours, and to whom our credentials are shown. */
describe('the site file of the current folder', { skip: process.platform === 'win32' }, () => {
  const before = process.cwd()
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'slmctl-usual-'))
    process.chdir(folder)
    writeFileSync('slmctl.yaml', 'domains: [corp.example]\n', { mode: 0o644 })
  })
  afterEach(() => {
    process.chdir(before)
    rmSync(folder, { recursive: true })
    delete process.env.SUDO_UID
  })
  const code = async () => {
    try {
      return await usualSiteFile()
    } catch (error) {
      return error instanceof ProblemError ? error.problems[0]!.code : String(error)
    }
  }

  test('is taken where nobody else can have written it, also from a folder for all with a sticky bit', async () => {
    assert.equal(await code(), 'slmctl.yaml')
    chmodSync('slmctl.yaml', 0o664)
    assert.equal(await code(), 'slmctl.yaml')
    chmodSync(folder, 0o1777)
    assert.equal(await code(), 'slmctl.yaml')
  })

  test('is refused where everybody may change it, or put another in its place', async () => {
    chmodSync('slmctl.yaml', 0o646)
    assert.equal(await code(), 'SITE_NOT_YOURS')
    chmodSync('slmctl.yaml', 0o644)
    chmodSync(folder, 0o777)
    assert.equal(await code(), 'SITE_NOT_YOURS')
  })

  test('is refused where it is of another user, by itself or by a link; under sudo the person counts', {
    skip: process.getuid?.() !== 0,
  }, async () => {
    chownSync('slmctl.yaml', 4711, 4711)
    assert.equal(await code(), 'SITE_NOT_YOURS')
    process.env.SUDO_UID = '4711'
    assert.equal(await code(), 'slmctl.yaml')
    delete process.env.SUDO_UID
    rmSync('slmctl.yaml')
    writeFileSync('other.yaml', '')
    chownSync('other.yaml', 4711, 4711)
    symlinkSync('other.yaml', 'slmctl.yaml')
    assert.equal(await code(), 'SITE_NOT_YOURS')
  })
})
