/**
 * In the single file koffi's binary is an asset, and Windows loads libraries from files only: it is put into a folder that is named
 * after its content, and loaded from there. What is loaded is proved first: the file is held open so that nobody can write, replace or
 * move it, no part of the way to it leads elsewhere, and its bytes are those of the asset. What is something else was put there by
 * somebody else: it is neither loaded nor overwritten.
 */
import { NativeError } from './error.ts'

/** What is at a path, itself and not what it leads to. */
export type Kind = 'nothing' | 'folder' | 'file' | 'leads-elsewhere'

/** A file that is open and that nobody can write, replace or move until it is let go. */
export type Held = { readonly bytes: () => Buffer; readonly letGo: () => void }

/** What unpacking needs of the system; windows-files.ts is the real one. */
export type Files = {
  readonly kind: (path: string) => Kind
  /** Null: nothing is there. `busy`: another process has it open for writing; `no-file`: it is no file. */
  readonly hold: (path: string) => Held | 'busy' | 'no-file' | null
  /** Makes a folder; one that is there already is left as it is. */
  readonly makeFolder: (path: string) => void
  /** Writes a new file beside the path, flushed to the disk, and gives its name. */
  readonly writeBeside: (path: string, bytes: Uint8Array) => string
  /** Gives a file its name; false where the name is taken, and then nothing changes. */
  readonly name: (from: string, to: string) => boolean
  readonly remove: (path: string) => void
  readonly pause: (milliseconds: number) => void
}

/**
 * A refusal that people see as it is: it has the mark of a Problem (model.ts), and is a NativeError so that those who call foreign
 * functions hand it on.
 */
export class UnpackRefusal extends NativeError {
  readonly problems: readonly { code: string; summary: string; next: readonly string[]; file: string; line: null; column: null }[]
  constructor(code: 'NATIVE_TAMPERED' | 'NATIVE_NOT_UNPACKED', file: string, summary: string, next: readonly string[]) {
    super('refused', `${summary} ${next.join(' ')}`)
    this.problems = [{ code, summary, next, file, line: null, column: null }]
    Object.defineProperty(this, Symbol.for('slmctl.ProblemError'), { value: true })
  }
}

const tampered = (path: string, what: string) =>
  new UnpackRefusal('NATIVE_TAMPERED', path, `what slmctl keeps here is not what it put here: ${what}; it was not loaded`, [
    'slmctl did not put this there: find out who did, or ask your security people.',
    'Then remove it; the next run writes the right file. Nothing was changed.',
  ])
const notUnpacked = (path: string, why: string) =>
  new UnpackRefusal('NATIVE_NOT_UNPACKED', path, `slmctl cannot put its library here: ${why}`, [
    'slmctl needs this file to talk to Windows; the folder must be writable for you, and the disk must have room (2 MB).',
    'A rule of application control may say who writes there: run slmctl once as an administrator, and it is kept below Program Files.',
  ])

const parts = ['slmctl', 'native'] as const
const fileName = 'koffi.node'
/** A virus scanner reads what is new, and may keep it open for a moment. */
const patience = 20
const pauseMs = 50

export type Library = {
  readonly bytes: Buffer
  /** SHA-256 of the bytes, in hexadecimal: the name of its folder. */
  readonly sha256: string
}

/** Where it is kept below a folder of the system. */
export const placeOf = (base: string, { sha256 }: Library): string => [base, ...parts, sha256, fileName].join('\\')

/** Whether it was unpacked below this folder before; says nothing about what is there. */
export const isThere = (base: string, library: Library, files: Files): boolean => files.kind(placeOf(base, library)) !== 'nothing'

/**
 * Puts the library below the folder where it is not there yet, holds it, proves it, and calls `load` while it is held. Several
 * processes may do so at the same time: the first to name its file wins, the others take that one.
 */
export function loadFrom<T>(base: string, library: Library, files: Files, load: (path: string) => T): T {
  const path = placeOf(base, library)
  const held = holdAt(base, library, files, path)
  try {
    for (const folder of folders(base, library)) refuseUnlessFolder(folder, files)
    if (!held.bytes().equals(library.bytes)) throw tampered(path, 'its content is another one')
    return load(path)
  } finally {
    held.letGo()
  }
}

/** The folders from the one of the system down to the file. */
const folders = (base: string, { sha256 }: Library): string[] =>
  [...parts, sha256].map((_, i, all) => [base, ...all.slice(0, i + 1)].join('\\'))

function refuseUnlessFolder(folder: string, files: Files): void {
  const kind = files.kind(folder)
  if (kind === 'leads-elsewhere') throw tampered(folder, 'it is a link to another place')
  if (kind !== 'folder') throw tampered(folder, 'it is no folder')
}

function holdAt(base: string, library: Library, files: Files, path: string): Held {
  let last = 'it is gone as soon as it is written'
  for (let attempt = 0; attempt < patience; attempt++) {
    const held = files.hold(path)
    if (held === 'no-file') throw tampered(path, 'it is no ordinary file')
    if (held !== null && held !== 'busy') return held
    if (held === null) {
      write(base, library, files, path)
      continue
    }
    last = 'another program has it open for writing'
    files.pause(pauseMs)
  }
  throw last.startsWith('another') ? tampered(path, last) : notUnpacked(path, last)
}

function write(base: string, library: Library, files: Files, path: string): void {
  let beside: string | null = null
  try {
    for (const folder of folders(base, library)) {
      if (files.kind(folder) === 'nothing') files.makeFolder(folder)
      refuseUnlessFolder(folder, files)
    }
    beside = files.writeBeside(path, library.bytes)
    // Another process was quicker: its file is looked at like any other.
    if (files.name(beside, path)) beside = null
  } catch (error) {
    if (error instanceof NativeError) throw error
    throw notUnpacked(path, (error as NodeJS.ErrnoException).code ?? String(error))
  } finally {
    if (beside !== null) files.remove(beside)
  }
}
