import { type Asked, decode } from '../../activation.ts'
import { canonicalHost } from '../../addresses.ts'
import type { App } from '../../app.ts'
import { readWhole } from '../../files.ts'
import { type Problem, ProblemError, problem } from '../../model.ts'
import { makeSigner, readTelephoneFile, type TelephoneRow, telephoneFile } from '../../offline.ts'
import { type Io, json, note, showProblem, wrap } from '../io.ts'
import { openNew } from '../kept.ts'
import { appFor, machinesMeant, progress } from '../machines.ts'
import { passphraseIn } from '../signing.ts'
import { carryOut } from './apply.ts'

type Flags = Readonly<Record<string, string | boolean | undefined>>

const usage = (summary: string, ...next: string[]) => new ProblemError(problem('USAGE', summary, next))

export async function run(words: readonly string[], flags: Flags, io: Io): Promise<number> {
  const [what, ...rest] = words
  if (what === 'signer') return await signer(rest, flags, io)
  if (what === 'ids') return await ids(rest, flags, io)
  if (what === 'confirm') return await confirm(rest, flags, io)
  throw usage(
    what === undefined ? 'offline wants to know what to do: signer, ids or confirm.' : 'offline knows signer, ids and confirm.',
    'slmctl offline signer signer.key',
    'slmctl offline ids --all --out ids.csv',
    'slmctl offline confirm ids.csv',
  )
}

/** Makes the key that signs plans, and says what belongs in the site files of the machines. */
async function signer(words: readonly string[], flags: Flags, io: Io): Promise<number> {
  const [file, more] = words
  if (file === undefined || more !== undefined)
    throw usage('offline signer wants one file for the key.', 'slmctl offline signer signer.key')
  const publicKey = await makeSigner(file, passphraseIn(flags))
  if (flags.json) io.out(json({ schema: 'slmctl.signer/1', file, publicKey }))
  else {
    io.out(wrap(`The signing key is in ${file}; whoever has it can plan for your machines.`, io.columns))
    io.out('Its public part belongs in the site file of every machine:\n\n')
    io.out(`plans:\n  signers:\n    - ${publicKey}\n`)
    if (process.platform === 'win32') io.out('\nKeep the file in a folder that only you may open.\n')
  }
  return 0
}

/** Installation IDs of what may be activated by telephone, as a file to be filled in. */
async function ids(words: readonly string[], flags: Flags, io: Io): Promise<number> {
  const out = flags.out as string | undefined
  if (out === undefined) throw usage('offline ids wants a file: --out FILE.csv.', 'slmctl offline ids pc-17 --out ids.csv')
  const app = await appFor(flags, io, words)
  const rows: TelephoneRow[] = []
  const problems: Problem[] = []
  let machines = 0
  try {
    const names = machinesMeant(app, words, flags, 'offline ids')
    const hidden = app.namesHidden(names)
    if (hidden) throw new ProblemError(hidden)
    const bar = progress(names.length, io)
    for await (const { result } of app.telephone(names)) {
      machines++
      if (result.ok) rows.push(...result.value)
      else problems.push(result.problem)
      bar.step(!result.ok)
    }
    bar.end()
  } finally {
    await app.close()
  }
  if (rows.length > 0) {
    const kept = openNew(out, '--out')
    kept.write(telephoneFile(rows))
    kept.end()
  }
  if (flags.json) io.out(json({ schema: 'slmctl.telephone/1', file: rows.length > 0 ? out : null, rows, problems }))
  else {
    for (const p of problems) showProblem(p, io)
    if (rows.length === 0 && problems.length < machines)
      io.out(
        wrap(
          `No product on ${machines - problems.length} ${machines - problems.length === 1 ? 'machine' : 'machines'} wants activation by telephone: no MAK and no KMS host key that is not licensed.`,
          io.columns,
        ),
      )
    else if (rows.length > 0) {
      io.out(wrap(`${rows.length} installation ${rows.length === 1 ? 'ID is' : 'IDs are'} in ${out}.`, io.columns))
      io.out(
        wrap(
          'Get a confirmation ID for each from Microsoft (by telephone, or its self-service for mobile phones), and put it into the last column.',
          io.columns,
        ),
      )
      io.out(`\nNext:  slmctl offline confirm ${out}\n`)
    }
  }
  return problems.length > 0 ? 2 : 0
}

/** Confirmation IDs from the file to the machines, each as a step of an ordinary plan. */
async function confirm(words: readonly string[], flags: Flags, io: Io): Promise<number> {
  const [file, ...machines] = words
  if (file === undefined) throw usage('offline confirm wants the file with the confirmation IDs.', 'slmctl offline confirm ids.csv')
  const { rows, empty, problems } = readTelephoneFile(file, textOf(file))
  if (problems.length > 0) throw new ProblemError(...problems)
  const app = await appFor(flags, io)
  const wanted = chosen(app, machines, flags.all === true)
  const mine = rows.filter((row) => wanted.has(canonicalHost(row.machine)))
  const others = rows.length - mine.length
  const leftOut = [
    ...(empty > 0 ? [`${empty} without a confirmation ID yet`] : []),
    ...(others > 0 ? [`${others} about other machines`] : []),
  ].join(', ')
  if (!flags.json && leftOut !== '') note(`${mine.length} of ${rows.length + empty} rows are used; ${leftOut}.`, io)
  const asked: Asked[] = mine.map(({ machine, activationId: product, installationId, confirmationId }) => ({
    change: 'confirmation',
    machine,
    product,
    installationId,
    confirmationId,
  }))
  // Each machine as it is written in the file: its rows are found by that name.
  const names = [...new Map(mine.map((row) => [canonicalHost(row.machine), row.machine])).values()]
  if (names.length === 0) {
    await app.close()
    throw new ProblemError(
      problem(
        'IDS_INVALID',
        'No row of the file has a confirmation ID for a machine that is meant.',
        [
          ...(empty > 0 || rows.length === 0 ? ['Fill in the last column.'] : []),
          ...(others > 0 ? [`A machine that the site file does not list is named: slmctl offline confirm ${file} MACHINE`] : []),
        ],
        { file },
      ),
    )
  }
  return await carryOut(app, names, { renew: false, asked }, flags, io)
}

/**
 * The machines that are meant, by their canonical names: those that are named; else this computer alone, where it is one; else those
 * of the site file. A file that others had in their hands does not decide to whom slmctl shows its credentials.
 */
function chosen(app: App, machines: readonly string[], all: boolean): ReadonlySet<string> {
  if (machines.length > 0) return new Set(app.machines(machines).map(canonicalHost))
  return new Set((app.here && !all ? [app.here] : app.everyMachine()).map(canonicalHost))
}

function textOf(file: string): string {
  try {
    return decode(readWhole(file, 32 * 1024 * 1024)).text
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new ProblemError(
      problem(
        'IDS_INVALID',
        code === 'ENOENT' ? 'There is no such file.' : `The file cannot be read: ${code ?? message}.`,
        ['slmctl offline ids MACHINE --out FILE.csv makes one.'],
        {
          file,
        },
      ),
    )
  }
}
