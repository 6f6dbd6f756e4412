import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs'

/**
 * The bytes of a file (0 is standard input), at most `most`. Throws the system's error, or one with the code EISDIR or EFBIG. A device
 * or a pipe has no size, and may never end: of it no more is read than is allowed.
 */
export function readWhole(file: string | 0, most: number): Buffer {
  const failed = (code: string, message: string) => Object.assign(new Error(message), { code })
  const tooLarge = () => failed('EFBIG', `it is larger than ${Math.floor(most / 1024 / 1024)} MB`)
  const fd = file === 0 ? 0 : openSync(file, 'r')
  try {
    if (file !== 0) {
      const stat = fstatSync(fd)
      if (stat.isDirectory()) throw failed('EISDIR', 'it is a folder')
      if (stat.size > most) throw tooLarge()
      if (stat.isFile() && stat.size > 0) return readFileSync(fd)
    }
    const chunks: Buffer[] = []
    for (let total = 0; ; ) {
      const chunk = Buffer.allocUnsafe(65_536)
      const read = readSome(fd, chunk)
      if (read === 0) return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
      total += read
      if (total > most) throw tooLarge()
      chunks.push(chunk.subarray(0, read))
    }
  } finally {
    if (file !== 0) closeSync(fd)
  }
}

/** What is there, waited for where a terminal or a pipe has nothing yet; 0 at the end, which Windows tells of a console by an error. */
function readSome(fd: number, into: Uint8Array): number {
  for (;;) {
    try {
      return readSync(fd, into, 0, into.length, null)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EOF') return 0
      if (code !== 'EAGAIN') throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5)
    }
  }
}
