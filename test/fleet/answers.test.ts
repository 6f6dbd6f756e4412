import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { csvRows } from '../../src/fleet/csv.ts'
import { published } from '../../src/schemas.ts'
import { answer, day, found, product, trouble } from '../store/fixture.ts'
import { type Fleet, withFleet } from './command.ts'

const clock = 'The clock of the machine is 7 hours from that of its KMS host (0xC004F06C).'
const bad = (more = {}) =>
  product({
    ...{ state: 'notification', reason: '0xC004F009', minutesLeft: 0, verdict: 'action', cause: clock, origin: 'own' },
    ...{ next: ['w32tm /resync'], ...more },
  })

/**
 * Five machines: one in order, two with one cause (one of them seen 40 days ago, when three days were left), one that cannot be
 * asked, one that nobody asked.
 */
async function five(fleet: Fleet): Promise<void> {
  const ids = await fleet.put([
    found('ok.corp.example', { groups: ['office'] }),
    found('clock-1.corp.example', { groups: ['office', 'Büro "Süd"; =1+1'] }),
    found('clock-2.lab.example', { pool: 'vdi' }),
    found('away.corp.example', { groups: ['office'] }),
    found('new.corp.example'),
  ])
  const id = (name: string) => ids.get(name)!
  const now = Date.now()
  await fleet.observe([
    answer(id('ok.corp.example'), now, [product({ minutesLeft: 10 * 1440 + 60 })]),
    answer(id('clock-1.corp.example'), now, [bad(), product({ name: 'Office 2021', application: 'office', minutesLeft: 20 * 1440 + 60 })]),
    answer(id('clock-2.lab.example'), now - 40 * day, [bad({ state: 'licensed', reason: null, minutesLeft: 3 * 1440 })]),
    answer(id('away.corp.example'), now - 2 * day, [product()]),
  ])
  await fleet.observe([
    { machine: id('away.corp.example'), at: now - day, problem: trouble('WINRM_UNREACHABLE', 'away.corp.example') },
    { machine: id('away.corp.example'), at: now, problem: trouble('WINRM_UNREACHABLE', 'away.corp.example') },
  ])
}

const named = (out: string) => [...out.matchAll(/^(\S+\.example)/gm)].map((m) => m[1])
const flat = (out: string) => out.replaceAll(/\s+/g, ' ')

describe('answers of a fleet', () => {
  test('filters: each by itself and together; what no word looks at is refused, and so is what is no value', async () => {
    await withFleet(async (fleet) => {
      assert.match((await fleet.run('import', 'none')).err, /There is no such file/)
      assert.match((await fleet.run('list')).out, /no machines yet.*import/)
      assert.match((await fleet.run('status')).out, /no machines yet/)
      await five(fleet)
      for (const [filter, names] of [
        [[], ['away.corp', 'clock-1.corp', 'clock-2.lab', 'new.corp', 'ok.corp']],
        [
          ['--verdict', 'action'],
          ['clock-1.corp', 'clock-2.lab'],
        ],
        [
          ['--verdict', 'action,ok', '--group', 'office'],
          ['away.corp', 'clock-1.corp', 'ok.corp'],
        ],
        [['--state', 'notification'], ['clock-1.corp']],
        [['--pool', 'vdi'], ['clock-2.lab']],
        [['--source', 'list:test', '--text', 'LAB.example'], ['clock-2.lab']],
        [['--source', 'list:other'], []],
        [['--host', 'KMS1.corp.example.', '--product', 'OFFICE'], ['clock-1.corp']],
        [['--problem', 'any'], ['away.corp']],
        [['--problem', 'winrm_unreachable'], ['away.corp']],
        [['--verdict', 'Action', '--text', 'lab'], ['clock-2.lab']],
        [['--error', 'WINRM_UNREACHABLE'], ['away.corp']],
        [['--error', '0xc004f009'], ['clock-1.corp']],
        [['--error', '-1073418231'], ['clock-1.corp']],
        // A code that only the cause names.
        [
          ['--error', '0xC004F06C'],
          ['clock-1.corp', 'clock-2.lab'],
        ],
        [
          ['--days', '12'],
          ['clock-2.lab', 'ok.corp'],
        ],
        [
          ['--not-seen-for', '30'],
          ['clock-2.lab', 'new.corp'],
        ],
        [
          ['--not-seen-for', '1'],
          ['away.corp', 'clock-2.lab', 'new.corp'],
        ],
        [['--never-seen'], ['new.corp']],
        [
          ['--cause', '1'],
          ['clock-1.corp', 'clock-2.lab'],
        ],
      ] as const) {
        const ran = await fleet.run('list', ...filter)
        assert.equal(ran.code, 0, ran.err)
        assert.deepEqual(
          named(ran.out),
          names.map((n) => `${n}.example`),
          filter.join(' '),
        )
      }
      for (const [argv, says] of [
        [['list', '--seen-within', '3'], /does not take --seen-within.*--not-seen-for/s],
        [['expiring', '--limit', '3'], /does not take --limit.*fleet list/s],
        [['status', '--vanished'], /does not take --vanished/],
        [['backup', 'x', '--csv'], /does not take --csv/],
        [['import', 'x', '--verdict', 'ok'], /does not take --verdict/],
        [['apply', '--dry-run'], /does not take --dry-run.*fleet plan shows/s],
        [['scan', '--csv'], /does not take --csv/],
        [['list', 'pc-1'], /takes filters, no names/],
        [['list', '--days', '0'], /expected a number from 1/],
        [['list', '--cause', 'x'], /expected a number/],
        [['list', '--error', '0xC004'], /expected a result code/],
        [['list', '--not-seen-for', '1', '--never-seen'], /Either/],
      ] as const) {
        const ran = await fleet.run(...argv)
        assert.deepEqual([ran.code, ran.out], [2, ''], argv.join(' '))
        assert.match(ran.err, says)
      }
    })
  })

  test('help: the words, then the flags of one word and no others', async () => {
    await withFleet(async (fleet) => {
      const { out } = await fleet.run('--help')
      for (const word of ['import', 'scan', 'expiring', 'compact']) assert.match(out, new RegExp(`^ {2}${word} `, 'm'))
      assert.doesNotMatch(out, /--verdict LIST/)
      const list = (await fleet.run('list', '--help')).out
      assert.match(list, /^Usage: slmctl fleet list \[OPTIONS\]\n.* {2}--limit N .* {2}--json /s)
      assert.doesNotMatch(list, /--dry-run|--password-file/)
      assert.match((await fleet.run('import', '--help')).out, /--recordings DIR/)
      for (const line of `${out}${list}`.split('\n')) assert.ok(line.length <= 80, line)
    })
  })

  test('status: causes with one next step and how to list them, what could not be asked, what is as of long ago; a part by filters', async () => {
    await withFleet(async (fleet) => {
      await five(fleet)
      const { code, out } = await fleet.run('status')
      assert.equal(code, 1)
      assert.ok(out.split('\n').every((line) => line.length <= 80))
      const said = flat(out)
      assert.match(said, /^5 machines in .* 2 action 2 ok 1 never answered 1 of them answered last more than 30 days ago/)
      assert.match(said, /2 The clock of the machine is .* \[--cause 1\] → w32tm \/resync/)
      assert.match(
        said,
        /Could not be asked at the last try: 1 1 WINRM_UNREACHABLE, for example: away.* \[--problem WINRM_UNREACHABLE\] → Is it on\?/,
      )
      const part = flat((await fleet.run('status', '--group', 'office')).out)
      assert.match(part, /^3 machines meant by the filters/)
      assert.match(part, /1 The clock of the machine/)
      assert.doesNotMatch(part, /never answered|30 days ago/)
      assert.match(flat((await fleet.run('status', '--verdict', 'ok')).out), /^2 machines meant by the filters.* 2 ok/)
      assert.doesNotMatch((await fleet.run('status', '--verdict', 'ok')).out, /clock/)
      for (const more of [[], ['--group', 'office']]) {
        const told = JSON.parse((await fleet.run('status', ...more, '--json')).out)
        published['fleet-status'].parse(told)
      }
    })
  })

  test('status: of many causes those of most machines are shown, and --json and --csv have all', async () => {
    await withFleet(async (fleet) => {
      const ids = await fleet.put(Array.from({ length: 20 }, (_, i) => found(`pc-${i}.example`)))
      const letters = 'abcdefghijklmnopqrst'
      await fleet.observe(
        [...ids.values()].map((id, i) => answer(id, Date.now(), [bad({ cause: `Nobody knows why it is ${letters[i === 19 ? 0 : i]}.` })])),
      )
      const { out } = await fleet.run('status')
      assert.equal([...out.matchAll(/Nobody knows/g)].length, 15)
      assert.match(out, /\n {7}2 {2}Nobody knows why it is a\. \[--cause \d+\]/)
      assert.match(out, /4 more with fewer machines: slmctl fleet status --csv/)
      assert.equal([...(await fleet.run('status', '--csv')).out.matchAll(/^cause,/gm)].length, 19)
      assert.equal((JSON.parse((await fleet.run('status', '--json', '--text', 'pc')).out) as { causes: unknown[] }).causes.length, 19)
    })
  })

  test('a machine that was not seen is shown as of when it was, and never as lapsed', async () => {
    await withFleet(async (fleet) => {
      await five(fleet)
      const shown = await fleet.run('show', 'clock-2')
      assert.equal(shown.code, 1)
      const then = new Date(Date.now() - 40 * day)
      const as = `${then.getFullYear()}-${String(then.getMonth() + 1).padStart(2, '0')}-${String(then.getDate()).padStart(2, '0')}`
      assert.match(shown.out, new RegExp(`^clock-2\\.lab\\.example .* as of ${as}`))
      assert.match(flat(shown.out), /licensed, was to end \S+ unless renewed \(not seen since\)/)
      // Its end is in the past: it lapsed or was renewed, and nobody knows. It is not among what ends, whatever the days.
      const ending = await fleet.run('expiring', '--days', '365')
      assert.doesNotMatch(ending.out, /clock-2/)
      assert.equal(ending.code, 1)
      for (const argv of [['list'], ['status'], ['show', 'clock-1'], ['show', 'away'], ['history', 'away'], ['expiring']] as const)
        for (const line of (await fleet.run(...argv)).out.split('\n')) assert.ok(line.length <= 80, `${argv[0]}: ${line}`)
      const all = [ending, shown, await fleet.run('list'), await fleet.run('status'), await fleet.run('history', 'clock-2')]
      for (const { out } of all) assert.doesNotMatch(out, /lapsed|expired|has ended/)
      const away = flat((await fleet.run('show', 'away')).out)
      assert.match(away, /^away\.corp\.example ok as of .* could not be asked since .*, 2 times \(what stands above is older\)/)
      assert.match(away, /→ Is it on\?.* → slmctl status away\.corp\.example/)
    })
  })

  test('expiring: filters mean the product that ends, not another one of the machine', async () => {
    await withFleet(async (fleet) => {
      await five(fleet)
      const lines = async (...filter: string[]) =>
        [...(await fleet.run('expiring', ...filter)).out.matchAll(/^ *(\d+) days {2}(\S+)/gm)].map((m) => m[2])
      assert.deepEqual(await lines(), ['ok.corp.example', 'clock-1.corp.example'])
      assert.deepEqual(await lines('--days', '12'), ['ok.corp.example'])
      assert.deepEqual(await lines('--product', 'windows'), ['ok.corp.example'])
      assert.deepEqual(await lines('--product', 'office'), ['clock-1.corp.example'])
      assert.deepEqual(await lines('--host', 'kms1.corp.example', '--group', 'office'), ['ok.corp.example', 'clock-1.corp.example'])
      assert.deepEqual(await lines('--host', 'kms2.corp.example'), [])
      assert.match((await fleet.run('expiring', '--pool', 'vdi')).out, /Nothing that is known ends in the next 30 days/)
      // From 00:00 of a day in UTC on: as many as the overview counts on it, and the days follow one another without a gap.
      const { expiry } = JSON.parse((await fleet.run('today', '--json')).out) as { expiry: { from: number; days: number[] } }
      for (const [i, n] of expiry.days.slice(0, 31).entries()) {
        const day = new Date(expiry.from + i * 86_400_000).toISOString().slice(0, 10)
        assert.equal((await lines('--from', day, '--days', '1')).length, n, day)
      }
      assert.ok(expiry.days.slice(0, 31).some((n) => n > 0))
      for (const day of ['2026-02-31', '2026-2-1', 'today', '1']) {
        const { code, err } = await fleet.run('expiring', '--from', day)
        assert.equal(code, 2)
        assert.match(err, /expected a day/)
      }
    })
  })

  test('show: by its short name where one machine has it; what is next for each; history newest first', async () => {
    await withFleet(async (fleet) => {
      await five(fleet)
      assert.match((await fleet.run('show', 'OK')).out, /^ok\.corp\.example.*\n {2}→ Nothing is to be done\./)
      assert.match((await fleet.run('show', 'new')).out, /never seen\n {2}→ slmctl fleet scan --text new\.corp\.example/)
      assert.match((await fleet.run('show', 'clock')).err, /no machine called clock.*fleet list --text clock/s)
      await fleet.put([found('ok.lab.example')], 'list:two')
      const two = await fleet.run('show', 'ok')
      assert.match(two.err, /Several machines are called ok.*show ok\.corp\.example.*show ok\.lab\.example/s)
      await fleet.put([], 'list:none')
      const long = `${'long-'.repeat(11)}name.corp.example`
      await fleet.put([found(long)], 'list:long')
      assert.ok((await fleet.run('list')).out.includes(long), 'a name is never cut')
      const history = (await fleet.run('history', 'away')).out
      assert.match(history, /could not be asked, 2 times.*Windows/s)
      assert.match((await fleet.run('history', 'new')).out, /Nothing is known of it yet/)
    })
  })
})

describe('answers as tables', () => {
  const rows = (text: string) => [...csvRows(text)].map((r) => r.cells)
  const table = (text: string) => {
    const [head, ...body] = rows(text)
    return body.map((cells) => Object.fromEntries(head!.map((name, i) => [name, cells[i] ?? ''])))
  }

  test('to standard output, and to a file as spreadsheets open it: byte order mark, CR LF, umlauts, no formulas', async () => {
    await withFleet(async (fleet) => {
      await five(fleet)
      const ids = await fleet.put([found('evil.corp.example', { groups: ["=cmd|'/c calc'!A1"] })], 'list:evil')
      const hostile = ['=HYPERLINK("http://x")', '+1', '-1', '@SUM(1)', '\t=1', 'a"b', 'two\nlines', '\u001b[2J', 'Büro; "Süd", 1']
      await fleet.observe([
        answer(
          ids.get('evil.corp.example')!,
          Date.now(),
          hostile.map((name, i) => product({ name, activationId: null, partialKey: `AAAA${i}` })),
        ),
      ])
      const out = fleet.file('list.csv')
      const ran = await fleet.run('list', '--csv', '--out', out)
      assert.deepEqual([ran.code, ran.out], [0, ''])
      assert.match(ran.err, /15 rows are in /)
      const bytes = readFileSync(out)
      assert.deepEqual([...bytes.subarray(0, 3)], [0xef, 0xbb, 0xbf])
      const text = bytes.toString('utf8')
      assert.ok(text.endsWith('\r\n') && !/[^\r]\n(?!lines)/.test(text))
      assert.ok(!text.includes('\u001b'))
      // No cell begins as a formula does, whatever quotes are around it.
      assert.doesNotMatch(text.slice(1), /(?:^|,|\n)"?[=+\-@\t]/)
      const names = table(text.slice(1)).flatMap((row) => (row.name === 'evil.corp.example' ? [row.product] : []))
      // Read back by the reader of imports: what a quote was put before is what it was.
      assert.deepEqual(
        names.toSorted(),
        hostile
          .map((name) => name.replace('\u001b', '\\u001b').trim())
          .map((n) => (n === '=1' ? "'\t=1" : n))
          .toSorted(),
      )
      const plain = (await fleet.run('list', '--csv')).out
      assert.ok(!plain.startsWith('\ufeff') && !plain.includes('\r') && !plain.includes('\\u000d'))
      assert.deepEqual(table(plain), table(text.slice(1)))
      const again = await fleet.run('list', '--csv', '--out', out)
      assert.equal(again.code, 2)
      assert.match(flat(again.err), /does not overwrite/)
      assert.deepEqual(readFileSync(out), bytes)
      assert.match((await fleet.run('list', '--out', fleet.file('x.csv'))).err, /--out is where the table of --csv goes/)
      assert.match((await fleet.run('list', '--csv', '--json')).err, /Either --csv or --json/)
    })
  })

  test('every answer: as many cells as columns, and what it says', async () => {
    await withFleet(async (fleet) => {
      await five(fleet)
      const answers: Record<string, readonly Record<string, string>[]> = {}
      for (const argv of [['list'], ['status'], ['expiring'], ['show', 'clock-1'], ['history', 'away']] as const) {
        const { out } = await fleet.run(...argv, '--csv')
        const [head, ...body] = rows(out)
        assert.ok(body.length > 0, argv[0])
        assert.equal(new Set(head!).size, head!.length)
        for (const cells of body) assert.equal(cells.length, head!.length, `${argv[0]}: ${cells}`)
        answers[argv[0]] = table(out)
      }
      const utc = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/
      assert.deepEqual(answers.list!.map((r) => [r.name, r.verdict, r.state]).toSorted(), [
        ['away.corp.example', 'ok', 'licensed'],
        ['clock-1.corp.example', 'action', 'licensed'],
        ['clock-1.corp.example', 'action', 'notification'],
        ['clock-2.lab.example', 'action', 'licensed'],
        ['new.corp.example', 'not asked', ''],
        ['ok.corp.example', 'ok', 'licensed'],
      ])
      assert.match(answers.list![0]!.last_seen_utc!, utc)
      assert.deepEqual([answers.list![0]!.problem, answers.list![0]!.problem_times], ['WINRM_UNREACHABLE', '2'])
      assert.equal(answers.show![0]!.groups, 'Büro "Süd"; =1+1; office')
      const cause = answers.status!.find((r) => r.what === 'cause')!
      assert.deepEqual(
        [cause.value, cause.machines, cause.next, cause.listed_by],
        [clock, '2', 'w32tm /resync', 'slmctl fleet list --cause 1'],
      )
      assert.deepEqual(
        answers.expiring!.map((r) => [r.name, r.days_left]),
        [
          ['ok.corp.example', '10'],
          ['clock-1.corp.example', '20'],
        ],
      )
      assert.deepEqual(
        answers.history!.map((r) => [r.what, r.state, r.reason, r.times]),
        [
          ['product', 'licensed', '', ''],
          ['could not be asked', '', 'WINRM_UNREACHABLE', '2'],
        ],
      )
    })
  })

  test('a table of machines is a list that import takes', async () => {
    await withFleet(async (fleet) => {
      await five(fleet)
      const { out } = await fleet.run('list', '--verdict', 'action', '--csv')
      writeFileSync(fleet.file('again.csv'), out)
      const taken = await fleet.run('import', fleet.file('again.csv'), '--dry-run')
      assert.equal(taken.code, 0, taken.err)
      assert.match(taken.out, /2 machines, nothing was written/)
    })
  })
})
