/** The words of `slmctl hosts`, each with the flags that it looks at: what help prints, what is refused, what completion offers. */
import type { CommandOption, CommandWord } from './commands.ts'

const store: CommandOption = {
  flag: '--store',
  value: 'FILE|URL',
  means: 'Where the fleet is kept (SLMCTL_STORE; else the usual file, where it is there).',
}

/** `reach`: how machines are reached. */
export function hostsWords(reach: readonly CommandOption[]): Readonly<Record<string, CommandWord>> {
  const of = (...flags: string[]) => reach.filter((o) => flags.includes(o.flag))
  const word = (usage: string, means: string, ...options: readonly (readonly CommandOption[])[]): CommandWord => ({
    usage: `hosts ${usage}`,
    means,
    options: options.flat(),
  })
  return {
    discover: word(
      'discover',
      'Which KMS hosts the site file and the DNS of its domains name; nothing is sent to them.',
      [
        { flag: '--directory', value: 'DOMAIN', means: 'Also the activation objects of this Active Directory, and who uses them.' },
        { flag: '--starttls', value: null, means: 'Directory: StartTLS (389) in place of LDAPS (636), with --user.' },
        store,
      ],
      of('--site', '--user', '--password-file', '--ca'),
    ),
    check: word(
      'check [HOST…]',
      'Whether they answer at their port, and what they say of themselves; kept where there is a fleet.',
      [store],
      reach,
    ),
    show: word(
      'show HOST',
      'One host in full: its count over time, who uses it, what is to be expected.',
      [
        { flag: '--events', value: null, means: 'Also who asked, by the log of the host.' },
        { flag: '--hours', value: 'N', means: 'With --events: so far back (24; at most 720, what a host counts).' },
        { flag: '--client', value: 'NAME|CMID', means: 'With --events: the requests of one machine (of 30 days).' },
        { flag: '--retire', value: 'N', means: 'What if so many machines never ask again.' },
        store,
      ],
      reach,
    ),
    story: word(
      'story MACHINE',
      'How far the activation of one machine came, by its own log and that of its host.',
      [{ flag: '--hours', value: 'N', means: 'So far back (192, eight days; at most 720).' }],
      reach,
    ),
    migrate: word('migrate OLD NEW', 'The plan of a move from one host to another; nothing is changed.', [store], reach),
  }
}
