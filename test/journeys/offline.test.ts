import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { appendFileSync, existsSync, globSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { Here } from '../../src/app/here.ts'
import { openApp } from '../../src/app.ts'
import { confirmationFor, type ScenarioId } from '../../src/lab.ts'
import { machinePlanSchema, signerSchema, telephoneSchema } from '../../src/schemas.ts'
import { Secret } from '../../src/secrets.ts'
import { openMachine } from '../../src/windows.ts'
import { fillIn } from '../offline/fill.ts'
import { shows } from '../offline/shows.ts'
import { methods, type Stage, stage } from './lab.ts'

const pc = 'pc-1.corp.example'
const other = 'pc-2.corp.example'
type Applied = { machines: { name: string; result: string; problem: { code: string } | null }[]; problems: { code: string }[] }
const json = <T>(text: string) => JSON.parse(text) as T
const codes = (out: string) => json<{ problems: { code: string }[] }>(out).problems.map((p) => p.code)

/** A stage whose site file names a signer; the key is beside it. */
async function signed(
  scenario: ScenarioId,
  then: (s: Stage, at: (name: string) => string) => Promise<void>,
  second: ScenarioId = scenario,
) {
  const s = await stage({
    machines: [
      { name: pc, scenario },
      { name: other, scenario: second },
    ],
  })
  const at = (name: string) => join(s.directory, name)
  try {
    const made = signerSchema.parse(JSON.parse((await s.slmctl('offline', 'signer', at('signer.key'), '--json')).out))
    appendFileSync(s.site, `plans: { signers: ['${made.publicKey}'] }\n`)
    await then(s, at)
  } finally {
    await s.close()
  }
}

const record = async (s: Stage, file: string, ...machines: string[]) => {
  const ran = await s.slmctl('status', ...machines, '--record', file, '--keep-names', '--json')
  assert.ok(existsSync(file), ran.err)
}

describe('a plan that is carried by file', () => {
  test('recorded, planned and signed without the machine, carried back, applied once, verified', () =>
    signed('wrong-host', async (s, at) => {
      await record(s, at('pc.json'), pc)
      const before = { ...s.lab.requests(pc) }
      const planned = await s.slmctl('plan', '--from-recording', at('pc.json'), '--sign', at('signer.key'), '--out', at('pc.plan'))
      assert.match(planned.err, /valid for 14\s+days/, planned.out + planned.err)
      assert.deepEqual({ ...s.lab.requests(pc) }, before, 'the machine was asked while planning')
      const applied = await s.slmctl('apply', '--plan', at('pc.plan'), '--yes', '--json')
      const answer = json<Applied>(applied.out)
      assert.deepEqual([applied.code, answer.machines[0]?.result], [0, 'changed'], applied.out + applied.err)
      assert.ok(methods(s.lab, pc).includes('Activate'))
      const calls = s.lab.calls(pc).length
      const again = await s.slmctl('apply', '--plan', at('pc.plan'), '--yes', '--json')
      assert.deepEqual([again.code, codes(again.out)], [2, ['PLAN_USED']])
      assert.equal(s.lab.calls(pc).length, calls)
    }))

  test('the same judgement and the same plan as of the live machine', () =>
    signed('wrong-host', async (s, at) => {
      const live = json<{ machines: { machine: object; products: object[]; findings: object[] }[] }>(
        (await s.slmctl('status', pc, '--json')).out,
      )
      await record(s, at('pc.json'), pc)
      const plain = await s.slmctl('status', pc, '--record', at('redacted.json'))
      assert.match(plain.err, /redacted/)
      assert.doesNotMatch(readFileSync(at('redacted.json'), 'utf8'), /corp\.example|pc-1/i)
      const replayed = json<typeof live>((await s.slmctl('status', '--from-recording', at('pc.json'), '--json')).out)
      const plainly = (one: unknown) =>
        JSON.stringify(one)
          .replace(/"line":\d+/g, '')
          .replace(/"(?:expires|minutesLeft)":[^,}]*/g, '')
      assert.equal(plainly(replayed.machines), plainly(live.machines))
      const diagnosed = json<{ machine: object; products: object[]; sources: { kind: string }[] }>(
        (await s.slmctl('diagnose', at('pc.json'), '--json')).out,
      )
      assert.equal(plainly(diagnosed.products), plainly(live.machines[0]!.products))
      assert.deepEqual(
        diagnosed.sources.map((source) => source.kind),
        ['recording'],
      )
      const redacted = await s.slmctl('diagnose', at('redacted.json'), '--json')
      const [hidden, ...none] = json<{ machines: { origin: string }[] }>(redacted.out).machines
      assert.deepEqual([none, hidden?.origin], [[], 'cannot-tell'], 'a hidden name is held against the site file')
      assert.match(redacted.err, /names in the recording are hidden/)
      const plans = async (...words: string[]) => json<{ machines: object[] }>((await s.slmctl('plan', ...words, '--json')).out).machines
      assert.deepEqual(await plans('--from-recording', at('pc.json')), await plans(pc))
    }))

  test('a recording is not written over, and that is said before anything is asked', () =>
    signed('wrong-host', async (s, at) => {
      writeFileSync(at('pc.json'), 'mine')
      const before = { ...s.lab.requests(pc) }
      const ran = await s.slmctl('status', pc, '--record', at('pc.json'), '--json')
      assert.deepEqual([ran.code, codes(ran.out)], [2, ['FILE_NOT_WRITTEN']])
      assert.deepEqual({ ...s.lab.requests(pc) }, before)
      assert.equal(readFileSync(at('pc.json'), 'utf8'), 'mine')
      assert.match((await s.slmctl('status', pc, '--keep-names')).err, /is about a recording/)
    }))

  test('of several machines, each gets its own file; several recordings are taken together', () =>
    signed('wrong-host', async (s, at) => {
      await record(s, at('a.json'), pc)
      await record(s, at('b.json'), other)
      const ran = await s.slmctl('plan', '--from-recording', at('a.json'), at('b.json'), '--sign', at('signer.key'), '--out', at('plans'))
      assert.match(ran.err, /2 signed plans/, ran.err)
      assert.deepEqual(readdirSync(at('plans')).sort(), [`${pc}.plan`, `${other}.plan`])
      const audit = await s.slmctl('audit', '--from-recording', at('a.json'), at('b.json'), '--json')
      assert.equal(json<{ machines: { asked: number } }>(audit.out).machines.asked, 2, audit.out)
      const one = await s.slmctl('plan', other, '--from-recording', at('a.json'), '--from-recording', at('b.json'), '--json')
      assert.deepEqual(
        json<{ machines: { name: string }[] }>(one.out).machines.map((m) => m.name),
        [other],
      )
    }))

  test('altered, expired, of nobody we know, unsigned, redacted: refused, and nothing is sent', () =>
    signed('wrong-host', async (s, at) => {
      await record(s, at('pc.json'), pc)
      const sign = (out: string, ...more: string[]) =>
        s.slmctl('plan', '--from-recording', at('pc.json'), '--sign', at('signer.key'), '--out', at(out), ...more)
      await sign('pc.plan')
      const text = readFileSync(at('pc.plan'), 'latin1')
      const refused = async (name: string, code: string) => {
        const ran = await s.slmctl('apply', '--plan', at(name), '--yes', '--json')
        assert.deepEqual([ran.code, codes(ran.out)], [2, [code]], `${name}: ${ran.out}`)
      }
      writeFileSync(
        at('altered.plan'),
        text.replace(/"statement":"(.)/, (_, c: string) => `"statement":"${c === 'e' ? 'f' : 'e'}`),
      )
      await refused('altered.plan', 'PLAN_SIGNATURE')
      writeFileSync(at('newline.plan'), `${text}\n`)
      await refused('newline.plan', 'PLAN_SIGNATURE')
      await s.slmctl('offline', 'signer', at('other.key'))
      await s.slmctl('plan', '--from-recording', at('pc.json'), '--sign', at('other.key'), '--out', at('stranger.plan'))
      await refused('stranger.plan', 'PLAN_SIGNATURE')
      await s.slmctl('plan', '--from-recording', at('pc.json'), '--out', at('unsigned.json'))
      await refused('unsigned.json', 'PLAN_NOT_SIGNED')
      await s.slmctl('status', pc, '--record', at('redacted.json'))
      const ran = await s.slmctl(
        'plan',
        '--from-recording',
        at('redacted.json'),
        '--sign',
        at('signer.key'),
        '--out',
        at('no.plan'),
        '--json',
      )
      assert.deepEqual(codes(ran.out), ['RECORDING_REDACTED'])
      assert.ok(!existsSync(at('no.plan')))
      assert.match((await sign('long.plan', '--valid', '61')).err, /from 1 to 60/)
      assert.deepEqual([...s.lab.calls(pc)], [])
    }))

  test('for another machine: by its name, and by its board where the name is the same', () =>
    signed('wrong-host', async (s, at) => {
      await record(s, at('pc.json'), pc)
      await s.slmctl('plan', '--from-recording', at('pc.json'), '--sign', at('signer.key'), '--out', at('pc.plan'))
      // Somebody else is reached by the name of the first machine.
      const site = readFileSync(s.site, 'utf8')
      const [first, second] = [pc, other].map((name) => s.lab.machines.find((m) => m.name === name)!)
      writeFileSync(
        s.site,
        site
          .replaceAll(`port: ${first!.httpPort}`, 'port: 1')
          .replaceAll(`port: ${second!.httpPort}`, `port: ${first!.httpPort}`)
          .replaceAll('port: 1 ', `port: ${second!.httpPort} `),
      )
      const ran = await s.slmctl('apply', '--plan', at('pc.plan'), '--yes', '--json')
      assert.deepEqual(codes(ran.out), ['PLAN_OTHER_MACHINE'], ran.out + ran.err)
      assert.equal(s.lab.calls(pc).length + s.lab.calls(other).length, 0)
    }))

  test('a signature gives no authority: what the guard forbids stays forbidden', () =>
    signed('wrong-host', async (s, at) => {
      await record(s, at('pc.json'), pc)
      await s.slmctl('plan', '--from-recording', at('pc.json'), '--sign', at('signer.key'), '--out', at('pc.plan'))
      // On the machine, the hosts that the plan sets are none of the site's any more.
      writeFileSync(s.site, readFileSync(s.site, 'utf8').replace(/^networks: .*$/m, 'networks: [192.168.250.0/24]'))
      const ran = await s.slmctl('apply', '--plan', at('pc.plan'), '--yes', '--json')
      assert.ok(['HOST_NOT_AUTHORISED', 'PLAN_STALE'].includes(json<Applied>(ran.out).machines[0]!.problem!.code), ran.out)
      assert.equal(s.lab.calls(pc).length, 0)
    }))
})

/** Keys of the test's own making. */
const mak = ['MKMKM', 'KMKMK', 'MKMKM', 'KMKMK', 'WTRQV'].join('-')
const hash = createHash('sha256').update(mak).digest('hex')
const flags = {
  ...{ user: null, passwordFile: null, askPassword: false, credential: null, method: null },
  ...{ https: false, port: null, ca: null, pin: null, timeoutSeconds: null },
}
const shape = (value: unknown) => {
  const parsed = machinePlanSchema.safeParse(value)
  return parsed.success ? parsed.data : null
}

/** The machine of the lab as this computer, with a state folder of its own. */
async function onIt<T>(s: Stage, site: string, work: (app: Awaited<ReturnType<typeof openApp>>) => Promise<T>): Promise<T> {
  const { address, httpPort } = s.lab.machines[0]!
  const { user, password, domain } = s.lab.accounts[0]!
  const here: Here = {
    name: pc,
    elevated: async () => true,
    open: () =>
      openMachine({
        ...{ name: pc, address, port: httpPort, tls: null, operationTimeoutMs: 20_000, connectTimeoutMs: 5_000 },
        credential: { method: 'ntlm', user, domain: domain ?? '', password: new Secret(Buffer.from(password)) },
      }),
  }
  const before = process.env.SLMCTL_STATE
  process.env.SLMCTL_STATE = join(s.directory, 'target')
  try {
    const app = await openApp({ siteFile: site, reach: flags, parallel: 1, replay: null, notice: () => {}, here })
    try {
      return await work(app)
    } finally {
      await app.close()
    }
  } finally {
    if (before === undefined) delete process.env.SLMCTL_STATE
    else process.env.SLMCTL_STATE = before
  }
}

test('a MAK in it: sealed to the target, in no encoding in the plan; installed there from the sealed part alone', async () => {
  const s = await stage({ machines: [{ name: pc, scenario: 'win10-pro-grace' }], maks: { [hash]: { licence: 'windows mak' } } })
  const at = (name: string) => join(s.directory, name)
  try {
    const { publicKey } = json<{ publicKey: string }>((await s.slmctl('offline', 'signer', at('signer.key'), '--json')).out)
    const wishes = `plans: { signers: ['${publicKey}'] }\nwishes:\n  - { product: windows, by: mak, key: { file: windows.key } }\n`
    const base = readFileSync(s.site, 'utf8').replace(/\nwishes:[\s\S]*$/, '\n')
    writeFileSync(s.site, base + wishes)
    // On the target the same words stand for a file that is not there.
    const target = join(s.directory, 'target.yaml')
    writeFileSync(target, base + wishes.replace('windows.key', 'nowhere/windows.key'))
    writeFileSync(at('windows.key'), mak, { mode: 0o600 })
    await record(s, at('wire.json'), pc)
    const keyless = await s.slmctl(
      'plan',
      '--from-recording',
      at('wire.json'),
      '--sign',
      at('signer.key'),
      '--out',
      at('no.plan'),
      '--json',
    )
    assert.deepEqual(codes(keyless.out), ['PLAN_NEEDS_TARGET_KEY'], keyless.out)
    assert.ok(!existsSync(at('no.plan')))

    let words = ''
    const recording = await onIt(s, target, async (app) => {
      const told = app.record(true)
      for await (const { result } of app.status([app.here!])) assert.ok(result.ok)
      const { recording, ownKey } = await told()
      assert.match(ownKey!, /^(?:[0-9a-f]{4}-){4}[0-9a-f]{4}$/)
      words = ownKey!
      return recording
    })
    writeFileSync(at('own.json'), JSON.stringify(recording))
    assert.equal(readdirSync(join(s.directory, 'target', 'identity')).join(), 'target.key')
    const planned = await s.slmctl('plan', '--from-recording', at('own.json'), '--sign', at('signer.key'), '--out', at('pc.plan'))
    assert.ok(existsSync(at('pc.plan')), planned.err)
    // What people compare, here and there: somebody may have changed the key in the recording.
    assert.ok(planned.err.replace(/\s+/g, ' ').includes(`encrypted to the computer ${pc} ${words}.`), planned.err)
    const file = readFileSync(at('pc.plan'), 'latin1')
    const statement = Buffer.from(json<{ statement: string }>(file).statement, 'base64').toString('latin1')
    for (const text of [file, statement, planned.out, planned.err]) assert.ok(!shows(text, mak))
    assert.ok(!statement.includes(s.directory), 'where the signer keeps the key is nobody’s affair')
    const own = (again: boolean) =>
      onIt(s, target, async (app) => {
        const carried = await app.openSigned(readFileSync(at('pc.plan')), shape)
        assert.equal(again, false)
        const outcomes = []
        for await (const o of app.apply([carried.plan], { renew: false, asked: [], carried }).outcomes) outcomes.push(o)
        return outcomes
      })
    const [outcome] = await own(false)
    assert.equal(outcome?.result, 'changed', JSON.stringify(outcome))
    assert.deepEqual(methods(s.lab, pc), ['InstallProductKey', 'Activate'])
    await assert.rejects(own(true), { message: /was begun here before/ })
    // As a crash after the key was installed leaves it: what is left is done from the plan that was kept, without the signer.
    const journals = join(s.directory, 'target', 'journal')
    const journal = join(journals, readdirSync(journals)[0]!)
    const lines = readFileSync(journal, 'utf8').split('\n')
    writeFileSync(journal, `${lines.slice(0, 1 + lines.findIndex((l) => l.includes('"kind":"did"'))).join('\n')}\n`)
    await onIt(s, target, async (app) => {
      const told = app.unfinished(null)!
      const carried = await app.signedOf(told, shape)
      assert.equal(carried?.serial, told.signed)
      for await (const o of app.apply(told.plans, { renew: false, asked: [], told, carried }).outcomes)
        assert.equal(o.result, 'changed', JSON.stringify(o))
    })
    assert.deepEqual(methods(s.lab, pc), ['InstallProductKey', 'Activate'], 'nothing is sent twice')
    const kept = globSync(`${s.directory}/**/*`).filter((f) => !f.endsWith('.key') && /\.(?:jsonl?|plan|yaml)$/.test(f))
    for (const f of kept) assert.ok(!shows(readFileSync(f, 'latin1'), mak), f)
    // Another computer with the same site file has another key.
    const stranger = join(s.directory, 'target', 'identity', 'target.key')
    writeFileSync(stranger, readFileSync(at('signer.key')))
    await assert.rejects(own(false), { message: /is not the key of this computer|was begun/ })
  } finally {
    await s.close()
  }
})

describe('activation by telephone, by file', () => {
  const telephone = async (then: (s: Stage, at: (name: string) => string) => Promise<void>, ...scenarios: ScenarioId[]) => {
    const s = await stage({ machines: scenarios.map((scenario, i) => ({ name: `pc-${i + 1}.corp.example`, scenario })) })
    try {
      s.lab.internet(false)
      await then(s, (name) => join(s.directory, name))
    } finally {
      await s.close()
    }
  }
  const groups = (digits: string) => digits.match(/.{1,6}/g)!.join(' ')

  test('IDs out, confirmation IDs in: deposited, verified, never twice; another machine’s row is left alone', () =>
    telephone(
      async (s, at) => {
        const ran = await s.slmctl('offline', 'ids', '--all', '--out', at('ids.csv'))
        assert.equal(ran.code, 0, ran.out + ran.err)
        const text = readFileSync(at('ids.csv'), 'utf8')
        assert.match(text, /^\ufeffmachine,product,activation ID,partial key,installation ID,confirmation ID\r\n/)
        // The KMS client and what is licensed already have no business in it.
        assert.deepEqual(
          text
            .trim()
            .split('\r\n')
            .slice(1)
            .map((line) => line.split(',')[0]),
          [pc, other],
        )
        fillIn(at('ids.csv'), at('filled.csv'), (id) => groups(confirmationFor(id)), ';')
        const first = await s.slmctl('offline', 'confirm', at('filled.csv'), pc, '--yes')
        assert.equal(first.code, 0, first.out + first.err)
        assert.match(first.err, /1 of 2 rows are used; 1 about other machines/)
        assert.ok(
          !first.out.includes(confirmationFor(s.lab.state(pc).products.find((p) => p.PartialProductKey)!.OfflineInstallationId as string)),
        )
        assert.deepEqual([methods(s.lab, pc), methods(s.lab, other)], [['DepositOfflineConfirmationId'], []])
        assert.ok(s.lab.state(pc).products.some((p) => p.PartialProductKey && p.LicenseStatus === 1))
        const again = await s.slmctl('offline', 'confirm', at('filled.csv'), '--yes', '--json')
        assert.deepEqual(
          json<Applied>(again.out).machines.map((m) => [m.name, m.result]),
          [
            [pc, 'unchanged'],
            [other, 'changed'],
          ],
        )
        assert.deepEqual([methods(s.lab, pc).length, methods(s.lab, other).length], [1, 1])
      },
      'win10-mak-not-activated',
      'win10-mak-not-activated',
      'wrong-host',
      'win10-enterprise-mak',
    ))

  test('interrupted after the confirmation ID went out: --resume asks whether it was taken, and sends nothing again', () =>
    telephone(async (s, at) => {
      await s.slmctl('offline', 'ids', pc, '--out', at('ids.csv'))
      fillIn(at('ids.csv'), at('filled.csv'), (id) => confirmationFor(id))
      assert.equal((await s.slmctl('offline', 'confirm', at('filled.csv'), '--yes')).code, 0)
      const folder = at('journal')
      const journal = join(folder, readdirSync(folder)[0]!)
      const lines = readFileSync(journal, 'utf8').split('\n')
      writeFileSync(journal, `${lines.slice(0, 1 + lines.findIndex((l) => l.includes('"kind":"about"'))).join('\n')}\n`)
      const ran = await s.slmctl('apply', '--resume', '--yes', '--json')
      assert.equal(ran.code, 0, ran.out + ran.err)
      assert.deepEqual(methods(s.lab, pc), ['DepositOfflineConfirmationId'])
    }, 'win10-mak-not-activated'))

  test('a file that others had in their hands does not decide who is shown a credential', () =>
    telephone(async (s, at) => {
      await s.slmctl('offline', 'ids', pc, '--out', at('ids.csv'))
      fillIn(at('ids.csv'), at('filled.csv'), (id) => confirmationFor(id))
      const { address, httpPort } = s.lab.machines[0]!
      writeFileSync(at('evil.csv'), readFileSync(at('filled.csv'), 'utf8').replaceAll(pc, address))
      const before = { ...s.lab.requests(pc) }
      const ran = await s.slmctl('offline', 'confirm', at('evil.csv'), '--yes', '--json', '--port', String(httpPort))
      assert.deepEqual([ran.code, codes(ran.out)], [2, ['IDS_INVALID']], ran.out)
      assert.deepEqual({ ...s.lab.requests(pc) }, before)
      // Named, it is somebody's own decision.
      const named = await s.slmctl('offline', 'confirm', at('evil.csv'), address, '--yes', '--json', '--port', String(httpPort))
      assert.equal(json<Applied>(named.out).machines[0]?.result, 'changed', named.out)
    }, 'win10-mak-not-activated'))

  test('a wrong confirmation ID is refused by the machine, and said plainly', () =>
    telephone(async (s, at) => {
      await s.slmctl('offline', 'ids', pc, '--out', at('ids.csv'))
      fillIn(at('ids.csv'), at('wrong.csv'), () => groups('123456'.repeat(8)))
      const ran = await s.slmctl('offline', 'confirm', at('wrong.csv'), '--yes')
      assert.equal(ran.code, 1, ran.out + ran.err)
      assert.match(ran.out, /0xC004F04D/)
      assert.match(ran.out, /check digits/)
      assert.equal(s.lab.calls(pc).length, 1)
    }, 'win10-mak-not-activated'))

  test('for another installation, or written wrongly: nothing is sent', () =>
    telephone(async (s, at) => {
      await s.slmctl('offline', 'ids', pc, '--out', at('ids.csv'))
      const other = readFileSync(at('ids.csv'), 'utf8').replace(/(\d{7})-(\d{7})-/, '$2-$1-')
      writeFileSync(at('other.csv'), other)
      fillIn(at('other.csv'), at('filled.csv'), (id) => confirmationFor(id))
      const ran = await s.slmctl('offline', 'confirm', at('filled.csv'), '--yes')
      assert.match(ran.out, /CONFIRMATION_OTHER_INSTALLATION/)
      assert.equal(ran.code, 1)
      for (const wrong of ['12345', 'not yet', '1.23457E+47', '1'.repeat(54)]) {
        fillIn(at('ids.csv'), at('bad.csv'), () => wrong)
        const refused = await s.slmctl('offline', 'confirm', at('bad.csv'), '--yes', '--json')
        assert.deepEqual([refused.code, codes(refused.out)], [2, ['IDS_INVALID']], wrong)
      }
      assert.equal(s.lab.calls(pc).length, 0)
    }, 'win10-mak-not-activated'))

  test('from a recording that was carried out; and a key that waits for the telephone is not activated online', async () => {
    const s = await stage({ machines: [{ name: pc, scenario: 'win10-pro-grace' }], maks: { [hash]: { licence: 'windows mak' } } })
    const at = (name: string) => join(s.directory, name)
    try {
      s.lab.internet(false)
      writeFileSync(
        s.site,
        readFileSync(s.site, 'utf8').replace('{ product: windows, by: kms }', '{ product: windows, by: mak, key: { file: windows.key } }'),
      )
      writeFileSync(at('windows.key'), mak, { mode: 0o600 })
      const ran = await s.slmctl('apply', pc, '--by-telephone', '--yes')
      assert.equal(ran.code, 0, ran.out + ran.err)
      assert.deepEqual(methods(s.lab, pc), ['InstallProductKey'])
      assert.match((await s.slmctl('plan', pc, '--by-telephone')).out, /BY_TELEPHONE/)
      await record(s, at('pc.json'), pc)
      await s.slmctl('offline', 'ids', '--from-recording', at('pc.json'), '--out', at('ids.csv'))
      // A recording without the names has no IDs to give: that is said, and not that nothing is there.
      await s.slmctl('status', pc, '--record', at('redacted.json'))
      const none = await s.slmctl('offline', 'ids', '--from-recording', at('redacted.json'), '--out', at('none.csv'), '--json')
      assert.deepEqual([none.code, codes(none.out)], [2, ['RECORDING_REDACTED']])
      const { names: _, ...old } = json<{ names: string }>(readFileSync(at('redacted.json'), 'utf8'))
      writeFileSync(at('old.json'), JSON.stringify({ ...old, names: 'kept' }))
      const lacking = await s.slmctl('offline', 'ids', '--from-recording', at('old.json'), '--out', at('none.csv'), '--json')
      assert.deepEqual([lacking.code, codes(lacking.out)], [2, ['RECORDING_LACKS']])
      const ids = await s.slmctl('offline', 'ids', pc, '--out', at('again.csv'), '--json')
      assert.ok(telephoneSchema.safeParse(JSON.parse(ids.out)).success, ids.out)
      assert.equal(readFileSync(at('again.csv'), 'utf8'), readFileSync(at('ids.csv'), 'utf8'))
      fillIn(at('ids.csv'), at('filled.csv'), (id) => confirmationFor(id))
      const confirmed = await s.slmctl('offline', 'confirm', at('filled.csv'), '--yes', '--json')
      assert.equal(json<Applied>(confirmed.out).machines[0]?.result, 'changed', confirmed.out)
      assert.deepEqual(methods(s.lab, pc), ['InstallProductKey', 'DepositOfflineConfirmationId'])
    } finally {
      await s.close()
    }
  })
})
