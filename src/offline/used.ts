/**
 * Which signed plans were begun here: each is kept, as it came, by its serial number, before anything is sent. It cannot be begun
 * again, and `apply --resume` finds in it what was sealed.
 */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ProblemError, problem } from '../model.ts'

const fileOf = (folder: string, serial: string) => join(folder, `${serial}.json`)

const usedBefore = (serial: string) =>
  new ProblemError(
    problem(
      'PLAN_USED',
      `The plan with the serial number ${serial.slice(0, 8)}… was begun here before; a signed plan is carried out once.`,
      ['If it was interrupted: slmctl apply --resume', 'Else make a new recording and a new plan.'],
    ),
  )

/** Throws PLAN_USED where the plan was begun before. */
export function refuseUsed(folder: string, serial: string): void {
  if (existsSync(fileOf(folder, serial))) throw usedBefore(serial)
}

/** Marks a plan as begun: of two at the same time, one gets through. What is returned takes it back, while nothing was sent. */
export function claim(folder: string, serial: string, bytes: Uint8Array): () => void {
  const file = fileOf(folder, serial)
  const failed = (error: unknown) =>
    new ProblemError(
      problem('JOURNAL_NOT_WRITTEN', `${file} could not be written: ${(error as NodeJS.ErrnoException).code}. Nothing was changed.`, [
        'SLMCTL_STATE names another folder.',
      ]),
    )
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw failed(error)
  }
  let fd: number
  try {
    fd = openSync(file, 'wx', 0o600)
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'EEXIST' ? usedBefore(serial) : failed(error)
  }
  const takeBack = () => rmSync(file, { force: true })
  try {
    writeFileSync(fd, bytes)
    fsyncSync(fd)
    return takeBack
  } catch (error) {
    takeBack()
    throw failed(error)
  } finally {
    closeSync(fd)
  }
}

/** A plan that was begun, as it came; null where it is not there any more. */
export function begun(folder: string, serial: string): Uint8Array | null {
  try {
    return readFileSync(fileOf(folder, serial))
  } catch {
    return null
  }
}
