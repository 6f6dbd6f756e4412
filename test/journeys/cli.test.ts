import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, test } from 'node:test'
import { main } from '../../src/cli.ts'

const dir = mkdtempSync(join(tmpdir(), 'slmctl-cli-'))
after(() => rmSync(dir, { recursive: true }))
const file = (name: string, content: string | Uint8Array) => {
  writeFileSync(join(dir, name), content)
  return join(dir, name)
}
/** A file of that size that takes no room on the disk. */
const sparse = (name: string, size: number) => {
  const path = file(name, 'License Status: Licensed\n')
  truncateSync(path, size)
  return path
}
const run = (args: readonly string[], input: string | Uint8Array = '', env: Record<string, string> = {}) => {
  const done = spawnSync(process.execPath, ['bin/slmctl.cjs', ...args], {
    input,
    encoding: 'utf8',
    env: { ...process.env, ...env },
    maxBuffer: 64 * 1024 * 1024,
  })
  return { code: done.status, out: done.stdout, err: done.stderr }
}
/** The same, in this process: for what needs no standard input. */
const call = async (args: readonly string[], columns = 80) => {
  let out = ''
  let err = ''
  const code = await main(args, { out: (t) => (out += t), err: (t) => (err += t), columns, paint: (_, t) => t })
  process.exitCode = 0
  return { code, out, err }
}
const good = 'test/cases/diagnose/05-server2008r2-kms-client-wrapped-dli.txt'
const key = 'N69G4-B89J2-4G8F4-WWYCC-J464C'
const site = 'test/cases/sites/university.yaml'

test('exit codes of the process: 0 as wished, 1 something is not, 2 could not do it', () => {
  assert.equal(run(['diagnose', good]).code, 0)
  assert.equal(run(['diagnose', 'test/cases/diagnose/03-win7-eval-initial-grace-dli.txt']).code, 1)
  assert.equal(run(['diagnose', join(dir, 'none')]).code, 2)
  assert.equal(run(['diagnose'], readFileSync(good, 'utf8')).code, 0)
})

test('bad input: one sentence, a next step, exit 2, no stack trace', async () => {
  const unreadable = file('unreadable.txt', 'x')
  chmodSync(unreadable, 0)
  const root = process.getuid?.() === 0
  const bad: [string[], string | Uint8Array, RegExp][] = [
    [['diagnose', file('empty.txt', '')], '', /It is empty/],
    [['diagnose', file('blank.txt', ' \n\t\n')], '', /nothing but blanks/],
    [
      [
        'diagnose',
        file(
          'binary.bin',
          new Uint8Array(5_000).map((_, i) => (i * 7919) % 256),
        ),
      ],
      '',
      /not a text/,
    ],
    [['diagnose', join(dir, 'missing.txt')], '', /no such file/],
    [['diagnose', dir], '', /is a directory/],
    [['diagnose', sparse('big.txt', 100_000_000)], '', /larger than 32 MB/],
    [['diagnose'], 'License Status: Licensed\n'.repeat(1_600_000), /larger than 32 MB/],
    [['diagnose'], '', /It is empty/],
    [['diagnose'], 'The quick brown fox\njumps over the lazy dog.\n', /Nothing in the text/],
    [['diagnose', '--sight', 'x'], '', /does not know the option --sight/],
    [['status', '--verbos'], '', /Did you mean --verbose\?/],
    [['status', '--record'], '', /--record lacks its value: --record FILE/],
    [['status', 'pc-1', '--record='], '', /--record lacks its value: --record FILE/],
    [['status', '--all=yes'], '', /--all takes no value/],
    [['--site', 'x', 'status'], '', /A command comes first/],
    [['help', 'nosuch'], '', /no command nosuch/],
    [['diagnose', good, '--site', join(dir, 'nosite.yaml')], '', /no such file/],
    [['explain'], '', /explain wants a code/],
    [['explain', '0xC004FFFE'], '', /not in the catalogue/],
    [['explain', 'notificaton'], '', /- slmctl explain notification\n/],
    [['status', '--all'], '', /there is none\.\s+\(NO_SITE_FILE\)/],
    [['keys', 'home'], '', /no client key/],
    [['plan'], '', /wants the name\s+of\s+a machine/],
    [['status'], '', /wants the name\s+of\s+a machine/],
    [['apply'], '', /there is none/],
    [['status', 'pc-1', '--user', 'a'], '', /password of a is missing/],
    [['status', 'pc-1', '--parallel', '0'], '', /from 1 to 2000/],
    [['status', 'pc-1', '--auth', 'telnet'], '', /kerberos, ntlm or basic/],
    [['apply', '--plan', 'x', 'pc-1', '--site', 'examples/slmctl.yaml'], '', /names its machines itself/],
    [['plan', '--from', join(dir, 'missing.txt')], '', /no such file/],
    [['plan', '--from', file('prose.txt', 'nothing here')], '', /no facts/],
    [['dignose'], '', /no command dignose\. Did you mean diagnose\?/],
    [['rearm'], '', /no command rearm\.\n/],
    ...(root ? [] : ([[['diagnose', unreadable], '', /may not read/]] as [string[], string, RegExp][])),
  ]
  for (const [args, input, says] of bad) {
    const { code, out, err } = args.length === 1 && args[0] === 'diagnose' ? run(args, input) : await call(args)
    assert.equal(code, 2, args.join(' '))
    assert.match(err, says)
    assert.match(err, /^ {2}- /m, `${args.join(' ')}: no next step`)
    assert.doesNotMatch(err, /\bat \S+ \(|node:internal/)
    assert.equal(out, '')
  }
})

test('nothing recognised: says which layouts it knows and how to make a good paste; JSON keeps every line', () => {
  const { code, out, err } = run(['diagnose', '--json'], 'one\ntwo\n')
  assert.equal(code, 2)
  assert.match(err, /slmgr[\s\S]*ospp[\s\S]*event/)
  assert.deepEqual(
    JSON.parse(out).unread.map((u: { text: string }) => u.text),
    ['one', 'two'],
  )
})

test('several files: one bad file does not stop the others, and is named', async () => {
  const { code, out, err } = await call(['diagnose', '--json', join(dir, 'missing.txt'), good, file('e.txt', '')])
  const answer = JSON.parse(out)
  assert.equal(code, 2)
  assert.equal(answer.products.length, 1)
  assert.equal(answer.products[0].source, good)
  assert.deepEqual(
    answer.problems.map((p: { code: string }) => p.code),
    ['FILE_MISSING', 'TEXT_EMPTY'],
  )
  assert.match(err, /missing\.txt/)
})

test('a full product key comes out by its last five characters only, wherever it stands', () => {
  const text = `C:\\>slmgr /ipk ${key}\nInstalled product key ${key} successfully.\nkey ${key.toLowerCase()} in prose\n${key.replaceAll('-', ' ')}\nName: ${key}\n`
  for (const args of [
    ['diagnose', '--json'],
    ['diagnose', '--unread'],
    ['plan', '--from', '-', '--json'],
  ]) {
    const { out, err } = run(args, text)
    assert.doesNotMatch(out + err, /N69G4|B89J2|WWYCC/i, args.join(' '))
    if (args[0] === 'diagnose') assert.match(out + err, /J464C/i)
  }
  assert.doesNotMatch(JSON.stringify(run(['explain', key])), /N69G4|WWYCC/)
  assert.doesNotMatch(JSON.stringify(run(['keys', 'nosuch', key.replace('J464C', 'J464D')])), /N69G4|WWYCC/)
})

test('people see 80 columns, and no colour where it is not wanted', async () => {
  for (const args of [
    ['diagnose', 'examples/10-server2019-std-skms-external-ato-c004f074-transcript.txt', '--site', site],
    ['demo'],
    ['explain', '0xC004F074'],
    ['explain', '12288'],
    ['keys'],
    ['--help'],
    ['diagnose', '--help'],
    ['plan', '--from', 'examples/10-server2019-std-skms-external-ato-c004f074-transcript.txt', '--site', site],
  ]) {
    const { out } = await call(args)
    for (const line of out.split('\n')) {
      assert.doesNotMatch(line, /\u001b/)
      // One word alone (an address, a file name) may be longer than the line.
      if (line.length > 80)
        assert.ok(
          line.trim().split(/\s+/).length <= 2 || /^\S+\s+\S{60,}/.test(line.trim()),
          `${args.join(' ')}: ${line.length} columns: ${line}`,
        )
    }
  }
})

test('plan --from takes the site file that is meant where none is named, and says so', () => {
  const folder = mkdtempSync(join(dir, 'usual-'))
  writeFileSync(join(folder, 'slmctl.yaml'), readFileSync(site))
  const done = spawnSync(
    process.execPath,
    [
      resolve('bin/slmctl.cjs'),
      'plan',
      '--from',
      resolve('test/cases/diagnose/10-server2019-std-skms-external-ato-c004f074-transcript.txt'),
    ],
    { cwd: folder, encoding: 'utf8' },
  )
  assert.match(done.stderr, /site file slmctl\.yaml/)
  assert.match(done.stdout, /use the KMS host kms\.corp\.example/)
})

test('plan: steps only against hosts of the site file, and never without one', async () => {
  const from = ['plan', '--json', '--from', 'test/cases/diagnose/10-server2019-std-skms-external-ato-c004f074-transcript.txt']
  const without = JSON.parse((await call(from)).out).machines[0]
  assert.deepEqual(without.steps, [])
  assert.equal(without.refused[0].code, 'NO_SITE_FILE')
  const withSite = JSON.parse((await call([...from, '--site', site])).out).machines[0]
  assert.deepEqual(
    withSite.steps.map((s: { method: string; arguments: Record<string, string> }) => [s.method, s.arguments.MachineName]),
    [
      ['SetKeyManagementServiceMachine', 'kms.corp.example'],
      ['Activate', undefined],
    ],
  )
  const oem = JSON.parse((await call(['plan', '--json', '--from', 'test/cases/diagnose/06-win10-pro-oem-dm-dli.txt', '--site', site])).out)
    .machines[0]
  assert.deepEqual(oem.steps, [])
  const empty = file('nohosts.yaml', 'domains: [corp.example]\n')
  const nohosts = JSON.parse((await call([...from, '--site', empty])).out).machines[0]
  assert.deepEqual(nohosts.steps, [])
  assert.equal(nohosts.refused[0].code, 'HOST_NOT_AUTHORISED')
})

test('the site file: errors name line and column; a declaration that is too wide is refused', async () => {
  const bad: [string, RegExp][] = [
    ['domains: [corp.example\n', /SITE_NOT_YAML|valid YAML/],
    ['domians: [corp.example]\n', /s\.yaml:1:1: domians is not a word/],
    ['domains: [corp.example]\nkms:\n  hosts:\n    - {name: kms1, port: 99999}\n', /s\.yaml:4:\d+: kms\.hosts\.0/],
    ['networks: [8.0.0.0/8]\n', /s\.yaml:1:12: networks: 8\.0\.0\.0\/8 is too wide/],
    ['networks: [0.0.0.0/0]\n', /too wide/],
    ['networks: ["2001::/16"]\n', /too wide/],
    ['networks: [10.0.0.0/8, 192.0.0.0/99]\n', /is no network/],
    ['domains: [co.uk]\n', /public suffix/],
    ['platforms: [digitalsea]\n', /platforms\.0/],
    ['- a\n- list\n', /expected a group of words, found a list/],
    ['{}\n', /declares nothing/],
    ['domains:\n', /expected a list, found nothing/],
    ['domains: [duckdns.org]\n', /public suffix/],
    ['domains: [corp.example]\nkms: {hosts: [kms.core.windows.net]}\n', /cloud platform/],
    ['networks: [10.0.0.0/8]\nkms: {hosts: [198.51.100.7]}\n', /outside the networks/],
    ['kms: {hosts: [127.0.0.1]}\n', /no KMS host can stand/],
    ['kms: {hosts: [a..b]}\n', /expected a host name/],
    ['networks: [127.0.0.0/8]\n', /no KMS host can stand/],
    ['a: &x [1]\nb: *y\n', /valid YAML/],
    [`networks: [${Array.from({ length: 300 }, (_, i) => `${20 + (i >> 8)}.${i & 255}.0.0/16`).join(', ')}]\n`, /sixteen million/],
  ]
  for (const [yaml, says] of bad) {
    const { code, err } = await call(['diagnose', good, '--site', file('s.yaml', yaml)])
    assert.equal(code, 2, yaml)
    assert.match(err.replace(/\s+/g, ' '), says, yaml)
  }
})

test('colour follows NO_COLOR and the terminal', () => {
  assert.match(run(['diagnose', good], '', { FORCE_COLOR: '1' }).out, /\u001b\[/)
  assert.doesNotMatch(run(['diagnose', good], '', { NO_COLOR: '1' }).out, /\u001b/)
  assert.doesNotMatch(run(['diagnose', good]).out, /\u001b/)
})

test('plan: a host that DNS published is used only where its address is known to be inside the networks', async () => {
  const text = (address: string) =>
    file(
      'dns.txt',
      `Name: Windows(R), Enterprise edition\nDescription: Windows(R) Operating System, VOLUME_KMSCLIENT channel\nPartial Product Key: 2YT43\nLicense Status: Notification\nNotification Reason: 0xC004F074.\n    KMS machine name from DNS: kmsx.corp.example:1688\n    KMS machine IP address: ${address}\n`,
    )
  const planned = async (address: string) =>
    JSON.parse((await call(['plan', '--json', '--from', text(address), '--site', site])).out).machines[0] as {
      steps: { method: string }[]
      refused: { code: string }[]
    }
  assert.deepEqual(
    (await planned('10.2.2.2')).steps.map((s) => s.method),
    ['Activate'],
  )
  const unknown = await planned('not available')
  assert.deepEqual(unknown.steps, [])
  assert.equal(unknown.refused[0]!.code, 'HOST_NOT_AUTHORISED')
  // Our name at an address that is not ours: the host is set to a named one first.
  assert.deepEqual(
    (await planned('203.0.113.9')).steps.map((s) => s.method),
    ['SetKeyManagementServiceMachine', 'Activate'],
  )
})

test('plan: a licence of its own is never given up', async () => {
  const both = file(
    'both.txt',
    'Name: Windows(R), Professional edition\nDescription: Windows(R) Operating System, OEM_DM channel\nActivation ID: bd3762d7-270d-4760-8fb3-d829ca45278a\nPartial Product Key: WFG6P\nLicense Status: Licensed\n\nName: Windows(R), Professional edition\nDescription: Windows(R) Operating System, VOLUME_KMSCLIENT channel\nActivation ID: 2de67392-b7a7-462a-b1ca-108dd189f588\nPartial Product Key: T83GX\nLicense Status: Notification\n',
  )
  const machine = JSON.parse((await call(['plan', '--json', '--from', both, '--site', site])).out).machines[0]
  assert.deepEqual(machine.steps, [])
  assert.equal(machine.refused[0].code, 'NOT_VOLUME_LICENSED')
})
