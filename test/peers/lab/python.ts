import assert from 'node:assert/strict'
import { check } from '../checks.ts'
import type { Ground, Step } from './ground.ts'

const windows = '55c92734-d682-4d71-983e-d6ec3f16059f'
const keyed = `SELECT ID, Name, PartialProductKey, LicenseStatus, GracePeriodRemaining FROM SoftwareLicensingProduct WHERE PartialProductKey IS NOT NULL AND ApplicationID = '${windows}'`

/** python3-winrm: its own NTLM, its own sealing, over HTTP; Basic over HTTPS. */
export async function pythonAgainstLab(ground: Ground): Promise<void> {
  const machine = ground.machine('win10-enterprise-office-2019')
  for (const way of ['ntlm', 'basic', 'ntlm-https'] as const) {
    const ask = (steps: Step[]) => ground.python(machine, steps, way)
    const by = way === 'basic' ? 'Basic over HTTPS' : way === 'ntlm' ? 'NTLM sealed over HTTP' : 'NTLM over HTTPS with channel binding'
    await check(`python3-winrm, ${by}: Enumerate with a WQL filter`, async () => {
      const [answer] = await ask([{ do: 'enumerate', wql: keyed }])
      assert.ok(answer!.ok, JSON.stringify(answer))
      assert.equal(answer!.rows!.length, 1)
      const { type, values } = answer!.rows![0]!
      assert.equal(type, 'XmlFragment')
      assert.deepEqual(Object.keys(values).toSorted(), ['GracePeriodRemaining', 'ID', 'LicenseStatus', 'Name', 'PartialProductKey'])
      assert.equal(values.PartialProductKey, '2YT43')
      assert.equal(values.LicenseStatus, '1')
      assert.match(values.GracePeriodRemaining as string, /^25[0-9]{4}$/)
    })
    await check(`python3-winrm, ${by}: Get by key, as a class instance`, async () => {
      const [found] = await ask([{ do: 'enumerate', wql: keyed }])
      const id = found!.rows![0]!.values.ID as string
      const [answer] = await ask([{ do: 'get', class: 'SoftwareLicensingProduct', selectors: { id: id.toUpperCase() } }])
      assert.ok(answer!.ok, JSON.stringify(answer))
      const { type, namespace, values } = answer!.rows![0]!
      assert.equal(type, 'SoftwareLicensingProduct')
      assert.equal(namespace, 'http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2/SoftwareLicensingProduct')
      assert.equal(values.ID, id)
      assert.equal(values.PartialProductKey, '2YT43')
    })
    await check(`python3-winrm, ${by}: Invoke`, async () => {
      const [version] = await ask([{ do: 'enumerate', wql: 'SELECT Version FROM SoftwareLicensingService' }])
      const selectors = { Version: version!.rows![0]!.values.Version as string }
      const answers = await ask([
        {
          do: 'invoke',
          class: 'SoftwareLicensingService',
          selectors,
          method: 'SetKeyManagementServiceMachine',
          arguments: { MachineName: 'kms2.corp.example' },
        },
        { do: 'enumerate', wql: 'SELECT KeyManagementServiceMachine FROM SoftwareLicensingService' },
        { do: 'invoke', class: 'SoftwareLicensingService', selectors, method: 'ClearKeyManagementServiceMachine' },
        { do: 'enumerate', wql: 'SELECT KeyManagementServiceMachine FROM SoftwareLicensingService' },
      ])
      assert.ok(
        answers.every((a) => a.ok),
        JSON.stringify(answers),
      )
      assert.equal(answers[0]!.rows![0]!.type, 'SetKeyManagementServiceMachine_OUTPUT')
      assert.equal(answers[0]!.rows![0]!.values.ReturnValue, '0')
      assert.equal(answers[1]!.rows![0]!.values.KeyManagementServiceMachine, 'kms2.corp.example')
      assert.ok(!answers[3]!.rows![0]!.values.KeyManagementServiceMachine)
    })
    await check(`python3-winrm, ${by}: registry by StdRegProv, arrays as repeated elements`, async () => {
      const key = 'SOFTWARE\\Microsoft\\Office\\ClickToRun\\Configuration'
      const registry = (method: string, more: Record<string, string>) =>
        ({
          do: 'invoke',
          namespace: 'root/default',
          class: 'StdRegProv',
          method,
          arguments: { hDefKey: '2147483650', sSubKeyName: key, ...more },
        }) as const
      const [names, value, missing] = await ask([
        registry('EnumValues', {}),
        registry('GetStringValue', { sValueName: 'ProductReleaseIds' }),
        { ...registry('EnumValues', {}), arguments: { hDefKey: '2147483650', sSubKeyName: 'SOFTWARE\\No\\Such' } },
      ])
      assert.ok((names!.rows![0]!.values.sNames as string[]).includes('ProductReleaseIds'), JSON.stringify(names))
      assert.equal(value!.rows![0]!.values.sValue, 'ProPlus2019Volume')
      assert.equal(missing!.rows![0]!.values.ReturnValue, '2')
    })
    await check(`python3-winrm, ${by}: faults`, async () => {
      const [table, column, query, method, key] = await ask([
        { do: 'enumerate', wql: 'SELECT * FROM Win32_NoSuchClass' },
        { do: 'enumerate', wql: 'SELECT NoSuchColumn FROM SoftwareLicensingService' },
        { do: 'enumerate', wql: 'SELECT FROM WHERE' },
        { do: 'invoke', class: 'SoftwareLicensingService', selectors: { Version: '0.0' }, method: 'NoSuchMethod' },
        { do: 'get', class: 'SoftwareLicensingProduct', selectors: { NoSuchKey: 'x' } },
      ])
      for (const answer of [table, column, query, method, key]) {
        assert.equal(answer!.ok, false, JSON.stringify(answer))
        assert.equal(answer!.status, 500, JSON.stringify(answer))
        assert.ok(answer!.fault?.value?.endsWith(':Sender') || answer!.fault?.value?.endsWith(':Receiver'))
        assert.ok((answer!.fault?.code ?? 0) !== 0, JSON.stringify(answer))
      }
      // The table of winrm.md: class not found by WQL.
      assert.equal(table!.fault!.code! >>> 0, 0x8033801a)
      assert.ok([0x8033805a, 0x8033805b, 0x8033805d].includes(key!.fault!.code! >>> 0), JSON.stringify(key))
    })
    await check(`python3-winrm, ${by}: a wrong password is refused`, async () => {
      const [answer] = await ground.python(machine, [{ do: 'enumerate', wql: keyed }], way, { password: 'wrong' })
      assert.equal(answer!.ok, false)
      assert.match(answer!.error!, /InvalidCredentials|rejected/)
    })
  }

  await check('python3-winrm: Pull, two rows at a time, each context new', async () => {
    const [whole, parts, plain] = await ground.python(machine, [
      { do: 'enumerate', wql: 'SELECT ID FROM SoftwareLicensingProduct', max: 100 },
      { do: 'enumerate', wql: 'SELECT ID FROM SoftwareLicensingProduct', max: 2 },
      { do: 'enumerate', class: 'SoftwareLicensingProduct', optimize: false, max: 3 },
    ])
    const ids = (answer: typeof whole) => answer!.rows!.map((r) => r.values.ID as string).toSorted()
    assert.equal(whole!.answers, 1)
    assert.ok(ids(whole).length > 4)
    assert.deepEqual(ids(parts), ids(whole))
    assert.ok(parts!.answers! >= ids(whole).length / 2 && parts!.each!.every((n) => n <= 2), JSON.stringify(parts!.each))
    assert.deepEqual(ids(plain), ids(whole))
    assert.equal(plain!.each![0], 0, 'without optimisation the first answer has no item')
  })
  await check('python3-winrm: an unsealed request over HTTP is refused after a good logon', async () => {
    const [answer] = await ground.python(machine, [{ do: 'enumerate', wql: keyed }], 'ntlm', { encryption: 'never' })
    assert.equal(answer!.ok, false, JSON.stringify(answer))
  })
  await check('python3-winrm: conditions are really evaluated', async () => {
    const wql = (where: string) =>
      ({ do: 'enumerate', wql: `SELECT PartialProductKey FROM SoftwareLicensingProduct WHERE ${where}` }) as const
    const answers = await ground.python(machine, [
      wql("PartialProductKey = '2yt43'"),
      wql("PartialProductKey <> '2YT43' AND PartialProductKey IS NOT NULL"),
      wql("Name LIKE 'Office%' AND NOT PartialProductKey IS NULL"),
      wql('LicenseStatus = 1 AND GracePeriodRemaining > 259200'),
      wql("(PartialProductKey = '2YT43' OR PartialProductKey = '6MWKP') AND LicenseStatus <> 0"),
    ])
    assert.ok(
      answers.every((a) => a.ok),
      JSON.stringify(answers),
    )
    assert.deepEqual(
      answers.map((a) => a.rows!.map((r) => r.values.PartialProductKey).toSorted()),
      [['2YT43'], ['6MWKP'], ['6MWKP'], [], ['2YT43', '6MWKP']],
    )
  })
}
