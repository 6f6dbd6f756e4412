/**
 * SetupComplete.cmd as Wine's cmd runs it: with a stand-in for slmctl.exe that records how it was called. The script is the one that
 * `slmctl image` writes.
 */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { imageFiles } from '../../../src/image.ts'
import { readSite } from '../../../src/site.ts'
import { check, run as runHere, skip } from '../../peers/checks.ts'
import { tree, type Wine, windowsPath } from '../wine.ts'

const { site } = readSite('university.yaml', readFileSync(join(tree, 'test/cases/sites/university.yaml'), 'utf8'))
const script = imageFiles({
  products: ['Windows 11 Enterprise'],
  site: site!,
  architecture: 'amd64',
  autoActivation: true,
  office: { bits: '64', languages: [], exclude: [], removeRetail: [], removeMsi: false, closeApps: false, source: null },
}).files.find((f) => f.path.endsWith('.cmd'))!.text

/** Folders that Windows allows, with signs that cmd gives a meaning to. No percent sign: Wine's cmd expands the value of a variable again. */
const hard = ['two  blanks', 'a & b', 'c (x86)', 'd ^ e', '!x! !', "'q' ;,= $1"]

export async function run(wine: Wine): Promise<void> {
  const folder = join(wine.work, 'image')
  mkdirSync(folder, { recursive: true })
  const exe = join(folder, 'stand-in.exe')
  const compiled = await runHere('x86_64-w64-mingw32-gcc', ['-O1', '-o', exe, join(tree, 'test/wine/image/slmctl.c')]).catch(
    (e: Error) => ({ code: 1, stderr: e.message }),
  )
  if (compiled.code !== 0) {
    skip('SetupComplete.cmd', `the stand-in was not built: ${compiled.stderr.slice(0, 200)}`)
    return
  }

  /** Puts the script and, where asked, program and site file into folders of this name; runs it as Windows Setup does. */
  async function setup(name: string, how: { program?: boolean; standIn?: string; waitSeconds?: number } = {}) {
    const scripts = join(folder, `${name} scripts`)
    const programs = join(folder, `${name} programs`)
    for (const f of [scripts, programs]) {
      rmSync(f, { recursive: true, force: true })
      mkdirSync(f)
    }
    // What waits ten minutes for a fault waits a few seconds here.
    const text = script.replace('geq 600', `geq ${how.waitSeconds ?? 15}`)
    writeFileSync(join(scripts, 'SetupComplete.cmd'), text)
    mkdirSync(join(programs, 'slmctl'))
    if (how.program !== false) {
      writeFileSync(join(programs, 'slmctl', 'slmctl.exe'), readFileSync(exe))
      writeFileSync(join(programs, 'slmctl', 'slmctl.yaml'), 'domains: []\r\n')
    }
    // Wine takes ProgramFiles from its registry, so a batch file of the test sets it; percent signs are doubled in one.
    const start = join(folder, 'start.cmd')
    const inBatch = (path: string) => windowsPath(path).replaceAll('%', '%%')
    const lines = [
      '@echo off',
      `set "ProgramFiles=${inBatch(programs)}"`,
      `set "SLMCTL_STANDIN=${how.standIn ?? '0'}"`,
      `"${inBatch(join(scripts, 'SetupComplete.cmd'))}"`,
    ]
    writeFileSync(start, lines.join('\r\n'))
    const begun = Date.now()
    const ended = await wine.plain.run('cmd', ['/d', '/c', windowsPath(start)], { timeoutMs: 40_000 })
    const read = (path: string) => (existsSync(path) ? readFileSync(path) : null)
    return {
      code: ended.code,
      seconds: (Date.now() - begun) / 1000,
      log: read(join(scripts, 'slmctl.log'))?.toString('utf8') ?? '',
      late: read(join(scripts, 'slmctl-late.log'))?.toString('utf8') ?? '',
      calls: (read(join(programs, 'slmctl', 'slmctl.exe.calls'))?.toString('utf16le') ?? '').split('\n').filter((l) => l !== ''),
      exe: `${windowsPath(join(programs, 'slmctl'))}\\slmctl.exe`,
      site: `${windowsPath(join(programs, 'slmctl'))}\\slmctl.yaml`,
      leftOver: existsSync(join(scripts, 'slmctl.done')),
    }
  }

  for (const name of ['plain', ...hard])
    await check(`SetupComplete.cmd: slmctl is called once, with whole paths, in "${name}"`, async () => {
      const { code, calls, log, exe: path, site: file, leftOver } = await setup(name)
      assert.equal(code, 0)
      assert.deepEqual(
        calls.map((c) => c.replace(/ +$/, '')),
        [`"${path}" apply . --yes --inside-site --site "${file}"`],
      )
      assert.match(log, /a line on standard output/)
      assert.match(log, /a line on standard error/)
      assert.match(log, /slmctl ended with 0/)
      assert.equal(leftOver, false)
    })

  for (const standIn of ['1', '2', '255', 'crash'])
    await check(`SetupComplete.cmd: setup goes on where slmctl ends with ${standIn}`, async () => {
      const { code, calls, log } = await setup('failing', { standIn })
      assert.equal(code, 0)
      assert.equal(calls.length, 1)
      assert.match(log, standIn === 'crash' ? /slmctl ended with -?[1-9]/ : new RegExp(`slmctl ended with ${standIn}\\b`))
    })

  await check('SetupComplete.cmd: setup goes on where slmctl.exe is missing, and the log says so', async () => {
    const { code, calls, log } = await setup('missing', { program: false })
    assert.equal(code, 0)
    assert.equal(calls.length, 0)
    assert.match(log, /is missing; nothing was done/)
  })

  await check('SetupComplete.cmd: setup does not wait for ever, and slmctl is not ended', async () => {
    const { code, calls, late, seconds } = await setup('slow', { standIn: 'slow', waitSeconds: 3 })
    assert.equal(code, 0)
    assert.equal(calls.length, 1)
    assert.match(late, /still runs after 600 seconds; setup goes on/)
    assert.ok(seconds < 18, `${seconds} s`)
    // What was begun ends by itself and says how.
    const path = join(folder, 'slow scripts', 'slmctl.log')
    const until = Date.now() + 40_000
    while (!/slmctl ended with/.test(readFileSync(path, 'utf8')) && Date.now() < until) await new Promise((next) => setTimeout(next, 500))
    assert.match(readFileSync(path, 'utf8'), /slmctl ended with 0/)
  })
}
