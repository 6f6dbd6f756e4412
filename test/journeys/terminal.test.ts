import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { printable } from '../../src/model.ts'
import { unpacked } from '../support/open.ts'
import { type Stage, stage } from './lab.ts'

/** ESC, BEL, the one-byte CSI of eight bits, a carriage return, and what turns the direction of writing. */
const orders = ['\u001b[2J', '\u001b]0;title\u0007', '\u009b8m', '\rOK', '\u202e']
/** What a terminal would obey. */
const obeyed = /[^\P{Cc}\n\t]|[\u202a-\u202e\u2066-\u2069]/u

/** What machines, files and command lines bring is shown, never obeyed. */
describe('a terminal is given no orders by what is shown on it', () => {
  let s: Stage
  before(async () => {
    s = await stage({ machines: [{ name: 'pc-1.corp.example', scenario: 'wrong-host' }] })
    await s.slmctl('status', 'pc-1.corp.example', '--record', join(s.directory, 'good.json'), '--keep-names')
  })
  after(() => s.close())

  test('a machine whose every answer holds orders', async () => {
    const good = readFileSync(join(s.directory, 'good.json'), 'utf8')
    for (const order of orders) {
      const file = join(s.directory, 'orders.json')
      writeFileSync(
        file,
        JSON.stringify(JSON.parse(good), (key, value) =>
          typeof value === 'string' && /^(?:Name|Description|LicenseFamily|KeyManagementServiceMachine|Domain|CSName|summary)$/.test(key)
            ? `${value}${order}`
            : value,
        ),
      )
      for (const command of ['status', 'plan', 'audit', 'diagnose'])
        for (const json of [[], ['--json']]) {
          const ran = await s.slmctl(command, ...(command === 'diagnose' ? [file] : ['--from-recording', file]), ...json)
          assert.doesNotMatch(ran.out + ran.err, obeyed, `${command} ${JSON.stringify(order)}`)
          if (json.length > 0 && command === 'status')
            assert.ok(JSON.stringify(JSON.parse(ran.out)).includes(JSON.stringify(order).slice(1, -1)))
        }
    }
  })

  test('pasted texts, plan files, files of IDs and words of the command line', async () => {
    for (const order of orders) {
      const text = join(s.directory, 'text.txt')
      writeFileSync(
        text,
        `Description: Windows(R) Operating System, VOLUME_KMSCLIENT channel\nLicense Status: Licensed\nRegistered KMS machine name: kms${order}.corp.example:1688\n`,
      )
      const ids = join(s.directory, 'ids.csv')
      writeFileSync(ids, `machine,product,activation ID,partial key,installation ID,confirmation ID\npc${order},x,y,z,1,123\n`)
      const plan = join(s.directory, 'plan.json')
      writeFileSync(plan, `{"schema":${JSON.stringify(order)}}`)
      for (const argv of [
        ['diagnose', text],
        ['diagnose', text, '--json'],
        ['plan', '--from', text],
        ['offline', 'confirm', ids],
        ['apply', '--plan', plan],
        ['status', `pc${order}1`],
        ['explain', `word${order}`],
        ['keys', `word${order}`],
        [`word${order}`],
        ['status', '--auth', order],
        ['diagnose', `none${order}`],
        ['diagnose', `none${order}`, '--json'],
      ]) {
        const ran = await s.slmctl(...argv)
        assert.doesNotMatch(ran.out + ran.err, obeyed, JSON.stringify(argv))
      }
    }
  })

  test('nor does the archive for support hold any', async () => {
    const zip = join(s.directory, 'orders.zip')
    const ran = await s.slmctl('status', `pc${orders[0]}${orders[2]}1`, `--debug=${zip}`)
    assert.doesNotMatch(ran.out + ran.err, obeyed)
    for (const [name, content] of unpacked(zip)) assert.doesNotMatch(content, obeyed, name)
  })

  test('JSON says the same as before, and colours of our own stay', () => {
    const value = { a: `\\${orders.join('\\')}\\` }
    assert.deepEqual(JSON.parse(printable(JSON.stringify(value))), value)
    assert.equal(printable('\u001b[31mred\u001b[39m\tx\n'), '\u001b[31mred\u001b[39m\tx\n')
    assert.equal(printable('\u001b[8m\u0007[31m'), '\\u001b[8m\\u0007[31m')
  })
})
