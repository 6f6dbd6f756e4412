/** Runs in Windows' Node: what is alive after many questions, also after those that fail or are given up. Prints one line of JSON. */
import koffi from 'koffi'
import { openLocal } from '../../../src/windows.ts'

const machine = openLocal('probe', { questionMs: 1500 })
const products = { class: 'SoftwareLicensingProduct', columns: ['ID', 'Name', 'LicenseStatus', 'EvaluationEndDate'] }

async function alive(): Promise<readonly [objects: number, blocks: number]> {
  const [row] = (await machine.ask({ class: 'FixtureCounters', columns: ['Objects', 'Blocks'] }))!
  return [Number(row!.Objects), Number(row!.Blocks)]
}

const ask = async (times: number, c: string, columns: readonly string[]) => {
  let failed = 0
  for (let i = 0; i < times; i++) await machine.ask({ class: c, columns }).catch(() => failed++)
  return failed
}

await ask(3, products.class, products.columns)
const first = await alive()
const failed = [
  await ask(300, products.class, products.columns),
  await ask(10, 'Win32_SystemEnclosure', ['Tag', 'ChassisTypes']),
  // The fixture lets these fail in the middle of their rows, and hang.
  await ask(20, 'Win32_QuickFixEngineering', ['HotFixID']),
  await ask(1, 'Win32_BIOS', ['Version']),
]
const last = await alive()
// What is forgotten on purpose is seen.
koffi.load('oleaut32.dll').func('void *SysAllocString(str16 text)')('forgotten')
const forgotten = await alive()
await machine.close()
const again = openLocal('probe')
const [closed] = (await again.ask({ class: 'FixtureCounters', columns: ['Objects'] }))!
console.log(JSON.stringify({ first, failed, last, forgotten, closed: Number(closed!.Objects) }))
process.exit(0)
