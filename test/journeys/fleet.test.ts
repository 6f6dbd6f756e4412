import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, test } from 'node:test'
import { published } from '../../src/schemas.ts'
import { type Stage, stage } from './lab.ts'

const machines = [
  { name: 'pc-1.corp.example', scenario: 'win11-enterprise-office-2021' },
  { name: 'pc-2.corp.example', scenario: 'win11-pro-notification' },
  { name: 'pc-3.corp.example', scenario: 'win10-expired', faults: [{ kind: 'refused' }] },
] as const

async function fleet(then: (s: Stage, run: (...argv: string[]) => Promise<{ code: number; out: string; err: string }>) => Promise<void>) {
  const s = await stage({ machines })
  try {
    await then(s, (...argv) => s.slmctl('fleet', ...argv, '--store', join(s.directory, 'fleet.db')))
  } finally {
    await s.close()
  }
}

/** A machine of a recording. */
type Recorded = {
  readonly name: string
  readonly at: string | undefined
  readonly entries: readonly { readonly ask?: { readonly class: string } }[]
}
const isBoard = (entry: Recorded['entries'][number]) => entry.ask?.class === 'Win32_ComputerSystemProduct'

describe('a fleet', () => {
  test('taken in, asked, answered from what is kept; asked again nothing is added; what vanished is marked', async () => {
    await fleet(async (s, run) => {
      const csv = join(s.directory, 'computers.csv')
      writeFileSync(csv, 'name;group\nPC-1.corp.example;office\npc-2.corp.example;office\npc 3;office\npc-3.corp.example;\n')
      const dry = await run('import', csv, '--dry-run')
      assert.match(dry.out, /3 machines, nothing was written/)
      assert.equal(dry.code, 2, 'one line is bad')
      assert.match(dry.err, /computers\.csv:4/)
      assert.match((await run('list')).err, /STORE_MISSING/, 'where there was no store, there is none')
      const taken = await run('import', csv)
      assert.match(taken.out, /3 new/)
      const scanned = await run('scan')
      assert.equal(scanned.code, 2, scanned.out + scanned.err)
      assert.match(scanned.out, /^3 of 3 machines/)
      assert.match(scanned.out, /1 .*WINRM_UNREACHABLE/)
      const status = await run('status')
      assert.match(status.out.replace(/\s+/g, ' '), /3 machines in .* 1 never answered .* Could not be asked at the last try: 1/)
      assert.match(status.out, /KMS client key/)
      // What is to be done names the machine where it is about one, and all that have the cause where it is about these.
      const one = JSON.parse((await s.slmctl('status', 'pc-2.corp.example', '--json')).out) as {
        machines: { products: { next: string[] }[] }[]
      }
      assert.match(one.machines[0]!.products[0]!.next[0]!, /: slmctl apply pc-2\.corp\.example$/)
      const { causes } = JSON.parse((await run('status', '--json')).out) as { causes: { cause: number | null; next: string }[] }
      const { cause, next } = causes.find((c) => c.cause !== null)!
      assert.ok(next.endsWith(`: slmctl fleet plan --cause ${cause}`), next)
      const list = JSON.parse((await run('list', '--json')).out) as {
        machines: { name: string; verdict: string | null; seenAt: number | null }[]
      }
      assert.deepEqual(
        list.machines.map((m) => [m.name, m.verdict, m.seenAt === null]),
        [
          ['pc-1.corp.example', 'ok', false],
          ['pc-2.corp.example', 'action', false],
          ['pc-3.corp.example', null, true],
        ],
      )
      assert.match((await run('list', '--verdict', 'action')).out, /^pc-2\.corp\.example/)
      assert.match((await run('list', '--problem', 'WINRM_UNREACHABLE')).out, /^pc-3\.corp\.example/)
      assert.equal((await run('show', 'pc-1.corp.example')).code, 0)
      const before = JSON.parse((await run('history', 'pc-1.corp.example', '--json')).out) as { products: unknown[] }
      await run('scan')
      assert.deepEqual(JSON.parse((await run('history', 'pc-1.corp.example', '--json')).out), before)
      assert.match((await run('expiring', '--days', '200')).out, /days {2}pc-1\.corp\.example +as of .*\n +Windows/)
      writeFileSync(csv, 'name;group\npc-1.corp.example;office\npc-2.corp.example;office\n')
      assert.match((await run('import', csv)).out, /1 vanished +pc-3\.corp\.example/)
      assert.match((await run('list', '--vanished')).out, /^pc-3\.corp\.example/)
      for (const m of machines) assert.deepEqual(s.lab.calls(m.name), [])
    })
  })
  test('kept, put back, made small; wrong words and files are one sentence', async () => {
    await fleet(async (s, run) => {
      assert.equal((await run('import', '--site-groups')).code, 0)
      const copy = join(s.directory, 'copy.db')
      assert.equal((await run('backup', copy)).code, 0)
      assert.equal((await run('compact')).code, 0)
      const back = await run('restore', copy)
      assert.equal(back.code, 0, back.err)
      assert.match(back.out, /kept as/)
      assert.match((await run('list')).out, /3 machines/)
      for (const [argv, says] of [
        [['import'], /Where are the machines to be taken from/],
        [['import', join(s.directory, 'none.csv')], /There is no such file/],
        [['import', '/dev/zero'], /larger than/],
        [['nosuch'], /there is no such word/],
        [['list', '--verdict', 'good'], /expected ok, attention/],
        [['show', 'nobody.example'], /has no machine called/],
        [['restore', s.site], /./],
      ] as const) {
        const ran = await run(...argv)
        assert.equal(ran.code, 2, argv.join(' '))
        assert.match(ran.err, says)
      }
    })
  })
  test('recordings of machines that nobody can ask: the newest of each as of when it was made; what is none is named, the others are taken', async () => {
    await fleet(async (s, run) => {
      const folder = join(s.directory, 'recordings')
      mkdirSync(folder)
      const record = async (name: string, file: string) => {
        await s.slmctl('status', name, '--record', join(folder, file), '--keep-names')
        return JSON.parse(readFileSync(join(folder, file), 'utf8')) as { machines: Recorded[] }
      }
      const put = (file: string, recording: unknown) => writeFileSync(join(folder, file), JSON.stringify(recording))
      const ok = await record('pc-1.corp.example', 'a.json')
      const bad = await record('pc-2.corp.example', 'b.json')
      const as = (from: typeof ok, machine: Partial<Recorded>, more = {}) => ({
        ...from,
        ...more,
        machines: [{ ...from.machines[0]!, ...machine }],
      })
      const card = async (name: string) =>
        (JSON.parse((await run('show', name, '--json')).out) as { machines: { verdict: string; seenAt: number; uuid: string }[] })
          .machines[0]!
      const first = await run('import', '--recordings', folder)
      assert.equal(first.code, 0, first.err)
      assert.match(first.out, /2 new +pc-1\.corp\.example, pc-2\.corp\.example/)
      const told = await card('pc-2.corp.example')
      assert.equal(told.verdict, 'action')
      assert.equal(told.seenAt, Date.parse(bad.machines[0]!.at!))
      assert.match(told.uuid, /^[0-9a-f]{8}-/)

      // The board alone tells that a machine has another name now.
      const renamed = join(s.directory, 'renamed')
      mkdirSync(renamed)
      writeFileSync(join(renamed, 'a.json'), JSON.stringify(as(ok, { name: 'pc-8.corp.example' })))
      assert.match((await run('import', '--recordings', renamed)).out, /1 renamed +pc-1\.corp\.example → pc-8\.corp\.example/)
      assert.match((await run('import', '--recordings', folder)).out, /1 renamed +pc-8\.corp\.example → pc-1\.corp\.example/)

      // Older, newer, two with one board; and all that is no recording of a machine.
      const at = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString()
      put('c.json', as(ok, { name: 'pc-2.corp.example', at: at(-30) }))
      put('d.json', as(bad, { name: 'PC-1.corp.example', at: at(1 / 24), entries: bad.machines[0]!.entries.filter((e) => !isBoard(e)) }))
      put('e.json', as(bad, { name: 'pc-9.corp.example', at: at(1 / 24) }))
      put('bad-ahead.json', as(ok, { name: 'pc-4.corp.example', at: at(400) }))
      put('bad-undated.json', as(ok, { name: 'pc-4.corp.example', at: undefined }))
      put('bad-name.json', as(ok, { name: '-rf *' }))
      put('bad-redacted.json', as(ok, { name: 'pc-4.corp.example' }, { names: undefined }))
      writeFileSync(join(folder, 'bad-cut.json'), JSON.stringify(ok).slice(0, 5000))
      writeFileSync(join(folder, 'bad-other.json'), '{"schema":"something/1"}')
      writeFileSync(join(folder, 'bad-huge.json'), '')
      truncateSync(join(folder, 'bad-huge.json'), 33 * 1024 * 1024)
      mkdirSync(join(folder, 'bad-folder.json'))
      writeFileSync(join(folder, 'readme.txt'), 'x')
      const silent = {
        problem: { code: 'WMI_ACCESS_DENIED', summary: 'The account may not ask.', next: ['Run it as SYSTEM.'] },
      }
      put(
        'bad-silent.json',
        as(ok, { name: 'pc-5.corp.example', entries: ok.machines[0]!.entries.map((e) => ({ ...e, rows: null, ...silent })) }),
      )
      const dry = await run('import', '--recordings', folder, '--dry-run')
      assert.equal(dry.code, 2)
      assert.equal((await card('pc-1.corp.example')).verdict, 'ok', 'nothing was written')
      const second = JSON.parse((await run('import', '--recordings', folder, '--json')).out) as {
        imports: { renamed: { from: string; to: string }[]; added: string[] }[]
        problems: { code: string; file: string }[]
      }
      assert.deepEqual(second.problems.map((p) => [basename(p.file), p.code]).toSorted(), [
        ['bad-ahead.json', 'RECORDING_FUTURE'],
        ['bad-cut.json', 'RECORDING_INVALID'],
        ['bad-folder.json', 'RECORDING_INVALID'],
        ['bad-huge.json', 'RECORDING_INVALID'],
        ['bad-name.json', 'RECORDING_INVALID'],
        ['bad-other.json', 'RECORDING_INVALID'],
        ['bad-redacted.json', 'RECORDING_REDACTED'],
        ['bad-silent.json', 'WMI_ACCESS_DENIED'],
        ['bad-undated.json', 'RECORDING_UNDATED'],
      ])
      // Taken all the same: the newer one of pc-1; of pc-2 nothing, for the other one is older; pc-9 has the board of pc-2, which proves nothing.
      assert.equal((await card('pc-1.corp.example')).verdict, 'action')
      assert.equal((await card('pc-2.corp.example')).seenAt, told.seenAt)
      assert.equal((await card('pc-5.corp.example')).verdict, null)
      const none = await run('import', '--recordings', join(s.directory, 'none'))
      assert.match(none.err, /There is no such folder/)
      assert.equal((await run('import', '--recordings', s.directory)).code, 2)
    })
  })
  test('every answer as JSON is what its schema says', async () => {
    await fleet(async (s, run) => {
      const list = join(s.directory, 'list.txt')
      writeFileSync(list, machines.map((m) => m.name).join('\n'))
      const copy = join(s.directory, 'copy.db')
      for (const argv of [
        ['import', list],
        ['scan'],
        ['status'],
        ['list'],
        ['show', 'pc-2.corp.example'],
        ['history', 'pc-3.corp.example'],
        ['expiring', '--days', '200'],
        ['backup', copy],
        ['compact'],
        ['restore', copy],
      ]) {
        const ran = await run(...argv, '--json')
        const told = JSON.parse(ran.out) as { schema: string }
        const name = /^slmctl\.(fleet-[a-z]+)\/1$/.exec(told.schema)![1] as keyof typeof published
        published[name].parse(told)
      }
    })
  })
})
