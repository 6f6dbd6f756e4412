import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { writeSecretFile } from '../../app.ts'
import { type Lab, type LabOptions, obey, type ScenarioId, scenarioList, startLab } from '../../lab.ts'
import { ProblemError, problem } from '../../model.ts'
import { type Io, json, wrap } from '../io.ts'

/** How many machines a lab has where nobody says: enough for a look at every list, few enough to read. */
const usualMachines = 20
/** Beyond it the names alone need more memory than a laptop should give. */
const mostMachines = 500_000

type Flags = Readonly<Record<string, string | boolean | undefined>>

function number(text: string | boolean | undefined, usual: number, from: number, to: number, wrong: string, next: string): number {
  const n = text === undefined ? usual : Number(text)
  if (!Number.isInteger(n) || n < from || n > to) throw new ProblemError(problem('LAB_NUMBER', wrong, [next]))
  return n
}

function scenarioNames(flags: Flags): readonly ScenarioId[] | null {
  const words = typeof flags.scenario === 'string' ? flags.scenario.split(/[\s,]+/).filter((w) => w !== '') : []
  const known = new Set<string>(scenarioList.map((s) => s.name))
  const unknown = words.find((w) => !known.has(w))
  if (unknown !== undefined)
    throw new ProblemError(problem('LAB_SCENARIO_UNKNOWN', `The lab has no scenario called ${unknown}.`, ['List them: slmctl lab --list']))
  return words.length > 0 ? (words as ScenarioId[]) : null
}

function wish(flags: Flags): LabOptions {
  const scenarios = scenarioNames(flags)
  const count = number(
    flags.machines,
    scenarios?.length ?? usualMachines,
    1,
    mostMachines,
    `A lab has 1 to ${mostMachines} machines.`,
    'Give a number: slmctl lab --machines 20',
  )
  const off = typeof flags.off === 'string' ? flags.off.replace(/%$/, '') : undefined
  const share = number(
    off,
    0,
    0,
    100,
    'The share of machines that are off is 0% to 100%.',
    'For example: slmctl lab --machines 1000 --off 5%',
  )
  const after = number(
    flags.answerAfter,
    0,
    0,
    600_000,
    'Answers may wait for 0 to 600000 milliseconds.',
    'For example: slmctl lab --answer-after 200',
  )
  return {
    seed: typeof flags.seed === 'string' ? flags.seed : '1',
    count,
    directory: true,
    hosts: true,
    ...(flags.story ? { story: true } : {}),
    ...(scenarios ? { scenarios } : {}),
    // Whoever wants machines that DNS does not know needs a lab whose machines are found by DNS.
    ...(flags.spread || share > 0 ? { spread: true } : {}),
    ...(share > 0 ? { off: share / 100 } : {}),
    ...(after > 0 ? { answerAfterMs: after } : {}),
  }
}

/**
 * What is typed or piped in while it runs, line by line; each is answered with one line. The end of the input ends nothing. A lab in
 * the background of a terminal may not read from it: then it does not. Gives what ends the listening.
 */
function listen(lab: Lab, asJson: boolean, io: Io): () => void {
  const stop = () => {}
  process.on('SIGTTIN', stop)
  const input = createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY })
  process.stdin.on('error', stop)
  let last = Promise.resolve()
  input.on('line', (line) => {
    last = last.then(async () => {
      const told = await obey(lab, line.slice(0, 1000))
      if (told === null) return
      if (asJson) io.out(`${JSON.stringify({ ok: told.ok, ...told.value })}\n`)
      else io.out(`${told.says}\n`)
    })
  })
  return () => {
    input.close()
    process.stdin.destroy()
    process.off('SIGTTIN', stop)
  }
}

/** The machines as a table that `slmctl fleet import` takes. */
function machineTable(lab: Lab): string {
  let text = 'Name,OperatingSystem,Group\r\n'
  for (const { name, system } of lab.machines) text += `${name},${system},${lab.placeOf(name) ?? ''}\r\n`
  return text
}

export async function run(_words: readonly string[], flags: Flags, io: Io): Promise<number> {
  if (flags.list) {
    if (flags.json) io.out(json({ schema: 'slmctl.lab-scenarios/1', scenarios: scenarioList }))
    else for (const { name, says } of scenarioList) io.out(wrap(says, io.columns, `${name.padEnd(36)} `, ' '.repeat(4)))
    return 0
  }
  const wanted = wish(flags)
  const directory = typeof flags.directory === 'string' ? flags.directory : mkdtempSync(join(tmpdir(), 'slmctl-lab-'))
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  // Listened for before anything is said: whoever reads the last line may end it at once.
  const ended = new Promise<void>((done) => {
    process.once('SIGINT', done)
    process.once('SIGTERM', done)
  })
  const lab = await startLab(wanted)
  try {
    const write = (name: string, text: string, mode: number) => {
      writeFileSync(join(directory, name), text, { mode })
      // An older file keeps its mode otherwise.
      chmodSync(join(directory, name), mode)
    }
    // An older one may be readable by others.
    rmSync(join(directory, 'lab.password'), { force: true })
    await writeSecretFile(join(directory, 'lab.password'), Buffer.from(`${lab.accounts[0]!.password}\n`))
    write('lab-ca.pem', lab.ca, 0o644)
    write('slmctl.yaml', lab.siteYaml(), 0o644)
    const site = join(directory, 'slmctl.yaml')
    const large = lab.placeOf(lab.machines[0]!.name) !== null
    const table = join(directory, 'machines.csv')
    if (large) write('machines.csv', machineTable(lab), 0o644)
    const fleet = `--site ${site} --store ${join(directory, 'fleet.db')}`
    const domain = lab.directories.find((d) => d.domain === 'corp.example') ?? lab.directories[0]
    const byDirectory = domain
      ? `  slmctl fleet import --directory ${domain.domain} ${fleet} \\\n    --user ${lab.accounts[0]!.user}@${domain.domain} --password-file ${join(directory, 'lab.password')} \\\n    --ca ${join(directory, 'lab-ca.pem')}\n`
      : ''
    const hosts = lab.machines.filter((m) => lab.hosts.includes(m.name)).length
    const size = `${lab.machines.length - hosts} simulated machines${hosts === 0 ? '' : ` and ${hosts} KMS hosts`}`
    const first = lab.machines.find((m) => m.scenario === 'win11-pro-notification') ?? lab.machines[0]!
    if (flags.json)
      io.out(
        json({
          schema: 'slmctl.lab/1',
          site,
          count: lab.machines.length,
          table: large ? table : null,
          directories: lab.directories,
          machines: large ? [] : lab.machines,
        }),
      )
    else if (large) {
      io.out(`${io.paint('bold', `A lab of ${size} is running on this computer.`)}\n\n`)
      io.out(`  slmctl fleet import ${table} ${fleet}\n`)
      io.out(byDirectory)
      io.out(`  slmctl fleet scan ${fleet}\n`)
      io.out(`  slmctl status --site ${site} ${first.name}\n\n`)
      io.out(
        wrap(
          'They share one port and are found by the DNS server that the site file names. Nothing in a lab is real: its machines report what Windows reports, and no activation exchange exists in it.',
          io.columns,
        ),
      )
      io.out('\n^C ends the lab.\n')
    } else {
      io.out(`${io.paint('bold', `A lab of ${size} is running on ${lab.machines[0]!.address}.`)}\n\n`)
      io.out(`  slmctl status --all --site ${site}\n`)
      io.out(`  slmctl status --site ${site} ${first.name}\n`)
      io.out(`  slmctl plan   --site ${site} ${first.name}\n`)
      io.out(`  slmctl apply  --site ${site} ${first.name}\n`)
      io.out(`${byDirectory}\n`)
      io.out(
        wrap(
          'The site file lists the machines with their scenarios. Nothing in a lab is real: its machines report what Windows reports, and no activation exchange exists in it.',
          io.columns,
        ),
      )
      io.out('\n^C ends the lab.\n')
    }
    const listening = listen(lab, flags.json === true, io)
    await ended
    listening()
  } finally {
    await lab.close()
  }
  return 0
}
