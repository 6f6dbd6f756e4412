import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import { openRecordings } from '../../src/app/recordings.ts'
import { planFileName } from '../../src/cli/signing.ts'
import { ProblemError } from '../../src/model.ts'
import { type Stage, stage } from '../journeys/lab.ts'

test('a machine’s plan has a name that is a file on every system, whatever the machine is called', () => {
  for (const name of ['nul', 'CON', 'aux.corp.example', 'com1', 'LPT9.x']) assert.match(planFileName(name), /^_.*\.plan$/, name)
  assert.equal(planFileName('PC-17.corp.example'), 'pc-17.corp.example.plan')
  for (const name of ['..', '../../x', 'a\\b', 'C:x', 'x'.repeat(255), 'x\u202ey', 'ſ', 'con']) {
    assert.match(planFileName(name), /^[\w.-]{1,210}\.plan$/, name)
    assert.doesNotMatch(planFileName(name), /^\.{1,2}$|[\\/:]/)
  }
})

/** Recordings come from files that anybody may have written. */
describe('recordings', () => {
  let s: Stage
  let folder = ''
  let text = ''
  const at = (name: string) => join(folder, name)
  const write = (name: string, content: unknown) => {
    writeFileSync(at(name), typeof content === 'string' ? content : JSON.stringify(content))
    return at(name)
  }
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'slmctl-recordings-'))
    s = await stage({ machines: [{ name: 'pc-1.corp.example', scenario: 'wrong-host' }] })
    await s.slmctl('status', 'pc-1.corp.example', '--record', at('good.json'), '--keep-names')
    text = readFileSync(at('good.json'), 'utf8')
  })
  after(async () => {
    await s.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const code = (work: () => unknown): string => {
    try {
      work()
      return 'none'
    } catch (error) {
      return error instanceof ProblemError ? error.problems[0]!.code : String(error)
    }
  }

  test('of a machine in several, the newest counts; redacted ones are told apart', async () => {
    const good = JSON.parse(text) as { machines: { name: string; at: string }[] }
    const older = { ...good, machines: good.machines.map((m) => ({ ...m, at: '2020-01-01T00:00:00.000Z' })) }
    const [a, b] = [write('a.json', good), write('b.json', older)]
    for (const files of [
      [a, b],
      [b, a],
    ])
      assert.equal(openRecordings(files).at('PC-1.corp.example.')!.toISOString(), good.machines[0]!.at)
    const { names: _, ...plain } = good as { names?: string } & typeof good
    const both = openRecordings([write('c.json', plain), write('d.json', plain)])
    assert.equal(both.names.length, 2)
    assert.ok(both.names.every((name) => both.redacted(name)?.code === 'RECORDING_REDACTED'))
    assert.equal(openRecordings([a]).redacted('pc-1.corp.example'), null)
    assert.equal(
      code(() => openRecordings([a]).open('pc-2')),
      'RECORDING_LACKS',
    )
  })

  test('texts and recordings together are one diagnosis', async () => {
    const paste = write(
      'paste.txt',
      'slmgr /dlv\nName: Windows(R), Professional edition\nDescription: Windows(R) Operating System, VOLUME_KMSCLIENT channel\nLicense Status: Licensed\n',
    )
    const ran = await s.slmctl('diagnose', at('good.json'), paste, '--json')
    const answer = JSON.parse(ran.out) as {
      machines: { id: string }[]
      products: { machine: string }[]
      findings: { machine: string; product: number | null }[]
    }
    assert.equal(answer.machines.length, 2, ran.out)
    for (const f of answer.findings) if (f.product !== null) assert.equal(answer.products[f.product]!.machine, f.machine)
  })

  test('whatever is in the file, it is read or it is a Problem', async () => {
    for (const wrong of ['', '[]', '{}', 'null', '{"schema":"slmctl.recording/1"}', { schema: 'slmctl.recording/1', machines: [] }])
      assert.match(
        code(() => openRecordings([write('wrong.json', wrong)])),
        /^RECORDING_/,
      )
    const good = JSON.parse(text) as { machines: object[] }
    for (const name of ['', '\u001b[2J', 'pc\u202e1', 'x'.repeat(300)])
      assert.equal(
        code(() => openRecordings([write('name.json', { ...good, machines: [{ ...good.machines[0], name }] })])),
        'RECORDING_INVALID',
      )
    const answers = new Set<string>()
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: text.length - 1 }), fc.constantFrom('"', '0', '{', '[', 'x', ',', '\\', 'null', ''), async (i, c) => {
        const file = write('altered.json', text.slice(0, i) + c + text.slice(i + 1))
        const ran = await s.slmctl('status', '--from-recording', file, '--json')
        answers.add(String(ran.code))
        assert.doesNotMatch(ran.out, /INTERNAL/)
      }),
      { numRuns: 60 },
    )
    assert.ok(answers.has('2'))
  })
})
