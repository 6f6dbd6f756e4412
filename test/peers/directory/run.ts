/**
 * What slmctl asks of DNS, asked of a server that nobody here wrote: dnsmasq, on the loopback; and what it asks of a directory, asked of
 * Samba in a network namespace of its own (`ldap.ts`).
 */
import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { openResolver } from '../../../src/directory.ts'
import { ProblemError } from '../../../src/model.ts'
import { add, afterwards, check, folder, main, run, skip, start } from '../checks.ts'

const service = '_vlmcs._tcp.corp.example'
const many = Array.from({ length: 60 }, (_, i) => `--srv-host=_many._tcp.corp.example,kms-with-a-long-name-${i}.corp.example,1688,${i},0`)

/** Starts dnsmasq, and waits until it says that it has; where somebody else took its port meanwhile, at another. */
async function dnsmasq(): Promise<{ readonly server: ChildProcess; readonly port: number; readonly log: () => string }> {
  for (let tries = 1; ; tries++) {
    const port = await freePort()
    const server = start('dnsmasq', argumentsOf(port))
    let log = ''
    const started = await new Promise<boolean>((done) => {
      server.stderr!.on('data', (part: Buffer) => {
        log += part.toString()
        if (/started, version/.test(log)) done(true)
      })
      server.once('close', () => done(false))
      server.once('error', () => done(false))
    })
    if (started) return { server, port, log: () => log }
    if (tries === 3) throw new Error(`dnsmasq does not start: ${log}`)
  }
}

const argumentsOf = (port: number) => [
  ...['--keep-in-foreground', '--no-daemon', '--no-resolv', '--no-hosts', '--conf-file=/dev/null', '--pid-file', '--log-queries'],
  ...[
    `--port=${port}`,
    '--listen-address=127.0.0.1',
    '--bind-interfaces',
    '--user=root',
    '--local=/corp.example/',
    '--edns-packet-max=1232',
  ],
  ...[`--srv-host=${service},kms1.corp.example,1688,10,60`, `--srv-host=${service},kms2.corp.example,1689,10,40`],
  `--srv-host=${service},spare.corp.example,1688,20,0`,
  ...[
    '--host-record=kms1.corp.example,10.1.2.3,2001:db8::7',
    '--host-record=kms2.corp.example,10.1.2.4',
    '--cname=alias.corp.example,kms1.corp.example',
  ],
  ...many,
]

await main(async () => {
  const { server, port, log } = await dnsmasq()
  const at = `127.0.0.1:${port}`
  const names = openResolver({ servers: [at] })

  await check('dnsmasq: SRV records with port, priority and weight', async () => {
    const records = await names.srv(service)
    assert.deepEqual(records.map((r) => [r.target, r.port, r.priority, r.weight]).sort(), [
      ['kms1.corp.example', 1688, 10, 60],
      ['kms2.corp.example', 1689, 10, 40],
      ['spare.corp.example', 1688, 20, 0],
    ])
  })
  await check('dnsmasq: addresses of both families, and through an alias', async () => {
    assert.deepEqual(await names.addresses('kms1.corp.example'), ['10.1.2.3', '2001:db8::7'])
    assert.deepEqual(await names.addresses('ALIAS.corp.example.'), ['10.1.2.3', '2001:db8::7'])
    assert.deepEqual(await names.addresses('kms2.corp.example'), ['10.1.2.4'])
  })
  await check('dnsmasq: no such name, and a name without such a record, are none', async () => {
    assert.deepEqual(await names.addresses('nowhere.corp.example'), [])
    assert.deepEqual(await names.srv('kms1.corp.example'), [])
  })
  await check('dnsmasq: an answer too long for a datagram comes whole over TCP', async () => {
    assert.equal((await names.srv('_many._tcp.corp.example')).length, 60)
  })
  await check('dnsmasq: what is not its own it refuses, which is no answer', async () => {
    await assert.rejects(openResolver({ servers: [at], timeoutMs: 300 }).addresses('elsewhere.example'), (error: unknown) => {
      assert.ok(error instanceof ProblemError)
      assert.match(error.message, /REFUSED/)
      return true
    })
  })
  await check('dnsmasq saw each question once', async () => {
    await names.srv(service)
    await names.addresses('kms1.corp.example')
    assert.equal(log().split(`query[SRV] ${service} `).length - 1, 1)
    assert.equal(log().split('query[A] kms1.corp.example ').length - 1, 1)
  })
  server.kill('SIGTERM')
  await againstSamba()
})

async function againstSamba(): Promise<void> {
  const missing = ['/usr/sbin/samba', '/usr/bin/ldbsearch', '/usr/bin/kinit', '/usr/sbin/ip'].filter((program) => !existsSync(program))
  if (process.platform !== 'linux' || process.getuid!() !== 0 || missing.length > 0)
    return skip('LDAP against Samba', `needs Linux, root and ${missing.join(', ') || 'nothing more'}`)
  const here = import.meta.dirname
  const dir = join(folder('directory'), 'ad')
  const namespace = `slmd${process.pid}`
  afterwards(() => run(join(here, '../ad-down.sh'), [dir, namespace]))
  const started = await check('a Samba domain controller starts', async () => {
    const { code, stderr } = await run(join(here, '../ad-up.sh'), [dir, namespace], { timeoutMs: 120_000 })
    if (code !== 0) throw new Error(stderr)
  })
  if (!started) return
  const env = { KRB5_CONFIG: `${dir}/krb5.conf`, KRB5CCNAME: `FILE:${dir}/tickets` }
  const inside = await run('ip', ['netns', 'exec', namespace, process.execPath, join(here, 'ldap.ts'), dir], {
    ...{ env, shown: true, timeoutMs: 180_000 },
  })
  if (!add(inside.stdout.trimEnd().split('\n').at(-1))) await check('the checks run to their end', () => Promise.reject(inside.stderr))
}

async function freePort(): Promise<number> {
  const socket = createSocket('udp4')
  await new Promise<void>((ready) => socket.bind(0, '127.0.0.1', ready))
  const { port } = socket.address()
  socket.close()
  return port
}
