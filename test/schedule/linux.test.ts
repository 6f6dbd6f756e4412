import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { carryOut, carryOutAll, type Host, readService, scheduleOf, serviceUnit, thisHost, timerUnit } from '../../src/schedule.ts'

let folder: string
let site: string
/** What was run, and what is answered. */
let ran: string[]
let answers: (line: string) => { code: number | null; out?: string }
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slmctl-schedule-'))
  site = join(folder, 'my site 100%.yaml')
  writeFileSync(site, 'domains: [corp.example]\n')
  ran = []
  answers = () => ({ code: 0 })
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** A user whose folders are below the test's own. */
function user(running = false): Host {
  if (running) mkdirSync(join(folder, 'run', 'systemd'), { recursive: true })
  return {
    ...thisHost(),
    platform: 'linux',
    uid: process.getuid!() || 1000,
    root: '',
    home: folder,
    env: { XDG_RUNTIME_DIR: join(folder, 'run') },
    program: { kind: 'file', file: site },
    run: async (file, args) => {
      ran.push([file, ...args].join(' '))
      return { out: '', err: '', ...answers(ran.at(-1)!) }
    },
  }
}

const wanted = (repair = false) => ({ siteFile: site, siteText: '', repair, secretFiles: [] })
const tree = (at = folder) =>
  readdirSync(at, { recursive: true })
    .map(String)
    .filter((f) => lstatSync(join(at, f)).isFile())
    .sort()

/** Problems that systemd-analyze finds; null where it is not installed. */
function verified(units: Readonly<Record<string, string>>): string | null {
  const at = mkdtempSync(join(tmpdir(), 'slmctl-units-'))
  try {
    for (const [name, text] of Object.entries(units)) writeFileSync(join(at, name), text)
    const { error, status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', ...Object.keys(units).map((n) => join(at, n))], {
      encoding: 'utf8',
      env: { ...process.env, SYSTEMD_UNIT_PATH: `${at}:` },
    })
    // Remarks on units of the computer itself are not ours.
    const remarks = `${stdout}${stderr}`.split('\n').filter((l) => l.includes('slmctl-check'))
    return error ? null : remarks.join('\n') || (status === 0 || remarks.length === 0 ? '' : stderr)
  } finally {
    rmSync(at, { recursive: true })
  }
}

test('a runtime folder that cannot be looked into is as none: the commands that are left are said', async () => {
  const loop = join(folder, 'loop')
  symlinkSync(loop, loop)
  for (const XDG_RUNTIME_DIR of ['', loop]) {
    const schedule = scheduleOf({ ...user(), env: { XDG_RUNTIME_DIR } })
    await schedule.install(wanted())
    assert.match(schedule.byHand().join(), /systemd does not run here/)
  }
})

describe('the units', () => {
  const words = { program: [process.execPath, '/opt/sl mctl/$x/50%.cjs'], siteFile: '/etc/slmctl/"a\\b".yaml', repair: false, system: true }

  test('say what is run, and are read again, whatever is in the paths', () => {
    assert.deepEqual(readService(serviceUnit(words)), [...words.program, 'status', '--all', '--site', words.siteFile])
    assert.deepEqual(readService(serviceUnit({ ...words, repair: true }))?.slice(2, 5), ['apply', '--all', '--yes'])
    assert.match(serviceUnit(words), /"\/opt\/sl mctl\/\$\$x\/50%%\.cjs"/)
  })

  test('the system runs it without a capability, and lets it write its own state only', () => {
    const unit = serviceUnit(words)
    for (const line of ['CapabilityBoundingSet=', 'NoNewPrivileges=yes', 'ProtectSystem=strict', 'PrivateTmp=yes', 'StateDirectory=slmctl'])
      assert.ok(unit.split('\n').includes(line), line)
    // JavaScript is compiled in memory: with these, nothing would start.
    assert.doesNotMatch(unit, /MemoryDenyWriteExecute|NoExecPaths/)
    assert.doesNotMatch(serviceUnit({ ...words, system: false }), /ProtectSystem|SLMCTL_STATE/)
    for (const line of ['Persistent=true', 'RandomizedDelaySec=4h', 'OnCalendar=Mon *-*-* 09:00:00', 'WantedBy=timers.target'])
      assert.ok(timerUnit().split('\n').includes(line), line)
  })

  test('systemd finds the program whatever is in its path', (t) => {
    for (const odd of ['a$b', '$HOME', '$$', '50%', '%h', 'a b', ';', '-x', 'ä', '$'.concat('{x}')]) {
      const program = join(folder, odd, 'slmctl')
      mkdirSync(join(folder, odd))
      writeFileSync(program, '#!/bin/sh\n', { mode: 0o755 })
      const unit = serviceUnit({ ...words, program: [program] })
      assert.deepEqual(readService(unit), [program, 'status', '--all', '--site', words.siteFile], odd)
      const said = verified({ 'slmctl-check.service': unit, 'slmctl-check.timer': timerUnit() })
      if (said === null) return t.skip('systemd-analyze is not installed')
      assert.equal(said, '', odd)
    }
  })

  test('and a program that it would never run is refused', async () => {
    for (const odd of ['"a"', "it's", 'a\\b']) {
      mkdirSync(join(folder, odd))
      const file = join(folder, odd, 'slmctl')
      writeFileSync(file, '', { mode: 0o755 })
      await assert.rejects(scheduleOf({ ...user(), program: { kind: 'file', file } }).install(wanted()), /quotation marks or backslashes/)
    }
  })

  test('systemd-analyze has nothing to remark, and remarks what is wrong', (t) => {
    for (const system of [true, false])
      for (const repair of [true, false]) {
        const said = verified({ 'slmctl-check.service': serviceUnit({ ...words, system, repair }), 'slmctl-check.timer': timerUnit() })
        if (said === null) return t.skip('systemd-analyze is not installed')
        assert.equal(said, '')
      }
    assert.match(verified({ 'slmctl-check.service': serviceUnit(words).replace('Type=oneshot', 'Type=often') })!, /service type/)
  })
})

describe('the timer of a user', () => {
  test('installed twice it is there once; removed, nothing is left', async () => {
    const before = tree()
    const schedule = scheduleOf(user())
    assert.equal((await schedule.show()).installed, false)
    await carryOut(await schedule.install(wanted()), user())
    const there = tree()
    assert.deepEqual(
      there.filter((f) => !before.includes(f)),
      ['.config/systemd/user/slmctl-check.service', '.config/systemd/user/slmctl-check.timer'],
    )
    for (const f of there.filter((f) => !before.includes(f))) assert.equal(lstatSync(join(folder, f)).mode & 0o777, 0o644)
    await carryOut(await schedule.install(wanted(true)), user())
    assert.deepEqual(tree(), there)
    const shown = await schedule.show()
    assert.deepEqual([shown.installed, shown.does, shown.site, shown.program], [true, 'repair', site, site])
    await carryOutAll(schedule.remove(false), user())
    assert.deepEqual(tree(), before)
    await carryOutAll(schedule.remove(false), user())
  })

  test('without a running systemd nothing is started, and what to do is said', async () => {
    const schedule = scheduleOf(user())
    await carryOut(await schedule.install(wanted()), user())
    assert.deepEqual(ran, [])
    assert.match(schedule.byHand().join('; '), /systemctl --user daemon-reload; systemctl --user enable --now slmctl-check\.timer/)
    assert.match((await schedule.show()).remarks.join(), /systemd does not run here/)
  })

  test('with one, it is switched on and off by full paths and whole arguments, and asked', async () => {
    const host = user(true)
    const schedule = scheduleOf(host)
    await carryOut(await schedule.install(wanted()), host)
    assert.deepEqual(ran.splice(0), [
      '/usr/bin/systemctl --user daemon-reload',
      '/usr/bin/systemctl --user enable --now slmctl-check.timer',
    ])
    answers = (line) => ({
      code: 0,
      out: line.includes('.service')
        ? 'Result=exit-code\nExecMainStatus=1\n'
        : 'ActiveState=active\nNextElapseUSecRealtime=Mon 2026-11-30 10:12:00 UTC\nLastTriggerUSec=\n',
    })
    const shown = await schedule.show()
    assert.deepEqual(
      [shown.next, shown.last, shown.lastResult, shown.remarks],
      ['Mon 2026-11-30 10:12:00 UTC', null, 'exit-code (exit code 1)', []],
    )
    ran = []
    await carryOutAll(schedule.remove(false), host)
    assert.deepEqual(ran, ['/usr/bin/systemctl --user disable --now slmctl-check.timer', '/usr/bin/systemctl --user daemon-reload'])
  })

  test('removing goes as far as it can, and says what failed', async () => {
    const host = user(true)
    const schedule = scheduleOf(host)
    await carryOut(await schedule.install(wanted()), host)
    answers = () => ({ code: 1 })
    await assert.rejects(carryOutAll(schedule.remove(false), host), (e: { problems: { code: string }[] }) => e.problems.length === 2)
    assert.ok(!existsSync(join(folder, '.config/systemd/user/slmctl-check.timer')))
    assert.equal((await schedule.show()).installed, false)
  })

  test('half of it missing: show says so, remove takes the rest', async () => {
    const schedule = scheduleOf(user())
    await carryOut(await schedule.install(wanted()), user())
    rmSync(join(folder, '.config/systemd/user/slmctl-check.timer'))
    const shown = await schedule.show()
    assert.equal(shown.installed, false)
    assert.match(shown.remarks.join(), /Half of it is missing/)
    await carryOutAll(schedule.remove(false), user())
    assert.deepEqual((await schedule.show()).remarks, [])
  })

  test('a site file that others may change is refused', async () => {
    chmodSync(site, 0o666)
    await assert.rejects(scheduleOf(user()).install(wanted()), /everybody may change/)
  })

  test('a link in the place of a folder is refused', async () => {
    const host = user()
    writeFileSync(join(folder, '.config'), '')
    await assert.rejects(carryOut(await scheduleOf(host).install(wanted()), host), /Could not make|SCHEDULE_PLACE/)
    assert.equal(readFileSync(join(folder, '.config'), 'utf8'), '')
  })
})

test('root does not use what lies in a folder for temporary files', async () => {
  const host: Host = { ...user(), uid: 0, root: folder }
  await assert.rejects(
    scheduleOf(host).install({ ...wanted(), siteFile: '/tmp/slmctl.yaml' }),
    (e: { problems: { code: string }[] }) => e.problems[0]!.code === 'SCHEDULE_PLACE',
  )
})

test('other systems are told what to do instead', () => {
  assert.throws(() => scheduleOf({ ...user(), platform: 'darwin' }), /not on this system/)
})
