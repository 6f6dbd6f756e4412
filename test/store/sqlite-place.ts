/** SQLite files in a folder that goes away with the tests, as the suite wants a store. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after } from 'node:test'
import type { suite } from './suite.ts'

export const folder = mkdtempSync(join(tmpdir(), 'slmctl-store-'))
after(() => rmSync(folder, { recursive: true }))
let places = 0

export const sqlite: Parameters<typeof suite>[1] = {
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
}
