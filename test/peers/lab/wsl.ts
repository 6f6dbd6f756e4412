import assert from 'node:assert/strict'
import { copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { check, folder, run } from '../checks.ts'
import type { Ground } from './ground.ts'

/** Dell's wsl: WS-Man in bash over curl, with its own namespaces, pulls and pretty printing. HTTPS and Basic. */
export async function wslAgainstLab(ground: Ground): Promise<void> {
  const machine = ground.machine('win11-enterprise-office-2024-visio')
  const at = `127.0.0.1:${machine.httpsPort}`
  const home = folder('wsl')
  // It trusts the authority in a file that is called as the endpoint.
  copyFileSync(ground.caFile, join(home, `${at}.crt`))
  writeFileSync(join(home, '.wsl-config'), 'KEEPHISTORY=0\nOUTLEVEL=1\nIPINTERACTIVE=0\n')
  const env = { HOME: home, WSENDPOINT: at, WSUSER: ground.user, WSPASS: ground.password }
  const uri = (name: string) => `http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2/${name}`
  const wsl = (command: string, args: string[], more: Record<string, string> = {}) =>
    run(command, args, { cwd: home, env: { ...env, ...more } })
  const texts = (xml: string, name: string) => [...xml.matchAll(new RegExp(`<(?:\\w+:)?${name}>([^<]*)<`, 'g'))].map((m) => m[1]!)

  await check('wslid: Identify', async () => {
    const { stdout } = await wsl('wslid', ['check'])
    assert.match(stdout, /IdentifyResponse/)
  })
  let id = ''
  await check('wslenum: a class, pulled to its end', async () => {
    const { stdout, stderr } = await wsl('wslenum', [uri('SoftwareLicensingProduct')])
    const ids = texts(stdout, 'ID')
    const truth = await ground.python(machine, [{ do: 'enumerate', wql: 'SELECT ID FROM SoftwareLicensingProduct', max: 100 }])
    assert.ok(truth[0]!.ok)
    assert.deepEqual(ids.toSorted(), truth[0]!.rows!.map((r) => r.values.ID as string).toSorted(), stderr)
    assert.ok(ids.length > 4)
  })
  await check('wslenum: a WQL filter, optimised, two at a time', async () => {
    const { stdout } = await wsl('wslenum', [
      uri('*'),
      '-opti',
      '2',
      '-dialect',
      'http://schemas.microsoft.com/wbem/wsman/1/WQL',
      '-filter',
      'SELECT ID, PartialProductKey FROM SoftwareLicensingProduct WHERE PartialProductKey IS NOT NULL',
    ])
    assert.deepEqual(texts(stdout, 'PartialProductKey').toSorted(), ['2YT43', '76HF4', 'GCVGB', 'YY89G'])
    assert.ok(stdout.match(/<(?:\w+:)?PullResponse/), 'it had to pull')
    id = texts(stdout, 'ID')[0]!
  })
  await check('wslget: one product by its key', async () => {
    const { stdout } = await wsl('wslget', [uri('SoftwareLicensingProduct'), `ID=${id}`])
    assert.deepEqual(texts(stdout, 'ID'), [id])
    assert.match(stdout, /SoftwareLicensingProduct/)
    assert.equal(texts(stdout, 'LicenseStatus')[0], '1')
  })
  await check('wslget: a key that no product has is a fault', async () => {
    const { stdout } = await wsl('wslget', [uri('SoftwareLicensingProduct'), 'ID=00000000-0000-0000-0000-000000000000'])
    assert.match(stdout, /<(?:\w+:)?Fault>/)
  })
  await check('wslenum: a wrong password gets nothing', async () => {
    const { stdout } = await wsl('wslenum', [uri('SoftwareLicensingService')], { WSPASS: 'wrong' })
    assert.doesNotMatch(stdout, /EnumerateResponse/)
  })
}
