import { decode, goodPaste, looksBinary, type SourceText } from '../activation.ts'
import { readWhole } from '../files.ts'
import { type Problem, ProblemError, problem, type Site } from '../model.ts'

/** More than any honest paste: a folder of saved outputs is given as files, not as one. */
const limitBytes = 32 * 1024 * 1024

/** A file as text, or the Problem that keeps it from being one. */
export function readText(
  file: string,
): { readonly text: SourceText; readonly problem: null } | { readonly text: null; readonly problem: Problem } {
  const name = file === '-' ? 'standard input' : file
  const no = (code: string, summary: string, next: readonly string[]) => ({
    text: null,
    problem: problem(code, summary, next, { file: name }),
  })
  let bytes: Uint8Array
  try {
    bytes = readWhole(file === '-' ? 0 : file, limitBytes)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT')
      return no('FILE_MISSING', 'There is no such file.', ['Check the name and the folder; - in its place reads standard input.'])
    if (code === 'EISDIR')
      return no('FILE_IS_DIRECTORY', 'This is a directory, not a text.', [
        `Give the files in it: slmctl diagnose ${file.replace(/\/$/, '')}/*`,
      ])
    if (code === 'EACCES' || code === 'EPERM')
      return no('FILE_UNREADABLE', 'This user may not read it.', ['Ask for read permission, or copy the text.'])
    if (code === 'EFBIG')
      return no('FILE_TOO_LARGE', 'It is larger than 32 MB; nothing of it was read.', [
        'Cut out the part with the licensing output, or split the file.',
      ])
    return no('FILE_UNREADABLE', `It could not be read: ${message}.`, ['Copy it to a local folder and try again.'])
  }
  if (bytes.length === 0) return no('TEXT_EMPTY', 'It is empty.', goodPaste)
  const { text, encoding } = decode(bytes)
  if (looksBinary(text))
    return no('TEXT_BINARY', 'It is not a text; it holds binary data.', [
      'Save the output as text: slmgr /dlv in a console, then copy; or cscript //nologo slmgr.vbs /dlv > file.txt',
      ...goodPaste.slice(1, 2),
    ])
  if (text.trim() === '') return no('TEXT_EMPTY', 'It holds nothing but blanks.', goodPaste)
  return { text: { source: file, text, encoding }, problem: null }
}

/** The site file that `--site` names; null where none was asked for. Throws a ProblemError with all that is wrong with it. */
export async function loadSite(file: string | undefined): Promise<Site | null> {
  if (file === undefined) return null
  const read = readText(file)
  // What helps with a paste does not help with a site file.
  if (read.text === null)
    throw new ProblemError({
      ...read.problem,
      next: ['slmctl site init writes one to begin with.'],
    })
  const { readSite } = await import('../site.ts')
  const { site, problems } = readSite(file, read.text.text)
  if (problems.length > 0) throw new ProblemError(...problems)
  return site
}
