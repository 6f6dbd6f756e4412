import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { SaxesParser } from 'saxes'
import { firstRun, quoted, readTask, taskXml } from '../../src/schedule.ts'

const words = {
  does: 'check',
  command: 'C:\\Program Files\\slmctl\\slmctl.exe',
  arguments: 'schedule run',
  folder: 'C:\\ProgramData\\slmctl',
  start: new Date(2026, 10, 27, 9),
} as const

/** Every element as its path, with its text where it has one. */
function elements(xml: string): string[] {
  const parser = new SaxesParser()
  const path: string[] = []
  const found: string[] = []
  let text = ''
  parser.on('opentag', ({ name }) => {
    path.push(name)
    found.push(path.join('/'))
    text = ''
  })
  parser.on('text', (part) => {
    text += part
  })
  parser.on('closetag', () => {
    if (text.trim() !== '') found[found.lastIndexOf(path.join('/'))] += `=${text}`
    text = ''
    path.pop()
  })
  parser.on('error', (error) => assert.fail(error.message))
  parser.write(xml).close()
  return found
}

/** xmllint's answer, null where it is not installed. The declaration names UTF-16, which the file has; here it is a string. */
function bySchema(xml: string): { ok: boolean; said: string } | null {
  const folder = mkdtempSync(join(tmpdir(), 'slmctl-task-'))
  try {
    writeFileSync(join(folder, 'task.xml'), Buffer.from(`\ufeff${xml}`, 'utf16le'))
    const ran = spawnSync('xmllint', ['--noout', '--nonet', '--schema', 'test/schedule/task.xsd', join(folder, 'task.xml')], {
      encoding: 'utf8',
    })
    return ran.error ? null : { ok: ran.status === 0, said: ran.stderr }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

describe('the task', () => {
  test('a check is run by LOCAL SERVICE, every seven days, with everything in the order of the schema', () => {
    const found = elements(taskXml(words))
    assert.deepEqual(
      found.filter((e) => e.startsWith('Task/Triggers/') || e.startsWith('Task/Principals/') || e.startsWith('Task/Actions/')),
      [
        'Task/Triggers/CalendarTrigger',
        'Task/Triggers/CalendarTrigger/Enabled=true',
        'Task/Triggers/CalendarTrigger/StartBoundary=2026-11-27T09:00:00',
        'Task/Triggers/CalendarTrigger/RandomDelay=PT8H',
        'Task/Triggers/CalendarTrigger/ScheduleByDay',
        'Task/Triggers/CalendarTrigger/ScheduleByDay/DaysInterval=7',
        'Task/Principals/Principal',
        'Task/Principals/Principal/UserId=S-1-5-19',
        'Task/Principals/Principal/RunLevel=LeastPrivilege',
        'Task/Actions/Exec',
        'Task/Actions/Exec/Command=C:\\Program Files\\slmctl\\slmctl.exe',
        'Task/Actions/Exec/Arguments=schedule run',
        'Task/Actions/Exec/WorkingDirectory=C:\\ProgramData\\slmctl',
      ],
    )
    for (const wished of [
      'RunOnlyIfNetworkAvailable=true',
      'StartWhenAvailable=true',
      'MultipleInstancesPolicy=IgnoreNew',
      'DisallowStartIfOnBatteries=false',
      'StopIfGoingOnBatteries=false',
      'WakeToRun=false',
      'ExecutionTimeLimit=PT30M',
    ])
      assert.ok(found.includes(`Task/Settings/${wished}`), wished)
  })

  test('a repair is run by SYSTEM, and says so', () => {
    const xml = taskXml({ ...words, does: 'repair' })
    assert.ok(elements(xml).includes('Task/Principals/Principal/UserId=S-1-5-18'))
    assert.match(xml, /applies what is wished/)
    assert.match(taskXml(words), /Changes nothing/)
  })

  test("is valid by Microsoft's schema, and what is not, is not", (t) => {
    const good = taskXml({ ...words, arguments: `${quoted('C:\\a & <b>\\slmctl.cjs')} schedule run` })
    const said = bySchema(good)
    if (said === null) return t.skip('xmllint is not installed; test:windows has it')
    assert.equal(said.said.replace(/.*validates\n/, ''), '')
    assert.ok(said.ok)
    const delay = /<RandomDelay>.*<\/RandomDelay>\r\n/.exec(good)![0]
    for (const bad of [
      good.replace(delay, '').replace('</ScheduleByDay>', `</ScheduleByDay>${delay}`),
      good.replace('<DaysInterval>7', '<DaysInterval>366'),
      good.replace('PT30M', '30 minutes'),
      good.replace('Context="Author"', 'Context="Nobody"'),
      good.replace('LeastPrivilege', 'Least'),
      good.replace('>C:\\Program Files', `>C:\\${'x'.repeat(260)}`),
    ]) {
      assert.notEqual(bad, good)
      assert.equal(bySchema(bad)!.ok, false, bad)
    }
  })

  test('what was registered is read again', () => {
    const xml = taskXml({ ...words, command: 'C:\\R&D <1>\\node.exe' })
    assert.deepEqual(readTask(xml), { command: 'C:\\R&D <1>\\node.exe', account: 'S-1-5-19' })
    assert.equal(readTask(''), null)
    assert.equal(readTask('FEHLER: Das System kann die angegebene Datei nicht finden.'), null)
  })

  test('the first run is tomorrow morning, over the end of a year too', () => {
    assert.deepEqual(firstRun(new Date(2026, 11, 31, 23, 59)), new Date(2027, 0, 1, 9))
  })

  test('a path that ends in a backslash keeps its quotation mark', () => {
    assert.equal(quoted('C:\\x y\\'), '"C:\\x y\\\\"')
    assert.equal(quoted('C:\\x y\\z.cjs'), '"C:\\x y\\z.cjs"')
  })
})

test('the schema names its source', () => {
  assert.match(readFileSync('test/schedule/task.xsd', 'utf8'), /\[MS-TSCH\] 2\.5/)
})
