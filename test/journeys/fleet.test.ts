import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
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

describe('a fleet', () => {
  test('taken in, asked, answered from what is kept; asked again nothing is added; what vanished is marked', async () => {
    await fleet(async (s, run) => {
      const csv = join(s.directory, 'computers.csv')
      writeFileSync(csv, 'name;group\nPC-1.corp.example;office\npc-2.corp.example;office\npc 3;office\npc-3.corp.example;\n')
      const dry = await run('import', csv, '--dry-run')
      assert.match(dry.out, /3 machines, nothing was written/)
      assert.equal(dry.code, 2, 'one line is bad')
      assert.match(dry.err, /computers\.csv:4/)
      assert.match((await run('list')).out, /^\n0 machines/)
      const taken = await run('import', csv)
      assert.match(taken.out, /3 new/)
      const scanned = await run('scan')
      assert.equal(scanned.code, 2, scanned.out + scanned.err)
      assert.match(scanned.out, /^3 of 3 machines: /)
      assert.match(scanned.out, /1 WINRM_UNREACHABLE/)
      const status = await run('status')
      assert.match(status.out.replace(/\s+/g, ' '), /3 machines in .*; 1 never answered, 1 could not be asked/)
      assert.match(status.out, /KMS client key/)
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
      assert.match((await run('expiring', '--days', '200')).out, /days {2}pc-1\.corp\.example Windows/)
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
  test('recordings of machines that nobody can ask: kept as of when they were made, an older one changes nothing', async () => {
    await fleet(async (s, run) => {
      const folder = join(s.directory, 'recordings')
      mkdirSync(folder)
      assert.equal((await s.slmctl('status', 'pc-2.corp.example', '--record', join(folder, 'a.json'), '--keep-names')).code, 1)
      assert.match((await run('import', '--recordings', folder)).out, /1 new +pc-2\.corp\.example/)
      const [card] = (
        JSON.parse((await run('show', 'pc-2.corp.example', '--json')).out) as { machines: { verdict: string; seenAt: number }[] }
      ).machines
      assert.equal(card!.verdict, 'action')
      assert.ok(Math.abs(card!.seenAt - Date.now()) < 60_000)
      assert.equal((await run('import', '--recordings', folder)).code, 0)
      assert.equal((await run('import', '--recordings', join(s.directory, 'none'))).code, 2)
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
