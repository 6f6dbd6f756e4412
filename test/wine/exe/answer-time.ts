/**
 * Runs in Windows' Node: how long a process that does nothing else takes to load koffi, and then WMI to answer the questions of a
 * status, from starting COM to the last row, one after another as status asks them. Registry reads (half a millisecond in all) are in
 * neither. Argument: a file with the questions; both times in milliseconds are appended to the file that is named second, as JSON.
 */
import { appendFileSync, readFileSync } from 'node:fs'
import { computerName, openWmi, readRegistryKey, WmiError } from '../../../src/native.ts'

const [questions, result] = process.argv.slice(2) as [string, string]
const asked = JSON.parse(readFileSync(questions, 'utf8')) as { namespace: string; query: string }[]
const loads = performance.now()
await computerName()
const koffi = performance.now() - loads
// What the first look into the registry loads is none of WMI's.
await readRegistryKey('SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion', ['CurrentBuild'])
const begin = performance.now()
const wmi = await openWmi()
for (const { namespace, query } of asked) {
  try {
    await wmi.query(namespace, query, { rows: 1000, bytes: 1 << 24, limitMs: 30_000 })
  } catch (error) {
    // That a class or a property is not there is an answer.
    if (!(error instanceof WmiError)) throw error
  }
}
appendFileSync(result, `${JSON.stringify({ koffi, wmi: performance.now() - begin })}\n`)
process.exit(0)
