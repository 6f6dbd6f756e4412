/** Secrets from a keyring that nobody here wrote: gnome-keyring on a bus of its own, filled by secret-tool. */
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { check, folder, main, run } from '../checks.ts'

const door = new URL('../../../src/secrets.ts', import.meta.url).href
/** Prints the bytes of an entry, or the code of the Problem. */
const reader = `
import { readSecret } from ${JSON.stringify(door)}
try {
  const secret = await readSecret({ keyring: { service: 'slmctl test', account: process.argv[2] } })
  console.log(String(secret), secret.use((bytes) => Buffer.from(bytes).toString('hex')))
} catch (error) {
  console.log(error.problems[0].code)
}
`

await main(async () => {
  const home = folder('keyring')
  const program = join(home, 'read.ts')
  writeFileSync(program, reader)
  const runtime = join(home, 'run')
  mkdirSync(runtime, { mode: 0o700 })
  const env = { HOME: home, XDG_RUNTIME_DIR: runtime, XDG_DATA_HOME: join(home, 'data') }
  /** A session of its own with an unlocked keyring, and commands in it. */
  const session = async (commands: string) => {
    const script = `printf keyring | gnome-keyring-daemon --unlock --components=secrets --daemonize >/dev/null && ${commands}`
    const { stdout } = await run('dbus-run-session', ['--', 'sh', '-c', script], { env, timeoutMs: 30_000 })
    return stdout.trim().split('\n')
  }
  const read = (account: string) => `${process.execPath} ${program} ${account}`
  const password = 'pässwörd with blanks'

  await check('gnome-keyring: what secret-tool stored comes back byte for byte', async () => {
    const store = `printf '%s' '${password}' | secret-tool store --label=test service 'slmctl test' account local`
    assert.deepEqual(await session(`${store} && ${read('local')}`), [`••• ${Buffer.from(password).toString('hex')}`])
  })
  await check('gnome-keyring: an entry that is not there is SECRET_MISSING', async () => {
    assert.deepEqual(await session(read('nobody')), ['SECRET_MISSING'])
  })
  await check('without a session there is no keyring: SECRET_MISSING, and no wait', async () => {
    const { stdout } = await run(process.execPath, [program, 'local'], {
      env: { ...env, DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nowhere', DISPLAY: '' },
    })
    assert.equal(stdout.trim(), 'SECRET_MISSING')
  })
})
