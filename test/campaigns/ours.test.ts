import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { notOurs } from '../../src/app/ours.ts'
import type { Site } from '../../src/model.ts'
import { stage } from '../journeys/lab.ts'

const site = {
  domains: ['corp.example'],
  networks: ['10.0.0.0/8'],
  forests: [{ name: 'ad.example', domains: ['ad.example'], activationObjects: [], credential: null }],
  locations: [{ name: 'berlin', domains: ['berlin.example'], networks: ['192.168.5.0/24'], groups: [], atOnce: null }],
} as unknown as Site

test('a password is not used over NTLM where nobody declared the machine', () => {
  const say = (name: string, address: string | null = null, more = {}) =>
    notOurs(site, { name, address, listed: false, unproved: true, ...more })?.code ?? null
  for (const name of ['pc.corp.example', 'PC.AD.example.', 'pc.berlin.example', 'pc-17', '10.1.2.3', '192.168.5.9'])
    assert.equal(say(name), null, name)
  for (const name of ['evil.example', 'corp.example.evil.example', 'evilcorp.example', '198.51.100.7', '192.168.6.9'])
    assert.equal(say(name), 'REACH_NOT_OURS', name)
  assert.equal(say('pc.corp.example', '10.9.9.9'), null)
  assert.equal(say('pc.corp.example', '198.51.100.7'), 'REACH_NOT_OURS')
  assert.equal(say('pc.corp.example', 'evil.example'), 'REACH_NOT_OURS')
  assert.equal(say('pc.corp.example', '127.0.0.1'), 'REACH_NOT_OURS')
  assert.equal(notOurs({ ...site, lab: true }, { name: 'pc.corp.example', address: '127.0.0.1', listed: false, unproved: true }), null)
  // A name that the system takes for an address.
  for (const name of ['0xc6336407', '0X7F.1', '0x7f000001']) assert.equal(say(name), 'REACH_NOT_OURS', name)
  assert.equal(say('pc.corp.example', '0xc6336407'), 'REACH_NOT_OURS')
  // The site file names a machine; where it stands, somebody's list does not say for it.
  assert.equal(say('pc.corp.example', '198.51.100.7', { listed: true }), 'REACH_NOT_OURS')
  assert.equal(say('evil.example', '10.9.9.9', { listed: true }), null)
  // Whoever is named by the site file, or proves who it is, may be asked.
  assert.equal(say('evil.example', null, { listed: true }), null)
  assert.equal(say('evil.example', null, { unproved: false }), null)
})

test('a list that names a foreign machine gets nothing of the password', async () => {
  const s = await stage({ machines: [{ name: 'pc-1.corp.example', scenario: 'win11-enterprise-office-2021' }] })
  let heard = 0
  const listener = createServer((socket) => {
    socket.on('data', () => heard++)
    socket.on('error', () => {})
  })
  await new Promise<void>((done) => listener.listen(0, '127.0.0.1', done))
  try {
    const { port } = listener.address() as { port: number }
    const csv = join(s.directory, 'list.csv')
    writeFileSync(csv, 'name,address\nevil.attacker.example,127.0.0.1\npc-1.corp.example,\n')
    const store = ['--store', join(s.directory, 'fleet.db')]
    assert.equal((await s.slmctl('fleet', 'import', csv, ...store)).code, 0)
    const ran = await s.slmctl('fleet', 'scan', '--json', ...store, '--text', 'evil', '--port', String(port))
    assert.equal(ran.code, 2)
    assert.match(ran.out, /REACH_NOT_OURS/)
    assert.equal(heard, 0)
    assert.equal((await s.slmctl('fleet', 'scan', '--text', 'pc-1', ...store)).code, 0)
  } finally {
    listener.close()
    await s.close()
  }
})
