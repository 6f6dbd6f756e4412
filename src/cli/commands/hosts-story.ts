import { type Io, json } from '../io.ts'
import { appFor } from '../machines.ts'
import { showStory } from '../views/hosts-story.ts'
import { type Flags, hostsUsage, wholeNumber } from './hosts-flags.ts'

/** What happened between one machine and its KMS hosts, by the logs of both. */
export async function story(names: readonly string[], flags: Flags, io: Io): Promise<number> {
  if (names.length !== 1) throw hostsUsage('hosts story wants one machine.')
  const hours = wholeNumber(flags, 'hours', 720) ?? 24
  const app = await appFor(flags, io)
  try {
    const hosts = await app.kmsHosts([])
    const [machine] = app.machines([names[0]!])
    const told = await hosts.story(machine ?? names[0]!, hours)
    if (flags.json === true) io.out(json({ schema: 'slmctl.hosts-story/1', ...told }))
    else showStory(told, io)
    return told.outcome === 'accepted' ? 0 : told.outcome === 'cannot-tell' ? 2 : 1
  } finally {
    await app.close()
  }
}
