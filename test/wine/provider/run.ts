/** The provider of these tests itself: what it counts, what it takes, and that it goes nowhere else. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startLab } from '../../../src/lab.ts'
import { check, run as start } from '../../peers/checks.ts'
import { classesOf, fixtureText, hresults, rowsOf } from '../fixture.ts'
import { tree, type Wine, windowsPath } from '../wine.ts'

export async function run(wine: Wine): Promise<void> {
  const lab = await startLab({ seed: 7, machines: [{ name: 'pc-1.corp.example', scenario: 'win7-esu-year-1' }] })
  const tables = lab.tables('pc-1.corp.example')
  await lab.close()
  const fixture = join(wine.work, 'counted')
  writeFileSync(
    fixture,
    fixtureText({
      classes: classesOf(tables),
      states: [{ rows: rowsOf(tables) }],
      faults: [
        { where: 'next', what: 'Win32_QuickFixEngineering', from: 1, hresult: hresults.unspecified },
        { where: 'next', what: 'Win32_BIOS', delayMs: 3_600_000 },
      ],
    }),
  )
  await check('rows, errors and questions that are given up leave no object and no block of memory behind', async () => {
    const { stdout, stderr } = await wine.provided.node([windowsPath(join(tree, 'test/wine/provider/probe.ts'))], {
      env: { SLMCTL_FIXTURE: windowsPath(fixture), SLMCTL_FIXTURE_COUNT: '1', OANOCACHE: '1' },
    })
    assert.match(stdout, /^\{/, stderr)
    type Counted = Record<'first' | 'last' | 'forgotten', readonly [number, number]> & { failed: readonly number[]; closed: number }
    const { first, failed, last, forgotten, closed } = JSON.parse(stdout) as Counted
    assert.deepEqual(failed, [0, 0, 20, 1])
    assert.deepEqual(last, first)
    assert.deepEqual(forgotten, [last[0], last[1] + 1], 'the count sees a text that nobody frees')
    assert.equal(closed, first[0])
  })
  await check('nothing of the tests is in the package', async () => {
    const { stdout, stderr } = await start('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: tree })
    const [packed] = JSON.parse(stdout) as [{ files: { path: string }[] }]
    assert.ok(packed.files.length > 0, stderr)
    assert.deepEqual(
      packed.files.map((f) => f.path).filter((path) => /^(?:test|src)\/|\.(?:c|h|dll|exe)$/.test(path)),
      [],
    )
  })
}
