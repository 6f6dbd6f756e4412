import type { MachineCard } from '../../../src/schemas/fleet.ts'
import { day } from '../words.ts'

/** What is next for a machine: about its products as of when it answered, and about asking it. As `slmctl fleet show` says it. */
export function nextOf(m: MachineCard): readonly string[] {
  if (m.vanishedAt !== null) return [`No source lists it since ${day(m.vanishedAt)}. If it is gone, nothing is to be done.`]
  if (m.problem) return m.problem.next
  if (m.verdict === null) return [`Ask it: “Ask now”, or slmctl fleet scan --text ${m.name}`]
  if (m.next.length > 0) return m.next
  return [m.verdict === 'ok' ? 'Nothing is to be done.' : 'Ask it now, with all evidence.']
}
