/**
 * Runs in Windows' Node: how long WMI takes to answer the questions of a status, from connecting to the last row, in a process that has
 * its libraries loaded. Argument: a file with the questions; the time is appended to the file that is named second.
 */
import { appendFileSync, readFileSync } from 'node:fs'
import { computerName, openWmi, readRegistryKey, WmiError } from '../../../src/native.ts'

const [questions, result] = process.argv.slice(2) as [string, string]
const asked = JSON.parse(readFileSync(questions, 'utf8')) as { namespace: string; query: string }[]
// koffi is loaded with the first of these.
await computerName()
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
appendFileSync(result, `${performance.now() - begin}\n`)
process.exit(0)
