import { diagnose, isRecording, type SourceText } from '../../activation.ts'
import type { Problem } from '../../model.ts'
import { loadSite, readText } from '../files.ts'
import { type Io, json, showProblem } from '../io.ts'
import { loadRecorded } from '../recorded.ts'
import { showDiagnosis } from '../views/diagnosis.ts'

export async function run(
  words: readonly string[],
  flags: Readonly<Record<string, string | boolean | undefined>>,
  io: Io,
): Promise<number> {
  const site = await loadSite(flags.site as string | undefined)
  const files = words.length > 0 ? words : ['-']
  if (files[0] === '-' && process.stdin.isTTY) io.err('slmctl: paste the text, then press Ctrl+D (Windows: Ctrl+Z and Enter).\n')
  const texts: SourceText[] = []
  const problems: Problem[] = []
  for (const file of files) {
    const read = readText(file)
    if (read.text) {
      texts.push(read.text)
      io.support?.text(read.text)
    } else problems.push(read.problem)
  }
  // What a recording needs to be read (the rooms of machines) is loaded for it only.
  if (texts.some((t) => isRecording(t.text))) return await (await loadRecorded()).run(files, flags, io)
  const answer = diagnose(texts, { site, readAt: new Date().toISOString(), problems })
  io.support?.answer(answer)
  if (flags.json) io.out(json(answer))
  else if (answer.machines.length > 0) showDiagnosis(answer, io, { unread: flags.unread === true, lines: true })
  for (const p of answer.problems) showProblem(p, io)
  if (answer.problems.length > 0) return 2
  return answer.machines.every((m) => m.verdict === 'ok') ? 0 : 1
}
