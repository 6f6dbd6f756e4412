/** The machine itself against the provider of fixtures: every value, every refusal, and everything given back. */
import { join } from 'node:path'
import { check } from '../../peers/checks.ts'
import { tree, type Wine, windowsPath } from '../wine.ts'

export async function run({ provided, work }: Wine): Promise<void> {
  await check("what a provider may say and do, in Windows' Node", async () => {
    const at = (name: string) => windowsPath(join(work, name))
    const env = { SLMCTL_FIXTURE: at('local.fixture'), SLMCTL_FIXTURE_CALLS: at('local.calls'), SLMCTL_FIXTURE_COUNT: '1' }
    const file = windowsPath(join(tree, 'test/wine/local/provided.ts'))
    const how = ['--test', '--test-isolation=none', '--test-force-exit', '--test-reporter=spec']
    const { code, stdout, stderr } = await provided.node([...how, file], { env, timeoutMs: 180_000 })
    const passed = Number(/^. pass (\d+)$/m.exec(stdout)?.[1] ?? 0)
    if (code !== 0 || passed === 0) throw new Error(`it ended with ${code}, ${passed} passed\n${stdout}\n${stderr}`)
    console.log(stdout.replace(/^(?! {8}).*\n/gm, '').trimEnd())
  })
}
