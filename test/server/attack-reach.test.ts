/** Whoever may import machines learns nothing of the site's password by it: no machine of theirs is shown it. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type Stage, stage } from './stage.ts'

let on: Stage
let token: string
let heard = 0
const trap = createServer((socket) => {
  socket.on('data', () => heard++)
  socket.on('error', () => {})
})

before(async () => {
  await new Promise<void>((done) => trap.listen(0, '127.0.0.1', done))
  const { port } = trap.address() as { port: number }
  const siteText = `organisation: Example University
domains: [corp.example]
networks: [10.0.0.0/8]
kms: { hosts: [kms1.corp.example] }
credentials:
  site: { method: ntlm, user: 'CORP\\slmctl', password: { file: site.password } }
reach: { transport: http, credential: site, port: ${port}, timeout: 5, connect-timeout: 2 }
groups:
  clients: { machines: [pc-1.corp.example] }
`
  on = await stage({}, { siteText })
  writeFileSync(join(on.directory, 'site.password'), 'not for everybody\n', { mode: 0o600 })
  token = (await on.token(await on.person('operator'), 'operate')).value
})
after(async () => {
  await on.close()
  trap.close()
})

const imported = async (text: string) => {
  const body = { source: 'csv:mine', kind: 'csv', text: `name,address\n${text}\n`, dryRun: false }
  const said = await on.ask('/api/v1/fleet/imports', { token, body })
  assert.ok(said.status < 300, said.text)
  return (await on.store.find(text.split(',')[0]!))[0]
}
const asked = async (id: number) => {
  const said = await on.ask(`/api/v1/fleet/machines/${id}/conversation`, { token, method: 'POST' })
  return (said.json as { problem: { code: string } }).problem.code
}

test('a machine of the site file at an address that somebody’s list says', async () => {
  const listed = await imported('pc-1.corp.example,127.0.0.1')
  assert.equal(await asked(listed!.id), 'REACH_NOT_OURS')
  const story = await on.ask('/api/v1/hosts/story', { token, body: { machine: listed!.id } })
  assert.match(story.text, /REACH_NOT_OURS/)
  assert.equal(heard, 0)
})

test('a name that is an address to the system (inet_aton)', async () => {
  const named = await imported('0x7f000001,').catch(() => undefined)
  // Of a list that was taken in before.
  if (named) assert.equal(await asked(named.id), 'REACH_NOT_OURS')
  await imported('pc-2.corp.example,').then((m) => assert.ok(m))
  const at = await imported('pc-3.corp.example,0x7f000001').catch(() => undefined)
  if (at) assert.equal(await asked(at.id), 'REACH_NOT_OURS')
  assert.equal(heard, 0)
})

test('a machine that is called like a group of the site is none of that group', async () => {
  const clients = await imported('clients,')
  assert.equal(await asked(clients!.id), 'MACHINE_NAME')
  assert.equal(heard, 0)
})
