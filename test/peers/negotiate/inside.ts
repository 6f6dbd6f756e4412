/** The checks of `run.ts`, inside the network namespace of the domain controller. Usage: inside.ts DIRECTORY-OF-AD-UP */
import assert from 'node:assert/strict'
import { type ChildProcess, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { ntowfv2 } from '../../../src/protocol/negotiate/ntlm/keys.ts'
import { fileTime } from '../../../src/protocol/negotiate/ntlm/messages.ts'
import { authenticate } from '../../../src/protocol/negotiate/ntlm-initiate.ts'
import {
  type GssCredential,
  gssAccept,
  gssInitiate,
  ntHash,
  ntlmAccept,
  ntlmInitiate,
  type Sealed,
  type SecurityContext,
} from '../../../src/protocol/negotiate.ts'
import { check, main, run, start } from '../checks.ts'
import { Connection, type Spoil } from './sealed-http.ts'

const dir = process.argv[2]!
const here = import.meta.dirname
const python = '/usr/bin/python3'
/** Accounts of the test domain only. */
const alice = { user: 'alice', domain: 'SLM', password: 'Al1ce!2026' }
const binding = Buffer.concat([Buffer.from('tls-server-end-point:'), randomBytes(32)])
/** Stands in every message that is sealed; the capture must not hold it. */
const marker = `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope">plaintext-${randomBytes(8).toString('hex')}`

const lend = (text: string) => ({
  use<T>(f: (utf8: Uint8Array) => T): T {
    const bytes = Buffer.from(text)
    try {
      return f(bytes)
    } finally {
      bytes.fill(0)
    }
  },
})
const flipped = (bytes: Uint8Array, at: number): Buffer => {
  const copy = Buffer.from(bytes)
  copy[at < 0 ? copy.length + at : at]! ^= 1
  return copy
}

type NtlmOptions = {
  readonly wrapped?: boolean
  readonly channelBinding?: Uint8Array | null
  readonly password?: string
  readonly user?: string
}
const ntlm = ({ wrapped = false, channelBinding = null, password = alice.password, user }: NtlmOptions = {}) =>
  ntlmInitiate({
    user: user ?? alice.user,
    domain: user === undefined ? alice.domain : '',
    password: lend(password),
    spn: 'HTTP/web.slm.test',
    channelBinding,
    wrapped,
  })
const kerberos = (mechanism: 'kerberos' | 'spnego', credential: GssCredential, channelBinding: Uint8Array | null = null) =>
  gssInitiate({ service: 'HTTP', host: 'web.slm.test', credential, mechanism, channelBinding })
const credentials: Readonly<Record<string, GssCredential>> = {
  'ticket cache': { from: 'cache' },
  keytab: { from: 'keytab', keytab: join(dir, 'alice.keytab'), principal: 'alice@SLM.TEST' },
  password: { from: 'password', principal: 'alice@SLM.TEST', password: lend(alice.password) },
}

/** A child that answers a line by a line. */
function talk(child: ChildProcess): (line: string) => Promise<string> {
  const answers = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
  return async (line) => {
    child.stdin!.write(`${line}\n`)
    const next = await Promise.race([
      answers.next(),
      new Promise<never>((_, fail) => setTimeout(fail, 20_000, new Error('no answer')).unref()),
    ])
    return next.value as string
  }
}
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')

/** A server of ours or of the peer's that says when it listens. */
async function listening(child: ChildProcess): Promise<void> {
  let stderr = ''
  child.stderr!.on('data', (part) => {
    stderr += part
  })
  await new Promise<void>((done, fail) => {
    child.stdout!.once('data', () => done())
    child.once('close', () => fail(new Error(stderr)))
  })
}

async function refused(url: string, context: SecurityContext, spoil: Spoil, status: number, text: RegExp): Promise<void> {
  const connection = new Connection(url, context, spoil)
  try {
    const logon = await connection.logOn()
    const answer = logon.status === 200 && spoil.seal ? await connection.sealed(Buffer.from(marker)) : logon
    assert.equal(answer.status, status, answer.body.toString())
    assert.match(answer.body.toString(), text)
  } finally {
    connection.close()
  }
}

async function sealedTalk(url: string, context: SecurityContext, peer: RegExp): Promise<void> {
  const connection = new Connection(url, context)
  try {
    assert.match((await connection.logOn()).peer ?? '', peer)
    for (const size of [0, 1, 100, 7_000, 200_000, 3]) {
      const message = Buffer.from(`${marker}${'x'.repeat(size)}`)
      const answer = await connection.sealed(message)
      assert.equal(answer.status, 200, answer.body.toString())
      assert.equal(answer.body.toString(), `<reply>${message}</reply>`)
    }
  } finally {
    connection.close()
  }
}

const spoilData = (sealed: Sealed): Sealed => ({ signature: sealed.signature, data: flipped(sealed.data, 5) })
const spoilSignature = (sealed: Sealed): Sealed => ({ signature: flipped(sealed.signature, -1), data: sealed.data })
/** The MIC stands 72 bytes into the AUTHENTICATE message, wherever that stands in the token. */
const spoilMic = (n: number, token: Uint8Array) => (n === 1 ? flipped(token, Buffer.from(token).indexOf('NTLMSSP\0') + 75) : token)
/** mechListMIC is the end of the token. */
const spoilListMic = (n: number, token: Uint8Array) => (n === 1 ? flipped(token, -6) : token)

async function againstSamba(): Promise<void> {
  const helper = (protocol: string) => talk(start('ntlm_auth', [`--helper-protocol=${protocol}`, `--configfile=${dir}/dc/etc/smb.conf`]))

  const raw = async (password: string, spoil?: (token: Uint8Array) => Uint8Array, as = { user: alice.user, domain: alice.domain }) => {
    const ask = helper('squid-2.5-ntlmssp')
    assert.equal(await ask('SF NTLMSSP_FEATURE_SESSION_KEY'), 'OK')
    const negotiate = (await ntlm().step(null))!
    const challenge = Buffer.from((await ask(`YR ${base64(negotiate)}`)).slice(3), 'base64')
    const sessionKey = randomBytes(16)
    const responseKey = ntowfv2(ntHash(Buffer.from(password)), as.user, as.domain)
    const choices = { clientChallenge: randomBytes(8), exportedSessionKey: sessionKey, time: fileTime(Date.now()) }
    const { message } = authenticate({ ...as, spn: 'HTTP/web.slm.test', channelBinding: null }, responseKey, negotiate, challenge, choices)
    const verdict = await ask(`KK ${base64(spoil?.(message) ?? message)}`)
    return { verdict, key: await ask('GK'), sessionKey: base64(sessionKey) }
  }

  await check('ntlm_auth: the domain controller takes the logon and has the same session key', async () => {
    const { verdict, key, sessionKey } = await raw(alice.password)
    assert.equal(verdict, 'AF SLM\\alice')
    assert.equal(key, `GK ${sessionKey}`)
  })
  await check('ntlm_auth: name with a suffix and no domain', async () => {
    const { verdict, key, sessionKey } = await raw(alice.password, undefined, { user: 'alice@slm.test', domain: '' })
    assert.match(verdict, /^AF /)
    assert.equal(key, `GK ${sessionKey}`)
  })
  await check('ntlm_auth: the wrong password is refused', async () =>
    assert.match((await raw('wrong')).verdict, /^(NA|BH) .*NT_STATUS_WRONG_PASSWORD|^NA .*LOGON_FAILURE/),
  )
  await check('ntlm_auth: a flipped bit of the MIC is refused', async () => {
    const { verdict } = await raw(alice.password, (token) => flipped(token, 75))
    assert.match(verdict, /^(NA|BH) /)
  })
  const wrapped = async (spoil?: (token: Uint8Array) => Uint8Array) => {
    const ask = helper('gss-spnego')
    const context = ntlm({ wrapped: true })
    const challenge = await ask(`YR ${base64((await context.step(null))!)}`)
    assert.match(challenge, /^TT /)
    const token = (await context.step(Buffer.from(challenge.split(' ')[1]!, 'base64')))!
    return { context, verdict: await ask(`KK ${base64(spoil?.(token) ?? token)}`) }
  }
  await check('ntlm_auth: in SPNEGO; each end verifies what the other signed over the list of mechanisms', async () => {
    const { context, verdict } = await wrapped()
    assert.match(verdict, /^AF \S+ SLM\\alice$/)
    await context.step(Buffer.from(verdict.split(' ')[1]!, 'base64'))
    assert.ok(context.complete)
  })
  await check('ntlm_auth: a flipped bit of mechListMIC is refused', async () => {
    const { verdict } = await wrapped((token) => flipped(token, -6))
    assert.match(verdict, /^(NA|BH) /)
  })
}

async function againstMit(): Promise<void> {
  const free = 'http://10.77.0.11:5985/wsman'
  const bound = 'http://10.77.0.11:5986/wsman'
  const keytab = join(dir, 'web.keytab')
  await listening(start(python, [join(here, 'endpoint.py'), '10.77.0.11:5985', keytab]))
  await listening(start(python, [join(here, 'endpoint.py'), '10.77.0.11:5986', keytab, binding.toString('hex')]))
  const other = flipped(binding, -1)

  for (const wrapped of [false, true]) {
    const how = wrapped ? 'NTLM in SPNEGO' : 'NTLM'
    await check(`gss-ntlmssp: ${how}, sealed both ways`, () => sealedTalk(free, ntlm({ wrapped }), /alice/))
    await check(`gss-ntlmssp: ${how}, bound to a channel`, () => sealedTalk(bound, ntlm({ wrapped, channelBinding: binding }), /alice/))
    await check(`gss-ntlmssp refuses: ${how}, the wrong password`, () =>
      refused(free, ntlm({ wrapped, password: 'wrong' }), {}, 401, /logon refused/),
    )
    await check(`gss-ntlmssp refuses: ${how}, a flipped bit of the MIC`, () =>
      refused(free, ntlm({ wrapped }), { token: spoilMic }, 401, /logon refused/),
    )
    await check(`gss-ntlmssp refuses: ${how}, a flipped bit of the channel binding`, () =>
      refused(bound, ntlm({ wrapped, channelBinding: other }), {}, 401, /logon refused/),
    )
    await check(`gss-ntlmssp refuses: ${how}, a flipped bit of sealed data`, () =>
      refused(free, ntlm({ wrapped }), { seal: spoilData }, 400, /seal refused/),
    )
    await check(`gss-ntlmssp refuses: ${how}, a flipped bit of a signature`, () =>
      refused(free, ntlm({ wrapped }), { seal: spoilSignature }, 400, /seal refused/),
    )
  }
  await check('gss-ntlmssp refuses: a flipped bit of mechListMIC', () =>
    refused(free, ntlm({ wrapped: true }), { token: spoilListMic }, 401, /logon refused/),
  )

  const kinit = await run('kinit', ['alice@SLM.TEST'], { input: `${alice.password}\n` })
  assert.equal(kinit.code, 0, kinit.stderr)
  for (const mechanism of ['kerberos', 'spnego'] as const) {
    const how = mechanism === 'kerberos' ? 'Kerberos' : 'Kerberos in SPNEGO'
    for (const [from, credential] of Object.entries(credentials))
      await check(`MIT: ${how} by ${from}, sealed both ways`, () => sealedTalk(free, kerberos(mechanism, credential), /^alice@SLM\.TEST$/))
    const cache = credentials['ticket cache']!
    await check(`MIT: ${how}, bound to a channel`, () => sealedTalk(bound, kerberos(mechanism, cache, binding), /alice/))
    await check(`MIT refuses: ${how}, a flipped bit of the channel binding`, () =>
      refused(bound, kerberos(mechanism, cache, other), {}, 401, /channel bindings/i),
    )
    await check(`MIT refuses: ${how}, a flipped bit of sealed data`, () =>
      refused(free, kerberos(mechanism, cache), { seal: spoilData }, 400, /seal refused/),
    )
    await check(`MIT refuses: ${how}, a flipped bit of a signature`, () =>
      refused(free, kerberos(mechanism, cache), { seal: spoilSignature }, 400, /seal refused/),
    )
  }
  for (const [what, principal, password, host, text] of [
    ['the wrong password', 'alice@SLM.TEST', 'wrong', 'web.slm.test', /password is wrong/],
    ['an unknown account', 'nobody@SLM.TEST', 'wrong', 'web.slm.test', /does not know this account/],
    ['an unknown service', 'alice@SLM.TEST', alice.password, 'ghost.slm.test', /no service of this name/],
    ['an unknown realm', 'alice@OTHER.TEST', alice.password, 'web.slm.test', /does not know the realm/],
  ] as const)
    await check(`Kerberos says what is wrong: ${what}`, async () => {
      const credential = { from: 'password', principal, password: lend(password) } as const
      const context = gssInitiate({ service: 'HTTP', host, credential, mechanism: 'spnego', channelBinding: null })
      await assert.rejects(context.step(null), text)
      context.close()
    })
}

/** Handles, native memory and the event loop: what a fleet of a hundred thousand logons would find out. */
async function endurance(): Promise<void> {
  const keytab = join(dir, 'web.keytab')
  const pair = async () => {
    const [client, server] = [kerberos('spnego', credentials['ticket cache']!, binding), gssAccept({ keytab, channelBinding: binding })]
    for (let token = await client.step(null), end = server; token !== null; end = end === server ? client : server)
      token = await end.step(token)
    server.unseal(client.seal(Buffer.alloc(20_000)))
    client.close()
    server.close()
  }
  await check('Kerberos: two thousand sessions leave nothing behind', async () => {
    for (let i = 0; i < 500; i++) await pair()
    const before = process.memoryUsage.rss()
    for (let i = 0; i < 2000; i++) await pair()
    const grown = (process.memoryUsage.rss() - before) / 1_048_576
    assert.ok(grown < 48, `${grown.toFixed(1)} MiB`)
  })
  await check('Kerberos: the event loop goes on while no domain controller answers', async () => {
    const credential = { from: 'password', principal: 'alice@AWAY.TEST', password: lend(alice.password) } as const
    const context = kerberos('spnego', credential)
    let ended = false
    const step = context.step(null).finally(() => {
      ended = true
    })
    step.catch(() => {})
    let longest = 0
    let last = performance.now()
    const timer = setInterval(() => {
      longest = Math.max(longest, performance.now() - last)
      last = performance.now()
    }, 5)
    await new Promise((done) => setTimeout(done, 1000))
    clearInterval(timer)
    assert.ok(!ended && longest < 200, `${ended ? 'it did not wait' : ''} ${longest} ms`)
    // While the call is still under way: what it holds is given back when it ends.
    context.close()
    assert.equal(context.complete, false)
  })
}

/** Node waits for calls on other threads when it exits; the product does not. */
async function leaving(): Promise<void> {
  await check('Kerberos: the process ends at once, with its own exit code, while no domain controller answers', async () => {
    const script = [
      `import { gssInitiate } from '${join(here, '../../../src/protocol/negotiate.ts')}'`,
      "const password = { use: (f) => f(Buffer.from('x')) }",
      "const credential = { from: 'password', principal: 'alice@AWAY.TEST', password }",
      "gssInitiate({ service: 'HTTP', host: 'web.slm.test', credential, mechanism: 'spnego', channelBinding: null }).step(null)",
      "setTimeout(() => { console.log('leaving'); process.exit(7) }, 500)",
    ].join('\n')
    const started = performance.now()
    const { code, stdout } = await run(process.execPath, ['--input-type=module', '-e', script])
    assert.equal(`${code} ${stdout}`, '7 leaving\n')
    assert.ok(performance.now() - started < 6000)
  })
}

async function againstApache(): Promise<void> {
  const root = join(dir, 'apache')
  mkdirSync(join(root, 'www'), { recursive: true })
  writeFileSync(join(root, 'www', 'index.html'), 'inside\n')
  const modules = ['mpm_event', 'authn_core', 'authz_core', 'authz_user', 'auth_gssapi', 'dir']
  writeFileSync(
    join(root, 'apache.conf'),
    [
      `ServerRoot ${root}`,
      'ServerName web.slm.test',
      'Listen 10.77.0.11:8080',
      `PidFile ${root}/pid`,
      `ErrorLog ${root}/error.log`,
      `DefaultRuntimeDir ${root}`,
      ...modules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`),
      'User www-data',
      'Group www-data',
      `DocumentRoot ${root}/www`,
      'KeepAlive On',
      '<Location />',
      ' AuthType GSSAPI',
      ' AuthName test',
      ' GssapiConnectionBound On',
      ' GssapiAllowedMech krb5',
      ' GssapiAllowedMech ntlmssp',
      ' Require valid-user',
      '</Location>',
      '',
    ].join('\n'),
  )
  // Apache's workers are not root.
  for (const path of [root, join(dir, 'web.keytab'), join(dir, 'ntlm-users')]) spawnSync('chown', ['-R', 'www-data', path])
  for (let path = dir; path.length > 4; path = join(path, '..')) spawnSync('chmod', ['a+x', path])
  const env = { KRB5_KTNAME: join(dir, 'web.keytab'), KRB5RCACHENAME: 'none:' }
  start('/usr/sbin/apache2', ['-f', join(root, 'apache.conf'), '-DFOREGROUND'], { env })
  for (let i = 0; i < 100; i++) {
    const { code } = await run('curl', ['-s', '-o', '/dev/null', 'http://10.77.0.11:8080/'])
    if (code === 0) break
    await new Promise((done) => setTimeout(done, 50))
  }
  const url = 'http://10.77.0.11:8080/'
  const status = async (context: SecurityContext) => {
    const connection = new Connection(url, context)
    try {
      return (await connection.logOn()).status
    } finally {
      connection.close()
    }
  }
  await check('Apache: NTLM', async () => assert.equal(await status(ntlm()), 200))
  await check('Apache: NTLM in SPNEGO', async () => assert.equal(await status(ntlm({ wrapped: true })), 200))
  await check('Apache: Kerberos in SPNEGO', async () => assert.equal(await status(kerberos('spnego', credentials.keytab!)), 200))
  await check('Apache refuses: NTLM, the wrong password', async () => assert.equal(await status(ntlm({ password: 'wrong' })), 401))
}

/** Our accepting ends, which the lab is built of, against MIT's and gss-ntlmssp's clients. */
async function foreignClients(): Promise<void> {
  const accept = (how: string, channelBinding: Uint8Array | null) =>
    how.endsWith('ntlm')
      ? ntlmAccept({
          account: (domain, user) => (domain === 'SLM' && user === 'alice' ? ntHash(Buffer.from(alice.password)) : null),
          computer: 'WEB',
          domain: 'SLM',
          dnsDomain: 'slm.test',
          dnsHost: 'web.slm.test',
          channelBinding,
          now: Date.now,
        })
      : gssAccept({ keytab: join(dir, 'web.keytab'), channelBinding })

  const met = async (how: string, ours: Uint8Array | null, theirs: Uint8Array | null) => {
    const child = start(python, [
      join(here, 'initiator.py'),
      how,
      'HTTP@web.slm.test',
      ...(theirs ? [Buffer.from(theirs).toString('hex')] : []),
    ])
    const ask = talk(child)
    const tell = async (verb: string, bytes: Uint8Array) => {
      const [word, text = ''] = (await ask(`${verb} ${base64(bytes)}`)).split(/ (.*)/)
      if (word !== 'ok') throw new Error(`the client refuses: ${text}`)
      return Buffer.from(text, 'base64')
    }
    const server = accept(how, ours)
    let token = await tell('step', Buffer.alloc(0))
    while (token.length > 0) {
      const back = await server.step(token)
      token = back === null ? Buffer.alloc(0) : await tell('step', back)
    }
    assert.ok(server.complete)
    return { server, tell }
  }

  for (const how of ['ntlm', 'spnego-ntlm', 'kerberos', 'spnego-kerberos']) {
    await check(`our acceptor: ${how} by a foreign client, sealed both ways`, async () => {
      for (const channel of [null, binding]) {
        const { server, tell } = await met(how, channel, channel)
        assert.match(server.peer!, /alice/)
        for (const size of [1, 500, 100_000]) {
          const message = Buffer.alloc(size, 'm')
          const sealed = await tell('wrap', message)
          const at = how.endsWith('ntlm') ? 16 : sealed.length - size
          assert.deepEqual(Buffer.from(server.unseal({ signature: sealed.subarray(0, at), data: sealed.subarray(at) })), message)
          const { signature, data } = server.seal(message)
          assert.deepEqual(await tell('unwrap', Buffer.concat([signature, data])), message)
        }
        const { signature, data } = server.seal(Buffer.from('last'))
        await assert.rejects(tell('unwrap', flipped(Buffer.concat([signature, data]), -1)), /the client refuses/)
        server.close()
      }
    })
    await check(`our acceptor refuses: ${how}, a flipped bit of the channel binding, and none`, async () => {
      await assert.rejects(met(how, binding, flipped(binding, -1)), { reason: 'rejected' })
      await assert.rejects(met(how, binding, null), { reason: 'rejected' })
    })
  }
}

await main(async () => {
  writeFileSync(process.env.NTLM_USER_FILE!, `${alice.domain}:${alice.user}:${alice.password}\n`, { mode: 0o600 })
  // A realm whose domain controller takes questions and never answers. Written before the library reads its configuration.
  const silent = createSocket('udp4').bind(0, '127.0.0.1')
  await new Promise((done) => silent.once('listening', done))
  const away = ` AWAY.TEST = {\n  kdc = 127.0.0.1:${silent.address().port}\n }\n`
  writeFileSync(process.env.KRB5_CONFIG!, readFileSync(process.env.KRB5_CONFIG!, 'utf8').replace('[realms]\n', `[realms]\n${away}`))
  const capture = join(dir, 'capture.pcap')
  const tcpdump = start('tcpdump', ['-i', 'lo', '-U', '-s', '0', '-w', capture, 'tcp port 5985 or tcp port 5986'])
  await new Promise((done) => tcpdump.stderr!.once('data', done))
  await againstSamba()
  await againstMit()
  tcpdump.kill('SIGINT')
  await new Promise((done) => tcpdump.once('close', done))
  await check('the capture of the sealed runs holds no plaintext', () => {
    const bytes = readFileSync(capture)
    assert.ok(bytes.includes('--Encrypted Boundary') && bytes.length > 1_000_000, `only ${bytes.length} bytes`)
    for (const text of [marker.slice(-20), 'Envelope', '<reply>', 'xxxxxxxx', alice.password])
      for (const encoding of ['utf8', 'utf16le'] as const) assert.ok(!bytes.includes(Buffer.from(text, encoding)), text)
  })
  await againstApache()
  await foreignClients()
  await endurance()
  await leaving()
})
