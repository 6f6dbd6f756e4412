import type { Io } from './io.ts'

type Run = (words: readonly string[], flags: Readonly<Record<string, string | boolean | undefined>>, io: Io) => Promise<number>

/** One command: what the help says about it, its flags, and the module that is loaded when it runs. */
export type Command = {
  readonly name: string
  readonly usage: string
  readonly summary: string
  readonly about: string
  readonly options: readonly { readonly flag: `--${string}`; readonly value: string | null; readonly means: string }[]
  readonly examples: readonly string[]
  readonly load: () => Promise<{ readonly run: Run }>
}

const site = {
  flag: '--site',
  value: 'FILE',
  means: 'The site file (slmctl.yaml): your domains, networks, KMS hosts and platforms.',
} as const

/** Every command. What a command needs is loaded when it runs, nothing before. */
export const commands: readonly Command[] = [
  {
    name: 'diagnose',
    usage: 'diagnose [FILE…]',
    summary: 'Read pasted or saved output and say what is wrong.',
    about:
      'Reads what slmgr, ospp.vbs, WMI, PowerShell or the event log printed, in any language, and says for each product: state, cause, next step and whose activation it is, with the line that each statement rests on. Without a file it reads standard input.',
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
    name: 'plan',
    usage: 'plan --from FILE',
    summary: 'What would change, and why, from the facts in a text.',
    about:
      'Reads facts from a text and shows the steps that would bring the machine to what the site file wishes, each with its reason; says which facts are missing and how to get them. Nothing is changed.',
    options: [{ flag: '--from', value: 'FILE', means: 'The text to take the facts from; - is standard input.' }, site],
    examples: ['slmctl plan --from dlv.txt --site slmctl.yaml'],
    load: () => import('./commands/plan.ts'),
  },
  {
    name: 'demo',
    usage: 'demo',
    summary: 'A tour over the texts that ship with slmctl.',
    about: 'Reads the example texts that ship with slmctl and shows what it makes of them.',
    options: [],
    examples: ['slmctl demo'],
    load: () => import('./commands/demo.ts'),
  },
]
