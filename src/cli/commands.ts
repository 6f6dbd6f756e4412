import { fleetWords, optionsOfWords } from './fleet-words.ts'
import { hostsWords } from './hosts-words.ts'
import type { Io } from './io.ts'
import { accountsWords, serveOptions, tokensWords, trailOptions } from './server-words.ts'

type Run = (words: readonly string[], flags: Readonly<Record<string, string | boolean | undefined>>, io: Io) => Promise<number>

/** A flag, the name of its value (null: it has none), and what it does. `many`: given several times, its values are lines of one. */
export type CommandOption = { readonly flag: `--${string}`; readonly value: string | null; readonly means: string; readonly many?: true }

/** A word after a command: how it is used, what it does, and the flags that it looks at. */
export type CommandWord = { readonly usage: string; readonly means: string; readonly options: readonly CommandOption[] }

/** One command: what the help says about it, its flags, and the module that is loaded when it runs. */
export type Command = {
  readonly name: string
  readonly usage: string
  readonly summary: string
  readonly about: string
  readonly options: readonly CommandOption[]
  /** What its first word may be, where each has flags of its own: help shows those of the word, and the command refuses others. */
  readonly words?: Readonly<Record<string, CommandWord>>
  readonly examples: readonly string[]
  readonly load: () => Promise<{ readonly run: Run }>
}

const site = {
  flag: '--site',
  value: 'FILE',
  means: 'The site file (slmctl.yaml): your domains, networks, KMS hosts and platforms. For recordings, else ./slmctl.yaml.',
} as const

const fromRecording = {
  flag: '--from-recording',
  value: 'FILE',
  means: 'Take recordings in place of machines; several files, and names of machines in them.',
  many: true,
} as const

/** The passphrase of a signing key. */
const passphraseOptions: readonly CommandOption[] = [
  {
    flag: '--passphrase-file',
    value: 'FILE',
    means: 'File with the passphrase of the signing key; only its owner may be able to read it.',
  },
  { flag: '--ask-passphrase', value: null, means: 'Ask for the passphrase of the signing key on the terminal.' },
]

/** How machines are reached, where the site file does not say, or to say it otherwise for once. */
const reachOptions: readonly CommandOption[] = [
  { flag: '--site', value: 'FILE', means: 'The site file; else ./slmctl.yaml, else the one in the user’s configuration folder.' },
  { flag: '--all', value: null, means: 'Every machine of the site file.' },
  { flag: '--user', value: 'USER', means: 'Log on as this user (NTLM): DOMAIN\\user, or a local account.' },
  { flag: '--password-file', value: 'FILE', means: 'File with the password; only its owner may be able to read it.' },
  { flag: '--ask-password', value: null, means: 'Ask for the password on the terminal.' },
  { flag: '--credential', value: 'NAME', means: 'A credential of the site file.' },
  { flag: '--auth', value: 'kerberos|ntlm|basic', means: 'The way of logging on (basic over HTTPS only).' },
  { flag: '--https', value: null, means: 'Over HTTPS (port 5986), whatever the site file says.' },
  { flag: '--port', value: 'PORT', means: 'Another port than 5985 (HTTP) or 5986 (HTTPS).' },
  { flag: '--ca', value: 'FILE', means: 'Certificate authorities (PEM) that vouch for the machines.' },
  { flag: '--pin', value: 'SHA256', means: 'Accept exactly this certificate: its SHA-256 in hexadecimal.' },
  { flag: '--timeout', value: 'SECONDS', means: 'Time that a machine gets for one operation (60).' },
  { flag: '--parallel', value: 'N', means: 'Machines at once (128).' },
]

/** What plan and apply do beyond the wishes of the site file. */
const settingOptions: readonly CommandOption[] = [
  { flag: '--renew', value: null, means: 'Also renew what is activated already.' },
  { flag: '--use-dns', value: null, means: 'Back to DNS: clear the KMS host and port that are set.' },
  { flag: '--host-caching', value: 'on|off', means: 'Keep the KMS host that answered, or look in DNS each time.' },
  { flag: '--lookup-domain', value: 'DOMAIN', means: 'Look for KMS hosts in this domain of the site file; none takes it back.' },
  { flag: '--activation-type', value: 'any|ad|kms', means: 'The kind of volume activation that is allowed.' },
  { flag: '--clear-key-from-registry', value: null, means: 'Remove the product key from the registry, so that it cannot be read out.' },
  { flag: '--by-telephone', value: null, means: 'Install MAK and ESU keys without activating them online: see slmctl offline.' },
]

/** Every command. What a command needs is loaded when it runs, nothing before. */
const hosts = hostsWords(reachOptions.filter((o) => o.flag !== '--all' && o.flag !== '--parallel'))
const fleet = fleetWords(
  reachOptions.filter((o) => o.flag !== '--all'),
  settingOptions,
)

export const commands: readonly Command[] = [
  {
    name: 'diagnose',
    usage: 'diagnose [FILE…]',
    summary: 'Read pasted or saved output and say what is wrong.',
    about:
      'Reads what slmgr, ospp.vbs, WMI, PowerShell or the event log printed, in any language, and says for each product: state, cause, next step and whose activation it is, with the line that each statement rests on. Reads recordings of status --record, too. Without a file it reads standard input.',
    options: [site, { flag: '--unread', value: null, means: 'Also list the lines that nobody recognised.' }],
    examples: ['slmctl diagnose dlv.txt', 'slmctl diagnose --site slmctl.yaml outputs/*.txt', 'slmctl diagnose --json < paste.txt'],
    load: () => import('./commands/diagnose.ts'),
  },
  {
    name: 'explain',
    usage: 'explain CODE|EVENT|WORD',
    summary: 'Explain a result code, an event number or a word.',
    about:
      'Explains a result code (hexadecimal, signed or unsigned decimal), an event of the licensing service by its number, an option of slmgr.vbs or ospp.vbs, a WMI property, or a word of the field.',
    options: [],
    examples: [
      'slmctl explain 0xC004F074',
      'slmctl explain -1073418124',
      'slmctl explain 12288',
      'slmctl explain /skms',
      'slmctl explain threshold',
    ],
    load: () => import('./commands/explain.ts'),
  },
  {
    name: 'keys',
    usage: 'keys [WORDS]',
    summary: 'Published KMS client setup keys.',
    about:
      'Lists the KMS client setup keys (GVLK) that Microsoft publishes for volume editions of Windows, Windows Server and Office. Words narrow the list: product, edition, the last five characters of a key, an activation ID, or the SKU number that Windows reports (sku 48).',
    options: [],
    examples: ['slmctl keys server 2022', 'slmctl keys office 2021 proplus', 'slmctl keys T83GX'],
    load: () => import('./commands/keys.ts'),
  },
  {
    name: 'status',
    usage: 'status [MACHINE…]',
    summary: 'Ask machines: activated, until when, by whom.',
    about:
      'Asks machines and says for each product: state, days left, KMS host, cause, next step and whose activation it is. Without a machine, on Windows, it asks this computer itself; others are asked over WinRM: a name of the site file, a group of it, or any host name. Nothing is changed.',
    options: [
      ...reachOptions,
      { flag: '--verbose', value: null, means: 'Every machine in full, not one line each.' },
      { flag: '--record', value: 'FILE', means: 'Also write a redacted recording of the answers, which can be replayed.' },
      { flag: '--keep-names', value: null, means: 'Keep names and hosts in the recording: a plan that is made elsewhere needs them.' },
      fromRecording,
    ],
    examples: [
      'slmctl status',
      'slmctl status pc-17.corp.example',
      'slmctl status clients --site slmctl.yaml',
      'slmctl status 10.1.2.3 --user CORP\\admin --ask-password',
      'slmctl status pc-17 --record pc-17.json',
    ],
    load: () => import('./commands/status.ts'),
  },
  {
    name: 'plan',
    usage: 'plan [MACHINE…]|--from FILE',
    summary: 'What would change, and why.',
    about:
      'Asks machines, or reads facts from a text, and shows the steps that would bring them to what the site file wishes, each with its reason; says what is refused and which facts are missing. Nothing is changed.',
    options: [
      { flag: '--from', value: 'FILE', means: 'A text to take the facts from; - is standard input.' },
      { flag: '--out', value: 'FILE', means: 'Keep the plan, to be carried out later: apply --plan FILE.' },
      { flag: '--sign', value: 'KEYFILE', means: 'Sign what goes to --out, one file for each machine, to be carried there.' },
      { flag: '--valid', value: 'DAYS', means: 'How long a signed plan may be applied (14; at most 60).' },
      ...passphraseOptions,
      ...settingOptions,
      ...reachOptions,
      fromRecording,
    ],
    examples: [
      'slmctl plan pc-17',
      'slmctl plan clients --out friday.json',
      'slmctl plan --from dlv.txt --site slmctl.yaml',
      'slmctl plan --from-recording lab-7.json --sign signer.key --out lab-7.plan',
    ],
    load: () => import('./commands/plan.ts'),
  },
  {
    name: 'apply',
    usage: 'apply [MACHINE…]|--plan FILE',
    summary: 'Carry out the plan, verified, with a journal.',
    about:
      'Plans, asks, and does exactly the plan: before each machine it asks again and refuses a plan that no longer fits; before each step the KMS host is checked against the site file; after each step the machine is asked whether it holds. A journal on disk is written before and after every call.',
    options: [
      { flag: '--yes', value: null, means: 'Do not ask before changing.' },
      { flag: '--plan', value: 'FILE', means: 'Carry out a plan that was kept by plan --out; a signed one only on its machine, once.' },
      { flag: '--resume', value: null, means: 'Go on after ^C, a crash or a lost connection; the newest journal, or the named one.' },
      {
        flag: '--inside-site',
        value: null,
        means: 'Only where this computer stands inside the domains and networks of the site file; elsewhere nothing is asked or changed.',
      },
      ...settingOptions,
      ...reachOptions,
    ],
    examples: ['slmctl apply pc-17', 'slmctl apply clients --yes', 'slmctl apply --plan friday.json', 'slmctl apply --resume'],
    load: () => import('./commands/apply.ts'),
  },
  {
    name: 'audit',
    usage: 'audit [MACHINE…]',
    summary: 'Whose activations, with evidence; what was bought and used.',
    about:
      'Asks machines as status does and counts whose the activations are: your own hosts, a cloud platform, the vendor, or somebody else. What is suspect or foreign is listed with the evidence, what an honest explanation could be, and the way back. The entitlements of the site file are held against what volume activation uses. Nothing is changed.',
    options: [
      ...reachOptions,
      fromRecording,
      { flag: '--store', value: 'FILE|URL', means: 'The fleet (SLMCTL_STORE): its checks of hosts prove which are yours.' },
    ],
    examples: ['slmctl audit --all', 'slmctl audit clients --json', 'slmctl audit --from-recording lab-7.json lab-8.json'],
    load: () => import('./commands/audit.ts'),
  },
  {
    name: 'hosts',
    usage: `hosts ${Object.keys(hosts).join('|')}`,
    summary: 'Your KMS hosts: found, checked, what they count.',
    about:
      'Your KMS hosts: which there are, whether they are in order, what they count, who asks them. A port is tried as far as an RPC bind, which asks nothing of a KMS and is not counted; what a host says of itself is asked over WinRM, where the site file lists it as a machine. Only hosts of the site, at addresses inside its networks, are contacted.',
    options: optionsOfWords(hosts),
    words: hosts,
    examples: [
      'slmctl hosts discover',
      'slmctl hosts check kms1 kms2 --json',
      'slmctl hosts show kms1.corp.example --events --client pc-17',
      'slmctl hosts show kms1 --retire 40',
      'slmctl hosts story pc-17.corp.example',
      'slmctl hosts migrate kms1 kms3.corp.example',
    ],
    load: () => import('./commands/hosts.ts'),
  },
  {
    name: 'fleet',
    usage: `fleet ${Object.keys(fleet).join('|')}`,
    summary: 'Many machines: taken in, asked, kept, answered from what is known.',
    about:
      'A fleet is taken in from where it is written down, asked as often as you like, and every question about it is answered at once from what its machines said last. It is kept in a file, or in a PostgreSQL by URL.',
    options: optionsOfWords(fleet),
    words: fleet,
    examples: [
      'slmctl fleet import computers.csv --dry-run',
      'slmctl fleet import --directory corp.example --enabled --seen-within 30',
      'slmctl fleet scan --not-seen-for 7',
      'slmctl fleet status --group office',
      'slmctl fleet list --verdict action --days 14',
      'slmctl fleet expiring --days 30 --csv --out expiring.csv',
    ],
    load: () => import('./commands/fleet.ts'),
  },
  {
    name: 'worker',
    usage: 'worker [--serves LOCATION,…]',
    summary: 'Works on the campaigns of a fleet, near its machines.',
    about:
      'Takes machines of every campaign that runs in a store, does what the campaign is for, and keeps what came of it, until it is told to end. Any number of workers may share a store; one that is killed loses nothing, as the others take its machines over. With --serves only machines of these locations of the site file (- is where none fits).',
    options: [
      {
        flag: '--store',
        value: 'FILE|URL',
        means: 'Where the fleet is kept: a PostgreSQL by URL, or a file on this computer (SLMCTL_STORE).',
      },
      { flag: '--serves', value: 'LOCATIONS', means: 'Locations of the site file, with commas; left out: all.' },
      ...reachOptions.filter((o) => o.flag !== '--all'),
    ],
    examples: ['slmctl worker --store postgres://fleet@db.corp.example/fleet', 'slmctl worker --serves berlin,munich --parallel 64'],
    load: () => import('./commands/worker.ts'),
  },
  {
    name: 'serve',
    usage: 'serve',
    summary: 'The dashboard, the API and the metrics of a fleet.',
    about:
      'Serves the pages, the API (/api/v1) and the metrics (/metrics) over a fleet, and works on its campaigns. Without a site file that says otherwise it is for this computer alone, and prints a link by which one signs in once. Address, TLS, reverse proxy and single sign-on are words of the site file (server:).',
    options: [...serveOptions, ...reachOptions.filter((o) => o.flag !== '--all')],
    examples: ['slmctl serve', 'slmctl serve --site slmctl.yaml --store fleet.db', 'slmctl serve --listen 127.0.0.1:8443 --no-work'],
    load: () => import('./commands/serve.ts'),
  },
  {
    name: 'accounts',
    usage: `accounts ${Object.keys(accountsWords).join('|')}`,
    summary: 'Who may sign in to the server, and as what.',
    about:
      'Accounts of slmctl itself. A viewer looks; an operator plans and scans, too; an approver applies, too. Passwords are kept as scrypt hashes. People of single sign-on are listed, too; what they may do is said there.',
    options: optionsOfWords(accountsWords),
    words: accountsWords,
    examples: ['slmctl accounts add maria --role operator', 'slmctl accounts list', 'slmctl accounts disable maria'],
    load: () => import('./commands/accounts.ts'),
  },
  {
    name: 'tokens',
    usage: `tokens ${Object.keys(tokensWords).join('|')}`,
    summary: 'What programs show to the API.',
    about:
      'API tokens: each belongs to an account, may do what its scope says and never more than its account, and ends. One is printed when it is made, and kept as a hash.',
    options: optionsOfWords(tokensWords),
    words: tokensWords,
    examples: ['slmctl tokens create prometheus --for maria --scope metrics --days 365', 'slmctl tokens list', 'slmctl tokens revoke 3'],
    load: () => import('./commands/tokens.ts'),
  },
  {
    name: 'trail',
    usage: 'trail',
    summary: 'Who changed what through the server.',
    about:
      'Lists changes, sign-ins and what was refused, the latest first. Rows are only ever added; each carries the hash of the one before, and --check follows them all.',
    options: trailOptions,
    examples: ['slmctl trail', 'slmctl trail --who maria --limit 20', 'slmctl trail --check'],
    load: () => import('./commands/trail.ts'),
  },
  {
    name: 'alerts',
    usage: 'alerts',
    summary: 'What stands in the fleet, and who is told by mail or webhook.',
    about:
      'Shows what slmctl serve tells by mail or webhook, since when it stands and who was told: activations that end, a KMS host that does not answer or counts too few, foreign activations, stopped campaigns, machines that were not asked for long. Who is told, of what and when not is in the site file (alerts). Nothing is asked of a machine.',
    options: [
      { flag: '--send', value: null, means: 'Look and tell now, as the server does: for a timer, where no server runs.' },
      { flag: '--test', value: null, means: 'Send a test to everybody who is told, and say what came of it.' },
      {
        flag: '--store',
        value: 'FILE|URL',
        means: 'Where the fleet is kept (SLMCTL_STORE; else what the site file says of the server).',
      },
      { flag: '--site', value: 'FILE', means: 'The site file; else ./slmctl.yaml, else the one in the user’s configuration folder.' },
    ],
    examples: ['slmctl alerts', 'slmctl alerts --test', 'slmctl alerts --send --json'],
    load: () => import('./commands/alerts.ts'),
  },
  {
    name: 'schedule',
    usage: 'schedule install|show|remove',
    summary: 'Check this machine, or a fleet, every seven days.',
    about:
      'On Windows: a task that asks this machine every seven days (as LOCAL SERVICE) and, where the site file says so (schedule: {repair: true}), applies what is wished (as SYSTEM). On Linux: a systemd timer that asks the machines of the site file. show says what is set up; remove leaves nothing behind.',
    options: [
      {
        flag: '--site',
        value: 'FILE',
        means: 'The site file (./slmctl.yaml); on Windows a copy is kept where only administrators can change it.',
      },
      { flag: '--dry-run', value: null, means: 'List every file and command, and change nothing.' },
      { flag: '--keep-log', value: null, means: 'remove: leave the log of the runs, and the journals of repairs.' },
    ],
    examples: [
      'slmctl schedule install --site slmctl.yaml',
      'slmctl schedule install --dry-run',
      'slmctl schedule show',
      'slmctl schedule remove',
    ],
    load: () => import('./commands/schedule.ts'),
  },
  {
    name: 'image',
    usage: 'image --product PRODUCT… --out DIR',
    summary: 'Files for the unattended setup of your own images.',
    about:
      'Writes what your own setup needs for volume activation: the parts of the answer file, SetupComplete.cmd, and the configuration of the Office Deployment Tool. Only client keys that Microsoft publishes and only hosts of the site file.',
    options: [
      {
        flag: '--product',
        value: 'PRODUCT',
        means: 'One Windows, and any Office products of one release; several times, or with commas.',
        many: true,
      },
      { flag: '--out', value: 'DIR', means: 'The folder to write to; it is made.' },
      { flag: '--site', value: 'FILE', means: 'The site file; else ./slmctl.yaml, else the one in the user’s configuration folder.' },
      { flag: '--architecture', value: 'amd64|arm64|x86', means: 'Processor of the answer file (amd64).' },
      { flag: '--no-auto-activation', value: null, means: 'Windows and Office do not activate by themselves; only slmctl does it.' },
      { flag: '--office-bits', value: '64|32', means: 'Office of 64 bits (default) or 32.' },
      { flag: '--office-source', value: 'FOLDER', means: 'Where the installation files of Office are: \\\\server\\share.' },
      {
        flag: '--language',
        value: 'IDS',
        means: 'Languages of Office: en-us,de-de; MatchOS (default) takes those of Windows.',
        many: true,
      },
      { flag: '--exclude', value: 'APPS', means: 'Applications that an Office suite leaves out: Access,Publisher.', many: true },
      { flag: '--remove-retail', value: 'IDS', means: 'Retail Office products that Office setup removes: ProPlus2021Retail.', many: true },
      { flag: '--remove-msi', value: null, means: 'Office 2016 and older, installed by Windows Installer, is removed.' },
      { flag: '--close-apps', value: null, means: 'Office setup closes open applications; what is not saved is lost.' },
      { flag: '--force', value: null, means: 'Write over files that are there.' },
      { flag: '--dry-run', value: null, means: 'Print the files and write nothing.' },
    ],
    examples: [
      'slmctl image --product "Windows 11 Enterprise" --out image',
      'slmctl image --product "Visio Professional 2024" --language en-us --out visio',
      'slmctl image --product "Office 2024 ProPlus" --language en-us,de-de --dry-run',
    ],
    load: () => import('./commands/image.ts'),
  },
  {
    name: 'offline',
    usage: 'offline signer|ids|confirm',
    summary: 'Machines that no network reaches: signed plans, telephone.',
    about:
      'signer FILE makes the key that signs plans and prints its public part for the site file. ids [MACHINE…] writes the installation IDs of MAKs and of KMS host keys to a file. confirm FILE [MACHINE…] deposits the confirmation IDs that were filled in, each for the installation that it was given for, verified, with a journal.',
    options: [
      { flag: '--out', value: 'FILE', means: 'ids: where the file goes (CSV, for any spreadsheet).' },
      { flag: '--yes', value: null, means: 'confirm: do not ask before changing.' },
      ...passphraseOptions,
      ...reachOptions,
      fromRecording,
    ],
    examples: [
      'slmctl offline signer signer.key --ask-passphrase',
      'slmctl offline ids --all --out ids.csv',
      'slmctl offline ids --from-recording lab-7.json --out ids.csv',
      'slmctl offline confirm ids.csv',
    ],
    load: () => import('./commands/offline.ts'),
  },
  {
    name: 'site',
    usage: 'site init|check|schema [FILE]',
    summary: 'Begin, check and explain the site file.',
    about:
      'init writes a commented site file to begin with; check reads one, asks DNS for every KMS host and reports what is outside the declaration or too wide; schema prints the JSON Schema by which editors complete and check it.',
    options: [{ flag: '--force', value: null, means: 'init: write anew, and keep the old file aside.' }],
    examples: ['slmctl site init', 'slmctl site check slmctl.yaml', 'slmctl site schema > slmctl.schema.json'],
    load: () => import('./commands/site.ts'),
  },
  {
    name: 'lab',
    usage: 'lab',
    summary: 'A simulated fleet on the real wire, to learn and to test.',
    about:
      'Starts simulated Windows machines behind a real WinRM port on this computer, writes a site file for them, and runs until ^C. They report what Windows reports; no activation exchange exists in it.',
    options: [
      { flag: '--machines', value: 'N', means: 'How many machines (20).' },
      { flag: '--seed', value: 'S', means: 'The same seed gives the same fleet.' },
      { flag: '--scenario', value: 'NAME', means: 'Only this kind of machine.' },
      { flag: '--off', value: 'N%', means: 'So many machines are off, unknown to DNS, or never answer.' },
      { flag: '--answer-after', value: 'MS', means: 'Every answer waits so many milliseconds.' },
      { flag: '--story', value: null, means: 'For showing: a dead host, copies of one image, wrong clocks, foreign hosts.' },
      { flag: '--spread', value: null, means: 'One port for all, by name: so it is by itself above 500 machines.' },
      { flag: '--directory', value: 'DIR', means: 'Where the site file goes (a new folder under the temporary folder).' },
      { flag: '--list', value: null, means: 'List the scenarios.' },
    ],
    examples: ['slmctl lab', 'slmctl lab --machines 50 --seed 7', 'slmctl lab --machines 100000 --off 5%', 'slmctl lab --list'],
    load: () => import('./commands/lab.ts'),
  },
  {
    name: 'demo',
    usage: 'demo',
    summary: 'A tour: a small fleet is looked at, planned, changed, verified.',
    about:
      'Starts a small lab on this computer and shows status, plan, apply and what the guard refuses; then it opens the dashboard over a larger one with a story in it, until ^C. Where its output goes to no terminal it says what the dashboard would show, and ends by itself. With --texts, reads the example texts that ship with slmctl and shows what it makes of them.',
    options: [
      { flag: '--texts', value: null, means: 'The tour over texts that people paste.' },
      { flag: '--no-open', value: null, means: 'Open no browser; the dashboard stays until ^C, also where no terminal is.' },
    ],
    examples: ['slmctl demo', 'slmctl demo --no-open', 'slmctl demo --texts'],
    load: () => import('./commands/demo.ts'),
  },
  {
    name: 'completion',
    usage: 'completion bash|zsh|fish|powershell',
    summary: 'Completion of commands and options for your shell.',
    about:
      'Prints a script for your shell; once it is read, Tab completes commands, options and their values. bash and zsh: source <(slmctl completion bash) in ~/.bashrc, or zsh in ~/.zshrc. fish: slmctl completion fish | source. PowerShell: slmctl completion powershell | Out-String | Invoke-Expression in $PROFILE.',
    options: [],
    examples: [
      'slmctl completion bash > ~/.local/share/bash-completion/completions/slmctl',
      'slmctl completion powershell >> slmctl-completion.ps1',
    ],
    load: () => import('./commands/completion.ts'),
  },
]
