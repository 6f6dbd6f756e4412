/** Where the server listens, how it is encrypted, and how it ends; the commands around it, as a user runs them. */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { openFleet } from '../../src/app.ts'
import { ProblemError } from '../../src/model.ts'
import { published } from '../../src/schemas.ts'
import { usualSettings } from '../../src/server.ts'
import { readSite } from '../../src/site.ts'
import { ran } from '../support/ran.ts'
import { type Said, stage } from './stage.ts'

const refuses = (code: string) => (error: unknown) => {
  assert.ok(error instanceof ProblemError, String(error))
  assert.equal(error.problems[0]!.code, code)
  assert.ok(error.problems[0]!.next.length > 0)
  return true
}
const site = 'organisation: Example University\ndomains: [corp.example]\nnetworks: [10.0.0.0/8]\nkms:\n  hosts: [kms1.corp.example]\n'
const folder = mkdtempSync(join(tmpdir(), 'slmctl-listen-'))
after(() => rmSync(folder, { recursive: true, force: true }))

test('what holds without a site file is what a site file says by itself', () => {
  const said = readSite('x.yaml', `${site}server: {}\n`).siteFile!.server
  // But for the hosts that it checks by itself: without a site file there are none.
  assert.deepEqual(said, { ...usualSettings, checkHostsMinutes: 15 })
  assert.equal(usualSettings.checkHostsMinutes, null)
})

describe('where it listens', () => {
  test('beyond this computer only with TLS, or behind a proxy that has it', async () => {
    for (const settings of [
      { address: '0.0.0.0' },
      { address: '::' },
      { address: '0.0.0.0', proxies: ['127.0.0.1'] },
      { address: '0.0.0.0', url: 'https://slmctl.corp.example' },
      { address: '0.0.0.0', url: 'http://slmctl.corp.example', proxies: ['127.0.0.1'] },
      { url: 'http://slmctl.corp.example', proxies: ['127.0.0.1'] },
    ])
      await assert.rejects(stage(settings), refuses('SERVER_NOT_PRIVATE'), JSON.stringify(settings))
  })
  test('an address in use, and one that is none of ours, are said', async () => {
    const other: Server = createServer()
    await new Promise<void>((done) => other.listen(0, '127.0.0.1', done))
    const { port } = other.address() as { port: number }
    await assert.rejects(stage({ port }), refuses('ADDRESS_IN_USE'))
    await assert.rejects(stage({ address: '192.0.2.77', url: 'https://x.example', proxies: ['127.0.0.1'] }), refuses('ADDRESS_NOT_HERE'))
    other.close()
  })
})

describe('TLS', () => {
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  before(() => {
    const words = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=slmctl.corp.example -addext subjectAltName=DNS:slmctl.corp.example,IP:127.0.0.1 -keyout ${key} -out ${cert}`
    execFileSync('openssl', words.split(' '), { stdio: 'ignore' })
    execFileSync('chmod', ['600', key])
  })
  const tls = { certificate: cert, key: { file: key } }
  test('names of the certificate are ours; the cookie is for this host and TLS alone; browsers keep to TLS', async () => {
    const s = await stage({ tls }, { once: true })
    assert.match(s.server.link!, /^https:\/\/127\.0\.0\.1:\d+\/sign-in#/)
    const { port } = new URL(s.server.url)
    const said = await s.ask('/api/v1/sign-in/link', { body: { token: s.server.link!.split('#')[1] } })
    assert.equal(said.status, 200, said.text)
    assert.match(
      String((said.headers['set-cookie'] as string[])[0]),
      /^__Host-slmctl=[\w-]{43}; Path=\/; Max-Age=43200; HttpOnly; SameSite=Strict; Secure$/,
    )
    assert.equal(said.headers['strict-transport-security'], 'max-age=31536000')
    const session = /=([\w-]+)/.exec(String((said.headers['set-cookie'] as string[])[0]))![1]!
    assert.equal((await s.ask('/api/v1/me', { session })).status, 200)
    assert.equal((await s.ask('/api/v1/me', { headers: { cookie: `slmctl=${session}` } })).status, 401, 'the other name is another cookie')
    assert.equal((await s.ask('/healthz', { headers: { host: `slmctl.corp.example:${port}` } })).status, 200)
    assert.equal((await s.ask('/healthz', { headers: { host: `evil.example:${port}` } })).status, 421)
    await s.close()
  })
  test('what is no certificate, or another key’s, is said at the start', async () => {
    const none = join(folder, 'none.pem')
    writeFileSync(none, 'hello\n')
    await assert.rejects(stage({ tls: { certificate: none, key: { file: key } } }), refuses('CERTIFICATE_FILE'))
    await assert.rejects(stage({ tls: { certificate: join(folder, 'gone.pem'), key: { file: key } } }), refuses('CERTIFICATE_FILE'))
    const other = join(folder, 'other.pem')
    execFileSync('openssl', `genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ${other}`.split(' '), { stdio: 'ignore' })
    execFileSync('chmod', ['600', other])
    await assert.rejects(stage({ tls: { certificate: cert, key: { file: other } } }), refuses('CERTIFICATE_FILE'))
  })
})

describe('how it ends', () => {
  test('what is under way is answered, listeners are let go, nothing new is begun', async () => {
    const held = Promise.withResolvers<void>()
    const begun = Promise.withResolvers<void>()
    const s = await stage()
    const { value } = await s.token(await s.person('approver'), 'apply')
    const slow = await stage(
      {},
      {
        store: {
          ...s.store,
          views: async () => {
            begun.resolve()
            await held.promise
            return []
          },
        } as never,
      },
    )
    const { hostname, port } = new URL(slow.server.url)
    const events = new Promise<void>((ended) => {
      request({ hostname, port, path: '/api/v1/events', headers: { authorization: `Bearer ${value}` }, agent: false }, (answer) => {
        answer.resume().on('close', () => ended())
      }).end()
    })
    const answer = slow.ask('/api/v1/me/views', { token: value })
    await begun.promise
    const closed = slow.server.close({ graceMs: 5000 })
    await events
    await assert.rejects(slow.ask('/healthz'), /ECONNREFUSED/)
    held.resolve()
    assert.equal((await answer).status, 200)
    await closed
    await slow.store.close()
    await s.close()
  })
  test('who takes too long is cut off', async () => {
    const begun = Promise.withResolvers<void>()
    const s = await stage()
    const { value } = await s.token(await s.person('approver'), 'apply')
    const stuck = () => {
      begun.resolve()
      return new Promise(() => {})
    }
    const slow = await stage({}, { store: { ...s.store, views: stuck } as never })
    const answer: Promise<Said | Error> = slow.ask('/api/v1/me/views', { token: value }).catch((error: Error) => error)
    await begun.promise
    const began = performance.now()
    await slow.server.close({ graceMs: 300 })
    assert.ok(performance.now() - began < 3000)
    assert.ok((await answer) instanceof Error)
    await slow.store.close()
    await s.close()
  })
})

describe('the commands', () => {
  const store = join(folder, 'fleet.db')
  const siteFile = join(folder, 'slmctl.yaml')
  const password = join(folder, 'password')
  writeFileSync(siteFile, site)
  writeFileSync(password, 'correct horse battery\n', { mode: 0o600 })
  const slmctl = (...argv: string[]) => ran([...argv, '--store', store, '--site', siteFile])
  const json = async (name: keyof typeof published, ...argv: string[]) => {
    const said = await slmctl(...argv, '--json')
    assert.equal(said.code, 0, said.err)
    return published[name].parse(JSON.parse(said.out)) as never
  }

  test('accounts: added, listed, given another role and password, disabled; all of it in the trail', async () => {
    const added: { accounts: { name: string; role: string }[] } = await json(
      'accounts',
      'accounts',
      'add',
      'maria',
      '--role',
      'viewer',
      '--password-file',
      password,
    )
    assert.deepEqual(
      added.accounts.map((a) => [a.name, a.role]),
      [['maria', 'viewer']],
    )
    assert.match((await slmctl('accounts', 'add', 'maria', '--role', 'viewer', '--password-file', password)).err, /ACCOUNT_EXISTS/)
    assert.match((await slmctl('accounts', 'add', 'x', '--password-file', password)).err, /--role is missing/)
    assert.match((await slmctl('accounts', 'add', '<b>', '--role', 'viewer', '--password-file', password)).err, /no name for an account/)
    assert.match((await slmctl('accounts', 'role', 'nobody', '--role', 'viewer')).err, /ACCOUNT_UNKNOWN/)
    assert.equal((await slmctl('accounts', 'role', 'maria', '--role', 'operator')).code, 0)
    assert.equal((await slmctl('accounts', 'disable', 'maria')).code, 0)
    assert.match((await slmctl('accounts', 'list')).out, /maria +operator +local +disabled/)
    assert.equal((await slmctl('accounts', 'enable', 'maria')).code, 0)
    const short = join(folder, 'short')
    writeFileSync(short, 'short\n', { mode: 0o600 })
    assert.match((await slmctl('accounts', 'password', 'maria', '--password-file', short)).err, /PASSWORD_TOO_SHORT/)
    const { rows }: { rows: { what: string; about: string; by: string }[] } = await json('trail', 'trail')
    assert.deepEqual(
      rows.map((r) => [r.what, r.about]),
      [
        ['accounts enable', 'maria'],
        ['accounts disable', 'maria'],
        ['accounts role', 'maria (operator)'],
        ['accounts add', 'maria (viewer)'],
      ],
    )
    assert.ok(rows.every((r) => r.by === 'command'))
  })
  test('tokens: printed once, listed without, revoked', async () => {
    const made: { token: string; tokens: { id: number; scope: string }[] } = await json(
      'tokens',
      'tokens',
      'create',
      'prometheus',
      '--for',
      'maria',
      '--scope',
      'metrics',
    )
    assert.match(made.token, /^slmctl_[\w-]{43}$/)
    const listed = await slmctl('tokens', 'list')
    assert.match(listed.out, /prometheus of maria: metrics, until \d{4}-\d\d-\d\d, never used/)
    assert.ok(!listed.out.includes(made.token))
    assert.match((await slmctl('tokens', 'create', 'x', '--for', 'maria', '--scope', 'read', '--days', '366')).err, /expected 1 to 365/)
    assert.match((await slmctl('tokens', 'create', 'x', '--for', 'maria', '--scope', 'all')).err, /expected metrics, read/)
    assert.match((await slmctl('tokens', 'list', '--scope', 'read')).err, /does not take --scope/)
    assert.equal((await slmctl('tokens', 'revoke', String(made.tokens[0]!.id))).code, 0)
    assert.match((await slmctl('tokens', 'list')).out, /revoked/)
    // Maria is an operator: a scope of more is made, for the day that she may, and said to be worth less.
    assert.match((await slmctl('tokens', 'create', 'y', '--for', 'maria', '--scope', 'apply')).out, /maria is operator: until that changes/)
    assert.doesNotMatch((await slmctl('tokens', 'create', 'z', '--for', 'maria', '--scope', 'operate')).out, /until that changes/)
  })
  test('a store that is not there is said, and not made: nothing is told of it', async () => {
    const missing = join(folder, 'missing.db')
    for (const words of [['trail'], ['accounts', 'list'], ['tokens', 'list'], ['accounts', 'enable', 'maria']]) {
      const { code, err } = await ran([...words, '--store', missing, '--site', siteFile])
      assert.equal(code, 2, words.join(' '))
      assert.match(err, /STORE_MISSING/, words.join(' '))
      assert.ok(!existsSync(missing), words.join(' '))
    }
  })
  test('trail --check: as it was written, or where it is not', async () => {
    assert.match((await slmctl('trail', '--check')).out, /^\d+ rows, each as it was written\.\n$/)
    assert.match((await slmctl('trail')).out, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC \S+ \(command\) tokens create: \d+ z of maria/)
    const { DatabaseSync } = await import('node:sqlite')
    const db = new DatabaseSync(store)
    assert.throws(() => db.exec("update trail set who = 'nobody' where id = 2"), /rows are only added/)
    db.exec("drop trigger trail_update; update trail set who = 'nobody' where id = 2")
    db.close()
    const found = await slmctl('trail', '--check')
    assert.equal(found.code, 1)
    assert.match(found.err, /row 2 is not as it was written/)
  })
  test('serve: one line of JSON, a link that lets in, and an end by a signal', { timeout: 60_000 }, async () => {
    const other = join(folder, 'other.db')
    const child = spawn(process.execPath, [
      'bin/slmctl.cjs',
      'serve',
      '--store',
      other,
      '--site',
      siteFile,
      '--listen',
      '127.0.0.1:0',
      '--json',
    ])
    let out = ''
    let err = ''
    child.stderr.on('data', (chunk) => {
      err += chunk
    })
    await new Promise<void>((said) =>
      child.stdout.on('data', (chunk) => {
        out += chunk
        if (out.includes('\n')) said()
      }),
    )
    const { url, link } = published.serve.parse(JSON.parse(out))
    const [, token] = link!.split('#')
    const headers = { origin: url, 'content-type': 'application/json' }
    const said = await fetch(`${url}/api/v1/sign-in/link`, { method: 'POST', headers, body: JSON.stringify({ token }) })
    assert.equal(said.status, 200)
    const ended = new Promise<number | null>((done) => child.on('exit', (code) => done(code)))
    child.kill('SIGTERM')
    assert.equal(await ended, 0)
    assert.ok(!err.includes(token!), 'the log does not have the link')
    const kept = await openFleet(other, false)
    assert.deepEqual(
      (await kept.trail({}, { limit: 10, after: null })).rows.map((r) => r.what),
      ['POST /api/v1/sign-in/link'],
    )
    await kept.close()
  })
  test('serve refuses what it does not know', async () => {
    assert.match((await slmctl('serve', 'here')).err, /serve takes no words/)
    assert.match((await slmctl('serve', '--listen', '8080')).err, /expected address:port/)
    assert.match((await slmctl('serve', '--listen', '0.0.0.0:0')).err, /SERVER_NOT_PRIVATE/)
  })
})
