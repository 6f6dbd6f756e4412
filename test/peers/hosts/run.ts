/**
 * What a port's check makes of software that nobody here wrote: Samba's endpoint mapper on a domain controller in its own network
 * namespace, impacket as an RPC server, OpenSSL and Python as what is none. The RPC servers tell what they were sent.
 */
import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tryPort } from '../../../src/hosts.ts'
import { afterwards, check, folder, freePort, main, run, skip, start } from '../checks.ts'

const here = import.meta.dirname
const site = { networks: ['127.0.0.0/8'] }
const limits = { connectMs: 3000, answerMs: 3000 }

await main(async () => {
  await impacket()
  await others()
  await samba()
})

/** What a child has printed so far, by line. */
function printed(child: ChildProcess): { readonly lines: () => string[]; readonly first: Promise<string> } {
  let text = ''
  const first = Promise.withResolvers<string>()
  child.stdout!.on('data', (part: Buffer) => {
    text += part.toString()
    if (text.includes('\n')) first.resolve(text.split('\n')[0]!)
  })
  child.once('close', () => first.reject(new Error('it ended before it said anything')))
  return { lines: () => text.trimEnd().split('\n'), first: first.promise }
}

async function impacket(): Promise<void> {
  await check('impacket is an RPC server, and saw one bind and nothing else', async () => {
    // Debian's own, which has the package.
    const server = printed(start('/usr/bin/python3', [join(here, 'server.py')]))
    const port = Number(await server.first)
    const answer = await tryPort('127.0.0.1', port, site, limits)
    assert.equal(answer.state, 'rpc', answer.seen)
    assert.equal(answer.seen, 'an RPC server answers (endpoint \\PIPE\\peer)')
    await new Promise((soon) => setTimeout(soon, 300))
    assert.deepEqual(server.lines().slice(1), ['11 AFA8BD80-7D8A-11C9-BEF4-08002B102989 1.0'])
  })
}

async function others(): Promise<void> {
  const dir = folder('hosts')
  const { code } = await run('openssl', [
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=kms1', '-days', '1'],
    ...['-keyout', join(dir, 'key.pem'), '-out', join(dir, 'cert.pem')],
  ])
  assert.equal(code, 0)
  const port = await freePort()
  start('openssl', ['s_server', '-accept', `127.0.0.1:${port}`, '-cert', join(dir, 'cert.pem'), '-key', join(dir, 'key.pem'), '-quiet'])
  await check('OpenSSL’s TLS server is no RPC server', async () => {
    const answer = await patient(port)
    assert.ok(answer.state === 'other' || answer.state === 'closed', `${answer.state}: ${answer.seen}`)
    if (answer.state === 'other') assert.match(answer.seen, /TLS/)
  })
  const web = await freePort()
  start('/usr/bin/python3', ['-m', 'http.server', '--bind', '127.0.0.1', '--directory', dir, String(web)])
  await check('Python’s web server is no RPC server', async () => {
    const answer = await patient(web)
    // It waits for the end of a line, which a bind has not.
    assert.ok(['other', 'silent', 'closed'].includes(answer.state), `${answer.state}: ${answer.seen}`)
  })
}

/** Until somebody listens. */
async function patient(port: number) {
  for (let n = 0; ; n++) {
    const answer = await tryPort('127.0.0.1', port, site, { connectMs: 1000, answerMs: 1500 })
    if (answer.state !== 'refused' || n > 50) return answer
    await new Promise((soon) => setTimeout(soon, 100))
  }
}

type Answer = {
  readonly domains: { readonly records: { readonly target: string; readonly share: number; readonly ttlSeconds: number }[] }[]
  readonly hosts: {
    readonly name: string
    readonly verdict: string
    readonly cause: string
    readonly ports: { readonly state: string; readonly seen: string }[]
  }[]
}

async function samba(): Promise<void> {
  const missing = ['/usr/sbin/samba', '/usr/sbin/ip'].filter((program) => !existsSync(program))
  if (process.platform !== 'linux' || process.getuid!() !== 0 || missing.length > 0)
    return skip('Samba’s endpoint mapper', `needs Linux, root and ${missing.join(', ') || 'nothing more'}`)
  const dir = join(folder('hosts-ad'), 'ad')
  const namespace = `slmh${process.pid}`
  afterwards(() => run(join(here, '../ad-down.sh'), [dir, namespace]))
  const started = await check('a Samba domain controller starts', async () => {
    const { code, stderr } = await run(join(here, '../ad-up.sh'), [dir, namespace], { timeoutMs: 120_000 })
    if (code !== 0) throw new Error(stderr)
  })
  if (!started) return
  const file = join(dir, 'slmctl.yaml')
  writeFileSync(
    file,
    `domains: [slm.test]\nnetworks: [10.77.0.0/24]\ndns: {servers: [10.77.0.10]}\nkms: {hosts: [{name: dc1.slm.test, port: 135}, {name: dc1.slm.test, port: 389}]}\n`,
  )
  const slmctl = async (...argv: string[]) => {
    const args = ['netns', 'exec', namespace, process.execPath, 'bin/slmctl.cjs', 'hosts', ...argv, '--json', '--site', file]
    const ran = await run('ip', args, { cwd: join(here, '../../..'), timeoutMs: 60_000 })
    return { code: ran.code, answer: JSON.parse(ran.stdout || ran.stderr) as Answer }
  }
  await check('Samba’s DNS: the SRV records of slm.test, with the share of each host', async () => {
    const { answer } = await slmctl('discover')
    assert.deepEqual(
      answer.domains[0]!.records.map((r) => [r.target, r.share, r.ttlSeconds > 0]),
      [
        ['kms1.slm.test', 1, true],
        ['kms2.slm.test', 0, true],
      ],
    )
  })
  await check(
    'Samba’s endpoint mapper at port 135 is an RPC server, its LDAP port is none, and where nothing listens is told as such',
    async () => {
      const { code, answer } = await slmctl('check')
      assert.equal(code, 2)
      const [epm, ldap, ...published] = ['dc1.slm.test', 'kms1.slm.test', 'kms2.slm.test'].flatMap((name) =>
        answer.hosts.filter((h) => h.name === name),
      )
      const mapper = [epm, ldap].find((h) => h!.ports[0]!.state === 'rpc')
      assert.ok(mapper, JSON.stringify(answer.hosts))
      assert.match(mapper.ports[0]!.seen, /^an RPC server answers \(endpoint 135\)$/)
      assert.equal(mapper.verdict, 'cannot-tell')
      const other = [epm, ldap].find((h) => h !== mapper)!
      assert.ok(['other', 'closed', 'silent'].includes(other.ports[0]!.state), other.ports[0]!.seen)
      for (const host of published) assert.equal(host.ports[0]!.state, 'refused')
    },
  )
}
