import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { rootCertificates } from 'node:tls'
import { wantedBy } from '../../src/cli/commands/schedule.ts'
import { type Host, scheduleOf, thisHost } from '../../src/schedule.ts'
import { ran } from '../support/ran.ts'

let folder: string
let site: string
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'slmctl-schedule-cli-'))
  site = join(folder, 'slmctl.yaml')
})
after(() => rmSync(folder, { recursive: true }))

const slmctl = (...argv: string[]) => ran(argv)

const declared = 'domains: [corp.example]\nnetworks: [10.0.0.0/8]\nkms: {hosts: [kms1.corp.example]}\n'
const fleet = `${declared}groups: {a: {machines: [pc-1.corp.example]}}\nwishes: [{product: windows, by: kms}]\n`
const admin = (password: string) =>
  `${fleet}credentials: {admin: {method: ntlm, user: 'CORP\\admin', password: ${password}}}\nreach: {credential: admin}\n`

/** Linux sets up a timer; what is refused, is refused there before anything is looked at. */
describe('slmctl schedule', { skip: process.platform !== 'linux' }, () => {
  const code = async (text: string): Promise<string> => {
    writeFileSync(site, text)
    const answer = await slmctl('schedule', 'install', '--dry-run', '--json', '--site', site)
    if (answer.code === 0) return 'OK'
    return (JSON.parse(answer.out) as { problems: { code: string }[] }).problems[0]!.code
  }

  test('install wants a site file that is right, and not the whole world', async () => {
    assert.equal((await slmctl('schedule', 'install', '--site', join(folder, 'none.yaml'))).code, 2)
    assert.equal(await code(fleet.replace('10.0.0.0/8', '0.0.0.0/0')), 'SITE_TOO_WIDE')
    assert.equal(await code('domains: ['), 'SITE_NOT_YAML')
    assert.equal(await code(declared), 'NO_MACHINES')
  })

  test('install refuses secrets that a timer cannot read, or that others can', async () => {
    assert.equal(await code(admin('{env: PASSWORD}')), 'SCHEDULE_SECRET')
    assert.equal(await code(admin('{file: missing}')), 'SECRET_MISSING')
    writeFileSync(join(folder, 'secret'), 'x', { mode: 0o600 })
    chmodSync(join(folder, 'secret'), 0o644)
    assert.equal(await code(admin('{file: secret}')), 'SECRET_FILE_OPEN')
    assert.equal(
      await code(`${fleet}schedule: {repair: true}\n`.replace('by: kms', 'by: mak, key: {env: KEY}')),
      'SCHEDULE_SECRET',
      'the key of a wish is read by a repair',
    )
  })

  test('install refuses certificates that others may change: who can, stands in for the machines', async () => {
    chmodSync(folder, 0o755)
    const ca = join(folder, 'ca.pem')
    writeFileSync(ca, rootCertificates[0]!)
    chmodSync(ca, 0o666)
    writeFileSync(join(folder, 'secret'), 'x')
    chmodSync(join(folder, 'secret'), 0o600)
    const text = admin('{file: secret}').replace('credential: admin}', 'credential: admin, transport: https, ca: [ca.pem]}')
    writeFileSync(site, text)
    chmodSync(site, 0o644)
    const { wanted } = await wantedBy(site, scheduleOf({ ...thisHost(), platform: 'linux' }))
    assert.deepEqual(wanted.trustFiles, [realpathSync(ca)])
    const host: Host = { ...thisHost(), platform: 'linux', uid: process.getuid!() || 1000, program: { kind: 'file', file: site } }
    await assert.rejects(scheduleOf(host).install(wanted), /ca\.pem as you, and everybody may change/)
    chmodSync(ca, 0o644)
    assert.ok(await scheduleOf(host).install(wanted))
  })

  test('--dry-run lists the files with their content and the commands; as root, not for what lies in /tmp', async () => {
    chmodSync(folder, 0o700)
    writeFileSync(site, fleet, { mode: 0o644 })
    const { code: exit, out, err } = await slmctl('schedule', 'install', '--dry-run', '--site', site)
    if (process.getuid!() === 0) {
      assert.equal(exit, 2)
      assert.match(err, /temporary\s+files/)
      return
    }
    // A checkout that a group may write is no program for a timer.
    if (exit !== 0) {
      assert.match(err, /group \d+ may\s+change/)
      return
    }
    assert.match(out, /slmctl-check\.service \(0644\)/)
    assert.match(out, /\| ExecStart=.* status --all --site /)
    assert.match(out, /principal and a keytab/)
  })

  test('run is for the task of Windows; other words are told what there is', async () => {
    for (const words of [['run'], ['start'], [], ['show', 'more']]) {
      const { code: exit, err } = await slmctl('schedule', ...words)
      assert.equal(exit, 2)
      assert.match(err, /slmctl schedule install --site slmctl\.yaml/)
    }
  })
})
