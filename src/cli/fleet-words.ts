/** The words of `slmctl fleet`, each with the flags that it looks at: what help prints, what is refused, what completion offers. */
import type { CommandOption, CommandWord } from './commands.ts'

/** Where machines come from. */
const sources: readonly CommandOption[] = [
  { flag: '--dry-run', value: null, means: 'Show the difference, write nothing.' },
  { flag: '--kind', value: 'KIND', means: 'csv, ansible-ini, ansible-yaml, zone or list, where the file does not tell.' },
  { flag: '--zone', value: 'DOMAIN', means: 'The domain of a zone’s names that have none, where the zone does not say it ($ORIGIN).' },
  { flag: '--site-groups', value: null, means: 'The machines of the site file.' },
  { flag: '--recordings', value: 'DIR', means: 'What slmctl status --record --keep-names wrote on machines.' },
  {
    flag: '--source',
    value: 'NAME',
    means: 'What the source is called. What is no longer in it at the next import under this name has vanished.',
  },
  { flag: '--group', value: 'GROUP', means: 'All of the list are put into this group.' },
  {
    flag: '--pool',
    value: 'POOL',
    means: 'All of the list are made anew from an image, such as virtual desktops: their names tell who they are.',
  },
  { flag: '--may-be-empty', value: null, means: 'It is right that the source has no machine any more.' },
  { flag: '--directory', value: 'DOMAIN', means: 'The computers of an Active Directory.' },
  { flag: '--enabled', value: null, means: 'Directory: without accounts that are switched off.' },
  { flag: '--seen-within', value: 'DAYS', means: 'Directory: seen by it in the last so many days.' },
  { flag: '--system', value: 'TEXT', means: 'Directory: a part of the operating system’s name.' },
  { flag: '--unit', value: 'DN', means: 'Directory: an organisational unit.' },
  { flag: '--in-group', value: 'GROUP', means: 'Directory: members of a group.' },
  { flag: '--starttls', value: null, means: 'Directory: StartTLS (389) in place of LDAPS (636), with --user.' },
]
/** Of how machines are reached, what an import has a use for: the site file, and who signs in at the directory. */
const signIn = ['--site', '--user', '--password-file', '--ask-password', '--ca']

/** Which machines are meant; all that are given must hold. */
const filters: readonly CommandOption[] = [
  { flag: '--verdict', value: 'LIST', means: 'Only ok, attention, action, cannot-tell; several with commas.' },
  { flag: '--origin', value: 'LIST', means: 'Only own, platform, vendor, cannot-tell, suspect, foreign.' },
  { flag: '--state', value: 'LIST', means: 'Only with a product in this state: licensed, notification …' },
  { flag: '--host', value: 'HOST', means: 'Only with a product by this KMS host.' },
  { flag: '--product', value: 'TEXT', means: 'Only with a product with this in its name.' },
  { flag: '--days', value: 'DAYS', means: 'Only with a product that ends within so many days.' },
  { flag: '--error', value: 'CODE', means: 'Only with this result code, or the code of this problem.' },
  { flag: '--problem', value: 'CODE', means: 'Only those that could not be asked for this reason; or any.' },
  { flag: '--cause', value: 'N', means: 'Only with this cause, by the number that fleet status shows.' },
  { flag: '--remark', value: 'N', means: 'Only with this remark, by the number that fleet audit shows.' },
  { flag: '--group', value: 'GROUP', means: 'Only of this group.' },
  { flag: '--pool', value: 'POOL', means: 'Only of this pool.' },
  { flag: '--source', value: 'NAME', means: 'Only those that this source lists.' },
  { flag: '--text', value: 'TEXT', means: 'Only with this in name, address, system or headline.' },
  { flag: '--not-seen-for', value: 'DAYS', means: 'Only those that answered last before so many days, or never.' },
  { flag: '--never-seen', value: null, means: 'Only those that never answered.' },
  { flag: '--shared-cmid', value: null, means: 'Only those that a KMS host takes for one: with the same CMID.' },
  { flag: '--vanished', value: null, means: 'Only those that no source lists any more.' },
]
/** Flags that say which machines are meant. */
export const filterFlags: readonly string[] = filters.map((o) => o.flag.slice(2))

/** How a campaign goes about its machines. */
const pace: readonly CommandOption[] = [
  { flag: '--at-once', value: 'N', means: 'At most so many machines at a time, over all workers.' },
  { flag: '--between', value: 'HH:MM-HH:MM', means: 'Only between these times of the day.' },
  { flag: '--on', value: 'DAYS', means: 'With --between: on these days (mon-fri).' },
  { flag: '--time-zone', value: 'ZONE', means: 'With --between: by the clock of this zone (Europe/Berlin).' },
  { flag: '--retry-for', value: 'HOURS', means: 'Try machines that are away again, for so long.' },
  { flag: '--canary', value: 'N|N%', means: 'This share first.' },
  { flag: '--stop-above', value: 'N%', means: 'With --canary: stop where more than this share of it fails.' },
]
const byWorkers = { flag: '--by-workers', value: null, means: 'Leave it to slmctl worker.' } as const

/** An answer as a table. */
const tables: readonly CommandOption[] = [
  { flag: '--csv', value: null, means: 'Print a table (CSV).' },
  { flag: '--out', value: 'FILE', means: 'With --csv: into this new file, as spreadsheets open it.' },
]

const store = { flag: '--store', value: 'FILE|URL', means: 'Where the fleet is kept (a file of the user’s own; SLMCTL_STORE).' } as const

/** `reach`: how machines are reached; `settings`: what plan and apply do beyond the wishes of the site file. */
export function fleetWords(reach: readonly CommandOption[], settings: readonly CommandOption[]): Readonly<Record<string, CommandWord>> {
  const word = (usage: string, means: string, ...options: readonly (readonly CommandOption[])[]): CommandWord => ({
    ...{ usage: `fleet ${usage}`, means },
    options: [store, ...options.flat()],
  })
  const listed = filters.filter((o) => o.flag !== '--vanished')
  const site = reach.filter((o) => o.flag === '--site')
  return {
    import: word(
      'import [FILE…]',
      'Machines in: from files, a directory, the site file, recordings.',
      sources,
      reach.filter((o) => signIn.includes(o.flag)),
    ),
    scan: word('scan', 'Ask machines, and keep what they say.', filters, pace, [byWorkers], reach),
    plan: word('plan', 'What would change on them, and why.', filters, settings, pace, [byWorkers], reach),
    apply: word(
      'apply',
      'Change it: what is planned, shown, and said yes to.',
      ...[filters, settings, pace],
      [
        { flag: '--rate', value: 'N', means: 'At most so many activations a minute, over all workers.' },
        { flag: '--plans', value: 'N', means: 'What campaign N planned.' },
        { flag: '--yes', value: null, means: 'Do not ask before changing.' },
        byWorkers,
      ],
      reach,
    ),
    campaigns: word('campaigns', 'The scans, plans and applies so far.'),
    campaign: word('campaign N', 'One of them: how far it is, what came of it.'),
    stop: word('stop N', 'Stop one; it goes on with resume.'),
    resume: word('resume N', 'Go on with one that was stopped.', [byWorkers], reach),
    cancel: word('cancel N', 'End one for good.'),
    today: word('today', 'What needs you today, worst first.', site),
    status: word('status', 'What keeps machines from being in order, most machines first.', listed, tables),
    list: word('list', 'Machines by name, and what is not in order.', filters, tables, [
      { flag: '--limit', value: 'N', means: 'At most so many.' },
    ]),
    show: word('show NAME', 'One machine: what is known, as of when, what is next.', tables),
    history: word('history NAME', 'What became of it, newest first.', tables),
    expiring: word(
      'expiring',
      'What ends soon, soonest first.',
      [
        { flag: '--days', value: 'DAYS', means: 'What ends within so many days (30).' },
        { flag: '--from', value: 'DAY', means: 'The first of these days, in UTC (2026-12-01), in place of now.' },
      ],
      listed.filter((o) => o.flag !== '--days'),
      tables,
    ),
    plans: word('plans N', 'What a plan planned, machine by machine.', [{ flag: '--limit', value: 'N', means: 'At most so many.' }]),
    hosts: word('hosts', 'KMS hosts as they were seen last, and who uses them.', site),
    audit: word('audit', 'Whose activations, by what machines answered last.', site),
    backup: word('backup FILE', 'Copy the store into a new file.', [
      { flag: '--portable', value: null, means: 'Lines of JSON, which either kind of store takes.' },
    ]),
    restore: word('restore FILE', 'Put a copy in the place of the store.'),
    compact: word('compact', 'Check every page of the store, and give back room.'),
  }
}

/** The flags of all words, each once. */
export function optionsOfWords(words: Readonly<Record<string, CommandWord>>): readonly CommandOption[] {
  return [...new Map(Object.values(words).flatMap(({ options }) => options.map((o) => [o.flag, o]))).values()]
}
