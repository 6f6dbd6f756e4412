/**
 * A PostgreSQL of the tests' own: Debian's programs, a folder in /tmp, loopback. It refuses to run as root, so root becomes the
 * user `postgres` (or `nobody`) for it. SLMCTL_POSTGRES_BIN names another folder of programs.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { appendFileSync, chownSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export type Server = {
  readonly port: number
  /** All that it has; owned by the user that it runs as. */
  readonly folder: string
  /** Its superuser, who needs no password here. */
  readonly user: string
  /** Its certificate, PEM, which signed itself; TLS is off until `alter system set ssl = on`. */
  readonly certificate: string
  readonly start: () => void
  /** `fast` ends connections; `immediate` is as if the machine had lost power. */
  readonly stop: (how: 'fast' | 'immediate') => void
  /** kill -9 of the first process. */
  readonly kill: () => void
  readonly remove: () => void
}

/** The programs, newest first; null: not installed. */
export function programs(): string | null {
  const named = process.env.SLMCTL_POSTGRES_BIN
  if (named) return named
  return (
    globSync('/usr/lib/postgresql/*/bin')
      .sort((a, b) => Number(b.split('/')[4]) - Number(a.split('/')[4]))
      .find((bin) => existsSync(join(bin, 'initdb')) && existsSync(join(bin, 'pg_ctl'))) ?? null
  )
}

export async function startServer(bin: string): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), 'slmctl-postgres-'))
  const root = process.getuid?.() === 0
  const who = root ? ['postgres', 'nobody'].find((u) => spawnSync('id', ['-u', u]).status === 0)! : null
  const data = join(folder, 'data')
  mkdirSync(data, { mode: 0o700 })
  if (who) {
    const [uid, gid] = ['-u', '-g'].map((flag) => Number(execFileSync('id', [flag, who]).toString()))
    for (const path of [folder, data]) chownSync(path, uid!, gid!)
  }
  const as = (...command: string[]) => {
    const [first, ...rest] = who ? ['runuser', '-u', who, '--', ...command] : command
    execFileSync(first!, rest, { stdio: 'pipe', cwd: '/' })
  }
  const port = await new Promise<number>((done, failed) => {
    const probe = createServer()
    probe.once('error', failed)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number }
      probe.close(() => done(port))
    })
  })
  as(join(bin, 'initdb'), '-D', data, '-U', 'boss', '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync')
  appendFileSync(
    join(data, 'postgresql.conf'),
    `\nlisten_addresses = '127.0.0.1'\nport = ${port}\nunix_socket_directories = ''\nmax_connections = 200\nlog_min_messages = fatal\n`,
  )
  const [key, certificate] = [join(data, 'server.key'), join(data, 'server.crt')]
  as(
    ...['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=127.0.0.1'],
    ...['-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', certificate],
  )
  as('chmod', '600', key)
  // Users but the first one show a password.
  const hba = join(data, 'pg_hba.conf')
  execFileSync('sh', ['-c', `printf 'host all boss 127.0.0.1/32 trust\\nhost all all 127.0.0.1/32 scram-sha-256\\n' > '${hba}'`])
  const ctl = (...args: string[]) => as(join(bin, 'pg_ctl'), '-D', data, '-w', '-l', join(folder, 'log'), ...args)
  const pid = () => Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0])
  const server: Server = {
    port,
    folder,
    user: 'boss',
    certificate: readFileSync(certificate, 'utf8'),
    start: () => ctl('start'),
    stop: (how) => ctl('stop', '-m', how),
    kill: () => process.kill(pid(), 'SIGKILL'),
    remove: () => {
      try {
        ctl('stop', '-m', 'immediate')
      } catch {}
      rmSync(folder, { recursive: true, force: true })
    },
  }
  server.start()
  return server
}
