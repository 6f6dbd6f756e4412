/**
 * Runs inside the namespace of a Samba domain controller (run.ts): the lab as the domain's web server with a keytab; slmctl,
 * python3-winrm and curl log on to it with tickets of that domain. `kerberos.ts DIRECTORY`.
 */
import assert from 'node:assert/strict'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { scenarioList, startLab } from '../../../src/lab.ts'
import { afterwards, check, ended, folder, main, run, start } from '../checks.ts'
import { captured, sealed } from './capture.ts'
import { type Answer, enumerateRequest, packaged, pythonEnvironment } from './ground.ts'
import { core, found } from './memory.ts'
import { breakSeal, startProxy } from './proxy.ts'

const dir = process.argv[2]!
const host = 'web.slm.test'
const address = '10.77.0.11'
const alice = { principal: 'alice@SLM.TEST', password: 'Al1ce!2026' }

await main(async () => {
  const home = folder('kerberos-lab')
  const open = async (cbtHardening: 'strict' | 'none', keytab = 'web') => {
    const opened = await startLab({
      machines: [{ name: host, scenario: 'win10-enterprise-office-2019' }],
      https: true,
      address,
      hostname: host,
      kerberosKeytab: join(dir, `${keytab}.keytab`),
      accounts: [{ user: 'local', password: 'unused-here' }],
      cbtHardening,
    })
    afterwards(() => opened.close())
    return opened
  }
  const lab = await open('strict')
  const machine = lab.machines[0]!
  const write = (name: string, text: string) => {
    writeFileSync(join(home, name), text, { mode: 0o600 })
    return join(home, name)
  }
  const ca = write('ca.pem', lab.ca)
  const passwordFile = write('alice.password', `${alice.password}\n`)
  const command = await packaged(home)
  const tickets = { KRB5CCNAME: `FILE:${home}/tickets` }
  const none = { KRB5CCNAME: `FILE:${home}/none` }
  const slmctl = (words: readonly string[], env: Readonly<Record<string, string>>) =>
    run(process.execPath, [command, ...words], { env: { SLMCTL_STATE: join(home, 'state'), NO_COLOR: '1', ...env } })
  const status = (more: readonly string[], env: Readonly<Record<string, string>>, port = machine.httpPort!) =>
    slmctl(['status', host, '--port', String(port), '--timeout', '20', '--json', ...more], env)
  const shows = ({ stdout, stderr }: { stdout: string; stderr: string }) => {
    assert.match(stdout, /2YT43/, stdout + stderr)
    assert.match(stdout, /6MWKP/)
  }
  const code = ({ stdout, stderr }: { stdout: string; stderr: string }, expected: RegExp) => {
    assert.doesNotMatch(stdout, /2YT43/)
    assert.match(stdout + stderr, expected)
  }
  const site = (credential: string) =>
    write(
      'slmctl.yaml',
      `organisation: Example\ndomains: [slm.test]\nnetworks: [10.77.0.0/16]\nkms:\n  hosts: [kms1.slm.test]\ncredentials:\n  c: ${credential}\nreach: { transport: http, credential: c, timeout: 20 }\ngroups:\n  all:\n    machines:\n      - { name: ${host}, port: ${machine.httpPort} }\nwishes:\n  - { product: windows, by: kms }\n`,
    )

  const kinit = await run('kinit', [alice.principal], { input: `${alice.password}\n`, env: tickets })
  assert.equal(kinit.code, 0, kinit.stderr)

  await check('slmctl: Kerberos from the ticket cache, sealed over HTTP', async () => shows(await status(['--auth', 'kerberos'], tickets)))
  await check('slmctl: Kerberos from the ticket cache, over HTTPS with channel binding', async () =>
    shows(await status(['--auth', 'kerberos', '--https', '--ca', ca], tickets, machine.httpsPort!)),
  )
  await check('slmctl: Kerberos with a password from a file, no ticket anywhere', async () =>
    shows(await status(['--auth', 'kerberos', '--user', alice.principal, '--password-file', passwordFile], none)),
  )
  await check('slmctl: Kerberos with a keytab that the site file names', async () =>
    shows(
      await slmctl(
        ['status', host, '--site', site(`{ method: kerberos, principal: ${alice.principal}, keytab: ${dir}/alice.keytab }`), '--json'],
        none,
      ),
    ),
  )
  await check('slmctl: Kerberos where the HTTP name belongs to another account, by the name that WinRM registers', async () => {
    const other = await open('strict', 'wsman')
    shows(await status(['--auth', 'kerberos'], tickets, other.machines[0]!.httpPort!))
  })
  await check('slmctl: Kerberos where neither name is the machine’s, told so', async () => {
    const other = await open('strict', 'alice')
    code(await status(['--auth', 'kerberos'], tickets, other.machines[0]!.httpPort!), /"WINRM_LOGON_FAILED"[\s\S]*setspn -Q/)
  })
  await check('slmctl: without a ticket it says so, and what to do', async () =>
    code(await status(['--auth', 'kerberos'], none), /"code": ?"KERBEROS_\w+"[\s\S]*kinit/),
  )
  await check('slmctl: a wrong password is refused by the domain', async () => {
    const wrong = write('wrong.password', 'not-it\n')
    code(
      await status(['--auth', 'kerberos', '--user', alice.principal, '--password-file', wrong], none),
      /"code": ?"(WINRM_LOGON_FAILED|KERBEROS_\w+)"/,
    )
  })
  await check('slmctl: capture of Kerberos over HTTP holds no SOAP and no password', async () => {
    const bytes = await captured(home, machine.httpPort!, async () =>
      shows(await status(['--auth', 'kerberos', '--user', alice.principal, '--password-file', passwordFile], none)),
    )
    sealed(bytes, alice.password)
  })
  for (const [what, change] of [
    ['its sealed request', breakSeal('client', 'data')],
    ['the sealed answer', breakSeal('machine', 'data')],
    ['the signature of the answer', breakSeal('machine', 'signature')],
  ] as const)
    await check(`slmctl, Kerberos, a bit of ${what} turned over: refused`, async () => {
      const proxy = await startProxy({ host: address, port: machine.httpPort! }, change)
      const answer = await status(['--auth', 'kerberos'], tickets, proxy.port)
      assert.ok(proxy.changed() > 0, 'nothing was changed')
      code(answer, /"code": ?"WINRM_\w+"/)
      await proxy.close()
    })

  await check('core file: slmctl status, logged on by Kerberos with a password from a file, holds it nowhere', async () => {
    await lab.fault(host, { kind: 'slow', ms: 20_000 })
    const before = lab.requests(host).logons
    const words = ['status', host, '--port', String(machine.httpPort), '--timeout', '30', '--auth', 'kerberos', '--user', alice.principal]
    const child = start(process.execPath, [command, ...words, '--password-file', passwordFile], { env: none })
    const done = ended(child, { timeoutMs: 60_000 })
    for (let i = 0; i < 200 && lab.requests(host).logons === before; i++) await wait(50)
    await wait(500)
    assert.equal(child.exitCode, null)
    assert.ok(lab.requests(host).logons > before, 'it did not log on')
    const dump = await core(child, home)
    child.kill('SIGKILL')
    await done.catch(() => {})
    await lab.fault(host, null)
    assert.deepEqual(found(dump, alice.password), [])
    assert.ok(found(dump, alice.principal).length > 0, 'not even the principal is in the core file')
    rmSync(dump)
  })

  await check('slmctl: every scenario over Kerberos, sealed: status, plan, apply, and a second apply that changes nothing', async () => {
    const expected = JSON.parse(readFileSync(join(import.meta.dirname, '../../journeys/scenarios.json'), 'utf8')) as Record<
      string,
      { before: string; did: string[]; after: string }
    >
    const fleet = await startLab({
      seed: 7,
      // A workgroup machine with local accounts knows no Kerberos.
      machines: scenarioList.filter(({ name }) => name !== 'workgroup-token-filter').map(({ name }) => ({ scenario: name })),
      address,
      hostname: host,
      kerberosKeytab: join(dir, 'web.keytab'),
      accounts: [{ user: 'local', password: 'unused-here' }],
    })
    afterwards(() => fleet.close())
    write('lab-ca.pem', fleet.ca)
    const file = write('fleet.yaml', fleet.siteYaml().replace(/^ {2}(lab|local): .*$/gm, '  $1: { method: kerberos }'))
    const judged = async () => {
      const { stdout, stderr } = await slmctl(['status', '--all', '--json', '--site', file], tickets)
      const { machines } = JSON.parse(stdout) as { machines: { name: string; machine?: { verdict: string; origin: string } }[] }
      assert.equal(machines.length, fleet.machines.length, stderr)
      return new Map(machines.map((m) => [m.name, m.machine ? `${m.machine.verdict} ${m.machine.origin}` : 'not asked']))
    }
    const before = await judged()
    const applied = await slmctl(['apply', '--all', '--yes', '--site', file], tickets)
    const after = await judged()
    const calls = (name: string) => fleet.calls(name).flatMap((c) => (c.result === null ? [] : [c.method]))
    for (const { name, scenario } of fleet.machines) {
      const { before: was, did, after: is } = expected[scenario]!
      assert.deepEqual([before.get(name), calls(name), after.get(name)], [was, did, is], `${scenario}\n${applied.stderr}`)
    }
    const again = await slmctl(['apply', '--all', '--yes', '--site', file], tickets)
    assert.match(again.stdout, /^Nothing to change/m)
    for (const { name, scenario } of fleet.machines) assert.deepEqual(calls(name), expected[scenario]!.did)
    for (const { name } of fleet.machines) assert.equal(fleet.requests(name).refusedLogons, 0)
  })

  // Debian's python3-kerberos can neither seal nor name its TLS channel, and curl cannot name it: a strict machine refuses both.
  const query = [
    { do: 'enumerate', wql: 'SELECT PartialProductKey FROM SoftwareLicensingProduct WHERE PartialProductKey IS NOT NULL', max: 50 },
  ]
  const python = async (about: Readonly<Record<string, unknown>>): Promise<Answer> => {
    const {
      code: ended,
      stdout,
      stderr,
    } = await run('/usr/bin/python3', [join(import.meta.dirname, '../clients/wmi.py')], {
      env: { ...pythonEnvironment(home), ...tickets },
      input: JSON.stringify({ transport: 'kerberos', user: alice.principal, steps: query, ...about }),
    })
    assert.equal(ended, 0, stderr)
    return (JSON.parse(stdout) as Answer[])[0]!
  }
  await check('python3-winrm: Kerberos over HTTP without a seal is refused after a good logon', async () => {
    const logons = lab.requests(host).logons
    const answer = await python({ endpoint: `http://${host}:${machine.httpPort}/wsman` })
    assert.ok(!answer.ok, JSON.stringify(answer))
    assert.ok(lab.requests(host).logons > logons)
  })
  await check('python3-winrm: Kerberos over HTTPS that names no channel is refused by a strict machine', async () => {
    const answer = await python({ endpoint: `https://${host}:${machine.httpsPort}/wsman`, ca })
    assert.match(answer.error ?? '', /rejected/)
  })
  const relaxed = await open('none')
  const relaxedCa = write('relaxed.pem', relaxed.ca)
  const https = `https://${host}:${relaxed.machines[0]!.httpsPort}/wsman`
  await check('python3-winrm: Kerberos over HTTPS, Enumerate, where the machine does not ask for the channel', async () => {
    const answer = await python({ endpoint: https, ca: relaxedCa })
    assert.ok(answer.ok, JSON.stringify(answer))
    assert.deepEqual(answer.rows!.map((r) => r.values.PartialProductKey).toSorted(), ['2YT43', '6MWKP'])
  })
  await check('curl --negotiate: Kerberos by MIT’s SPNEGO over HTTPS, Enumerate, both ends proven', async () => {
    const { stdout, stderr } = await run(
      'curl',
      [
        '-sS',
        '-i',
        '--max-time',
        '15',
        '--cacert',
        relaxedCa,
        '--negotiate',
        '-u',
        ':',
        '-H',
        'Content-Type: application/soap+xml;charset=UTF-8',
        '-d',
        enumerateRequest('SELECT Version FROM SoftwareLicensingService'),
        https,
      ],
      { env: tickets },
    )
    assert.match(stdout, /HTTP\/1\.1 200 /, stdout + stderr)
    assert.match(stdout, /WWW-Authenticate: Negotiate [A-Za-z0-9+/=]{40,}/)
    assert.match(stdout, /<Version>10\.0\.\d+\.\d+<\/Version>/)
  })
})
