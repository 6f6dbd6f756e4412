import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ProblemError } from '../../src/model.ts'
import { NativeError, type NativeRow, type Wmi, WmiError } from '../../src/native.ts'
import { type Local, objectPath, openLocal } from '../../src/windows/local.ts'

/** WMI as a table of answers: what it is asked is written down. */
function machine(
  answers: { query?: (wql: string) => readonly NativeRow[]; invoke?: (path: string) => NativeRow },
  more: Partial<Local> = {},
) {
  const said: string[] = []
  let open = 0
  const wmi: Wmi = {
    query: async (namespace, wql) => {
      said.push(`${namespace} ${wql}`)
      return (answers.query ?? (() => []))(wql)
    },
    invoke: async ({ path, method }) => {
      said.push(`${path} ${method}`)
      return (answers.invoke ?? (() => ({ ReturnValue: '0' })))(path)
    },
    close: async () => {
      said.push('closed')
      open--
    },
  }
  const opened = openLocal('pc1', {
    platform: 'win32',
    openWmi: async () => {
      open++
      return wmi
    },
    readRegistry: async () => null,
    ...more,
  })
  return { machine: opened, said, open: () => open }
}
const hresult = (code: number, begun = false) => new WmiError('hresult', 'words', code, begun)
const problemOf = async (asked: Promise<unknown>): Promise<string> => {
  try {
    await asked
  } catch (error) {
    assert.ok(error instanceof ProblemError, String(error))
    const [why] = error.problems
    assert.ok(why!.next.length > 0)
    return why!.code
  }
  return 'none'
}
const service = { class: 'SoftwareLicensingService', key: null, method: 'RefreshLicenseStatus', arguments: {} } as const
const products = { class: 'SoftwareLicensingProduct', columns: ['ID', 'Later'] } as const

test('elsewhere than on Windows it is one clear Problem', () => {
  const why = (platform: string) => () => openLocal('pc1', { platform })
  for (const platform of ['linux', 'darwin'])
    assert.throws(why(platform), (error) => error instanceof ProblemError && error.problems[0]?.code === 'NOT_WINDOWS')
})

test('a class that is not there is null; columns that this Windows lacks are left out, and not asked for again', async () => {
  const absent = machine({
    query: () => {
      throw hresult(0x80041010)
    },
  })
  assert.equal(await absent.machine.ask(products), null)

  const { machine: old, said } = machine({
    query: (wql) => {
      if (wql.includes('Later')) throw hresult(0x80041017)
      return [{ Id: 'x', Other: 'y' }]
    },
  })
  assert.deepEqual(await old.ask(products), [{ Id: 'x' }])
  assert.deepEqual(await old.ask({ ...products, where: 'Id IS NOT NULL' }), [{ Id: 'x', Other: 'y' }])
  assert.deepEqual(said, [
    'root/cimv2 SELECT ID,Later FROM SoftwareLicensingProduct',
    'root/cimv2 SELECT * FROM SoftwareLicensingProduct',
    'root/cimv2 SELECT ID FROM SoftwareLicensingProduct WHERE Id IS NOT NULL',
  ])
})

test('a query that is wrong as a whole is no missing class', async () => {
  const { machine: wrong } = machine({
    query: () => {
      throw hresult(0x80041017)
    },
  })
  assert.equal(await problemOf(wrong.ask({ ...products, where: 'a b' })), 'LOCAL_FAULT')
})

test('each refusal is a Problem of its own', async () => {
  for (const [error, code] of [
    [hresult(0x80041003), 'LOCAL_ACCESS_DENIED'],
    [hresult(0x80070005), 'LOCAL_ACCESS_DENIED'],
    [hresult(0x80041013), 'LOCAL_PROVIDER'],
    [hresult(0x80041014), 'LOCAL_WMI_UNAVAILABLE'],
    [hresult(0x80070422), 'LOCAL_WMI_UNAVAILABLE'],
    [hresult(0x800706ba), 'LOCAL_WMI_UNAVAILABLE'],
    [hresult(0x80041033), 'LOCAL_WMI_UNAVAILABLE'],
    [hresult(0x80041069), 'LOCAL_SLOW'],
    [hresult(0x80041001), 'LOCAL_FAULT'],
    [new WmiError('slow', 'rows'), 'LOCAL_SLOW'],
    [new WmiError('too-large', 'rows'), 'LOCAL_TOO_LARGE'],
    [new NativeError('unavailable', 'no module'), 'LOCAL_MODULE'],
  ] as const) {
    const { machine: failing } = machine({
      query: () => {
        throw error
      },
    })
    assert.equal(await problemOf(failing.ask(products)), code)
  }
})

test('where WMI went away between two questions, it is had anew, once', async () => {
  let times = 0
  const restarted = machine({
    query: () => {
      if (times++ === 0) throw hresult(0x800706ba)
      return [{ ID: 'x' }]
    },
  })
  assert.deepEqual(await restarted.machine.ask(products), [{ ID: 'x' }])
  assert.equal(restarted.open(), 1)
  await restarted.machine.close()
  assert.equal(restarted.open(), 0)
})

test('a call is made once: a lost answer is told, and what WMI never reached is no answer', async () => {
  const outcome = async (error: WmiError) => {
    const made = machine({
      query: () => [{ Version: '10.0' }],
      invoke: () => {
        throw error
      },
    })
    const code = await problemOf(made.machine.call(service))
    return [code, made.said.filter((line) => line.endsWith(service.method)).length]
  }
  for (const code of [0x800706ba, 0x800706be, 0x800706bf, 0x80010108, 0x80041033])
    assert.deepEqual(await outcome(hresult(code, true)), ['CALL_UNANSWERED', 1])
  assert.deepEqual(await outcome(new WmiError('slow', 'x', 0, true)), ['CALL_UNANSWERED', 1])
  assert.deepEqual(await outcome(new WmiError('too-large', 'x', 0, true)), ['CALL_UNANSWERED', 1])
  assert.deepEqual(await outcome(hresult(0x80041003, true)), ['LOCAL_ACCESS_DENIED', 1])
  assert.deepEqual(await outcome(hresult(0x80041013, true)), ['LOCAL_PROVIDER', 1])
  assert.deepEqual(await outcome(hresult(0x8004102f)), ['LOCAL_NOT_FOUND', 1])
  // Not begun: the same call on a connection that lives is no second time.
  assert.deepEqual(await outcome(hresult(0x800706ba)), ['LOCAL_WMI_UNAVAILABLE', 2])
})

test("the licensing service's own HRESULT is what the method returned", async () => {
  for (const code of [0xc004f074, 0x8007232b, 0x80072ee7]) {
    const { machine: refusing } = machine({
      query: () => [{ Version: '10.0' }],
      invoke: () => {
        throw hresult(code, true)
      },
    })
    assert.deepEqual(await refusing.call(service), { returnValue: code, out: {} })
  }
  const signed = machine({ query: () => [{ Version: '10.0' }], invoke: () => ({ ReturnValue: '-1073418124', Text: 'x' }) })
  assert.deepEqual(await signed.machine.call(service), { returnValue: 0xc004f074, out: { Text: 'x' } })
  const silent = machine({ query: () => [{ Version: '10.0' }], invoke: () => ({}) })
  assert.equal(await problemOf(silent.machine.call(service)), 'CALL_UNANSWERED')
})

test('the only instance of a class is asked for its key, once', async () => {
  const { machine: asked, said } = machine({ query: () => [{ Version: '10.0.1' }] })
  await asked.call(service)
  await asked.call(service)
  await asked.call({ ...service, class: 'SoftwareLicensingProduct', key: { ID: 'a"b\\c' }, method: 'Activate' })
  assert.deepEqual(said, [
    'root/cimv2 SELECT Version FROM SoftwareLicensingService',
    'SoftwareLicensingService.Version="10.0.1" RefreshLicenseStatus',
    'SoftwareLicensingService.Version="10.0.1" RefreshLicenseStatus',
    'SoftwareLicensingProduct.ID="a\\"b\\\\c" Activate',
  ])
  const without = machine({ query: () => [] })
  assert.equal(await problemOf(without.machine.call(service)), 'LOCAL_NOT_FOUND')
})

test('paths of objects', () => {
  assert.equal(objectPath('StdRegProv', null), 'StdRegProv')
  assert.equal(objectPath('Win32_X', {}), 'Win32_X=@')
  assert.equal(objectPath('X', { A: '1', B: 'two' }), 'X.A="1",B="two"')
  assert.throws(() => objectPath('X', { 'A="1" OR B': '' }), TypeError)
})

test('operations wait for each other', async () => {
  const order: string[] = []
  const { machine: one } = machine(
    { query: () => [] },
    {
      openWmi: async () => ({
        query: async (_, wql) => {
          order.push(`begin ${wql.length}`)
          await new Promise((go) => setTimeout(go, 5))
          order.push('end')
          return []
        },
        invoke: async () => ({ ReturnValue: '0' }),
        close: async () => {},
      }),
    },
  )
  await Promise.all([one.ask(products), one.ask(products)])
  assert.deepEqual(
    order.map((line) => line.slice(0, 5)),
    ['begin', 'end', 'begin', 'end'],
  )
})

test('the registry: what Windows refuses is a Problem', async () => {
  for (const [number, code] of [
    [5, 'LOCAL_ACCESS_DENIED'],
    [234, 'LOCAL_TOO_LARGE'],
    [6, 'LOCAL_FAULT'],
  ] as const) {
    const { machine: denied } = machine(
      {},
      {
        readRegistry: async () => {
          throw new NativeError('refused', `error ${number}`, number)
        },
      },
    )
    assert.equal(await problemOf(denied.registry({ key: 'SOFTWARE\\X' })), code)
  }
})
