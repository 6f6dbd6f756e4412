import { storyHours } from '../../app.ts'
import { type Io, json } from '../io.ts'
import { appFor } from '../machines.ts'
import { showStory } from '../views/hosts-story.ts'
import { type Flags, hostsUsage, wholeNumber } from './hosts-flags.ts'

/** What happened between one machine and its KMS hosts, by the logs of both. */
export async function story(names: readonly string[], flags: Flags, io: Io): Promise<number> {
  if (names.length !== 1) throw hostsUsage('hosts story wants one machine.', 'slmctl hosts story pc-17.corp.example')
  const hours = wholeNumber(flags, 'hours', 720) ?? storyHours
  const app = await appFor(flags, io)
  try {
    const hosts = await app.kmsHosts([])
    const [machine, ...others] = app.machines(names)
    if (machine === undefined || others.length > 0)
      throw hostsUsage(`${names[0]} is a group; hosts story wants one machine.`, 'slmctl hosts story pc-17.corp.example')
    const told = await hosts.story(machine, hours)
    if (flags.json === true) io.out(json({ schema: 'slmctl.hosts-story/1', ...told }))
    else showStory(told, io)
    if (told.outcome === 'accepted') return 0
    return told.outcome === 'cannot-tell' || told.outcome === 'not-tried' ? 2 : 1
  } finally {
    await app.close()
  }
}
