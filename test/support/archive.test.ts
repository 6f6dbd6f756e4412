import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { koffi } from '../../src/cli/commands/debug.ts'
import { ProblemError, problem } from '../../src/model.ts'
import { support, wishOf } from '../../src/support.ts'
import { type Machine, recorder, redactor } from '../../src/windows.ts'
import { privateKey, unpacked } from './open.ts'

const directory = mkdtempSync(join(tmpdir(), 'slmctl-support-'))
after(() => rmSync(directory, { recursive: true }))

/** A machine that answers every question with its names, a key among them; every hundredth answers nothing. */
const machine = (n: number): Machine => ({
  name: `box${n}.deep.contoso.test`,
  ask: async () => {
    if (n % 100 === 0) throw new ProblemError(problem('WINRM_TIMEOUT', `box${n}.deep.contoso.test did not answer.`, []))
    return Array.from({ length: 5 }, (_, i) => ({
      Name: `product ${i} of box${n}`,
      KeyManagementServiceMachine: `activator${n}.elsewhere.test`,
      UserName: `CONTOSO\\person${n}`,
      Note: `installed ${privateKey} by person${n}`,
    }))
  },
  registry: async () => ({ Domain: 'deep.contoso.test' }),
  call: async () => ({ returnValue: 0, out: {} }),
  close: async () => {},
})

describe('an archive of a fleet', () => {
  for (const redact of [false, true])
    test(`2,000 machines: bounded${redact ? ', and names of machines whose answers were dropped are hidden, too' : ''}`, async () => {
      const to = join(directory, `fleet-${redact}.zip`)
      const s = support({ to, hide: redact ? redactor([]) : null, command: 'status --all', versions: {}, now: () => new Date() })
      const recording = recorder({ machines: 200, log: (m, what, ms) => s.log(`${m}  ${what}, ${ms} ms`), dropped: s.dropped })
      s.facts(recording.whole)
      for (let n = 0; n < 2000; n++) {
        const one = recording.keep(machine(n))
        s.name('machine', one.name)
        for (let i = 0; i < 2; i++) await one.ask({ class: `Class${i}`, columns: ['Name'] }).catch(() => {})
        for (let i = 0; i < 10; i++) s.log(`${one.name}  waits for its turn, number ${i}`)
        const said = n % 100 === 0 ? 'did not answer' : `licensed by activator${n}.elsewhere.test for person${n}`
        s.out(`${one.name}  ${said}\n`.repeat(25))
        await one.close()
      }
      const begin = performance.now()
      const written = s.finish(0)
      assert.ok(written?.ok)
      assert.ok(performance.now() - begin < 20_000)
      assert.ok(statSync(to).size < 5_000_000, `${statSync(to).size} bytes`)
      const files = unpacked(to)
      for (const [file, text] of files) assert.ok(text.length < 40_000_000, `${file}: ${text.length}`)
      const facts = JSON.parse(files.get('facts.json')!).machines as { entries: { problem?: unknown }[] }[]
      // 200, and of the others those that could not be asked.
      assert.equal(facts.length, 218)
      for (const [file, text] of files) {
        assert.ok(!text.includes(privateKey), `a key is in ${file}`)
        if (redact) assert.doesNotMatch(text, /box\d|activator\d|person\d|contoso|elsewhere/i, file)
      }
      assert.match(files.get('log.txt')!, /characters are left out here/)
      assert.match(files.get('output.txt')!, redact ? /machine-2000\.domain-\d+\.example/ : /box1999\.deep\.contoso\.test/)
    })
})

test('what is hidden in texts: hosts of known domains, addresses, identifiers, and names within JSON that is a text', () => {
  const hide = redactor([])
  hide.name('domain', 'contoso.test')
  hide.name('machine', 'np1.contoso.test')
  hide.name('host', 'kms.contoso.test')
  hide.name('user', 'CONTOSO\\anna')
  const text =
    'unknown.contoso.test at 203.0.113.7 and [2001:db8:7::5]:5985, S-1-5-21-1-2-3-500, \\nnp1 kms ANNA, _vlmcs._tcp.contoso.test, ' +
    'deeper.still.contoso.test, foreign kms.partner.invalid, azkms.core.windows.net, mail bob@mail.test, version 10.0.26100.1, SoftwareLicensingService.Version, nanna'
  hide.look(text)
  const said = hide.everywhere(text)
  assert.doesNotMatch(said, /unknown\.|deeper|partner|contoso|203\.0\.113|2001:db8:7|-1-2-3-|\bnp1|\banna\b|bob@/i)
  assert.match(said, /\\nmachine-1 kms user-1, _vlmcs\._tcp\.domain-1\.example, /)
  assert.match(said, /version 10\.0\.26100\.1, SoftwareLicensingService\.Version, nanna$/)
  assert.match(said, /, azkms\.core\.windows\.net, /)
  // The same value gives the same word, alone or in a sentence, in a recording or in a text.
  assert.equal(hide.everywhere('unknown.contoso.test'), said.split(' ')[0])
})

test('the wish is read wherever it stands, and the more careful one holds', () => {
  const wish = (argv: string[], variable?: string) => wishOf(argv, variable)
  assert.equal(wish(['status', 'pc']), null)
  assert.equal(wish(['status', 'pc'], '0'), null)
  assert.deepEqual(wish(['status', '--debug', 'pc']), { argv: ['status', 'pc'], redact: false, to: null })
  assert.deepEqual(wish(['--debug=a.zip', 'status', '--debug-redacted']), { argv: ['status'], redact: true, to: 'a.zip' })
  assert.deepEqual(wish(['status'], '1'), { argv: ['status'], redact: false, to: null })
  assert.deepEqual(wish(['status'], 'C:\\a.zip'), { argv: ['status'], redact: false, to: 'C:\\a.zip' })
  assert.deepEqual(wish(['status'], 'redacted:a.zip'), { argv: ['status'], redact: true, to: 'a.zip' })
  assert.equal(wish(['explain', '--', '--debug']), null)
})

test('the version of koffi that an archive names is the one of package.json', () => {
  assert.equal(koffi, JSON.parse(readFileSync('package.json', 'utf8')).dependencies.koffi)
})
