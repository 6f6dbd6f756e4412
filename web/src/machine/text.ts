/** A machine as text, for a ticket or a mail: about what `slmctl fleet show` prints. */
import type { MachineCard } from '../../../src/schemas/fleet.ts'
import { channels, day, momentInZone, productTitle, states, verdicts, wordOf } from '../words.ts'
import { nextOf } from './next.ts'

export function machineText(m: MachineCard): string {
  const lines = [
    `${m.name}  ${m.verdict === null ? 'never answered' : verdicts[m.verdict]}  ${m.seenAt === null ? 'never seen' : `as of ${momentInZone(m.seenAt)}`}`,
    ...(m.headline ? [m.headline] : []),
    ...(m.problem ? [`could not be asked since ${day(m.problem.since)}: ${m.problem.summary} (${m.problem.code})`] : []),
    ...nextOf(m).map((n) => `→ ${n}`),
    '',
    ...[m.system && `system   ${m.system}`, m.address && `address  ${m.address}`].filter((l) => l !== null && l !== ''),
  ]
  for (const p of m.products.filter((one) => one.goneAt === null)) {
    lines.push(
      `- ${productTitle(p)}: ${wordOf(states, p.state)}${p.reason ? ` (${p.reason})` : ''}${p.expiresAt === null ? '' : `, until ${momentInZone(p.expiresAt)}`}${p.host ? `, by ${p.host}` : ''}`,
      `  ${wordOf(channels, p.channel)}${p.partialKey ? `, key …${p.partialKey}` : ''}; origin ${p.origin}: ${p.originBecause}`,
      ...(p.originHonest ? [`  an honest explanation: ${p.originHonest}`] : []),
      ...(p.cause && p.cause !== m.headline ? [`  ${p.cause}`] : []),
    )
  }
  lines.push('', location.href)
  return `${lines.join('\n')}\n`
}
