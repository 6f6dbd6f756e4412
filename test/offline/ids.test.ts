import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { csvLine, readCsv } from '../../src/offline/csv.ts'
import { digitsOf, grouped } from '../../src/offline/ids.ts'
import { readTelephoneFile, type TelephoneRow, telephoneFile } from '../../src/offline.ts'

const row: TelephoneRow = {
  machine: 'pc-1.corp.example',
  product: 'Windows(R), Professional edition',
  activationId: '9e4b231b-3e45-41f4-967f-c914f178b6ac',
  partialKey: '8YMKD',
  installationId: '1234567'.repeat(9),
  confirmationId: '123456'.repeat(8),
}
const read = (text: string) => readTelephoneFile('ids.csv', text)

test('what was written is read, whatever the cells hold', () => {
  const cell = fc.string({ unit: 'binary' }).map((s) => s.replaceAll('\r', '').trim())
  fc.assert(
    fc.property(fc.array(cell, { minLength: 2, maxLength: 6 }), (cells) => {
      // What a spreadsheet takes for a formula is written as text, and read as it was.
      const rows = readCsv(csvLine(['a', 'b', 'c', 'd', 'e', 'f']) + csvLine(cells))
      assert.deepEqual(rows?.[1]?.cells ?? cells.map(() => ''), cells)
    }),
  )
  assert.equal(csvLine(['=HYPERLINK("x")']), `"'=HYPERLINK(""x"")"\r\n`)
  assert.equal(readCsv('a,"b\nc'), null)
})

test('the file comes back from a spreadsheet: separators, quotes, blanks, dashes, order of columns', () => {
  const file = telephoneFile([row])
  assert.deepEqual(read(file).rows, [row])
  const [head, line] = file.slice(1).trim().split('\r\n') as [string, string]
  const cells = readCsv(`${head}\n${line}`)![1]!.cells
  for (const separator of [';', '\t', ',']) {
    const told = [
      cells[0],
      `"${cells[1]}"`,
      cells[2]!.toUpperCase(),
      cells[3],
      ` ${cells[4]!.replaceAll('-', ' ')} `,
      row.confirmationId.match(/.{6}/g)!.join(' – '),
    ]
    const order = [5, 2, 0, 4, 1, 3]
    const text = [order.map((i) => head.split(',')[i]!.toUpperCase()), order.map((i) => told[i])].map((r) => r.join(separator)).join('\n')
    assert.deepEqual(read(text).rows, [row], separator)
  }
})

test('what cannot be right is a Problem with its line, and one of them spoils the file', () => {
  const one = (change: Partial<TelephoneRow>) => telephoneFile([row, { ...row, machine: 'pc-2.corp.example', ...change }])
  const problems = (text: string) => read(text).problems.map((p) => `${p.code}:${p.line}`)
  assert.deepEqual(problems(one({})), [])
  for (const confirmationId of ['12345', '1'.repeat(49), '1'.repeat(54), '12a456', '1.23456E+47', '-'])
    assert.ok(
      confirmationId === '-' ? read(one({ confirmationId })).empty === 1 : problems(one({ confirmationId })).join() === 'IDS_INVALID:3',
      confirmationId,
    )
  assert.deepEqual(problems(one({ machine: row.machine })), ['IDS_INVALID:3'])
  assert.deepEqual(problems(one({ activationId: 'x' })), ['IDS_INVALID:3'])
  assert.deepEqual(read(one({ confirmationId: '' })).empty, 1)
  for (const text of ['', 'hello', 'machine;product', '"']) assert.equal(read(text).problems.length, 1, text)
})

test('digits in groups, and back', () => {
  assert.equal(grouped('1234567'.repeat(9)).split('-').length, 9)
  assert.equal(grouped('123456'.repeat(9)).split('-').length, 9)
  fc.assert(fc.property(fc.stringMatching(/^\d{0,70}$/), (digits) => digitsOf(grouped(digits)) === digits))
  assert.equal(digitsOf('12 34\u00a056–78'), '12345678')
  assert.equal(digitsOf('１２'), null)
})
