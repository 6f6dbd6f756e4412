import { diagnose, isRecording, type Judgement, type SourceText } from '../../activation.ts'
import type { Problem } from '../../model.ts'
import { readText } from '../files.ts'
import { type Io, json, showProblem } from '../io.ts'
import { appFor } from '../machines.ts'
import { showDiagnosis } from '../views/diagnosis.ts'

/** `diagnose` where recordings are among the files: their machines are judged as if they were asked now, by the time of the recording. */
export async function run(
  files: readonly string[],
  flags: Readonly<Record<string, string | boolean | undefined>>,
  io: Io,
): Promise<number> {
  const texts: SourceText[] = []
  const recordings: string[] = []
  const problems: Problem[] = []
  for (const file of files) {
    const { text, problem } = readText(file)
    if (!text) problems.push(problem)
    else if (isRecording(text.text)) recordings.push(file)
    else texts.push(text)
  }
  const app = await appFor({ ...flags, 'from-recording': recordings.join('\n') }, io)
  const judged: Judgement[] = []
  try {
    for await (const { name, result } of app.status(app.recorded ?? [])) {
      if (result.ok) judged.push({ ...result.value, machine: { ...result.value.machine, name: result.value.machine.name ?? name } })
      else problems.push(result.problem)
    }
  } finally {
    await app.close()
  }
  const answer = diagnose(texts, {
    site: app.site,
    readAt: new Date().toISOString(),
    problems,
    judged,
    recordings: recordings.map((file) => ({ file, kind: 'recording', lines: 0, encoding: 'utf-8' })),
  })
  io.support?.answer(answer)
  if (flags.json) io.out(json(answer))
  else if (answer.machines.length > 0) showDiagnosis(answer, io, { unread: flags.unread === true, lines: texts.length > 0 })
  for (const p of answer.problems) showProblem(p, io)
  if (answer.problems.length > 0) return 2
  return answer.machines.every((m) => m.verdict === 'ok') ? 0 : 1
}
