import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { type Host, letsOthers, openToWrite, readSaved, scheduleOf, taskPlaces, thisHost, type Wanted } from '../../src/schedule.ts'

/** Access lists as Windows has them, from its own folders and from what administrators do. */
const lists = {
  programFiles:
    'D:PAI(A;;FA;;;S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464)(A;CIIO;GA;;;S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464)(A;;0x1301bf;;;SY)(A;OICIIO;GA;;;SY)(A;;0x1301bf;;;BA)(A;OICIIO;GA;;;BA)(A;;0x1200a9;;;BU)(A;OICIIO;GXGR;;;BU)(A;OICIIO;GA;;;CO)(A;;0x1200a9;;;AC)',
  root: 'D:PAI(A;OICIIO;SDGXGWGR;;;AU)(A;;LC;;;AU)(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1200a9;;;BU)',
  programData: 'D:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICIIO;GA;;;CO)(A;OICI;0x1200a9;;;BU)(A;CI;DCLCRPCR;;;BU)',
  ofUser: 'D:(A;OICIID;FA;;;SY)(A;OICIID;FA;;;BA)(A;OICIID;FA;;;S-1-5-21-1-2-3-1001)',
  secret: 'D:PAI(A;;FA;;;SY)(A;;FA;;;BA)',
}

describe('who may write', () => {
  test('an access list says whom it lets, beside administrators', () => {
    assert.equal(letsOthers(lists.programFiles, 'write'), null)
    assert.equal(letsOthers(lists.programFiles, 'read'), 'BU')
    assert.equal(letsOthers(lists.root, 'replace'), null)
    assert.equal(letsOthers(lists.root, 'write'), 'AU')
    assert.equal(letsOthers(lists.programData, 'write'), 'BU')
    assert.equal(letsOthers(lists.ofUser, 'write'), 'S-1-5-21-1-2-3-1001')
    assert.equal(letsOthers(lists.secret, 'read'), null)
    // No list at all, or rights that nobody knows, let everybody do everything.
    for (const open of ['', 'O:BAG:BA', 'D:NO_ACCESS_CONTROL', 'D:(A;;XXYY;;;WD)', 'D:(XA;;FA;;;WD;(x))'])
      assert.notEqual(letsOthers(open, 'write'), null, open)
    // Nobody at all is in an empty list.
    assert.equal(letsOthers('D:P', 'write'), null)
  })

  test('what icacls saves is read in pairs, and nothing else is', () => {
    assert.deepEqual(readSaved(`\ufeffslmctl\r\n${lists.secret}\r\nslmctl\\bin\r\n${lists.ofUser}\r\n`), [
      { name: 'slmctl', sddl: lists.secret },
      { name: 'slmctl\\bin', sddl: lists.ofUser },
    ])
    assert.equal(readSaved(''), null)
    assert.equal(readSaved('Access is denied.\r\nFailed\r\n'), null)
  })

  test('by owner and mode elsewhere: the file, what is in a folder, and the folders above', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'slmctl-access-'))
    const host: Host = { ...thisHost(), platform: 'linux' }
    try {
      const inside = join(folder, 'a', 'b')
      mkdirSync(inside, { recursive: true })
      const file = join(inside, 'x.cjs')
      writeFileSync(file, '', { mode: 0o644 })
      assert.equal(await openToWrite(file, host), null)
      assert.equal(await openToWrite(join(folder, 'a'), host), null)
      chmodSync(file, 0o646)
      assert.deepEqual(await openToWrite(join(folder, 'a'), host), { path: file, by: 'everybody' })
      chmodSync(file, 0o644)
      chmodSync(join(folder, 'a'), 0o777)
      assert.deepEqual(await openToWrite(file, host), { path: join(folder, 'a'), by: 'everybody' })
      assert.deepEqual(await openToWrite(join(folder, 'missing'), host), { untold: join(folder, 'missing') })
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

/** Windows' access lists in the place of icacls, by path: what is not listed has `other`. */
function windows(program: Host['program'], by: Readonly<Record<string, string>>, other: string | null): Host {
  const env = { ProgramData: 'C:\\ProgramData', ProgramFiles: 'C:\\Program Files', SystemRoot: 'C:\\Windows' }
  return {
    ...thisHost(),
    platform: 'win32',
    env,
    program,
    now: () => new Date(2026, 10, 26, 12),
    elevated: async () => true,
    run: async (file, args) => {
      assert.equal(file, 'C:\\Windows\\System32\\icacls.exe')
      const sddl = by[args[0]!] ?? other
      if (sddl === null) return { code: 0, out: '', err: '' }
      // Windows' path is a name in this folder here; it is removed by who asked for it.
      writeFileSync(args[2]!, Buffer.from(`\ufeffx\r\n${sddl}\r\n`, 'utf16le'))
      return { code: 0, out: '', err: '' }
    },
  }
}

describe('what the task may run', () => {
  const wanted: Wanted = { siteFile: 'C:\\site\\slmctl.yaml', siteText: 'domains: [corp.example]\n', repair: true, secretFiles: [] }
  const node = (place: string): Host['program'] => ({
    kind: 'package',
    node: `${place}\\nodejs\\node.exe`,
    script: `${place}\\slmctl\\bin\\slmctl.cjs`,
    folder: `${place}\\slmctl`,
  })

  test('Node and the package, where only administrators can write', async () => {
    const program = node('C:\\Program Files')
    const actions = await scheduleOf(windows(program, { 'C:\\': lists.root }, lists.programFiles)).install(wanted)
    const xml = actions.find((a) => a.do === 'write' && a.path.endsWith('task.xml'))
    assert.ok(xml?.do === 'write')
    assert.match(xml.text, /<Command>C:\\Program Files\\nodejs\\node\.exe<\/Command>/)
    assert.match(xml.text, /<Arguments>"C:\\Program Files\\slmctl\\bin\\slmctl\.cjs" schedule run<\/Arguments>/)
    assert.ok(!actions.some((a) => a.do === 'copy'))
  })

  test('not from a folder of a user, nor beside what one may add to', async () => {
    for (const [open, list] of [
      ['C:\\tools\\slmctl', lists.ofUser],
      ['C:\\tools', lists.ofUser],
      ['C:\\tools\\nodejs', lists.programData],
    ] as const) {
      const host = windows(node('C:\\tools'), { 'C:\\': lists.root, [open]: list }, lists.programFiles)
      await assert.rejects(
        scheduleOf(host).install(wanted),
        (e: { problems: { code: string }[] }) => e.problems[0]!.code === 'SCHEDULE_PROGRAM',
      )
    }
  })

  test('where access lists cannot be read, only the folders that Windows keeps for administrators', async () => {
    assert.ok(await scheduleOf(windows(node('C:\\Program Files'), {}, null)).install(wanted))
    for (const place of ['C:\\tools', 'C:\\Program Files evil', 'C:\\Users\\x'])
      await assert.rejects(scheduleOf(windows(node(place), {}, null)).install(wanted), /cannot be told/)
  })

  test('a secret that others may read is refused, and so is one of which it cannot be told', async () => {
    const program = { kind: 'file', file: 'D:\\slmctl-win-x64.exe' } as const
    const secret = { ...wanted, secretFiles: ['C:\\keys\\mak.txt'] }
    const closed = { 'C:\\': lists.root, 'C:\\keys\\mak.txt': lists.secret }
    assert.ok(await scheduleOf(windows(program, closed, lists.programFiles)).install(secret))
    await assert.rejects(scheduleOf(windows(program, { 'C:\\': lists.root }, lists.programFiles)).install(secret), /BU may read or change/)
    await assert.rejects(scheduleOf(windows(program, {}, null)).install(secret), /cannot be told/)
  })

  test('one file is copied to where only administrators can write, everything is protected before it is filled', async () => {
    const host = windows({ kind: 'file', file: 'D:\\slmctl-win-x64.exe' }, {}, null)
    const done = async (repair: boolean) =>
      (await scheduleOf(host).install({ ...wanted, repair })).map((a) =>
        a.do === 'run' ? `run ${a.file} ${a.args.join(' ')}` : a.do === 'copy' ? `copy ${a.from} ${a.to}` : `${a.do} ${a.path}`,
      )
    const data = 'C:\\ProgramData\\slmctl'
    const rest = [
      `write ${data}\\slmctl.yaml`,
      'folder C:\\Program Files\\slmctl',
      'copy D:\\slmctl-win-x64.exe C:\\Program Files\\slmctl\\slmctl.exe',
      `write ${data}\\schedule.json`,
      `write ${data}\\task.xml`,
      `run C:\\Windows\\System32\\schtasks.exe /create /tn slmctl activation check /xml ${data}\\task.xml /f`,
      `remove ${data}\\task.xml`,
    ]
    assert.deepEqual(await done(false), [
      `folder ${data}`,
      `folder ${data}\\log`,
      `run C:\\Windows\\System32\\icacls.exe ${data}\\log /grant *S-1-5-19:(OI)(CI)M /q`,
      ...rest,
    ])
    assert.deepEqual(await done(true), [
      `folder ${data}`,
      `remove-tree ${data}\\log`,
      `folder ${data}\\log`,
      `folder ${data}\\journal`,
      ...rest,
    ])
    assert.equal(taskPlaces(host.env).program, 'C:\\Program Files\\slmctl\\slmctl.exe')
  })

  test('without rights it says so before anything is tried', async () => {
    const host = { ...windows({ kind: 'file', file: 'D:\\s.exe' }, {}, null), elevated: async () => false }
    await assert.rejects(scheduleOf(host).mayChange(), /set up and removed by an administrator/)
  })
})
