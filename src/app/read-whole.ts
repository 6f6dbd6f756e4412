import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs'

/**
 * The bytes of a file, at most `most`. Throws the system's error, or one with the code EISDIR or EFBIG. A device or a pipe has no size,
 * and may never end: of it no more is read than is allowed.
 */
export function readWhole(file: string, most: number): Buffer {
  const failed = (code: string, message: string) => Object.assign(new Error(message), { code })
  const tooLarge = () => failed('EFBIG', `it is larger than ${Math.floor(most / 1024 / 1024)} MB`)
  const fd = openSync(file, 'r')
  try {
    const stat = fstatSync(fd)
    if (stat.isDirectory()) throw failed('EISDIR', 'it is a folder')
    if (stat.size > most) throw tooLarge()
    if (stat.isFile() && stat.size > 0) return readFileSync(fd)
    const chunks: Buffer[] = []
    for (let total = 0; ; ) {
      const chunk = Buffer.allocUnsafe(65_536)
      const read = readSync(fd, chunk, 0, chunk.length, null)
      if (read === 0) return Buffer.concat(chunks)
      total += read
      if (total > most) throw tooLarge()
      chunks.push(chunk.subarray(0, read))
    }
  } finally {
    closeSync(fd)
  }
}
