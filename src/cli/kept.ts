import { closeSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { ProblemError, problem } from '../model.ts'

/** A file that a command keeps something in; it is made before anything is asked, so that no answer is lost for its sake. */
export type Kept = {
  readonly file: string
  readonly write: (text: string) => void
  readonly end: () => void
  /** Half of it is none. */
  readonly drop: () => void
}

/** A new file, readable by its owner only; an existing one is not overwritten. `flag` is what named it. */
export function openNew(file: string, flag: string): Kept {
  const failed = (error: unknown) => {
    const exists = (error as NodeJS.ErrnoException).code === 'EEXIST'
    return new ProblemError(
      problem(
        'FILE_NOT_WRITTEN',
        exists
          ? `${file} is there already; slmctl does not overwrite it.`
          : `${file} could not be written: ${(error as NodeJS.ErrnoException).code === 'ENOENT' ? 'its folder does not exist' : (error as Error).message}.`,
        [`Give another name to ${flag}.`],
      ),
    )
  }
  let fd: number
  try {
    fd = openSync(file, 'wx', 0o600)
  } catch (error) {
    throw failed(error)
  }
  return {
    file,
    write: (text) => {
      try {
        writeFileSync(fd, text)
      } catch (error) {
        throw failed(error)
      }
    },
    end: () => closeSync(fd),
    drop: () => {
      closeSync(fd)
      rmSync(file, { force: true })
    },
  }
}
