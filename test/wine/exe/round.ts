/**
 * Isolated machines by the single file: recorded by slmctl.exe, planned and signed from the sources on Linux, carried back and applied
 * by slmctl.exe; activation by telephone. What the provider was asked is held against what the lab's machine was.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { appendFileSync, globSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { mock } from 'node:test'
import { confirmationFor } from '../../../src/lab.ts'
import { verifySigned } from '../../../src/offline.ts'
import type { Stage } from '../../journeys/lab.ts'
import { fillIn } from '../../offline/fill.ts'
import { shows } from '../../offline/shows.ts'
import { check } from '../../peers/checks.ts'
import { answerOf, type Computer, onComputer, pc, sources } from './computer.ts'
import type { Exe } from './run.ts'

type Applied = {
  machines: { name: string; result: string; steps?: { result: string }[] }[]
  problems: { code: string }[]
}
const site = ['--site', 'slmctl.yaml'] as const

export async function round(exe: Exe): Promise<void> {
  await carried(exe)
  await sealed(exe)
  await telephone(exe)
}

/** The site file names a signer, whose key is beside it. */
async function signer(s: Stage): Promise<void> {
  const made = await s.slmctl('offline', 'signer', `${s.directory}/signer.key`, '--json')
  appendFileSync(
    s.site,
    `plans: { signers: ['${answerOf<{ publicKey: string }>({ ...made, stdout: made.out, stderr: made.err }).publicKey}'] }\n`,
  )
}

/** On Linux, from the sources. */
async function planned({ s, at }: Computer, recording: string, plan: string): Promise<string> {
  const { code, out, err } = await s.slmctl('plan', '--from-recording', at(recording), '--sign', at('signer.key'), '--out', at(plan))
  assert.equal(code, 1, out + err)
  return err.replace(/\s+/g, ' ')
}

/** Refused before anything was sent. */
async function refused({ slmctl, methods }: Computer, plan: string, code: string): Promise<void> {
  const before = methods().length
  const ran = await slmctl('apply', '--plan', plan, '--yes', '--json', ...site)
  assert.deepEqual([ran.code, answerOf<Applied>(ran).problems.map((p) => p.code)], [2, [code]], ran.stdout + ran.stderr)
  assert.equal(methods().length, before, 'a method was called')
}

/** What the provider was asked to do is what the lab's machine was asked over WinRM. */
function asOverTheWire({ s, methods }: Computer): void {
  const told = methods().map((c) => {
    assert.equal(c.scripted, 'yes', JSON.stringify(c))
    const given = Object.entries(c.arguments!).map(([n, { value }]) => [n, n === 'ProductKey' ? `…${value}` : value])
    return { class: c.class, key: c.key, method: c.method, ...Object.fromEntries(given) }
  })
  assert.deepEqual(
    told,
    s.lab.calls(pc).map((c) => ({ class: c.class, key: Object.values(c.key)[0] ?? null, method: c.method, ...c.arguments })),
  )
  assert.ok(told.length > 0)
}

async function carried(exe: Exe): Promise<void> {
  const wire = async (s: Stage) => {
    await signer(s)
    assert.equal((await s.slmctl('apply', pc, '--yes')).code, 0)
  }
  await onComputer(exe, { scenario: 'wrong-host' }, wire, async (computer) => {
    const { slmctl, at, calls, methods } = computer
    await check('slmctl.exe status --record: a recording for support has no name, one for a plan keeps them', async () => {
      const hidden = await slmctl('status', '--record', 'hidden.json', ...site)
      assert.match(hidden.stderr, /redacted/, hidden.stdout)
      assert.doesNotMatch(readFileSync(at('hidden.json'), 'latin1'), /corp\.example|pc-1|kms\d/i)
      const kept = await slmctl('status', '--record', 'pc.json', '--keep-names', ...site)
      assert.match(kept.stderr, /(?:[0-9a-f]{4}-){4}[0-9a-f]{4}/, kept.stdout)
      assert.match(readFileSync(at('pc.json'), 'latin1'), /pc-1\.corp\.example/)
    })
    for (const args of [
      ['diagnose', 'pc.json'],
      ['status', '--from-recording', 'pc.json'],
      ['audit', '--from-recording', 'pc.json'],
      ['plan', '--from-recording', 'pc.json'],
      ['plan', '--from-recording', 'hidden.json'],
    ])
      await check(`slmctl.exe ${args.join(' ')} says what the sources say of that recording`, async () => {
        const [ours, theirs] = [await slmctl(...args, ...site), await sources([...args, ...site], computer.s.directory)]
        assert.deepEqual([ours.code, ours.stdout, ours.stderr], [theirs.code, theirs.stdout, theirs.stderr])
        assert.notEqual(theirs.stdout, '')
      })
    await check('a plan made on Linux from that recording is signed, and a copy of it altered by one letter is refused', async () => {
      await planned(computer, 'pc.json', 'pc.plan')
      const text = readFileSync(at('pc.plan'), 'latin1')
      writeFileSync(
        at('altered.plan'),
        text.replace(/"statement":"(.)/, (_, c: string) => `"statement":"${c === 'e' ? 'f' : 'e'}`),
        'latin1',
      )
      await refused(computer, 'altered.plan', 'PLAN_SIGNATURE')
    })
    await check('an expired plan is refused, and one whose date is in the future', async () => {
      for (const [name, days] of [
        ['old', -15],
        ['new', 2],
      ] as const) {
        mock.timers.enable({ apis: ['Date'], now: Date.now() + days * 86_400_000 })
        try {
          await planned(computer, 'pc.json', `${name}.plan`)
        } finally {
          mock.timers.reset()
        }
        await refused(computer, `${name}.plan`, 'PLAN_EXPIRED')
      }
    })
    await check('a plan for a computer of the same name with another board is refused', async () => {
      const text = readFileSync(at('pc.json'), 'utf8')
      const other = text.replace(/("UUID": ?")(.)/, (_, label: string, c: string) => `${label}${c === '1' ? '2' : '1'}`)
      assert.notEqual(other, text)
      writeFileSync(at('other.json'), other)
      await planned(computer, 'other.json', 'other.plan')
      await refused(computer, 'other.plan', 'PLAN_OTHER_MACHINE')
    })
    await check('slmctl.exe signs plans, too; by a key that the site file does not name, its plan is refused', async () => {
      const made = await slmctl('offline', 'signer', 'own.key', '--json')
      assert.equal(made.code, 0, made.stdout + made.stderr)
      assert.equal(statSync(at('own.key')).mode & 0o007, 0)
      await slmctl('plan', '--from-recording', 'pc.json', '--sign', 'own.key', '--out', 'own.plan', ...site)
      await refused(computer, 'own.plan', 'PLAN_SIGNATURE')
      const { publicKey } = answerOf<{ publicKey: string }>(made)
      assert.equal(verifySigned(readFileSync(at('own.plan')), [publicKey], new Date(), (plan) => plan as never).signer, publicKey)
    })
    await check('a plan that nobody signed is refused', async () => {
      await computer.s.slmctl('plan', '--from-recording', at('pc.json'), '--out', at('unsigned.json'))
      await refused(computer, 'unsigned.json', 'PLAN_NOT_SIGNED')
      assert.deepEqual(methods(), [])
      assert.ok(calls().length > 0)
    })
    await check('slmctl.exe apply --plan: the very calls of apply over WinRM, each verified; the computer is as wished', async () => {
      const ran = await slmctl('apply', '--plan', 'pc.plan', '--yes', '--json', ...site)
      const { machines } = answerOf<Applied>(ran)
      assert.deepEqual([ran.code, machines[0]?.result], [0, 'changed'], ran.stdout + ran.stderr)
      assert.deepEqual(
        machines[0]!.steps!.map((step) => step.result),
        methods().map(() => 'done'),
      )
      asOverTheWire(computer)
      const after = await slmctl('status', '--json', ...site)
      assert.equal(after.code, 0, after.stdout + after.stderr)
    })
    await check('a second time the plan is refused', () => refused(computer, 'pc.plan', 'PLAN_USED'))
  })
}

/** A key of the test's own making, in the alphabet of real ones. */
const mak = ['MKMKM', 'KMKMK', 'MKMKM', 'KMKMK', 'WTRQV'].join('-')
const hash = createHash('sha256').update(mak).digest('hex')

async function sealed(exe: Exe): Promise<void> {
  const wire = async (s: Stage) => {
    const wishes = 'wishes:\n  - { product: windows, by: mak, key: { file: windows.key } }\n'
    writeFileSync(s.site, readFileSync(s.site, 'utf8').replace(/\nwishes:[\s\S]*$/, `\n${wishes}`))
    writeFileSync(`${s.directory}/windows.key`, mak, { mode: 0o600 })
    await signer(s)
    assert.equal((await s.slmctl('apply', pc, '--yes')).code, 0)
    // On the target the same words stand for a file that is not there.
    writeFileSync(`${s.directory}/target.yaml`, readFileSync(s.site, 'utf8').replace('windows.key', 'nowhere/windows.key'))
  }
  await onComputer(exe, { scenario: 'win10-pro-grace', maks: { [hash]: { licence: 'windows mak' } } }, wire, async (computer) => {
    const { slmctl, at, methods } = computer
    const target = ['--site', 'target.yaml']
    await check('a MAK is sealed to the computer whose key slmctl.exe showed, and stands in no encoding in the plan', async () => {
      const kept = await slmctl('status', '--record', 'pc.json', '--keep-names', ...target)
      const words = /(?:[0-9a-f]{4}-){4}[0-9a-f]{4}/.exec(kept.stderr)?.[0]
      assert.ok(words, kept.stderr)
      const said = await planned(computer, 'pc.json', 'pc.plan')
      assert.ok(said.includes(`${pc} ${words}`), said)
      const file = readFileSync(at('pc.plan'), 'latin1')
      const { statement } = JSON.parse(file) as { statement: string }
      for (const text of [file, Buffer.from(statement, 'base64').toString('latin1')]) assert.ok(!shows(text, mak))
    })
    await check('slmctl.exe installs that MAK from the sealed plan alone, and no file that it leaves holds it', async () => {
      const ran = await slmctl('apply', '--plan', 'pc.plan', '--yes', '--json', ...target)
      assert.deepEqual([ran.code, answerOf<Applied>(ran).machines[0]?.result], [0, 'changed'], ran.stdout + ran.stderr)
      const install = methods().find((c) => c.method === 'InstallProductKey')
      assert.equal(install?.arguments?.ProductKey?.value, mak.slice(-5))
      asOverTheWire(computer)
      assert.equal(statSync(at('target/identity/target.key')).mode & 0o007, 0)
      const left = globSync('target/**', { cwd: computer.s.directory, withFileTypes: true }).filter((f) => f.isFile())
      assert.deepEqual([...new Set(left.map((f) => f.parentPath.split('/').at(-1)))].sort(), ['identity', 'journal', 'signed-plans'])
      for (const f of left) {
        const bytes = readFileSync(`${f.parentPath}/${f.name}`)
        for (const encoding of ['latin1', 'utf16le'] as const) assert.ok(!shows(bytes.toString(encoding), mak), f.name)
      }
      for (const text of [ran.stdout, ran.stderr]) assert.ok(!shows(text, mak))
    })
  })
}

async function telephone(exe: Exe): Promise<void> {
  const wire = async (s: Stage) => {
    s.lab.internet(false)
    assert.equal((await s.slmctl('offline', 'ids', pc, '--out', `${s.directory}/wire.csv`)).code, 0)
    fillIn(`${s.directory}/wire.csv`, `${s.directory}/filled.csv`, (id) => confirmationFor(id))
    assert.equal((await s.slmctl('offline', 'confirm', `${s.directory}/filled.csv`, '--yes')).code, 0)
  }
  await onComputer(exe, { scenario: 'win10-mak-not-activated' }, wire, async (computer) => {
    const { slmctl, at, methods } = computer
    await check('slmctl.exe offline ids: the same file as over WinRM', async () => {
      const ran = await slmctl('offline', 'ids', '--out', 'ids.csv', ...site)
      assert.equal(ran.code, 0, ran.stdout + ran.stderr)
      assert.equal(readFileSync(at('ids.csv'), 'utf8'), readFileSync(at('wire.csv'), 'utf8'))
    })
    await check('slmctl.exe offline confirm: the confirmation ID is deposited once, and verified', async () => {
      fillIn(at('ids.csv'), at('again.csv'), (id) => confirmationFor(id), ';')
      const ran = await slmctl('offline', 'confirm', 'again.csv', '--yes', '--json', ...site)
      assert.deepEqual([ran.code, answerOf<Applied>(ran).machines[0]?.result], [0, 'changed'], ran.stdout + ran.stderr)
      assert.deepEqual(
        methods().map((c) => c.method),
        ['DepositOfflineConfirmationId'],
      )
      asOverTheWire(computer)
      const again = await slmctl('offline', 'confirm', 'again.csv', '--yes', '--json', ...site)
      assert.deepEqual([again.code, answerOf<Applied>(again).machines[0]?.result], [0, 'unchanged'], again.stdout + again.stderr)
      assert.equal(methods().length, 1)
    })
  })
}
