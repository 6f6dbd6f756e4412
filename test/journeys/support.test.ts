import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { scenarioList } from '../../src/lab.ts'
import { maskKeys, mayHoldKey } from '../../src/model.ts'
import { privateKey, unpacked } from '../support/open.ts'
import { type Stage, stage } from './lab.ts'

const password = 'Tr0ub4dor&3-lab'
const accounts = [
  { user: 'j.doe-adm', password, domain: 'CORP' },
  { user: 'Administrator', password, domain: null },
]

async function at(options: Parameters<typeof stage>[0], then: (s: Stage) => Promise<void>, change?: (site: string) => string) {
  const s = await stage({ accounts, ...options }, 'http', change)
  try {
    await then(s)
  } finally {
    await s.close()
  }
}

/** No password and no whole key, in whatever part. */
function harmless(files: ReadonlyMap<string, string>): void {
  for (const [file, text] of files) {
    assert.ok(!text.includes(password), `the password is in ${file}`)
    assert.ok(!mayHoldKey(text) || text.split('\n').every((line) => maskKeys(line) === line), `a key is in ${file}`)
  }
}

/** The list in the archive names exactly what is inside, with sizes, and fits 80 columns. */
function listed(files: ReadonlyMap<string, string>): void {
  const lines = files.get('CONTENTS.txt')!.split('\n')
  const said = lines.flatMap((line) => [...(/^(\S+) +(\d+) bytes$/.exec(line)?.slice(1, 3).entries() ?? [])].map(([, one]) => one))
  const there = [...files].flatMap(([file, text]) => (file === 'CONTENTS.txt' ? [] : [file, String(Buffer.byteLength(text))]))
  assert.deepEqual(said, there)
  assert.ok(lines.every((line) => line.length <= 80))
}

const pc = 'pc-17.corp.example'

describe('an archive for support', () => {
  test('status, plan and apply: what was said, planned, sent and printed is inside, and the list tells it', async () => {
    await at({ machines: [{ name: pc, scenario: 'wrong-host' }] }, async (s) => {
      for (const [command, wanted] of [
        ['status', ['facts.json', 'site.json', 'log.txt', 'output.txt', 'versions.json', 'environment.json', 'command.json']],
        ['plan', ['facts.json', 'plan.json']],
        ['apply', ['facts.json', 'plan.json', 'journal.jsonl']],
      ] as const) {
        const zip = join(s.directory, `${command}.zip`)
        const plain = await s.slmctl('status', pc, '--json')
        const ran = await s.slmctl(command, pc, `--debug=${zip}`, ...(command === 'apply' ? ['--yes'] : []))
        const files = unpacked(zip)
        for (const file of wanted) assert.ok(files.has(file), `${command}: ${file}`)
        listed(files)
        harmless(files)
        for (const file of files.keys()) assert.match(ran.err, new RegExp(`^  ${file.replace('.', '\\.')} `, 'm'))
        assert.equal(files.get('output.txt'), ran.out)
        assert.equal(statSync(zip).mode & 0o777, 0o600)
        assert.match(files.get('log.txt')!, /pc-17\.corp\.example {2}ask SoftwareLicensingProduct.*: \d+ rows, \d+ ms/)
        assert.equal(JSON.parse(files.get('command.json')!).exitCode, ran.code)
        // The facts are a recording: read again they give the same answer.
        if (command !== 'status') continue
        writeFileSync(join(s.directory, 'facts.json'), files.get('facts.json')!)
        const again = await s.slmctl('status', '--json', '--from-recording', join(s.directory, 'facts.json'))
        const verdicts = (json: string) =>
          JSON.parse(json).machines[0].products.map((p: Record<string, unknown>) => [p.name, p.verdict, p.cause])
        assert.deepEqual(verdicts(again.out), verdicts(plain.out))
      }
      const journal = unpacked(join(s.directory, 'apply.zip')).get('journal.jsonl')!.trimEnd().split('\n')
      const kinds = journal.map((line) => JSON.parse(line).kind)
      assert.deepEqual([kinds[0], kinds.at(-1)], ['plan', 'finished'])
      assert.ok(kinds.includes('about') && kinds.includes('did'))
    })
  })

  test('redacted: no name of a lab with every kind of machine is in any part', async () => {
    const machines = scenarioList.map(({ name }) => ({ scenario: name }))
    await at({ machines }, async (s) => {
      const names = new Set<string>()
      const add = (value: unknown) => {
        for (const one of String(value).split(/[,;\s]+/)) if (one.length >= 3) names.add(one.toLowerCase())
      }
      for (const { name } of s.lab.machines) {
        add(name)
        add(name.split('.')[0])
        const { products, service, system } = s.lab.state(name)
        for (const one of [...products, service, system])
          for (const [key, value] of Object.entries(one as Record<string, unknown>))
            if (
              value &&
              /Machine(?:Name|IpAddress)?$|^(?:CSName|Domain|KeyManagementServiceLookupDomain|UserName|ClientMachineID)$/i.test(key)
            )
              add(value)
      }
      for (const domain of /^domains: \[(.*)\]$/m.exec(readFileSync(s.site, 'utf8'))![1]!.split(', ')) add(domain)
      for (const one of ['kms1.corp.example', 'kms2.corp.example', 'kms-small.corp.example', 'kms1', 'j.doe-adm', '10.0.0.11', '10.0.0.12'])
        add(one)
      for (const word of ['workgroup', 'true', 'false', '127.0.0.1']) names.delete(word)
      assert.ok(names.size > 60, `only ${names.size} names`)
      for (const [command, ...flags] of [
        ['status', '--all'],
        ['status', '--all', '--json', '--verbose'],
        ['plan', '--all'],
        ['apply', '--all', '--yes'],
      ]) {
        const zip = join(s.directory, `${command}${flags.length}-names.zip`)
        await s.slmctl(command!, ...flags, `--debug-redacted=${zip}`)
        const files = unpacked(zip)
        listed(files)
        harmless(files)
        for (const [file, text] of files) {
          const lower = text.toLowerCase()
          for (const name of names) {
            const found = new RegExp(`(?<![a-z0-9])${name.replace(/[^a-z0-9]/g, '\\$&')}(?![a-z0-9])`).exec(lower)
            assert.equal(found && lower.slice(Math.max(0, found.index - 60), found.index + 60), null, `${command}: ${name} is in ${file}`)
          }
        }
        // Consistent over the parts: the machine of the facts is the machine of the log.
        const first = JSON.parse(files.get('facts.json')!).machines[0].name as string
        assert.ok(files.get('log.txt')!.includes(`${first}  ask `))
      }
    })
  })

  test('the exit code and the output are those of the command without it, whatever becomes of the archive', async () => {
    await at({ machines: [{ name: pc, scenario: 'wrong-host' }] }, async (s) => {
      const without = await s.slmctl('status', pc)
      const zip = join(s.directory, 'a.zip')
      writeFileSync(zip, 'mine')
      for (const [where, why] of [
        [zip, /there is such a file already/],
        [join(s.directory, 'no', 'such', 'a.zip'), /ENOENT/],
        [join(s.site, 'a.zip'), /ENOTDIR/],
      ] as const) {
        const ran = await s.slmctl('status', pc, `--debug=${where}`)
        // The end is counted from the moment of asking.
        const shown = ({ out }: { readonly out: string }) => out.replace(/\d\d:\d\d:\d\dZ/g, '')
        assert.deepEqual([ran.code, shown(ran)], [without.code, shown(without)])
        assert.match(ran.err.replace(/\s+/g, ' '), why)
      }
      assert.equal(readFileSync(zip, 'utf8'), 'mine')
      // A folder gets archives with names of their own, also two in one second.
      const folder = join(s.directory, 'archives')
      mkdirSync(folder)
      await s.slmctl('explain', 'MAK', `--debug=${folder}`)
      await s.slmctl('explain', 'MAK', `--debug=${folder}`)
      const made = readdirSync(folder)
      assert.equal(made.length, 2)
      for (const one of made) assert.match(one, /^slmctl-debug-\d{8}T\d{6}Z(?:-2)?\.zip$/)
    })
  })

  test('a machine that cannot be asked, a wrong command line, a wrong site file: that is when it is needed', async () => {
    await at({ machines: [{ name: pc, scenario: 'wrong-host', faults: [{ kind: 'refused' }] }] }, async (s) => {
      const away = join(s.directory, 'away.zip')
      assert.equal((await s.slmctl('status', pc, `--debug=${away}`)).code, 2)
      assert.match(unpacked(away).get('problems.json')!, /"code": "WINRM_/)
      const typed = join(s.directory, 'typed.zip')
      assert.equal((await s.slmctl('status', pc, '--password', password, privateKey, `--debug=${typed}`)).code, 2)
      assert.match(unpacked(typed).get('command.json')!, /status pc-17\.corp\.example --password •••/)
      harmless(unpacked(typed))
      const site = join(s.directory, 'wrong.yaml')
      writeFileSync(
        site,
        `organisation: Secret Org\ndomains: [inner.secret.example]\nnetworks: [0.0.0.0/0]\npassword: ${password}\nkey: ${privateKey}\n`,
      )
      for (const flag of ['--debug', '--debug-redacted']) {
        const zip = join(s.directory, `site${flag}.zip`)
        assert.equal((await s.slmctl('status', pc, '--site', site, `${flag}=${zip}`)).code, 2)
        harmless(unpacked(zip))
        if (flag === '--debug-redacted')
          for (const [file, text] of unpacked(zip)) assert.doesNotMatch(text, /secret\.example|Secret Org|pc-17/, file)
      }
    })
  })
})

describe('an archive about texts', () => {
  test('diagnose and plan --from: the text, masked; redacted only its length, and the codes and verdicts of the answer', async () => {
    await at({ machines: [{ name: pc, scenario: 'wrong-host' }] }, async (s) => {
      const text = join(s.directory, 'from-hugo.txt')
      writeFileSync(
        text,
        `Computer: HUGO-PC\nName: Windows(R), Enterprise edition\nDescription: Windows(R) Operating System, VOLUME_KMSCLIENT channel\nPartial Product Key: 2YT43\nLicense Status: Notification\nNotification Reason: 0xC004F056.\nRegistered KMS machine name: old.hugo.example:1688\ninstalled ${privateKey} and ${privateKey.replaceAll('-', ' ')} for hugo\n`,
      )
      for (const words of [
        ['diagnose', text],
        ['plan', '--from', text],
      ]) {
        const whole = join(s.directory, `${words[0]}-whole.zip`)
        await s.slmctl(...words, `--debug=${whole}`)
        assert.match(unpacked(whole).get('texts.json')!, /old\.hugo\.example:1688/)
        harmless(unpacked(whole))
        const redacted = join(s.directory, `${words[0]}-redacted.zip`)
        await s.slmctl(...words, `--debug-redacted=${redacted}`)
        const files = unpacked(redacted)
        for (const [file, content] of files) assert.doesNotMatch(content, /hugo/i, file)
        harmless(files)
        assert.match(files.get('texts.json')!, /"lines": 9/)
        if (words[0] === 'diagnose') assert.match(files.get('answer.json')!, /"verdict": "action"/)
      }
    })
  })
})

describe('keys and passwords everywhere', () => {
  test('in the environment, in names of files, in what a machine says, in a plan, in a text: in no archive', async () => {
    const change = (site: string) =>
      site.replace('organisation: Example University', `organisation: ${JSON.stringify(`Key ${privateKey}`)}`)
    await at(
      { machines: [{ name: pc, scenario: 'wrong-host' }] },
      async (s) => {
        const names = ['SLMCTL_PASSWORD', 'SLMCTL_MAK', 'NODE_SECRET', 'KRB5_PASSWORD']
        for (const name of names) process.env[name] = `${password} ${privateKey}`
        try {
          const named = join(s.directory, `${privateKey}.txt`)
          writeFileSync(
            named,
            `Name: Windows(R), Enterprise edition\nKey: ${privateKey}\nkey in pieces ${privateKey.slice(0, 17)}\n${privateKey.slice(17)}\n`,
          )
          const recording = join(s.directory, 'r.json')
          const rows = [{ Caption: `Windows ${privateKey}`, CSName: pc }]
          const entries = [{ ask: { class: 'Win32_OperatingSystem', columns: ['Caption', 'CSName'] }, rows }]
          writeFileSync(recording, JSON.stringify({ schema: 'slmctl.recording/1', machines: [{ name: pc, entries }], redact: [] }))
          for (const [n, words] of [
            ['diagnose', named],
            ['diagnose', '--unread', '--json', named],
            ['plan', '--from', named],
            ['status', pc, privateKey],
            ['status', '--from-recording', recording],
            ['explain', ...privateKey.split('-')],
            ['keys', privateKey],
            ['apply', pc, '--yes', '--user', `CORP\\${privateKey}`, `--pasword=${password}`],
            ['apply', pc, '--yes'],
            [password, privateKey],
          ].entries())
            for (const flag of ['--debug', '--debug-redacted']) {
              const zip = join(s.directory, `${n}${flag}.zip`)
              await s.slmctl(...words, `${flag}=${zip}`)
              harmless(unpacked(zip))
            }
        } finally {
          for (const name of names) delete process.env[name]
        }
      },
      change,
    )
  })
})

describe('however a run ends', () => {
  const slmctl = join(import.meta.dirname, '../../bin/slmctl.cjs')
  const run = (
    argv: readonly string[],
    options: { env?: NodeJS.ProcessEnv; signal?: NodeJS.Signals; until?: RegExp; cwd: string; node?: string[] },
  ) =>
    new Promise<{ code: number | null; err: string }>((resolve) => {
      const child = spawn(process.execPath, [...(options.node ?? []), slmctl, ...argv], {
        cwd: options.cwd,
        env: { ...process.env, ...options.env },
      })
      let err = ''
      child.stderr.on('data', (chunk) => {
        err += chunk
      })
      child.stdout.on('data', (chunk) => {
        if (options.signal && options.until?.test(String(chunk))) setTimeout(() => child.kill(options.signal), 800)
      })
      child.on('close', (code) => resolve({ code, err }))
    })

  test('^C leaves an archive, and so does a crash', async () => {
    await at({ machines: [{ name: pc, scenario: 'wrong-host' }] }, async (s) => {
      const lab = await run(['lab', '--machines', '1', '--directory', join(s.directory, 'lab')], {
        ...{ cwd: s.directory, env: { SLMCTL_DEBUG: join(s.directory, 'signal.zip') }, signal: 'SIGINT', until: /./ },
      })
      assert.ok(unpacked(join(s.directory, 'signal.zip')).has('log.txt'), lab.err)
      // While a machine is waited for, nobody else hears ^C.
      await s.lab.fault(pc, { kind: 'slow', ms: 30_000 })
      const waits = await run(['status', pc, pc.replace('17', '18'), '--site', s.site, '--debug=waits.zip'], {
        ...{ cwd: s.directory, signal: 'SIGINT', until: /verdict/ },
      })
      assert.equal(waits.code, 130)
      assert.match(unpacked(join(s.directory, 'waits.zip')).get('log.txt')!, /pc-17\.corp\.example {2}at /)
      await s.lab.fault(pc, null)
      // A fault of ours: the clock breaks while the command works.
      const broken = join(s.directory, 'broken.cjs')
      writeFileSync(
        broken,
        'const now=Date.prototype.toISOString;let n=0;Date.prototype.toISOString=function(){if(new Error().stack.includes("diagnose"))throw new RangeError("the clock broke");return now.call(this)}',
      )
      writeFileSync(join(s.directory, 'dlv.txt'), 'Name: Windows(R), Enterprise edition\nLicense Status: Licensed\n')
      const ran = await run(['diagnose', 'dlv.txt', '--debug=crash.zip'], { cwd: s.directory, node: ['--require', broken] })
      assert.notEqual(ran.code, 0)
      assert.match(ran.err, /the clock broke/)
      assert.match(unpacked(join(s.directory, 'crash.zip')).get('crash.txt')!, /RangeError: the clock broke\n +at /)
    })
  })
})
