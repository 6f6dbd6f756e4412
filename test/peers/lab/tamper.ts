import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { check, run } from '../checks.ts'
import type { Ground, Machine } from './ground.ts'
import { type Between, breakBinding, breakMic, breakSeal, type Change, startProxy } from './proxy.ts'

const untouched: Change = (bytes) => bytes

/**
 * Negative proof, by slmctl and by python3-winrm alike: with one bit turned over in a seal, in the MIC or in the channel binding
 * nobody gets an answer; with the same proxy that changes nothing everybody does.
 */
export async function tamperedConnections(ground: Ground): Promise<void> {
  const machine = ground.machine('win10-enterprise-office-2019')
  const clients = {
    slmctl: async (port: number, https: string | null): Promise<{ ok: boolean; text: string }> => {
      const { code, stdout, stderr } = await ground.slmctl([
        ...[
          'status',
          '127.0.0.1',
          '--port',
          String(port),
          '--user',
          ground.user,
          '--password-file',
          ground.passwordFile,
          '--auth',
          'ntlm',
          '--timeout',
          '10',
          '--json',
        ],
        ...(https === null ? [] : ['--https', '--ca', https]),
      ])
      return { ok: code !== 2 && stdout.includes('2YT43'), text: stdout + stderr }
    },
    'python3-winrm': async (port: number, https: string | null): Promise<{ ok: boolean; text: string }> => {
      const at: Machine = { ...machine, httpPort: port, httpsPort: port }
      const [answer] = await ground.python(
        at,
        [{ do: 'enumerate', wql: 'SELECT PartialProductKey FROM SoftwareLicensingProduct WHERE PartialProductKey IS NOT NULL' }],
        https === null ? 'ntlm' : 'ntlm-https',
        https === null ? {} : { ca: https },
      )
      return { ok: answer!.ok && JSON.stringify(answer).includes('2YT43'), text: JSON.stringify(answer) }
    },
  }
  const through = async (f: (proxy: Between) => Promise<void>, change: Change, tls?: Parameters<typeof startProxy>[0]['tls']) => {
    const proxy = await startProxy({ port: tls ? machine.httpsPort! : machine.httpPort, ...(tls ? { tls } : {}) }, change)
    await f(proxy)
    await proxy.close()
  }

  // The proxy's own certificate, which the clients are told to trust: what a stolen authority would give.
  const key = join(ground.home, 'between.key')
  const cert = join(ground.home, 'between.pem')
  const made = await run('openssl', [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-sha256',
    '-nodes',
    '-days',
    '2',
    '-keyout',
    key,
    '-out',
    cert,
    '-subj',
    '/CN=127.0.0.1',
    '-addext',
    'subjectAltName=IP:127.0.0.1',
  ])
  assert.equal(made.code, 0, made.stderr)
  const tls = { ca: ground.lab.ca!, key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') }
  const trusted = join(ground.home, 'trusted.pem')
  writeFileSync(trusted, tls.cert)

  for (const [name, ask] of Object.entries(clients)) {
    await check(`${name} through a proxy that changes nothing: answered`, () =>
      through(async (proxy) => {
        const { ok, text } = await ask(proxy.port, null)
        assert.ok(ok, text)
        assert.equal(proxy.changed(), 0)
      }, untouched),
    )
    for (const [what, change] of [
      ['a bit of the signature of its request', breakSeal('client', 'signature')],
      ['a bit of its sealed request', breakSeal('client', 'data')],
      ['a bit of the signature of the answer', breakSeal('machine', 'signature')],
      ['a bit of the sealed answer', breakSeal('machine', 'data')],
    ] as const)
      await check(`${name}, ${what} turned over: refused`, () =>
        through(async (proxy) => {
          const { ok, text } = await ask(proxy.port, null)
          assert.ok(proxy.changed() > 0, `nothing was changed: ${text}`)
          assert.ok(!ok, text)
          if (name === 'slmctl') assert.match(text, /"code": ?"WINRM_\w+"/)
        }, change),
      )
    if (name === 'slmctl')
      // python3-winrm's NTLM library sends no MIC over HTTP: nothing to break there.
      await check(`${name}, a bit of the MIC turned over: the machine refuses the logon`, () =>
        through(async (proxy) => {
          const { ok, text } = await ask(proxy.port, null)
          assert.ok(proxy.changed() > 0, `nothing was changed: ${text}`)
          assert.ok(!ok, text)
          assert.match(text, /"code": ?"WINRM_LOGON_FAILED"/)
        }, breakMic),
      )
    await check(`${name} through somebody else’s TLS with a trusted certificate: the channel binding gives it away`, () =>
      through(
        async (proxy) => {
          const { ok, text } = await ask(proxy.port, trusted)
          assert.ok(!ok, text)
          assert.match(text, name === 'slmctl' ? /"code": ?"WINRM_LOGON_FAILED"/ : /InvalidCredentials|401|rejected/)
        },
        untouched,
        tls,
      ),
    )
    await check(`${name}, a bit of the channel binding turned over: the machine refuses the logon`, () =>
      through(
        async (proxy) => {
          const { ok, text } = await ask(proxy.port, trusted)
          assert.ok(proxy.changed() > 0, `nothing was changed: ${text}`)
          assert.ok(!ok, text)
        },
        breakBinding,
        tls,
      ),
    )
  }
  await check('Basic gets through the same TLS: it is the binding that stops the others', () =>
    through(
      async (proxy) => {
        const [answer] = await ground.python(
          { ...machine, httpsPort: proxy.port },
          [{ do: 'enumerate', wql: 'SELECT Version FROM SoftwareLicensingService' }],
          'basic',
          { ca: trusted },
        )
        assert.ok(answer!.ok, JSON.stringify(answer))
      },
      untouched,
      tls,
    ),
  )
}
