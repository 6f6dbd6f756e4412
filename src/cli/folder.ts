import { existsSync, lstatSync, mkdirSync, mkdtempSync, renameSync, rmSync, type Stats, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { ProblemError, problem } from '../model.ts'

/** A file below a folder: its path with slashes, and its text. */
type Text = { readonly path: string; readonly text: string }

/**
 * Writes all the files below a folder, or none: beside the folder first, then renamed into it; where one cannot be, what was done is
 * undone. A file that is there stays, unless `force`. Nothing is written through a symbolic link.
 */
export function writeAll(folder: string, files: readonly Text[], force: boolean): void {
  const root = resolve(folder)
  let aside: string | null = null
  try {
    for (const place of new Set(files.flatMap((f) => places(root, f.path)))) mustBeFolder(place)
    const there = files.filter((f) => entryAt(join(root, f.path)) !== null)
    if (there.length > 0 && !force)
      throw new ProblemError(
        problem('FILE_EXISTS', `${folder} has ${there.map((f) => f.path).join(', ')} already; nothing was written.`, [
          'Take another folder, or write over them: --force',
        ]),
      )
    mkdirSync(dirname(root), { recursive: true })
    aside = mkdtempSync(join(dirname(root), '.slmctl-'))
    const made = join(aside, 'new')
    mkdirSync(made)
    for (const { path, text } of files) {
      mkdirSync(dirname(join(made, path)), { recursive: true })
      writeFileSync(join(made, path), text, { flag: 'wx' })
    }
    if (existsSync(root)) moveInto(root, files, made, join(aside, 'old'))
    else renameSync(made, root)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    throw new ProblemError(
      problem('OUT_UNWRITABLE', `${folder} could not be written (${code}); nothing in it was changed.`, [
        'Take a folder that you may write to, on a disk with room.',
      ]),
    )
  } finally {
    if (aside !== null) rmSync(aside, { recursive: true, force: true })
  }
}

/** The folders from the root down to a file. */
function places(root: string, path: string): string[] {
  const parts = path.split('/').slice(0, -1)
  return [root, ...parts.map((_, i) => join(root, ...parts.slice(0, i + 1)))]
}

function entryAt(path: string): Stats | null {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) ?? null
  } catch (error) {
    // Below a file there is nothing; making the folder says so.
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return null
    throw error
  }
}

function mustBeFolder(path: string): void {
  const entry = entryAt(path)
  if (entry === null || entry.isDirectory()) return
  throw new ProblemError(
    problem('OUT_UNWRITABLE', `${path} is ${entry.isSymbolicLink() ? 'a symbolic link' : 'no folder'}; nothing was written.`, [
      'Take another folder: --out DIR',
    ]),
  )
}

function moveInto(root: string, files: readonly Text[], made: string, old: string): void {
  const undo: (() => void)[] = []
  try {
    for (const { path } of files) {
      const to = join(root, path)
      const first = mkdirSync(dirname(to), { recursive: true })
      if (first !== undefined) undo.push(() => rmSync(first, { recursive: true, force: true }))
      const entry = entryAt(to)
      if (entry?.isDirectory()) throw Object.assign(new Error('a folder has the name of a file'), { code: 'EISDIR' })
      if (entry !== null) {
        const kept = join(old, path)
        mkdirSync(dirname(kept), { recursive: true })
        renameSync(to, kept)
        undo.push(() => renameSync(kept, to))
      }
      renameSync(join(made, path), to)
      undo.push(() => rmSync(to, { force: true }))
    }
  } catch (error) {
    for (const step of undo.reverse()) step()
    throw error
  }
}
