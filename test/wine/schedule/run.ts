/**
 * The task, set up and removed by the single file as an administrator would, in a Windows of Wine: its own schtasks registers it.
 * Wine's schtasks tells nothing back, and stores no triggers; the XML is held to Microsoft's schema in test/schedule.
 */
import assert from 'node:assert/strict'
import { existsSync, globSync, lstatSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ScenarioId, startLab } from '../../../src/lab.ts'
import { taskXml } from '../../../src/schedule.ts'
import { check, run as runHere } from '../../peers/checks.ts'
import { oneFile } from '../exe/built.ts'
import { classesOf, fixtureText, rowsOf } from '../fixture.ts'
import { type Ended, type Place, tree, type Wine, windowsPath } from '../wine.ts'

const declared = 'domains: [corp.example]\nnetworks: [10.0.0.0/8]\nkms: {hosts: [kms1.corp.example]}\n'
const looks = `${declared}wishes: [{product: windows, by: kms}]\n`
const repairs = `${looks}schedule: {repair: true}\n`
const task = 'windows/system32/tasks/slmctl activation check'
const ours = ['ProgramData/slmctl/slmctl.yaml', 'ProgramData/slmctl/schedule.json', 'Program Files/slmctl/slmctl.exe', task]

export async function run(wine: Wine): Promise<void> {
  const folder = join(wine.work, 'schedule')
  mkdirSync(folder)
  const exe = (await oneFile(wine)).runs
  const site = join(folder, 'slmctl.yaml')
  const at = (place: Place) => (file: string) => join(place.prefix, 'drive_c', file)
  const c = at(wine.plain)
  const slmctl = (...args: string[]): Promise<Ended> => wine.plain.run(exe, args)
  const install = async (text: string, ...more: string[]): Promise<Ended> => {
    writeFileSync(site, text)
    return await slmctl('schedule', 'install', '--site', windowsPath(site), ...more)
  }
  const shown = async () => {
    const { code, stdout } = await slmctl('schedule', 'show', '--json')
    return {
      code,
      ...(JSON.parse(stdout) as { installed: boolean; does: string; originalChanged: boolean; remarks: string[]; log: string[] }),
    }
  }
  const fine = ({ code, stdout, stderr }: Ended) => assert.equal(code, 0, stdout + stderr)

  // The library of the single file comes into being when an administrator first runs it, whatever he runs.
  await slmctl('schedule', 'show')
  await install(looks, '--dry-run')
  fine(await slmctl('schedule', 'remove'))
  // Wine's schtasks switches Wine's scheduler on when it first registers a task, whose ever it is.
  const other = join(folder, 'other.xml')
  const command = { does: 'check', command: 'C:\\x.exe', arguments: '', folder: 'C:\\', start: new Date() } as const
  writeFileSync(other, Buffer.from(`\ufeff${taskXml(command)}`, 'utf16le'))
  fine(await wine.plain.run('schtasks', ['/create', '/tn', 'other', '/xml', windowsPath(other), '/f']))
  fine(await wine.plain.run('schtasks', ['/delete', '/tn', 'other', '/f']))
  const before = await everything(wine.plain)

  await check('schedule: --dry-run changes nothing', async () => {
    const { stdout } = await install(looks, '--dry-run')
    assert.match(stdout, /schtasks\.exe \/create \/tn "slmctl activation check"/)
    assert.deepEqual(await everything(wine.plain), before)
  })

  await check('schedule install: registered, the program and the site file copied to where others cannot write', async () => {
    fine(await install(looks))
    for (const file of ours) assert.ok(existsSync(c(file)), file)
    assert.equal(readFileSync(c('ProgramData/slmctl/slmctl.yaml'), 'utf8'), looks)
    assert.ok(readFileSync(c('Program Files/slmctl/slmctl.exe')).equals(readFileSync(exe)))
    assert.ok(!existsSync(c('ProgramData/slmctl/task.xml')))
    // Wine keeps of an access list what a mode can hold: whether others may write is all that can be seen here.
    for (const file of ['ProgramData/slmctl', 'ProgramData/slmctl/log', 'Program Files/slmctl'])
      assert.equal(lstatSync(c(file)).mode & 0o002, 0, file)
    const { code, installed, does, originalChanged, remarks } = await shown()
    assert.deepEqual([code, installed, does, originalChanged, remarks], [0, true, 'check', false, []])
  })

  await check('schedule show says when the site file is another one than the copy', async () => {
    writeFileSync(site, repairs)
    const { code, originalChanged, does } = await shown()
    assert.deepEqual([code, originalChanged, does], [1, true, 'check'])
  })

  await check('schedule install again: the same task, now by SYSTEM; nothing is there twice', async () => {
    const tasks = globSync('windows/system32/tasks/**', { cwd: c('') }).length
    const kept = globSync('ProgramData/slmctl/**', { cwd: c('') }).length
    fine(await install(repairs))
    assert.equal(globSync('windows/system32/tasks/**', { cwd: c('') }).length, tasks)
    // The folder of journals is new.
    assert.equal(globSync('ProgramData/slmctl/**', { cwd: c('') }).length, kept + 1)
    assert.equal(lstatSync(c('ProgramData/slmctl/journal')).mode & 0o007, 0)
    const { code, does, originalChanged } = await shown()
    assert.deepEqual([code, does, originalChanged], [0, 'repair', false])
    fine(await install(looks))
    assert.equal((await shown()).does, 'check')
  })

  await check('schedule install refuses a site file that is too wide, or whose key the task could not read; nothing changes', async () => {
    const there = files(wine.plain)
    for (const [text, code] of [
      [looks.replace('10.0.0.0/8', '0.0.0.0/0'), 'SITE_TOO_WIDE'],
      [repairs.replace('by: kms', 'by: mak, key: {env: MAK}'), 'SCHEDULE_SECRET'],
      [repairs.replace('by: kms', 'by: mak, key: {file: mak.txt}'), 'SCHEDULE_SECRET'],
      [repairs.replace('by: kms', 'by: mak, key: {file: ~/mak.txt}'), 'SCHEDULE_SECRET'],
      [repairs.replace('by: kms', 'by: mak, key: {file: "C:\\\\missing\\\\mak.txt"}'), 'SECRET_MISSING'],
    ] as const) {
      const { code: exit, stdout } = await install(text, '--json')
      assert.equal(exit, 2)
      assert.equal((JSON.parse(stdout) as { problems: { code: string }[] }).problems[0]!.code, code)
    }
    assert.deepEqual(files(wine.plain), there)
  })

  await check('schedule install refuses to let a service account run Node from a folder that is not of administrators', async () => {
    writeFileSync(site, looks)
    const { code, stdout, stderr } = await wine.plain.node([
      windowsPath(join(tree, 'bin', 'slmctl.cjs')),
      ...['schedule', 'install', '--json', '--site', windowsPath(site)],
    ])
    assert.equal(code, 2, stdout + stderr)
    assert.match(stdout, /SCHEDULE_PROGRAM/)
  })

  await check('schedule: half of it missing is said, and removed', async () => {
    rmSync(c(task))
    rmSync(c('ProgramData/slmctl/schedule.json'))
    const { code, installed, remarks } = await shown()
    assert.deepEqual([code, installed], [1, false])
    assert.match(remarks.join(), /schedule remove takes them away/)
    fine(await slmctl('schedule', 'remove'))
    assert.deepEqual(files(wine.plain), before.files)
  })

  await check('schedule remove: files and registry are what they were', async () => {
    fine(await install(repairs))
    writeFileSync(c('ProgramData/slmctl/log/slmctl.log'), 'x\r\n')
    fine(await slmctl('schedule', 'remove'))
    assert.deepEqual(await everything(wine.plain), before)
    fine(await slmctl('schedule', 'remove'))
  })

  await check('schedule remove --keep-log keeps the log and nothing else', async () => {
    fine(await install(looks))
    writeFileSync(c('ProgramData/slmctl/log/slmctl.log'), 'x\r\n')
    fine(await slmctl('schedule', 'remove', '--keep-log'))
    assert.deepEqual(globSync('ProgramData/slmctl/**', { cwd: c('') }).sort(), [
      'ProgramData/slmctl',
      'ProgramData/slmctl/log',
      'ProgramData/slmctl/log/slmctl.log',
    ])
    fine(await slmctl('schedule', 'remove'))
    assert.deepEqual(files(wine.plain), before.files)
  })

  await scheduledRuns(wine, exe, folder, site)
}

/** What the task starts, on machines of the lab that the provider plays. */
async function scheduledRuns(wine: Wine, exe: string, folder: string, site: string): Promise<void> {
  const c = (file: string) => join(wine.provided.prefix, 'drive_c', file)
  const log = (): string[] =>
    readFileSync(c('ProgramData/slmctl/log/slmctl.log'), 'utf8')
      .trim()
      .split('\r\n')
      .map((l) => l.slice(21))
  const runs = async (scenario: ScenarioId, change: (site: string) => string): Promise<Ended> => {
    const lab = await startLab({ seed: 7, machines: [{ name: 'pc-1.corp.example', scenario }] })
    try {
      const tables = lab.tables('pc-1.corp.example')
      const fixture = join(folder, `${scenario}.fixture`)
      writeFileSync(fixture, fixtureText({ classes: classesOf(tables), states: [{ rows: rowsOf(tables) }] }))
      writeFileSync(site, change(lab.siteYaml()))
      const installed = await wine.provided.run(exe, ['schedule', 'install', '--site', windowsPath(site)])
      assert.equal(installed.code, 0, installed.stdout + installed.stderr)
      rmSync(c('ProgramData/slmctl/log/slmctl.log'), { force: true })
      const env = { SLMCTL_FIXTURE: windowsPath(fixture) }
      return await wine.provided.run(c('Program Files/slmctl/slmctl.exe'), ['schedule', 'run'], { env })
    } finally {
      await lab.close()
    }
  }

  await check('schedule run: a check writes what is not as wished into the log', async () => {
    const { code, stdout, stderr } = await runs('wrong-host', (text) => text)
    assert.equal(code, 1, stdout + stderr)
    assert.equal(log()[0], 'status: not as wished (exit code 1)')
    assert.match(log()[1]!, /: action\. ./)
    assert.ok(!existsSync(c('ProgramData/slmctl/journal')))
  })

  await check('schedule run: a repair with nothing to repair says so, then looks', async () => {
    const { code, stdout, stderr } = await runs('win10-education-kms', (text) => `${text}\nschedule: {repair: true}\n`)
    assert.equal(code, 0, `${stdout}${stderr}${log().join('\n')}`)
    assert.match(log()[0]!, /^apply: as wished/)
    assert.match(log().join('\n'), /^status: as wished \(exit code 0\)$/m)
  })

  await check('schedule remove by the installed copy: all but itself goes, and it says so; another slmctl removes it', async () => {
    const { code, stdout, stderr } = await wine.provided.run(c('Program Files/slmctl/slmctl.exe'), ['schedule', 'remove'])
    assert.ok(!existsSync(c(task)) && !existsSync(c('ProgramData/slmctl')), stdout + stderr)
    assert.ok(code === 2 ? existsSync(c('Program Files/slmctl/slmctl.exe')) : code === 0, stdout + stderr)
    if (code === 2) assert.match(stderr.replace(/\s+/g, ' '), /another slmctl than the installed copy/)
    const again = await wine.provided.run(exe, ['schedule', 'remove'])
    assert.equal(again.code, 0, again.stderr)
    assert.ok(!existsSync(c('Program Files/slmctl/slmctl.exe')))
  })
}

const files = (place: Place): readonly string[] => globSync('**', { cwd: join(place.prefix, 'drive_c') }).sort()

/** Every file of drive C and every line of the registry, without what Wine counts and dates by itself. */
async function everything(place: Place): Promise<{ files: readonly string[]; registry: readonly string[] }> {
  await runHere('wineserver', ['-w'], { env: { WINEPREFIX: place.prefix } })
  const registry = ['system.reg', 'user.reg', 'userdef.reg'].flatMap((name) =>
    readFileSync(join(place.prefix, name), 'latin1')
      .split('\n')
      // [Key] and the time it was written; #time.
      .map((line) => line.replace(/^(\[.*\]) \d+$/, '$1'))
      .filter((line) => !line.startsWith('#time=') && !line.startsWith('"DriverDateData"=')),
  )
  return { files: files(place), registry }
}
