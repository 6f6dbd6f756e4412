/** The store's suite once more, on SQLite, with long questions in threads: every answer is the same. */
import { sqlite } from './sqlite-place.ts'
import { suite } from './suite.ts'

suite('SQLite in threads', { ...sqlite, threads: 2 })
