/** The words of `slmctl accounts` and `slmctl tokens`, each with the flags that it looks at. */
import type { CommandOption, CommandWord } from './commands.ts'

const store: CommandOption = { flag: '--store', value: 'FILE|URL', means: 'The fleet (SLMCTL_STORE); else the one of the site file.' }
const site: CommandOption = { flag: '--site', value: 'FILE', means: 'The site file; else ./slmctl.yaml, else the user’s own.' }
const where = [store, site]
const role: CommandOption = { flag: '--role', value: 'viewer|operator|approver', means: 'Look; plan and scan, too; apply, too.' }
const passwordFile: CommandOption = {
  flag: '--password-file',
  value: 'FILE',
  means: 'File with the password; only its owner may be able to read it. Else it is asked for.',
}

export const accountsWords: Readonly<Record<string, CommandWord>> = {
  add: { usage: 'accounts add NAME --role ROLE', means: 'A new account with a password.', options: [role, passwordFile, ...where] },
  list: { usage: 'accounts list', means: 'Everybody who may sign in, and who has.', options: where },
  role: { usage: 'accounts role NAME --role ROLE', means: 'Another role; who is signed in signs in anew.', options: [role, ...where] },
  password: {
    usage: 'accounts password NAME',
    means: 'Another password; who is signed in signs in anew.',
    options: [passwordFile, ...where],
  },
  disable: { usage: 'accounts disable NAME', means: 'Sessions and tokens of all of that name hold no longer.', options: where },
  enable: { usage: 'accounts enable NAME', means: 'What it had holds again, but for sessions.', options: where },
}

export const tokensWords: Readonly<Record<string, CommandWord>> = {
  create: {
    usage: 'tokens create NAME --for ACCOUNT --scope SCOPE',
    means: 'A new token, printed once.',
    options: [
      { flag: '--for', value: 'ACCOUNT', means: 'Whose token it is: it may never do more than this account.' },
      { flag: '--scope', value: 'metrics|read|operate|apply', means: 'What it may do.' },
      { flag: '--days', value: 'N', means: 'How long it holds (90; at most 365).' },
      ...where,
    ],
  },
  list: {
    usage: 'tokens list',
    means: 'All tokens: whose, what for, until when, used when.',
    options: [{ flag: '--for', value: 'ACCOUNT', means: 'Those of one account.' }, ...where],
  },
  revoke: { usage: 'tokens revoke ID', means: 'Holds no longer, at once.', options: where },
}
export const trailOptions: readonly CommandOption[] = [
  { flag: '--who', value: 'NAME', means: 'Only what this account did.' },
  { flag: '--what', value: 'ROUTE', means: 'Only this change, as the trail names it: "POST /api/v1/sign-in/local".' },
  { flag: '--limit', value: 'N', means: 'So many, the latest first (100).' },
  { flag: '--check', value: null, means: 'Only say whether every row is as it was written, and none is missing.' },
  ...where,
]
export const serveOptions: readonly CommandOption[] = [
  store,
  { flag: '--listen', value: 'ADDRESS:PORT', means: 'Where to listen (127.0.0.1:8080), in place of what the site file says.' },
  { flag: '--no-work', value: null, means: 'Leave the work on campaigns to slmctl worker.' },
  { flag: '--no-link', value: null, means: 'Make no link by which whoever sits at this computer signs in.' },
]
