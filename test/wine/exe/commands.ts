/** The commands that look, and those that write files, by the single file: the same as from the sources on Linux. */
import assert from 'node:assert/strict'
import { existsSync, globSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { hostname, networkInterfaces } from 'node:os'
import { basename, join } from 'node:path'
import { addressKind } from '../../../src/addresses.ts'
import { check, skip } from '../../peers/checks.ts'
import { unpacked } from '../../support/open.ts'
import { windowsPath } from '../wine.ts'
import { answerOf, type Computer, onComputer, pc, sources } from './computer.ts'
import type { Exe } from './run.ts'

const site = ['--site', 'slmctl.yaml'] as const
/** Of the lab: it stands in a file, and in no answer. */
const password = 'Tr0ub4dor&3-lab'

export async function commands(exe: Exe): Promise<void> {
  let before = { plan: '', audit: '' }
  await onComputer(
    exe,
    { scenario: 'wrong-host', accounts: [{ user: 'j.doe-adm', password, domain: 'CORP' }] },
    async (s) => {
      before = { plan: (await s.slmctl('plan', pc, '--json')).out, audit: (await s.slmctl('audit', pc, '--json')).out }
      assert.equal((await s.slmctl('apply', pc, '--yes')).code, 0)
    },
    async (computer) => {
      await looking(computer, before)
      await archives(computer)
      await insideSite(computer)
    },
  )
  await check('afterwards the computer of Wine has its own name again', async () => {
    const { machines } = answerOf<{ machines: { name: string }[] }>(await exe.wine.provided.run(exe.path, ['status', '--json']))
    assert.equal(machines[0]!.name.split('.')[0]!.toLowerCase(), hostname().split('.')[0]!.toLowerCase())
  })
  await image(exe)
  await demo(exe)
  await lab(exe)
}

async function looking({ slmctl, s, methods, calls }: Computer, before: { plan: string; audit: string }): Promise<void> {
  type Planned = { machines: { name: string; steps: unknown[] }[] }
  await check('slmctl.exe plan: the same steps as over WinRM, for the same reasons; nothing is changed', async () => {
    const ran = await slmctl('plan', '--json', ...site)
    const [here, wire] = [answerOf<Planned>(ran), JSON.parse(before.plan) as Planned]
    assert.equal(ran.code, 1)
    assert.deepEqual([here.machines[0]!.name, here.machines[0]!.steps], [pc, wire.machines[0]!.steps])
    assert.ok(wire.machines[0]!.steps.length > 0)
    assert.deepEqual(methods(), [])
    assert.ok(calls().some((c) => c.query !== undefined))
  })
  await check('slmctl.exe audit: whose activation it is, with the same evidence as over WinRM', async () => {
    const ran = await slmctl('audit', '--json', ...site)
    // Wine lists values of the registry by name, the lab as they were made.
    const plainly = (text: string) =>
      JSON.parse(
        text.replaceAll(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z?/g, '‹time›').replaceAll(/"line": ?\d+/g, '"line":0'),
      ) as object
    assert.deepEqual(plainly(ran.stdout), plainly(before.audit))
    assert.equal(ran.code, 1, ran.stderr)
    assert.deepEqual(methods(), [])
  })
  await check('slmctl.exe site check says what the sources say, DNS asked by both', async () => {
    const args = ['site', 'check', 'slmctl.yaml']
    const [ours, theirs] = [await slmctl(...args), await sources(args, s.directory)]
    assert.deepEqual([ours.code, ours.stdout, ours.stderr], [theirs.code, theirs.stdout, theirs.stderr])
    assert.match(theirs.stdout, /kms1\.corp\.example/)
  })
}

async function archives({ slmctl, s, at }: Computer): Promise<void> {
  const parts = [
    'command.json',
    'versions.json',
    'environment.json',
    'log.txt',
    'output.txt',
    'errors.txt',
    'facts.json',
    'site.json',
    'plan.json',
  ]
  /** Read by Python; holds what its own list says, and the command said what it says without. */
  const archive = async (flag: string, file: string): Promise<ReadonlyMap<string, string>> => {
    const plain = await slmctl('plan', ...site)
    const ran = await slmctl('plan', `${flag}=${file}`, ...site)
    assert.deepEqual([ran.code, ran.stdout], [plain.code, plain.stdout])
    const files = unpacked(at(file))
    const listed = [...files.get('CONTENTS.txt')!.matchAll(/^(\S+) +(\d+) bytes$/gm)].map((m) => [m[1]!, Number(m[2])])
    assert.deepEqual(
      listed,
      [...files].flatMap(([name, text]) => (name === 'CONTENTS.txt' ? [] : [[name, Buffer.byteLength(text)]])),
    )
    for (const name of parts) assert.ok(files.has(name), `${name} is missing: ${[...files.keys()]}`)
    for (const name of files.keys()) assert.ok(ran.stderr.includes(`  ${name} `), `${name} is not told: ${ran.stderr}`)
    return files
  }
  await check(
    'slmctl.exe --debug: an archive that Python opens, with what its list says; the command says what it says without',
    async () => {
      const files = await archive('--debug', 'debug.zip')
      assert.match(files.get('log.txt')!, /pc-1\.corp\.example {2}ask SoftwareLicensingProduct.*: \d+ rows, \d+ ms/)
      assert.match(files.get('versions.json')!, /Windows_NT/)
      writeFileSync(at('facts.json'), files.get('facts.json')!)
      const again = await s.slmctl('plan', '--from-recording', at('facts.json'), '--json')
      assert.ok((JSON.parse(again.out) as { machines: { steps: unknown[] }[] }).machines[0]!.steps.length > 0, again.err)
    },
  )
  await check(
    'slmctl.exe --debug-redacted: no name of machine, host, domain, user, address, folder or organisation in any part',
    async () => {
      const files = await archive('--debug-redacted', 'redacted.zip')
      const names = new Set<string>()
      const add = (value: unknown) => {
        for (const one of String(value).split(/[,;\s]+/)) if (one.length >= 3) names.add(one.toLowerCase())
      }
      const { products, service, system } = s.lab.state(pc)
      const named = /Machine(?:Name|IpAddress)?$|^(?:CSName|Domain|KeyManagementServiceLookupDomain|UserName|ClientMachineID)$/i
      for (const one of [...products, service, system])
        for (const [key, value] of Object.entries(one as Record<string, unknown>)) if (value && named.test(key)) add(value)
      for (const one of [pc, 'pc-1', 'corp.example', 'kms1.corp.example', 'kms2.corp.example', 'kms1', '10.0.0.11', '10.0.0.12']) add(one)
      for (const one of [basename(s.directory), s.lab.accounts[0]!.user]) add(one)
      names.delete('workgroup')
      names.delete('127.0.0.1')
      for (const [file, text] of files) {
        assert.doesNotMatch(text, /Example University/i, file)
        assert.ok(!text.includes(password), file)
        for (const name of names) {
          const found = new RegExp(`(?<![a-z0-9])${name.replace(/[^a-z0-9]/g, '\\$&')}(?![a-z0-9])`).exec(text.toLowerCase())
          assert.equal(found && text.slice(Math.max(0, found.index - 60), found.index + 60), null, `${name} is in ${file}`)
        }
      }
      assert.ok(names.size >= 10)
      assert.ok((JSON.parse(files.get('names.json')!) as object) !== null)
    },
  )
}

async function insideSite({ slmctl, s, at, calls, methods, rewind }: Computer): Promise<void> {
  const own = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .map((a) => a.address)
    .find((a) => ['private', 'public'].includes(addressKind(a) ?? ''))
  const text = readFileSync(s.site, 'utf8')
  const apply = (networks: string, domains: string) => {
    writeFileSync(
      at('inside.yaml'),
      text.replace(/^networks: .*$/m, `networks: [${networks}]`).replace(/^domains: .*$/m, `domains: [${domains}]`),
    )
    rewind()
    return slmctl('apply', '.', '--yes', '--inside-site', '--site', 'inside.yaml')
  }
  for (const [what, networks, domains, why] of [
    ['in none of the networks', '10.0.0.0/24', 'corp.example', /is in the site's networks|no network address/],
    [
      'of another domain',
      own?.includes(':') ? `10.0.0.0/8, "${own}/128"` : `10.0.0.0/8, ${own}/32`,
      'other.example',
      /is none of the site file/,
    ],
  ] as const)
    await check(`slmctl.exe apply --inside-site on a computer ${what}: nothing is asked of licensing, exit code 0`, async () => {
      const ran = await apply(networks, domains)
      assert.equal(ran.code, 0, ran.stdout + ran.stderr)
      assert.match(ran.stdout, /Nothing was asked or changed/)
      assert.match(ran.stdout.replace(/\s+/g, ' '), why)
      assert.deepEqual(calls(), [])
    })
  const inside = 'slmctl.exe apply --inside-site inside the site: it acts'
  if (own === undefined) return skip(inside, 'this computer has no address but its own loopback')
  await check(inside, async () => {
    const ran = await apply(own.includes(':') ? `10.0.0.0/8, "${own}/128"` : `10.0.0.0/8, ${own}/32`, 'corp.example')
    assert.equal(ran.code, 0, ran.stdout + ran.stderr)
    assert.deepEqual(
      methods().map((c) => c.method),
      s.lab.calls(pc).map((c) => c.method),
    )
    assert.ok(methods().length > 0)
  })
}

async function image(exe: Exe): Promise<void> {
  await check('slmctl.exe image --out: the same files, byte for byte, as from the sources; line ends as Windows wants them', async () => {
    const words = ['image', '--site', 'examples/slmctl.yaml', '--product', 'Windows 11 Enterprise', '--product', 'Office LTSC 2024 ProPlus']
    const more = ['--language', 'en-us,de-de', '--remove-retail', 'ProPlus2021Retail']
    const [ours, theirs] = ['ours', 'theirs'].map((name) => join(exe.wine.work, 'exe', `image-${name}`)) as [string, string]
    const ran = await exe.run([...words, ...more, '--out', windowsPath(ours)])
    assert.equal(ran.code, 0, ran.stdout + ran.stderr)
    assert.equal((await sources([...words, ...more, '--out', theirs])).code, 0)
    const files = (folder: string) =>
      globSync('**', { cwd: folder, withFileTypes: true, exclude: [] })
        .filter((f) => f.isFile())
        .map((f) => join(f.parentPath, f.name).slice(folder.length + 1))
        .sort()
    assert.deepEqual(files(ours), files(theirs))
    assert.ok(files(theirs).some((f) => f.endsWith('/Setup/Scripts/SetupComplete.cmd')))
    for (const file of files(theirs)) {
      const bytes = readFileSync(join(ours, file))
      assert.ok(bytes.equals(readFileSync(join(theirs, file))), file)
      assert.doesNotMatch(bytes.toString('latin1'), /(?<!\r)\n|\r(?!\n)/, file)
    }
  })
}

async function demo(exe: Exe): Promise<void> {
  await check('slmctl.exe demo: the same tour as from the sources; the lab answers, what is forged is refused', async () => {
    const [ours, theirs] = [await exe.run(['demo']), await sources(['demo'])]
    assert.deepEqual([ours.code, ours.stderr], [0, ''], ours.stdout)
    // Which machine is done first is not the same each time.
    const plainly = (text: string) =>
      text
        .replaceAll(/Journal \S+/g, 'Journal ‹id›')
        // The port of the dashboard at its end.
        .replaceAll(/127\.0\.0\.1:\d+/g, '‹address›')
        .split('\n')
        .sort()
    assert.deepEqual(plainly(ours.stdout), plainly(theirs.stdout))
    assert.match(ours.stdout, /Calls that the machine got: 0\./)
  })
}

async function lab(exe: Exe): Promise<void> {
  await check('slmctl.exe lab: the password is in a file that only its owner may read, though an older one was open to all', async () => {
    const folder = join(exe.wine.work, 'exe', 'lab')
    mkdirSync(folder)
    writeFileSync(join(folder, 'lab.password'), 'older', { mode: 0o644 })
    // Until ^C, which nobody can press under Wine: it is ended.
    const until = exe.run(['lab', '--machines', '3', '--directory', windowsPath(folder)], { timeoutMs: 6_000 }).then(
      ({ stdout, stderr }) => `it ended by itself: ${stdout}${stderr}`,
      (error: Error) => error.message,
    )
    const file = join(folder, 'slmctl.yaml')
    for (let i = 0; i < 100 && !existsSync(file); i++) await new Promise((next) => setTimeout(next, 50))
    assert.ok(existsSync(file), await until)
    // What access list the file got, as Wine shows it to Linux.
    assert.equal(statSync(join(folder, 'lab.password')).mode & 0o007, 0)
    assert.notEqual(readFileSync(join(folder, 'lab.password'), 'utf8'), 'older')
    assert.match(await until, /was still running after 6000 ms[\s\S]*A lab of 3 simulated machines and 3 KMS hosts is running/)
  })
}
