import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { ProblemError } from '../../../src/model.ts'
import { type Files, type Kind, type Library, loadFrom, placeOf, UnpackRefusal } from '../../../src/native/unpack.ts'

/**
 * The decisions of unpacking, over a file system in memory that can do what Wine cannot: links, a disk without room, another process
 * at any moment. What Windows itself does is run.ts.
 */
const bytes = Buffer.from('the library')
const library: Library = { bytes, sha256: createHash('sha256').update(bytes).digest('hex') }
const base = 'C:\\Program Files'
const place = placeOf(base, library)
const folder = place.slice(0, place.lastIndexOf('\\'))

type Thing = { readonly kind: Exclude<Kind, 'nothing'>; readonly bytes?: Buffer; readonly writers?: number }

function disk(things: Record<string, Thing> = {}, meanwhile: Partial<Record<keyof Files, () => void>> = {}) {
  const on = new Map(Object.entries({ [base]: { kind: 'folder' }, ...things } as Record<string, Thing>))
  const held = new Set<string>()
  const files: Files = {
    kind: (path) => on.get(path)?.kind ?? 'nothing',
    hold: (path) => {
      meanwhile.hold?.()
      const thing = on.get(path)
      if (!thing) return null
      if (thing.kind !== 'file') return 'no-file'
      if (thing.writers) {
        on.set(path, { ...thing, writers: thing.writers - 1 })
        return 'busy'
      }
      held.add(path)
      return { bytes: () => on.get(path)!.bytes!, letGo: () => held.delete(path) }
    },
    makeFolder: (path) => {
      meanwhile.makeFolder?.()
      on.set(path, on.get(path) ?? { kind: 'folder' })
    },
    writeBeside: (path, content) => {
      meanwhile.writeBeside?.()
      on.set(`${path}.new`, { kind: 'file', bytes: Buffer.from(content) })
      return `${path}.new`
    },
    name: (from, to) => {
      meanwhile.name?.()
      if (on.has(to)) return false
      on.set(to, on.get(from)!)
      on.delete(from)
      return true
    },
    remove: (path) => void on.delete(path),
    pause: () => meanwhile.pause?.(),
  }
  return { on, held, files }
}

const load = ({ files, held }: ReturnType<typeof disk>) => {
  const loaded: string[] = []
  const run = () =>
    loadFrom(base, library, files, (path) => {
      assert.ok(held.has(path), 'it is held while it is loaded')
      loaded.push(path)
    })
  return { loaded, run }
}

function refused(on: ReturnType<typeof disk>, code: string, what: RegExp) {
  const before = JSON.stringify([...on.on])
  const { loaded, run } = load(on)
  assert.throws(run, (error: unknown) => {
    assert.ok(error instanceof ProblemError && error instanceof UnpackRefusal)
    const [problem] = error.problems
    assert.equal(problem!.code, code)
    assert.match(problem!.summary, what)
    assert.ok(problem!.next.length > 0)
    return true
  })
  assert.deepEqual(loaded, [])
  assert.equal(on.held.size, 0)
  return { before, after: JSON.stringify([...on.on]) }
}

test('the first run writes it, the second takes what is there', () => {
  const there = disk()
  const first = load(there)
  first.run()
  assert.deepEqual(first.loaded, [place])
  assert.deepEqual([...there.on.keys()], [base, `${base}\\slmctl`, `${base}\\slmctl\\native`, folder, place])
  assert.equal(there.held.size, 0)
  const untouched = disk(Object.fromEntries(there.on), {
    writeBeside: () => assert.fail('nothing is written'),
  })
  const second = load(untouched)
  second.run()
  assert.deepEqual(second.loaded, [place])
})

const folders = { [`${base}\\slmctl`]: { kind: 'folder' }, [`${base}\\slmctl\\native`]: { kind: 'folder' } } as const

test('what was planted is refused, not loaded, not overwritten', () => {
  const right = { kind: 'file', bytes } as const
  for (const [things, what] of [
    [{ ...folders, [folder]: { kind: 'folder' }, [place]: { kind: 'file', bytes: Buffer.from('another') } }, /its content is another/],
    [{ ...folders, [folder]: { kind: 'folder' }, [place]: { kind: 'file', bytes: Buffer.alloc(0) } }, /its content is another/],
    [
      { ...folders, [folder]: { kind: 'folder' }, [place]: { kind: 'file', bytes: Buffer.concat([bytes, bytes]) } },
      /its content is another/,
    ],
    [{ ...folders, [folder]: { kind: 'folder' }, [place]: { kind: 'folder' } }, /no ordinary file/],
    [{ ...folders, [folder]: { kind: 'folder' }, [place]: { kind: 'leads-elsewhere' } }, /no ordinary file/],
    [{ ...folders, [folder]: { kind: 'leads-elsewhere' }, [place]: right }, /link to another place/],
    [
      { ...folders, [`${base}\\slmctl`]: { kind: 'leads-elsewhere' }, [folder]: { kind: 'folder' }, [place]: right },
      /link to another place/,
    ],
    // Nothing is written through a link, either.
    [{ [`${base}\\slmctl`]: { kind: 'leads-elsewhere' } }, /link to another place/],
    [{ ...folders, [folder]: { kind: 'file' } }, /no folder/],
    [{ ...folders, [folder]: { kind: 'folder' }, [place]: { ...right, writers: 1000 } }, /open for writing/],
  ] as const) {
    const { before, after } = refused(disk(things as Record<string, Thing>), 'NATIVE_TAMPERED', what)
    if (!/writ/.test(String(what))) assert.equal(after, before)
  }
})

test('a scanner that has it open for a moment is waited for', () => {
  const { loaded, run } = load(disk({ ...folders, [folder]: { kind: 'folder' }, [place]: { kind: 'file', bytes, writers: 3 } }))
  run()
  assert.deepEqual(loaded, [place])
})

test('another process may be quicker at any moment: its file is proved like any other', () => {
  for (const moment of ['makeFolder', 'writeBeside', 'name'] as const) {
    for (const content of [bytes, Buffer.from('planted')]) {
      const there = disk({}, { [moment]: () => there.on.set(folder, { kind: 'folder' }).set(place, { kind: 'file', bytes: content }) })
      const { loaded, run } = load(there)
      if (content === bytes) run()
      else refused(there, 'NATIVE_TAMPERED', /its content is another/)
      assert.deepEqual(loaded, content === bytes ? [place] : [])
      assert.equal(there.on.get(place)!.bytes, content)
      assert.ok(!there.on.has(`${place}.new`), 'nothing is left over')
    }
  }
})

test('a folder that cannot be written, and a file that vanishes, end with a Problem', () => {
  const full = () => {
    throw Object.assign(new Error('no space'), { code: 'ENOSPC' })
  }
  refused(disk({}, { writeBeside: full }), 'NATIVE_NOT_UNPACKED', /ENOSPC/)
  refused(disk({}, { makeFolder: full }), 'NATIVE_NOT_UNPACKED', /ENOSPC/)
  const there = disk({}, { hold: () => there.on.delete(place) })
  refused(there, 'NATIVE_NOT_UNPACKED', /gone as soon/)
})
