import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeSecretFile } from '../../app.ts'
import { type ScenarioId, scenarioList, startLab } from '../../lab.ts'
import { ProblemError, problem } from '../../model.ts'
import { type Io, json, wrap } from '../io.ts'

/** How many machines a lab has where nobody says: enough for a look at every list, few enough to read. */
const usualMachines = 20
const mostMachines = 2000

function wish(flags: Readonly<Record<string, string | boolean | undefined>>): {
  machines: number
  seed: string
  scenarios: readonly ScenarioId[] | null
} {
  const words = typeof flags.scenario === 'string' ? flags.scenario.split(/[\s,]+/).filter((w) => w !== '') : []
  const known = new Set<string>(scenarioList.map((s) => s.name))
  const unknown = words.find((w) => !known.has(w))
  if (unknown !== undefined)
    throw new ProblemError(problem('LAB_SCENARIO_UNKNOWN', `The lab has no scenario called ${unknown}.`, ['List them: slmctl lab --list']))
  const machines = flags.machines === undefined ? (words.length > 0 ? words.length : usualMachines) : Number(flags.machines)
  if (!Number.isInteger(machines) || machines < 1 || machines > mostMachines)
    throw new ProblemError(problem('LAB_MACHINES', `A lab has 1 to ${mostMachines} machines.`, ['Give a number: slmctl lab --machines 20']))
  return { machines, seed: typeof flags.seed === 'string' ? flags.seed : '1', scenarios: words.length > 0 ? (words as ScenarioId[]) : null }
}

export async function run(
  _words: readonly string[],
  flags: Readonly<Record<string, string | boolean | undefined>>,
  io: Io,
): Promise<number> {
  if (flags.list) {
    if (flags.json) io.out(json({ schema: 'slmctl.lab-scenarios/1', scenarios: scenarioList }))
    else for (const { name, says } of scenarioList) io.out(wrap(says, io.columns, `${name.padEnd(36)} `, ' '.repeat(4)))
    return 0
  }
  const { machines, seed, scenarios } = wish(flags)
  const directory = typeof flags.directory === 'string' ? flags.directory : mkdtempSync(join(tmpdir(), 'slmctl-lab-'))
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  // Listened for before anything is said: whoever reads the last line may end it at once.
  const ended = new Promise<void>((done) => {
    process.once('SIGINT', done)
    process.once('SIGTERM', done)
  })
  const lab = await startLab({ seed, count: machines, ...(scenarios ? { scenarios } : {}) })
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
    const first = lab.machines.find((m) => m.scenario === 'win11-pro-notification') ?? lab.machines[0]!
    if (flags.json) io.out(json({ schema: 'slmctl.lab/1', site, machines: lab.machines }))
    else {
      io.out(`${io.paint('bold', `A lab of ${lab.machines.length} simulated machines is running on ${lab.machines[0]!.address}.`)}\n\n`)
      io.out(`  slmctl status --all --site ${site}\n`)
      io.out(`  slmctl status --site ${site} ${first.name}\n`)
      io.out(`  slmctl plan   --site ${site} ${first.name}\n`)
      io.out(`  slmctl apply  --site ${site} ${first.name}\n\n`)
      io.out(
        wrap(
          'The site file lists the machines with their scenarios. Nothing in a lab is real: its machines report what Windows reports, and no activation exchange exists in it.',
          io.columns,
        ),
      )
      io.out('\n^C ends the lab.\n')
    }
    await ended
  } finally {
    await lab.close()
  }
  return 0
}
