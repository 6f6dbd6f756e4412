/**
 * `npm run test:peers`: everything that is proved by software that nobody here wrote. Installs missing Debian packages where it
 * may, starts each peer, uses it and stops it. The last line is `N passed, N failed, N skipped`.
 */
import { existsSync } from 'node:fs'
import { add, check, main, run, skip } from './checks.ts'

const packages = [
  ...['samba', 'samba-ad-dc', 'samba-ad-provision', 'samba-dsdb-modules', 'samba-vfs-modules', 'winbind', 'ldb-tools', 'krb5-user'],
  ...['bind9-dnsutils', 'iproute2', 'apache2', 'libapache2-mod-auth-gssapi', 'gss-ntlmssp', 'python3-gssapi', 'tcpdump', 'gdb'],
  ...['python3-winrm', 'python3-requests-ntlm', 'python3-requests-kerberos', 'python3-xmltodict', 'ansible-core', 'wsl'],
  ...['dnsmasq-base', 'libsecret-tools', 'gnome-keyring', 'dbus-daemon'],
  ...['prometheus', 'python3-aiosmtpd', 'nginx-light', 'haproxy'],
  ...['python3-impacket', 'uuid-runtime', 'libxml2-utils', 'curl', 'openssl', 'procps', 'ldap-utils'],
]
const runs = ['negotiate', 'directory', 'hosts', 'secrets', 'lab', 'metrics', 'alerts', 'proxies'].map(
  (name) => `test/peers/${name}/run.ts`,
)

await main(async () => {
  const reason = await ready()
  if (reason !== null) {
    for (const name of runs) skip(name, reason)
    return
  }
  for (const name of runs) {
    console.log(`=== ${name}`)
    // The children stop what they started when they are asked to end; checks.ts asks them.
    const { code, stdout } = await run(process.execPath, [name], { shown: true, timeoutMs: 240_000 })
    const counted = add(stdout.trimEnd().split('\n').at(-1))
    if (!counted || (code !== 0 && !/ [1-9]\d* failed, /.test(stdout)))
      await check(`${name} runs to its end`, () => {
        throw new Error(`it ended with ${code} and without its last line`)
      })
  }
})

/** Null where every peer is installed (now); else why the peers cannot be used here. */
async function ready(): Promise<string | null> {
  if (process.platform !== 'linux' || !existsSync('/etc/debian_version')) return 'needs Debian'
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own placeholders.
  const format = '${Package} ${db:Status-Status}\n'
  const { stdout } = await run('dpkg-query', ['-W', '-f', format, ...packages])
  const installed = new Set(stdout.split('\n').flatMap((line) => (line.endsWith(' installed') ? [line.split(' ')[0]] : [])))
  const missing = packages.filter((name) => !installed.has(name))
  if (process.getuid!() !== 0)
    return `needs root: network namespaces and captures${missing.length > 0 ? `; packages missing: ${missing.join(' ')}` : ''}`
  if (missing.length === 0) return null
  console.log(`installing ${missing.join(' ')}`)
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  const install = () => run('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...missing], { env, timeoutMs: 240_000 })
  let done = await install()
  if (done.code !== 0) {
    await run('apt-get', ['update', '-q'], { env, timeoutMs: 120_000 })
    done = await install()
  }
  return done.code === 0 ? null : `packages missing, and apt-get could not install them: ${done.stderr.trim().split('\n').at(-1)}`
}
