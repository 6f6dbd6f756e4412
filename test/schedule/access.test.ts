import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { readAccessList } from '../../src/native/access.ts'
import { type Host, letsOthers, openToWrite, scheduleOf, taskPlaces, thisHost, type Wanted } from '../../src/schedule.ts'

/** Access lists as Windows has them, from its own folders and from what administrators do. */
const installer = 'S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464'
const lists = {
  programFiles: `O:${installer}D:PAI(A;;FA;;;${installer})(A;CIIO;GA;;;${installer})(A;;0x1301bf;;;SY)(A;OICIIO;GA;;;SY)(A;;0x1301bf;;;BA)(A;OICIIO;GA;;;BA)(A;;0x1200a9;;;BU)(A;OICIIO;GXGR;;;BU)(A;OICIIO;GA;;;CO)(A;;0x1200a9;;;AC)`,
  root: `O:${installer}D:PAI(A;OICIIO;SDGXGWGR;;;AU)(A;;LC;;;AU)(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1200a9;;;BU)`,
  programData: 'O:SYD:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICIIO;GA;;;CO)(A;OICI;0x1200a9;;;BU)(A;CI;DCLCRPCR;;;BU)',
  ofUser: 'O:BAD:(A;OICIID;FA;;;SY)(A;OICIID;FA;;;BA)(A;OICIID;FA;;;S-1-5-21-1-2-3-1001)',
  madeByUser: 'O:S-1-5-21-1-2-3-1001D:PAI(A;;FA;;;SY)(A;;FA;;;BA)',
  secret: 'O:BAD:PAI(A;;FA;;;SY)(A;;FA;;;BA)',
}

describe('who may write', () => {
  test('an access list says whom it lets, beside administrators', () => {
    const says = (sddl: string, use: 'read' | 'write' | 'replace') => letsOthers(readAccessList(sddl), use)
    assert.equal(says(lists.programFiles, 'write'), null)
    assert.equal(says(lists.programFiles, 'read'), 'BU')
    assert.equal(says(lists.root, 'replace'), null)
    assert.equal(says(lists.root, 'write'), 'AU')
    assert.equal(says(lists.programData, 'write'), 'BU')
    assert.equal(says(lists.ofUser, 'write'), 'S-1-5-21-1-2-3-1001')
    assert.equal(says(lists.secret, 'read'), null)
    // An owner can change the list.
    assert.equal(says(lists.madeByUser, 'write'), 'S-1-5-21-1-2-3-1001')
    // No list at all, or rights that nobody knows, let everybody do everything.
    for (const open of ['', 'O:BAG:BA', 'O:BAD:NO_ACCESS_CONTROL', 'O:BAD:(A;;XXYY;;;WD)', 'D:P'])
      assert.notEqual(says(open, 'write'), null, open)
    for (const type of ['A', 'XA', 'OA', 'ZA']) assert.equal(says(`O:SYD:(${type};;FA;;;WD)`, 'write'), 'WD', type)
    // Nobody at all is in an empty list.
    assert.equal(says('O:SYD:P', 'write'), null)
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
      // Also the group of root: in a file with an access list those bits are what the list gives to others.
      chmodSync(join(folder, 'a'), 0o755)
      chmodSync(file, 0o664)
      assert.match(JSON.stringify(await openToWrite(file, host)), /group \d+/)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test('what a link within the folder leads to is looked at like the folder itself', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'slmctl-links-'))
    const host: Host = { ...thisHost(), platform: 'linux' }
    try {
      const [own, elsewhere] = [join(folder, 'own'), join(folder, 'elsewhere')]
      mkdirSync(join(own, 'node_modules', '.bin'), { recursive: true })
      mkdirSync(join(elsewhere, 'koffi'), { recursive: true })
      writeFileSync(join(own, 'x.cjs'), '', { mode: 0o644 })
      symlinkSync('../../x.cjs', join(own, 'node_modules', '.bin', 'x'))
      symlinkSync(own, join(own, 'node_modules', 'itself'))
      symlinkSync(join(elsewhere, 'koffi'), join(own, 'node_modules', 'koffi'))
      writeFileSync(join(elsewhere, 'koffi', 'index.js'), '', { mode: 0o644 })
      assert.equal(await openToWrite(own, host), null)
      chmodSync(join(elsewhere, 'koffi', 'index.js'), 0o666)
      assert.deepEqual(await openToWrite(own, host), { path: join(elsewhere, 'koffi', 'index.js'), by: 'everybody' })
      chmodSync(join(elsewhere, 'koffi', 'index.js'), 0o644)
      chmodSync(elsewhere, 0o777)
      assert.deepEqual(await openToWrite(own, host), { path: elsewhere, by: 'everybody' })
      rmSync(elsewhere, { recursive: true })
      assert.match(JSON.stringify(await openToWrite(own, host)), /untold/, 'what is not there yet may be made by somebody')
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

/** Windows' access lists by path: what is not listed has `other`; null: Windows does not tell. */
function windows(program: Host['program'], by: Readonly<Record<string, string>>, other: string | null): Host {
  const env = { ProgramData: 'C:\\ProgramData', ProgramFiles: 'C:\\Program Files', SystemRoot: 'C:\\Windows' }
  return {
    ...thisHost(),
    platform: 'win32',
    env,
    program,
    now: () => new Date(2026, 10, 26, 12),
    elevated: async () => true,
    run: async () => assert.fail('planning runs nothing'),
    filesIn: (path) => (/\.(?:exe|txt)$/.test(path) ? [path] : [path, `${path}\\dist\\slmctl.cjs`]),
    accessList: async (path) => {
      const sddl = by[path] ?? other
      if (sddl === null) throw new Error('not told')
      return readAccessList(sddl)
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
      ['C:\\tools\\slmctl', lists.madeByUser],
      ['C:\\tools\\slmctl\\dist\\slmctl.cjs', lists.ofUser],
    ] as const) {
      const host = windows(node('C:\\tools'), { 'C:\\': lists.root, [open]: list }, lists.programFiles)
      await assert.rejects(
        scheduleOf(host).install(wanted),
        (e: { problems: { code: string }[] }) => e.problems[0]!.code === 'SCHEDULE_PROGRAM',
      )
    }
  })

  test('where Windows does not tell, it is refused', async () => {
    await assert.rejects(scheduleOf(windows(node('C:\\Program Files'), {}, null)).install(wanted), /cannot be told/)
  })

  test('a secret that others may read is refused, and so is one of which it cannot be told', async () => {
    const program = { kind: 'file', file: 'D:\\slmctl-win-x64.exe' } as const
    const secret = { ...wanted, secretFiles: ['C:\\keys\\mak.txt'] }
    const closed = { 'C:\\': lists.root, 'C:\\keys\\mak.txt': lists.secret }
    assert.ok(await scheduleOf(windows(program, closed, lists.programFiles)).install(secret))
    await assert.rejects(scheduleOf(windows(program, { 'C:\\': lists.root }, lists.programFiles)).install(secret), /BU may read or change/)
    await assert.rejects(scheduleOf(windows(program, {}, null)).install(secret), /cannot be told/)
    // The account of the computer would log on to whoever stands there, and that one says who may read.
    for (const path of ['\\\\files\\keys\\mak.txt', '//files/keys/mak.txt', '\\\\?\\UNC\\files\\keys\\mak.txt', '\\\\.\\pipe\\mak.txt'])
      await assert.rejects(
        scheduleOf(windows(program, { [path]: lists.secret }, lists.programFiles)).install({ ...wanted, secretFiles: [path] }),
        /log on there as this computer/,
      )
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
