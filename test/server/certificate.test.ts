/** A certificate that is renewed while the server runs: over real TLS connections, with files as people and programs renew them. */
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { connect, type TLSSocket } from 'node:tls'
import { type Stage, stage } from './stage.ts'

const folder = mkdtempSync(join(tmpdir(), 'slmctl-certificate-'))
after(() => rmSync(folder, { recursive: true, force: true }))

type Pair = { readonly cert: string; readonly key: string }
/** A certificate and its key; its common name is how it is known here. */
function made(name: string, days = 90): Pair {
  const [cert, key] = [join(folder, `${name}.made.pem`), join(folder, `${name}.made.key`)]
  const words = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days ${days} -subj /CN=${name} -addext subjectAltName=DNS:${name}.corp.example,IP:127.0.0.1`
  execFileSync('openssl', [...words.split(' '), '-keyout', key, '-out', cert], { stdio: 'ignore' })
  return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') }
}
const [first, second, third] = [made('first'), made('second'), made('third')]

/** The two files that the server looks at; each write is whole, as `rename` makes it. */
function files(name: string, pair: Pair) {
  const at = join(folder, name)
  mkdirSync(at, { recursive: true })
  const put = (path: string, text: string) => {
    writeFileSync(`${path}.new`, text, { mode: 0o600 })
    renameSync(`${path}.new`, path)
  }
  const [cert, key] = [join(at, 'cert.pem'), join(at, 'key.pem')]
  const all = {
    ...{ tls: { certificate: cert, key: { file: key } }, certFile: cert, keyFile: key },
    cert: (text: string) => put(cert, text),
    key: (text: string) => put(key, text),
  }
  all.cert(pair.cert)
  all.key(pair.key)
  return all
}

const port = (s: Stage) => Number(new URL(s.server.url).port)
function connected(at: number): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: at, rejectUnauthorized: false }, () => resolve(socket))
    socket.once('error', reject)
  })
}
const nameOf = (socket: TLSSocket) => String(socket.getPeerCertificate().subject.CN)
/** Whose certificate a new connection gets. */
async function served(at: number): Promise<string> {
  const socket = await connected(at)
  const name = nameOf(socket)
  socket.destroy()
  return name
}
async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 30_000; !(await holds()); await new Promise((next) => setTimeout(next, 10)))
    if (Date.now() > end) assert.fail(`never: ${what}`)
}
const looks = { limits: { certificateEveryMs: 20 } }
const notTaken = (s: Stage) => s.log.filter((line) => /is not taken/.test(line))

describe('renewed while the server runs', () => {
  test('new connections get the new one, whose names are ours; one that is open goes on', async () => {
    const at = files('plain', first)
    const s = await stage({ tls: at.tls }, looks)
    const open = await connected(port(s))
    assert.equal(nameOf(open), 'first')
    const asked = async () => {
      const answer = new Promise<string>((said) => open.once('data', (part) => said(part.toString())))
      open.write(`GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:${port(s)}\r\n\r\n`)
      return await answer
    }
    assert.match(await asked(), /^HTTP\/1\.1 200/)
    const host = { host: `second.corp.example:${port(s)}` }
    assert.equal((await s.ask('/healthz', { headers: host })).status, 421)
    at.cert(second.cert)
    at.key(second.key)
    await until('the second is served', async () => (await served(port(s))) === 'second')
    assert.match(await asked(), /^HTTP\/1\.1 200/, 'on the line of before')
    open.destroy()
    assert.equal((await s.ask('/healthz', { headers: host })).status, 200)
    assert.equal((await s.ask('/healthz', { headers: { host: `first.corp.example:${port(s)}` } })).status, 421)
    assert.equal(s.log.filter((line) => /^a new certificate is served, until \d{4}-\d\d-\d\d$/.test(line)).length, 1)
    const { value } = await s.token(await s.person('viewer'), 'metrics')
    const end = Date.parse(
      (await connected(port(s)).then((socket) => [socket.getPeerCertificate().valid_to, socket.destroy()] as const))[0],
    )
    assert.match(
      (await s.ask('/metrics', { token: value })).text,
      new RegExp(`^slmctl_server_certificate_end_timestamp_seconds ${end / 1000}$`, 'm'),
    )
    await s.close()
  })
  test('a drive that hangs holds nobody but the look at it', { skip: process.platform === 'win32' }, async () => {
    const at = files('hanging', first)
    const s = await stage({ tls: at.tls }, looks)
    // A pipe says nothing until somebody writes into it.
    const pipe = join(folder, 'hanging', 'pipe')
    execFileSync('mkfifo', ['-m', '600', pipe])
    linkSync(pipe, `${pipe}.end`)
    writeFileSync(`${pipe}.then`, second.cert)
    at.key(second.key)
    const drive = spawn('sh', ['-c', 'sleep 1; mv "$3" "$1"; cat "$1" >"$2"', 'sh', at.certFile, `${pipe}.end`, `${pipe}.then`])
    const back = once(drive, 'exit')
    renameSync(pipe, at.certFile)
    await new Promise((next) => setTimeout(next, 200))
    assert.equal((await s.ask('/healthz')).status, 200)
    assert.equal(drive.exitCode, null, 'it was answered meanwhile')
    await back
    await until('the second is served', async () => (await served(port(s))) === 'second')
    await s.close()
  })
  test('the key first: what does not match in between is not taken, told in one line, and the certificate then ends it', async () => {
    const at = files('in-between', first)
    const s = await stage({ tls: at.tls }, looks)
    at.key(second.key)
    await until('it is told', () => notTaken(s).length > 0)
    assert.match(notTaken(s)[0]!, /that of before is served on, until \d{4}-\d\d-\d\d: .*do not belong together/)
    assert.equal(await served(port(s)), 'first')
    at.cert(second.cert)
    await until('the second is served', async () => (await served(port(s))) === 'second')
    // The other order, and that what was told once may be told again.
    at.cert(third.cert)
    await until('it is told', () => notTaken(s).length > 1)
    assert.equal(await served(port(s)), 'second')
    at.key(third.key)
    await until('the third is served', async () => (await served(port(s))) === 'third')
    assert.equal(notTaken(s).length, 2)
    await s.close()
  })
  const chain = `${second.cert}${third.cert}`
  const bad: Record<string, readonly [why: string, spoil: (at: ReturnType<typeof files>) => void]> = {
    'no certificate': ['cannot be read as a certificate', (at) => at.cert('hello\n')],
    'half of a certificate': ['cannot be read as a certificate', (at) => at.cert(second.cert.slice(0, 300))],
    'the authority between cut off': ['cannot be read as a certificate', (at) => [at.cert(chain.slice(0, -40)), at.key(second.key)]],
    'an authority between that is none': [
      '',
      (at) => [at.cert(`${second.cert}${third.cert.replace(/\n[^\n]{20}/, '\nAAAAAAAAAAAAAAAAAAAA')}`), at.key(second.key)],
    ],
    'an empty file': ['cannot be read as a certificate', (at) => at.cert('')],
    'a key with a passphrase': [
      'without a passphrase',
      (at) => {
        const out = join(folder, 'locked.key')
        execFileSync('openssl', ['ec', '-aes256', '-passout', 'pass:x', '-in', join(folder, 'second.made.key'), '-out', out], {
          stdio: 'ignore',
        })
        at.key(readFileSync(out, 'utf8'))
      },
    ],
    'no file': ['ENOENT', (at) => rmSync(at.certFile)],
  }
  for (const [name, [why, spoil]] of Object.entries(bad))
    test(`not taken: ${name}; told once, and the next good one is served`, async () => {
      const at = files(name.replaceAll(' ', '-'), first)
      const s = await stage({ tls: at.tls }, looks)
      spoil(at)
      await until('it is told', () => notTaken(s).length > 0)
      const [told] = notTaken(s)
      assert.ok(told!.includes(why), told!)
      assert.equal(await served(port(s)), 'first')
      at.cert(third.cert)
      at.key(third.key)
      await until('the third is served', async () => (await served(port(s))) === 'third')
      const others = notTaken(s).filter((line) => !/do not belong together/.test(line))
      assert.equal(others.length, 1, s.log.join('\n'))
      await s.close()
    })
  test('not taken: a key that others may read', { skip: process.platform === 'win32' && 'no mode bits' }, async () => {
    const at = files('open-key', first)
    const s = await stage({ tls: at.tls }, looks)
    at.cert(second.cert)
    writeFileSync(at.keyFile, second.key)
    chmodSync(at.keyFile, 0o644)
    await until('it is told', () => notTaken(s).some((line) => /Others than its owner/.test(line)))
    assert.equal(await served(port(s)), 'first')
    chmodSync(at.keyFile, 0o600)
    await until('the second is served', async () => (await served(port(s))) === 'second')
    await s.close()
  })
  test('not taken: one that has ended, or does not hold yet; the latter is taken when it does', async () => {
    const at = files('times', made('long', 400))
    const s = await stage({ tls: at.tls }, looks)
    const now = s.clock.now
    s.clock.now = now + 100 * 86_400_000
    at.cert(first.cert)
    at.key(first.key)
    await until('it is told', () => notTaken(s).some((line) => /has ended/.test(line)))
    s.clock.now = now - 3 * 86_400_000
    await until('it is told', () => notTaken(s).some((line) => /does not hold before/.test(line)))
    assert.equal(await served(port(s)), 'long')
    s.clock.now = now
    await until('the first is served', async () => (await served(port(s))) === 'first')
    await s.close()
  })
  test('a link that is swapped, as certbot and cert-manager do it', {
    skip: process.platform === 'win32' && 'links want rights there',
  }, async () => {
    const at = join(folder, 'linked')
    for (const [name, { cert, key }] of [
      ['v1', first],
      ['v2', second],
    ] as const) {
      mkdirSync(join(at, name), { recursive: true })
      writeFileSync(join(at, name, 'tls.crt'), cert)
      writeFileSync(join(at, name, 'tls.key'), key, { mode: 0o600 })
    }
    symlinkSync('v1', join(at, '..data'))
    for (const name of ['tls.crt', 'tls.key']) symlinkSync(join('..data', name), join(at, name))
    const s = await stage({ tls: { certificate: join(at, 'tls.crt'), key: { file: join(at, 'tls.key') } } }, looks)
    assert.equal(await served(port(s)), 'first')
    symlinkSync('v2', join(at, '..new'))
    renameSync(join(at, '..new'), join(at, '..data'))
    await until('the second is served', async () => (await served(port(s))) === 'second')
    assert.deepEqual(notTaken(s), [])
    await s.close()
  })
  test('a file whose time and size say that nothing changed', async () => {
    const at = files('same-time', first)
    const s = await stage({ tls: at.tls }, looks)
    // As cp -p and restores do it.
    for (const [from, to] of [
      ['second.made.pem', at.certFile],
      ['second.made.key', at.keyFile],
    ] as const) {
      copyFileSync(join(folder, from), to)
      execFileSync('touch', ['-d', '2020-01-01', to])
    }
    await until('the second is served', async () => (await served(port(s))) === 'second')
    await s.close()
  })
  test('a key that is no file is read anew with the certificate', async () => {
    const at = files('by-environment', first)
    process.env.SLMCTL_TEST_KEY = first.key
    const s = await stage({ tls: { certificate: at.certFile, key: { env: 'SLMCTL_TEST_KEY' } } }, looks)
    process.env.SLMCTL_TEST_KEY = second.key
    at.cert(second.cert)
    await until('the second is served', async () => (await served(port(s))) === 'second')
    await s.close()
    delete process.env.SLMCTL_TEST_KEY
  })
})

test('at the start it is said how long it holds, where that is less than 14 days, and that it has ended', async () => {
  const at = files('soon', made('soon', 5))
  const soon = await stage({ tls: at.tls })
  assert.ok(
    soon.log.some((line) => /cert\.pem ends on \d{4}-\d\d-\d\d, in [45] days/.test(line)),
    soon.log.join('\n'),
  )
  const now = soon.clock.now
  await soon.close()
  const tomorrow = await stage({ tls: at.tls }, { clock: () => now + 3.5 * 86_400_000 })
  assert.ok(
    tomorrow.log.some((line) => /, in 1 day$/.test(line)),
    tomorrow.log.join('\n'),
  )
  await tomorrow.close()
  const late = await stage({ tls: at.tls }, { clock: () => now + 10 * 86_400_000 })
  assert.ok(
    late.log.some((line) => /ended on .*browsers refuse it/.test(line)),
    late.log.join('\n'),
  )
  assert.equal(await served(port(late)), 'soon', 'who looks at it can still reach the server')
  await late.close()
  const fine = await stage({ tls: files('fine', first).tls })
  assert.deepEqual(fine.log, [])
  await fine.close()
})

test('SIGHUP, to a server without a terminal: read now, told what came of it, and it runs on', {
  skip: process.platform === 'win32' && 'no such signal',
  timeout: 60_000,
}, async () => {
  const at = files('signal', first)
  const site = join(folder, 'signal.yaml')
  const text = `organisation: Example University\ndomains: [corp.example]\nnetworks: [10.0.0.0/8]\nkms: {hosts: [kms1.corp.example]}\n`
  writeFileSync(site, `${text}server: {check-hosts: null, tls: {certificate: ${at.certFile}, key: {file: ${at.keyFile}}}}\n`)
  const words = ['serve', '--store', join(folder, 'signal.db'), '--site', site, '--listen', '127.0.0.1:0', '--json', '--no-work']
  const child: ChildProcess = spawn(process.execPath, ['bin/slmctl.cjs', ...words], { stdio: ['ignore', 'pipe', 'pipe'] })
  try {
    let [out, err] = ['', '']
    child.stderr!.on('data', (part) => {
      err += part
    })
    child.stdout!.on('data', (part) => {
      out += part
    })
    await until(`it says where it is: ${err}`, () => out.includes('\n'))
    const reached = Number(new URL((JSON.parse(out) as { url: string }).url).port)
    child.kill('SIGHUP')
    await until('the same is told', () => /the certificate is as it was, until/.test(err))
    at.cert(second.cert)
    child.kill('SIGHUP')
    await until('what does not match is told', () => /is not taken.*do not belong together/.test(err))
    at.key(second.key)
    child.kill('SIGHUP')
    await until('the new one is told', () => /a new certificate is served/.test(err))
    assert.equal(await served(reached), 'second')
    const ended = new Promise<number | null>((done) => child.once('exit', (code) => done(code)))
    child.kill('SIGTERM')
    assert.equal(await ended, 0, err)
  } finally {
    child.kill('SIGKILL')
  }
})
