import { closeSync, fsyncSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { ProblemError, problem } from '../model.ts'
import { NativeError, writeOwnFile } from '../native.ts'

/**
 * Writes a new file that only its owner may read (and, on Windows, the system), as `readSecret` wants it; whoever gives the bytes wipes
 * them. One that is there is left alone. Throws a ProblemError (FILE_NOT_WRITTEN).
 */
export async function writeSecretFile(path: string, bytes: Uint8Array): Promise<void> {
  if (process.platform !== 'win32') return byMode(path, bytes)
  try {
    if (!(await writeOwnFile(path, bytes))) throw isThere(path)
  } catch (error) {
    throw error instanceof NativeError && !(error instanceof ProblemError) ? no(error.message) : error
  }
}

function byMode(path: string, bytes: Uint8Array): void {
  let fd: number
  try {
    fd = openSync(path, 'wx', 0o600)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw code === 'EEXIST'
      ? isThere(path)
      : no(`${path} could not be written: ${code === 'ENOENT' ? 'its folder does not exist' : message}.`)
  }
  try {
    writeFileSync(fd, bytes)
    fsyncSync(fd)
  } catch (error) {
    rmSync(path, { force: true })
    throw no(`${path} could not be written: ${(error as Error).message}.`)
  } finally {
    closeSync(fd)
  }
}

const isThere = (path: string) => no(`${path} is there already; a secret does not overwrite a file.`)
const no = (summary: string) => new ProblemError(problem('FILE_NOT_WRITTEN', summary, ['Give another name.']))
