import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpus, hostname, totalmem } from 'node:os'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { after, test } from 'node:test'
import { ProblemError } from '../../../src/model.ts'
import { loadForeign } from '../../../src/native/foreign.ts'
import { openLocal } from '../../../src/windows.ts'
import { privateBytes } from './memory.ts'

/** The machine itself against what nobody here wrote: Wine's WMI and StdRegProv, reg.exe, and what Node says about the same machine. */

const begin = performance.now()
const machine = openLocal('here')
after(() => machine.close())

const code = async (asked: Promise<unknown>): Promise<string> => {
  try {
    await asked
    return 'none'
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error
    return error.problems[0]!.code
  }
}

test('the first question and those after it', async () => {
  const system = { class: 'Win32_OperatingSystem', columns: ['Caption', 'Version', 'ProductType', 'OperatingSystemSKU'] }
  const [row] = (await machine.ask(system))!
  const first = performance.now() - begin
  assert.match(String(row!.Version), /^10\.0\.\d+$/)
  assert.match(String(row!.OperatingSystemSKU), /^\d+$/)
  const times: number[] = []
  for (let i = 0; i < 50; i++) {
    const start = performance.now()
    await machine.ask(system)
    times.push(performance.now() - start)
  }
  const middle = times.sort((a, b) => a - b)[25]!
  console.log(`        first question ${first.toFixed(0)} ms with loading and connecting, later ones ${middle.toFixed(2)} ms`)
  assert.ok(middle < first / 2)
})

test('what WMI says is what is true of this machine', async () => {
  const [computer] = (await machine.ask({ class: 'Win32_ComputerSystem', columns: ['Name', 'TotalPhysicalMemory', 'HypervisorPresent'] }))!
  assert.equal(String(computer!.Name).toLowerCase(), hostname().toLowerCase().split('.')[0])
  // A uint64, which comes as text.
  assert.equal(computer!.TotalPhysicalMemory, String(totalmem()))
  assert.match(String(computer!.HypervisorPresent), /^(?:true|false)$/)
  const [processor] = (await machine.ask({ class: 'Win32_Processor', columns: ['name', 'NumberOfLogicalProcessors', 'UniqueId'] }))!
  assert.equal(processor!.Name, cpus()[0]!.model)
  assert.equal(processor!.NumberOfLogicalProcessors, String(cpus().length))
  assert.equal(processor!.UniqueId, null)
})

test('what is not there, and what is no question', async () => {
  assert.equal(await machine.ask({ namespace: 'root/nowhere', class: 'Anything', columns: ['Name'] }), null)
  // Wine has no word for a class that it does not know: no rows. Windows says 0x80041010.
  assert.deepEqual(await machine.ask({ class: 'SlmctlNoSuchClass', columns: ['Name'] }), [])
  assert.deepEqual(await machine.ask({ class: 'Win32_Processor', columns: ['NoSuchColumn'] }), [{}])
  assert.equal(await code(machine.ask({ class: 'Win32_Processor', columns: ['Name'], where: 'a b c' })), 'LOCAL_FAULT')
  await assert.rejects(machine.ask({ class: 'x; DROP', columns: ['Name'] }), TypeError)
  const call = (method: string, args = {}) =>
    code(machine.call({ namespace: 'root/default', class: 'StdRegProv', key: null, method, arguments: args }))
  assert.equal(await call('NoSuchMethod'), 'LOCAL_NOT_FOUND')
  assert.equal(await call('EnumKey', { sNoSuchParameter: 'x' }), 'LOCAL_NOT_FOUND')
  assert.equal(await call('EnumKey', { hDefKey: 'many' }), 'LOCAL_FAULT')
})

test('the event loop goes on while a provider works', async () => {
  const delay = monitorEventLoopDelay({ resolution: 2 })
  delay.enable()
  const start = performance.now()
  // Wine starts a service for it, and asks that one.
  const rows = await machine.ask({ class: 'Win32_Service', columns: ['Name', 'State', 'ProcessId'] })
  for (let i = 0; i < 5; i++) await machine.ask({ class: 'Win32_Service', columns: ['Name'] })
  const took = performance.now() - start
  delay.disable()
  const worst = delay.max / 1e6
  console.log(`        ${rows!.length} services, six times: ${took.toFixed(0)} ms; longest wait of the event loop ${worst.toFixed(1)} ms`)
  assert.ok(rows!.length > 5)
  assert.ok(took > 3 * worst, `${took} ms of questions held the event loop for ${worst} ms`)
})

test('3,000 questions take no memory', async () => {
  const empty = await privateBytes()
  const block = (await loadForeign()).arena(16 << 20)
  block.at(block.room(16 << 20)).fill(1)
  assert.ok((await privateBytes()) - empty > 12 << 20, 'the measure sees memory that is taken')
  block.free()
  const round = async (times: number) => {
    for (let i = 0; i < times; i++) {
      if (i % 10 === 0) await code(machine.ask({ class: 'Win32_Processor', columns: ['Name'], where: 'a b c' }))
      else if (i % 10 === 1)
        await machine.call({
          ...{ namespace: 'root/default', class: 'StdRegProv', key: null, method: 'EnumKey' },
          arguments: { hDefKey: -2_147_483_646, sSubKeyName: 'SOFTWARE' },
        })
      else if (i % 10 === 2) await machine.registry({ key: 'SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion' })
      else await machine.ask({ class: 'Win32_OperatingSystem', columns: ['Caption', 'Version', 'LocalDateTime', 'OperatingSystemSKU'] })
    }
  }
  await round(1000)
  const before = await privateBytes()
  const start = performance.now()
  await round(3000)
  const each = (performance.now() - start) / 3000
  const grown = (await privateBytes()) - before
  console.log(`        ${(grown / 1024).toFixed(0)} KiB more after 3,000 questions of ${each.toFixed(2)} ms`)
  assert.ok(grown < 4 << 20, `${grown} bytes more`)
})

const key = 'SOFTWARE\\slmctl-test'
const reg = (...args: string[]) => {
  const { status } = spawnSync('reg.exe', args, { stdio: 'ignore' })
  assert.equal(status, 0, args.join(' '))
}

test('the registry: written by reg.exe, read by advapi32 and by StdRegProv alike', async () => {
  const add = (name: string, type: string, data: string) => reg('add', `HKLM\\${key}`, '/v', name, '/t', type, '/d', data, '/f')
  add('Text', 'REG_SZ', 'kms1.corp.example')
  add('Umlaut', 'REG_SZ', 'Größe €')
  add('Empty', 'REG_SZ', '')
  add('Expanded', 'REG_EXPAND_SZ', '%SystemRoot%\\x')
  add('Number', 'REG_DWORD', '4294967295')
  add('Long', 'REG_QWORD', '9007199254740993')
  add('Short', 'REG_QWORD', '5')
  add('List', 'REG_MULTI_SZ', 'one\\0two')
  add('Bytes', 'REG_BINARY', '00ff10')
  add('None', 'REG_NONE', '')
  try {
    const values = (await machine.registry({ key }))!
    assert.deepEqual(values, {
      ...{ Text: 'kms1.corp.example', Umlaut: 'Größe €', Empty: '', Expanded: `${process.env.SystemRoot}\\x`, Number: 4_294_967_295 },
      ...{ Long: '9007199254740993', Short: 5, List: ['one', 'two'], Bytes: '00ff10' },
    })
    assert.deepEqual(await machine.registry({ key, values: ['TEXT', 'NotThere'] }), { Text: 'kms1.corp.example' })
    assert.equal(await machine.registry({ key: `${key}\\missing` }), null)
    const provider = async (method: string, name: string) => {
      const { returnValue, out } = await machine.call({
        ...{ namespace: 'root/default', class: 'StdRegProv', key: null, method },
        arguments: { hDefKey: -2_147_483_646, sSubKeyName: key, ...(name ? { sValueName: name } : {}) },
      })
      assert.equal(returnValue, 0)
      return out
    }
    assert.equal((await provider('GetStringValue', 'Text')).sValue, values.Text)
    assert.equal((await provider('GetStringValue', 'Umlaut')).sValue, values.Umlaut)
    const names = (await provider('EnumValues', '')).sNames as string[]
    assert.deepEqual([...names].sort(), [...Object.keys(values), 'None'].sort())
  } finally {
    reg('delete', `HKLM\\${key}`, '/f')
  }
})

test('closed and asked again, it works again', async () => {
  await machine.close()
  assert.equal((await machine.ask({ class: 'Win32_Processor', columns: ['Name'] }))!.length, 1)
})
