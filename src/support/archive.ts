import { closeSync, openSync, rmSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { strToU8, zipSync } from 'fflate'
import type { File } from './parts.ts'

export type Listed = { readonly file: string; readonly about: string; readonly bytes: number }
export type Written =
  | { readonly ok: true; readonly to: string; readonly bytes: number; readonly files: readonly Listed[] }
  | { readonly ok: false; readonly to: string; readonly why: string }

/** Where the archive goes: the file that was named, or a name of its own in the folder that was named, or here. */
function placeOf(to: string | null, now: Date): string {
  const name = `slmctl-debug-${now.toISOString().slice(0, 19).replace(/[-:]/g, '')}Z.zip`
  if (to === null) return name
  try {
    return statSync(to).isDirectory() ? join(to, name) : to
  } catch {
    return to
  }
}

/** Writes the archive with the list of what is inside; never over another file, readable by its owner only. Failures are a value. */
export function writeArchive(files: readonly File[], { to, now, head }: { to: string | null; now: Date; head: string }): Written {
  const bytes = files.map((f) => ({ ...f, content: strToU8(f.text) }))
  const listed = bytes.map(({ file, about, content }) => ({ file, about, bytes: content.length }))
  const place = placeOf(to, now)
  const contents = strToU8(contentsOf(listed, head))
  const zip = zipSync(Object.fromEntries([['CONTENTS.txt', contents], ...bytes.map(({ file, content }) => [file, content])]), {
    level: 6,
    mtime: now,
  })
  // Two runs of the same second stand beside each other; a name that somebody chose is taken as it is.
  for (let n = 1; ; n++) {
    const file = n === 1 ? place : place.replace(/\.zip$/, `-${n}.zip`)
    let fd: number
    try {
      fd = openSync(file, 'wx', 0o600)
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      if (code === 'EEXIST' && place !== to && n < 100) continue
      return { ok: false, to: file, why: code === 'EEXIST' ? 'there is such a file already' : (code ?? message) }
    }
    try {
      for (let done = 0; done < zip.length; ) done += writeSync(fd, zip, done)
      return {
        ok: true,
        to: file,
        bytes: zip.length,
        files: [{ file: 'CONTENTS.txt', about: 'This list.', bytes: contents.length }, ...listed],
      }
    } catch (error) {
      rmSync(file, { force: true })
      return { ok: false, to: file, why: (error as NodeJS.ErrnoException).code ?? (error as Error).message }
    } finally {
      closeSync(fd)
    }
  }
}

/** The list of what is inside, for people: 80 columns. */
function contentsOf(files: readonly Listed[], head: string): string {
  const lines = files.flatMap(({ file, about, bytes }) => [`${file.padEnd(20)} ${String(bytes).padStart(10)} bytes`, ...broken(about)])
  return `${head}\n\n${lines.join('\n')}\n`
}

function broken(text: string): string[] {
  const lines: string[] = ['   ']
  for (const word of text.split(' ')) {
    if (lines.at(-1)!.length + word.length + 1 > 78) lines.push('   ')
    lines[lines.length - 1] += ` ${word}`
  }
  return lines
}
