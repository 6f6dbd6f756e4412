import { architectures, type ImageFiles, imageFiles } from '../../image.ts'
import { ProblemError, problem, type Site } from '../../model.ts'
import { writeAll } from '../folder.ts'
import { type Io, json, wrap } from '../io.ts'
import { appFor } from '../machines.ts'

type Flags = Readonly<Record<string, string | boolean | undefined>>

const officeFlags = ['office-bits', 'office-source', 'language', 'exclude', 'remove-retail', 'remove-msi', 'close-apps'] as const

/** Writes the files of an image: all of them, or none and a Problem. */
export async function run(words: readonly string[], flags: Flags, io: Io): Promise<number> {
  const usage = (summary: string, next: string) => new ProblemError(problem('USAGE', summary, [next]))
  if (words.length > 0)
    throw usage(
      `image takes no words but flags; ${words[0]!.slice(0, 60)} stands alone.`,
      'A name with blanks goes in quotes: slmctl image --product "Windows 11 Enterprise" --out DIR',
    )
  const products = list(flags.product)
  if (products.length === 0)
    throw usage('image wants a product; slmctl keys lists the editions.', 'slmctl image --product "Windows 11 Enterprise" --out DIR')
  const dry = flags['dry-run'] === true
  const out = flags.out as string | undefined
  if (!dry && (out === undefined || out === ''))
    throw usage('image wants a folder to write to: --out DIR.', 'Or --dry-run in its place: the files are printed only.')
  const answer = imageFiles({
    products,
    site: await siteFor(flags, io),
    architecture: one(flags, 'architecture', architectures),
    autoActivation: flags['no-auto-activation'] !== true,
    office: {
      bits: one(flags, 'office-bits', ['64', '32']),
      languages: list(flags.language),
      exclude: list(flags.exclude),
      removeRetail: list(flags['remove-retail']),
      removeMsi: flags['remove-msi'] === true,
      closeApps: flags['close-apps'] === true,
      source: (flags['office-source'] as string | undefined) ?? null,
    },
  })
  const idle = officeFlags.find((f) => flags[f] !== undefined)
  if (idle !== undefined && !answer.products.some((p) => p.application === 'office'))
    throw usage(`--${idle} is about Office, and no Office product is named.`, '--product "Office LTSC 2024 ProPlus"')
  if (!dry) writeAll(out!, answer.files, flags.force === true)
  if (flags.json) io.out(json(told(answer, dry ? null : out!)))
  else show(answer, dry ? null : out!, io)
  return 0
}

/** Values of a flag: several times, or with commas. */
function list(value: string | boolean | undefined): string[] {
  return String(value ?? '')
    .split(/[\n,]/)
    .map((v) => v.trim())
    .filter((v) => v !== '')
}

function one<T extends string>(flags: Flags, flag: string, values: readonly [T, ...T[]]): T {
  const given = flags[flag]
  if (given === undefined) return values[0]
  const found = values.find((v) => v === given)
  if (found === undefined)
    throw new ProblemError(problem('USAGE', `--${flag} ${given}: expected ${values.join(', ')}.`, [`--${flag} ${values[0]}`]))
  return found
}

async function siteFor(flags: Flags, io: Io): Promise<Site> {
  const app = await appFor({ site: flags.site }, io)
  try {
    if (app.site) return app.site
  } finally {
    await app.close()
  }
  throw new ProblemError(
    problem('NO_SITE_FILE', 'Which KMS hosts, domains and networks an image may use is for a site file to say, and there is none.', [
      'slmctl site init writes one to begin with; then: --site slmctl.yaml',
    ]),
  )
}

/** The answer of `image --json`: schema `slmctl.image/1`. With --dry-run nothing was written and the texts are in it. */
function told(answer: ImageFiles, folder: string | null) {
  return {
    schema: 'slmctl.image/1',
    folder,
    products: answer.products,
    files: answer.files.map((f) => ({ path: f.path, purpose: f.purpose, ...(folder === null ? { text: f.text } : {}) })),
    remarks: answer.remarks,
  }
}

function show(answer: ImageFiles, folder: string | null, io: Io): void {
  if (folder === null) {
    for (const f of answer.files) io.out(`${io.paint('bold', `--- ${f.path}`)}\n${f.text.replaceAll('\r\n', '\n')}\n`)
    return
  }
  for (const p of answer.products) io.out(`${io.paint('bold', p.name)}  ${p.key}\n`)
  io.out(`\nWritten to ${folder}:\n`)
  for (const f of answer.files) {
    io.out(`  ${f.path}\n`)
    io.out(io.paint('dim', wrap(f.purpose, io.columns, '    ')))
  }
  for (const remark of answer.remarks) io.out(wrap(remark, io.columns, '\nNote: ', '  '))
  io.out(`\nRead ${folder}/README.txt first: it says where each file goes.\n`)
}
