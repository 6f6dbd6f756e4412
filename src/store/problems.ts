/** What a database's refusal means to the person at the keyboard. Nobody above this file sees an error of SQLite or of pg. */
import { ProblemError, problem } from '../model.ts'

type Failure = {
  readonly code?: unknown
  readonly errcode?: unknown
  readonly syscall?: unknown
  readonly message?: string
  readonly errors?: readonly unknown[]
}

/** Primary result codes of SQLite (sqlite.org/rescode.html); `errcode` holds the extended code, whose low byte is the primary one. */
const sqlite = { busy: 5, locked: 6, readOnly: 8, input: 10, corrupt: 11, full: 13, cannotOpen: 14, notADatabase: 26 } as const

/** Codes of Node for a connection that is not there or went away. */
const away = /^(?:ECONN(?:REFUSED|RESET|ABORTED)|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENETDOWN|ENOTFOUND|EAI_AGAIN)$/
/** SQLSTATE classes 08 (connection), 57P01–57P05 (shut down, crashed, starting up, dropped, idle) and 53300 (too many connections). */
const awayState = /^(?:08\w{3}|57P0[1-5]|53300)$/
const awayText =
  /connection terminated|connection ended|timeout expired|timeout exceeded|client has encountered a connection error|not queryable/i

function primary(error: Failure): number | null {
  return error.code === 'ERR_SQLITE_ERROR' && typeof error.errcode === 'number' ? error.errcode & 0xff : null
}

/** True where another process holds the file at this moment: it was not done, and can be tried again. */
export function isBusy(error: unknown): boolean {
  const code = primary(error as Failure)
  return code === sqlite.busy || code === sqlite.locked
}

/** True where two transactions of PostgreSQL stood in each other's way and this one was undone: 40001, 40P01. */
export function isConflict(error: unknown): boolean {
  const { code } = error as Failure
  return code === '40001' || code === '40P01'
}

/** True where the database is not there now, and may be again in a while. */
export function isAway(error: unknown): boolean {
  if (error instanceof ProblemError) return error.problems[0]?.code === 'STORE_GONE'
  const { code, message, errors, syscall } = error as Failure
  // The socket of a server that does not run.
  if (code === 'ENOENT') return syscall === 'connect'
  if (primary(error as Failure) !== null) return false
  // Several addresses were tried: all of them have to be away.
  if (Array.isArray(errors) && errors.length > 0) return errors.every(isAway)
  return typeof code === 'string' ? away.test(code) || awayState.test(code) : awayText.test(message ?? '')
}

/** Turns what a database threw into a Problem; what is no refusal of a database is a mistake of ours and stays as it is. `where` names the store. */
export function asProblem(error: unknown, where: string): unknown {
  if (error instanceof ProblemError) return error
  const failure = error as Failure
  const say = (code: string, summary: string, ...next: string[]) => new ProblemError(problem(code, summary, next))
  const nothingLost = 'Nothing that was kept before is lost.'
  switch (primary(failure)) {
    case null:
      break
    case sqlite.busy:
    case sqlite.locked:
      return say('STORE_BUSY', `The store ${where} is held by another process.`, 'Wait for the other slmctl to end, then try again.')
    case sqlite.readOnly:
      return say(
        'STORE_READ_ONLY',
        `The store ${where} cannot be written.`,
        'Give yourself the right to write the file and its folder, or name another file.',
      )
    case sqlite.full:
      return full(where)
    case sqlite.corrupt:
      return say(
        'STORE_DAMAGED',
        `The store ${where} is damaged.`,
        'Keep a copy of the file as it is.',
        'slmctl fleet restore FILE brings back a backup; the damaged file is kept beside it.',
      )
    case sqlite.notADatabase:
      return foreign(where)
    case sqlite.cannotOpen:
      return say(
        'STORE_NOT_OPENED',
        `The store ${where} cannot be opened.`,
        'Its folder must exist and be yours to write: SQLite keeps two files beside it.',
      )
    case sqlite.input:
      return say('STORE_DISK', `The disk of the store ${where} failed or is full.`, `${nothingLost} Look at the disk, then try again.`)
    default:
      return error
  }
  const code = typeof failure.code === 'string' ? failure.code : ''
  if (isAway(error))
    return say(
      'STORE_GONE',
      `The database ${where} does not answer.`,
      `${nothingLost} Check that PostgreSQL runs and is reachable from here, then try again.`,
    )
  if (code === '53100') return full(where)
  if (code === '28P01' || code === '28000')
    return say('STORE_REFUSED', `The database ${where} refused the sign-in.`, 'Check the user, the password’s reference and pg_hba.conf.')
  if (code === '3D000') return say('STORE_NO_DATABASE', `There is no database ${where}.`, 'Create it first: createdb NAME.')
  if (code === '42501')
    return say('STORE_NO_RIGHT', `The user may not do this in the database ${where}.`, 'GRANT CREATE ON DATABASE … TO …; then try again.')
  if (code === '25006')
    return say('STORE_READ_ONLY', `The database ${where} cannot be written: it is a standby, or set read-only.`, 'Name the primary server.')
  if (code === '40001' || code === '40P01' || code === '55P03' || code === '57014')
    return say('STORE_BUSY', `The database ${where} was too busy for this.`, 'Try again.')
  if (/does not support SSL/i.test(failure.message ?? ''))
    return say(
      'STORE_NO_TLS',
      `The database ${where} offers no TLS.`,
      'Turn on ssl in postgresql.conf; ?sslmode=disable allows plain text, passwords and all.',
    )
  if (/^(?:ERR_TLS|CERT_|UNABLE_TO|SELF_SIGNED|DEPTH_ZERO)/.test(code))
    return say(
      'STORE_TLS',
      `The certificate of the database ${where} is not trusted (${code}).`,
      '?sslrootcert=FILE names the authority that signed it.',
    )
  if (/no password|password must be a string/i.test(failure.message ?? ''))
    return say(
      'STORE_REFUSED',
      `The database ${where} wants a password, and none is given.`,
      'PGPASSWORD, or the file ~/.pgpass (mode 0600), as for psql; never in the URL.',
    )
  return error
}

export const full = (where: string) =>
  new ProblemError(
    problem('STORE_FULL', `The disk of the store ${where} is full.`, [
      'Nothing that was kept before is lost. Free some space, then try again.',
    ]),
  )
export const foreign = (where: string) =>
  new ProblemError(
    problem('STORE_NOT_OURS', `${where} is no store of slmctl, and is left as it is.`, [
      'Name another file or database, or leave the option away.',
    ]),
  )
export const newer = (where: string, version: number, known: number) =>
  new ProblemError(
    problem('STORE_NEWER', `The store ${where} was written by a newer slmctl (version ${version}; this one knows ${known}).`, [
      'Update slmctl. Nothing was changed.',
    ]),
  )
