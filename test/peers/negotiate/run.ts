/**
 * Logging on and sealing against software that nobody here wrote: a Samba domain controller in its own network namespace, MIT's
 * GSS-API and gss-ntlmssp, Apache with mod_auth_gssapi. Needs root and the packages of `../run.ts`. The checks themselves run
 * inside the namespace: `inside.ts`.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { add, afterwards, check, folder, main, run, skip } from '../checks.ts'

const programs = ['/usr/sbin/samba', '/usr/bin/ntlm_auth', '/usr/sbin/apache2', '/usr/bin/kinit', '/usr/sbin/ip', '/usr/bin/tcpdump']

await main(async () => {
  const missing = programs.filter((program) => !existsSync(program))
  if (process.platform !== 'linux' || process.getuid!() !== 0 || missing.length > 0)
    return skip('negotiate against foreign peers', `needs Linux, root and ${missing.join(', ') || 'nothing more'}`)
  const here = import.meta.dirname
  const dir = join(folder('negotiate'), 'ad')
  const namespace = `slmn${process.pid}`
  afterwards(() => run(join(here, '../ad-down.sh'), [dir, namespace]))
  const started = await check('a Samba domain controller starts', async () => {
    const { code, stderr } = await run(join(here, '../ad-up.sh'), [dir, namespace], { timeoutMs: 120_000 })
    if (code !== 0) throw new Error(stderr)
  })
  if (!started) return
  // Samba's tools look for the domain controller's sockets in one place only; the mount is seen by this child alone.
  const command = `mount --bind '${dir}/dc/run' /run/samba && exec '${process.execPath}' '${here}/inside.ts' '${dir}'`
  const env = {
    KRB5_CONFIG: `${dir}/krb5.conf`,
    KRB5CCNAME: `FILE:${dir}/tickets`,
    NTLM_USER_FILE: `${dir}/ntlm-users`,
    KRB5RCACHENAME: 'none:',
  }
  const inside = await run('ip', ['netns', 'exec', namespace, 'sh', '-c', command], { env, shown: true, timeoutMs: 180_000 })
  if (!add(inside.stdout.trimEnd().split('\n').at(-1))) await check('the checks run to their end', () => Promise.reject(inside.stderr))
})
