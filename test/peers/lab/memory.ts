import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { chmodSync, closeSync, existsSync, globSync, openSync, readFileSync, readSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { ntHash } from '../../../src/protocol/negotiate.ts'
import { check, ended, run, start } from '../checks.ts'
import { traces } from './capture.ts'
import type { Ground } from './ground.ts'
import { type Change, startProxy } from './proxy.ts'

/** A core file of a running process; the process goes on. */
export async function core(child: ChildProcess, home: string): Promise<string> {
  const base = join(home, 'core')
  const { code, stdout, stderr } = await run('gcore', ['-o', base, String(child.pid)], { timeoutMs: 60_000 })
  const file = `${base}.${child.pid}`
  assert.ok(code === 0 && existsSync(file), stdout + stderr)
  return file
}

/** How the secret stands in a file of any size; [] where it does not. Pages of zeros are most of a core file, and passed over. */
export function found(file: string, secret: string, more: ReturnType<typeof traces> = []): string[] {
  const wanted = [...traces(secret), ...more]
  const overlap = Math.max(...wanted.map((w) => w.bytes.length))
  const seen = new Set<string>()
  const fd = openSync(file, 'r')
  const piece = Buffer.alloc(1 << 20)
  const zeros = Buffer.alloc(1 << 20)
  let at = 0
  for (;;) {
    const n = readSync(fd, piece, 0, piece.length, at)
    if (n <= 0) break
    const part = piece.subarray(0, n)
    if (n < piece.length || !part.equals(zeros)) for (const { how, bytes } of wanted) if (part.includes(bytes)) seen.add(how)
    if (n < piece.length) break
    at += n - overlap
  }
  closeSync(fd)
  return [...seen]
}

/** A password and a key that were given to slmctl are in no core file, argument, environment, log or journal. */
export async function nothingLeftInMemory(ground: Ground): Promise<void> {
  const machine = ground.machine('win10-enterprise-office-2019')
  // Planted: found nowhere else, so that every trace of it is a trace of the secret.
  const marker = ground.markedPassword
  const file = join(ground.home, 'marked.secret')
  writeFileSync(file, `${marker}\n`)
  chmodSync(file, 0o600)

  await check('core file: the control, a process that keeps the password as text, is found out', async () => {
    const script = `const text = require('node:fs').readFileSync(process.argv[1], 'utf8').trim(); globalThis.kept = text; console.log('ready'); setInterval(() => globalThis.kept.length, 1000)`
    const child = start(process.execPath, ['-e', script, file])
    await new Promise((resolve) => child.stdout!.once('data', resolve))
    const dump = await core(child, ground.home)
    child.kill('SIGKILL')
    assert.ok(found(dump, marker).includes('UTF-8'))
    rmSync(dump)
  })

  /** Lets the logon and the first question pass and keeps the answer back for as long as it takes to look. */
  const hold =
    (state: { held: boolean }): Change =>
    (bytes, from, exchange) => {
      if (state.held) return null
      if (from === 'machine' && exchange >= 4) {
        state.held = true
        return null
      }
      return bytes
    }
  for (const way of ['ntlm', 'basic'] as const) {
    const name = way === 'ntlm' ? 'NTLM' : 'Basic over HTTPS'
    let child: ChildProcess | null = null
    let dump = ''
    const said = { stdout: '', stderr: '' }
    await check(`core file: slmctl status, logged on by ${name}, holds its password nowhere`, async () => {
      const state = { held: false }
      const https = way === 'basic'
      const proxy = https ? null : await startProxy({ port: machine.httpPort }, hold(state))
      if (https) await ground.lab.fault(machine.name, { kind: 'slow', ms: 20_000 })
      const before = ground.lab.requests(machine.name).requests
      child = ground.slmctlStarted([
        ...[
          'status',
          '127.0.0.1',
          '--port',
          String(proxy?.port ?? machine.httpsPort),
          '--user',
          ground.markedUser,
          '--password-file',
          file,
          '--auth',
          way,
          '--timeout',
          '30',
        ],
        ...(https ? ['--https', '--ca', ground.caFile] : []),
      ])
      child.stdout!.on('data', (part) => (said.stdout += part))
      child.stderr!.on('data', (part) => (said.stderr += part))
      const done = ended(child, { timeoutMs: 90_000 })
      for (let i = 0; i < 200 && !(https ? ground.lab.requests(machine.name).requests > before : state.held); i++) {
        assert.equal(child.exitCode, null, `it ended too soon: ${said.stdout}${said.stderr}`)
        await wait(50)
      }
      await wait(300)
      assert.equal(child.exitCode, null, said.stdout + said.stderr)
      dump = await core(child, ground.home)
      assert.ok(statSync(dump).size > 20 << 20, 'the core file is too small to prove anything')
      const cmdline = readFileSync(`/proc/${child.pid}/cmdline`, 'utf8')
      const environ = readFileSync(`/proc/${child.pid}/environ`, 'utf8')
      assert.ok(cmdline.includes('status') && !cmdline.includes(marker) && !environ.includes(marker))
      child.kill('SIGKILL')
      await done.catch(() => {})
      if (https) await ground.lab.fault(machine.name, null)
      await proxy?.close()
      // Whoever has the NT hash can log on with it as well.
      assert.deepEqual(found(dump, marker, [{ how: 'NT hash', bytes: ntHash(Buffer.from(marker)) }]), [])
      // The control for this very file: what slmctl is allowed to know is there.
      assert.ok(found(dump, ground.markedUser).length > 0, 'not even the user’s name is in the core file')
      assert.ok(!said.stdout.includes(marker) && !said.stderr.includes(marker))
    })
    rmSync(dump, { force: true })
  }

  await check('logs and journal: apply with a password and a MAK from files leaves neither behind', async () => {
    const target = ground.machine('win10-expired')
    const { stdout, stderr } = await ground.slmctl(['apply', target.name, '--site', ground.markedSite(file), '--yes', '--json'])
    const journals = globSync(`${ground.state}/**/*`).filter((f) => statSync(f).isFile())
    assert.ok(journals.length > 0, `no journal: ${stdout}${stderr}`)
    for (const text of [stdout, stderr, ...journals.map((f) => readFileSync(f, 'latin1'))])
      for (const secret of [marker, ground.password, ground.mak])
        for (const { how, bytes } of traces(secret)) assert.ok(!Buffer.from(text, 'latin1').includes(bytes), `a secret, as ${how}`)
    assert.ok(
      ground.lab.calls(target.name).some((c) => c.method === 'InstallProductKey'),
      `the key was not installed: ${stdout}${stderr}`,
    )
  })
}
