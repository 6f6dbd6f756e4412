import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { diagnose, type SourceText } from '../../activation.ts'
import { writeSecretFile } from '../../app.ts'
import { type Lab, startLab } from '../../lab.ts'
import { type Plan, ProblemError } from '../../model.ts'
import { loadSite, readText } from '../files.ts'
import { type Io, json, wrap } from '../io.ts'
import { colour, showDiagnosis } from '../views/diagnosis.ts'
import { run as apply } from './apply.ts'
import { run as explain } from './explain.ts'
import { run as plan } from './plan.ts'
import { run as status } from './status.ts'

type Flags = Readonly<Record<string, string | boolean | undefined>>

export async function run(_words: readonly string[], flags: Flags, io: Io): Promise<number> {
  return flags.texts === true ? await texts(flags, io) : await fleet(flags, io)
}

/** Machines of the tour: what most organisations have on a Monday. */
const machines = [
  { name: 'pc-anna.corp.example', scenario: 'win11-enterprise-office-2021' },
  { name: 'pc-bert.corp.example', scenario: 'win11-pro-notification' },
  { name: 'pc-cleo.corp.example', scenario: 'outside-host' },
  { name: 'pc-dora.corp.example', scenario: 'win10-pro-oem' },
  { name: 'srv-files.corp.example', scenario: 'server-2019-notification' },
] as const

/** A small fleet on this computer: looked at, planned, changed, verified, and what the guard refuses. */
async function fleet(flags: Flags, io: Io): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'slmctl-demo-'))
  const state = process.env.SLMCTL_STATE
  process.env.SLMCTL_STATE = directory
  // A command of the tour ends by it; so does the tour. A second one ends all of it at once.
  let ended = false
  const onSignal = () => {
    if (ended) process.exit(130)
    ended = true
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  try {
    const toured = await withLab(directory, (lab, site) => tour(lab, directory, site, flags, io))
    if (ended) return 130
    process.off('SIGINT', onSignal)
    process.off('SIGTERM', onSignal)
    const told = await dashboard(directory, toured, flags, io)
    return toured.ok && told ? 0 : 2
  } finally {
    process.off('SIGINT', onSignal)
    process.off('SIGTERM', onSignal)
    rmSync(directory, { recursive: true, force: true })
    if (state === undefined) delete process.env.SLMCTL_STATE
    else process.env.SLMCTL_STATE = state
  }
}

async function withLab<T>(directory: string, work: (lab: Lab, site: string) => Promise<T>): Promise<T> {
  const lab = await startLab({ seed: 'demo', machines })
  try {
    await writeSecretFile(join(directory, 'lab.password'), Buffer.from(lab.accounts[0]!.password))
    const site = join(directory, 'slmctl.yaml')
    writeFileSync(site, lab.siteYaml())
    return await work(lab, site)
  } finally {
    await lab.close()
  }
}

/**
 * What the tour was about, for a fleet and in a browser. It stays where somebody is at a terminal, or asked for it (`--no-open`); else
 * it says what the dashboard would show, and ends.
 */
async function dashboard(directory: string, toured: Toured, flags: Flags, io: Io): Promise<boolean> {
  const { showDashboard, showTold } = await import('../dashboard.ts')
  const folder = join(directory, 'fleet')
  mkdirSync(folder)
  const stays = flags['no-open'] === true || process.stdout.isTTY === true
  if (!flags.json) io.out(`${io.paint('bold', '$ slmctl serve')}\n`)
  let needs = 0
  await showDashboard(
    folder,
    { stays, open: flags['no-open'] !== true },
    (told) => {
      needs = told.needs.length
      const { applied, again, refused, sent } = toured
      const { address, link } = told
      const where = stays ? { address, link } : { address, needs: told.needs }
      if (flags.json) io.out(json({ schema: 'slmctl.demo/2', applied, again, refused, sent, dashboard: where }))
      else showTold(told, stays, io)
    },
    io,
  )
  return stays || needs > 0
}

type Toured = { readonly applied: number; readonly again: number; readonly refused: number; readonly sent: number; readonly ok: boolean }

async function tour(lab: Lab, directory: string, site: string, flags: Flags, io: Io): Promise<Toured> {
  const quiet: Io = { ...io, out: () => {}, err: () => {} }
  const say = (text: string) => io.out(`${text.startsWith('\n') ? '\n' : ''}${wrap(text, io.columns)}\n`)
  const shown = (command: string) => io.out(`${io.paint('bold', `$ slmctl ${command}`)}\n`)
  const at = flags.json ? quiet : io
  const tell = flags.json ? () => {} : say
  const show = flags.json ? () => {} : shown

  tell(
    `A lab: ${lab.machines.length} simulated Windows machines behind a real WinRM port on this computer, and the site file of Example University. Every answer below came over the wire, sealed.`,
  )
  show('status --all')
  await status([], { all: true, site }, at)
  tell('\nWhat would bring them to what the site file wishes? Nothing is changed yet.')
  const bert = 'pc-bert.corp.example'
  const cleo = 'pc-cleo.corp.example'
  show(`plan ${bert} ${cleo}`)
  await plan([bert, cleo], { site }, at)
  tell('\nDo it: each machine is asked again, each step is checked by the guard, written to a journal, and verified.')
  show('apply --all --yes')
  const applied = await apply([], { all: true, yes: true, site }, at)
  tell('\nA second time there is nothing to do.')
  show('apply --all --yes')
  const again = await apply(
    [],
    { all: true, yes: true, site },
    { ...quiet, out: (text) => /^Nothing to change/.test(text) && at.out(text) },
  )

  // A plan file is only a wish: here is one in which somebody has put another host.
  tell('\nAnd if somebody puts a host into a plan file that the site file does not name?')
  lab.advance(60)
  const kept = join(directory, 'plan.json')
  await plan([cleo], { site, out: kept, renew: true }, quiet)
  const forged = JSON.parse(readFileSync(kept, 'utf8')) as Plan
  const [machine] = forged.machines
  const elsewhere = {
    ...machine!.steps[0]!,
    change: 'kms-host',
    what: 'use the KMS host kms.elsewhere.example',
    class: 'SoftwareLicensingService',
    key: null,
    method: 'SetKeyManagementServiceMachine',
    arguments: { MachineName: 'kms.elsewhere.example' },
    product: null,
    activates: false,
  }
  writeFileSync(kept, JSON.stringify({ ...forged, machines: [{ ...machine, steps: [elsewhere, ...machine!.steps] }] }))
  const before = lab.calls(cleo).length
  show('apply --plan plan.json --yes')
  const refused = await apply([], { plan: kept, yes: true, site }, at)
  const sent = lab.calls(cleo).length - before
  tell(`\nCalls that the machine got: ${sent}. No flag changes that: the site file is the switch.`)
  tell('Your own lab, to play with: slmctl lab. Texts that people paste: ./slmctl demo --texts, ./slmctl diagnose FILE.')
  // The OEM machine stays as it is, so nothing is left to do; the forged plan has to be refused with nothing sent.
  return { applied, again, refused, sent, ok: applied === 0 && again === 0 && refused === 1 && sent === 0 }
}

/** The folder of example texts, beside the sources in a checkout and beside the bundle in a package. */
function folder(): string {
  for (const relative of ['../../../examples/', '../examples/']) {
    const path = fileURLToPath(new URL(relative, import.meta.url))
    try {
      if (readdirSync(path).length > 0) return path
    } catch {
      // The other place, then.
    }
  }
  throw new Error('The folder examples is missing from this installation.')
}

/** Examples are judged as of this day, so that the tour tells the same story every year. */
const readAt = '2026-11-01T12:00:00Z'

/** A tour over the texts that ship with slmctl. */
async function texts(flags: Flags, io: Io): Promise<number> {
  const dir = folder()
  const names = readdirSync(dir)
    .filter((n) => n.endsWith('.txt'))
    .sort()
  const read: SourceText[] = names.map((name) => {
    const { text, problem } = readText(dir + name)
    if (!text) throw new ProblemError(problem)
    return { ...text, source: name }
  })
  const site = await loadSite(`${dir}slmctl.yaml`)
  const answers = read.map((text) => diagnose([text], { site, readAt }))
  if (flags.json) {
    io.out(json({ schema: 'slmctl.demo/1', answers }))
    return 0
  }
  io.out(`${io.paint('bold', 'A folder of texts, as people paste them')}\n`)
  io.out(
    wrap(
      `slmctl diagnose --site slmctl.yaml examples/*.txt reads them against the site file of Example University (its domains, networks and KMS hosts).`,
      io.columns,
    ),
  )
  io.out('\n')
  for (const [i, a] of answers.entries()) {
    const m = a.machine
    io.out(`${io.paint(colour[m.verdict], m.verdict.padEnd(12))} ${io.paint('bold', names[i]!)}\n`)
    io.out(io.paint('dim', wrap(`${a.sources[0]!.kind}; origin: ${m.origin}`, io.columns, '  ', '  ')))
    io.out(wrap(m.headline, io.columns, '  '))
  }
  const worst = answers.find((a) => a.machine.origin === 'foreign') ?? answers[0]!
  io.out(`\n${io.paint('bold', `One of them whole: ${worst.sources[0]!.file}`)}\n\n`)
  showDiagnosis(worst, io, { unread: false, lines: true })
  io.out(`\n${io.paint('bold', 'And a code by itself: slmctl explain 0xC004F038')}\n\n`)
  await explain(['0xC004F038'], {}, io)
  io.out(
    `\n${wrap('Your own texts: ./slmctl diagnose FILE…, or paste into ./slmctl diagnose. Keys: ./slmctl keys server 2022.', io.columns)}`,
  )
  return 0
}
