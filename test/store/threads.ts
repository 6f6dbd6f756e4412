/** The store's suite once more, on SQLite, with long questions in threads: every answer is the same. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after } from 'node:test'
import { suite } from './suite.ts'

const folder = mkdtempSync(join(tmpdir(), 'slmctl-store-'))
after(() => rmSync(folder, { recursive: true }))
let places = 0

suite('SQLite in threads', {
  threads: 2,
  place: async () => ({ file: join(folder, `${places++}`, 'store.db') }),
  run: async (place, sql) => {
    const file = (place as { file: string }).file
    mkdirSync(join(file, '..'), { recursive: true })
    const database = new DatabaseSync(file)
    try {
      return database.prepare(sql).all() as Record<string, unknown>[]
    } finally {
      database.close()
    }
  },
})
