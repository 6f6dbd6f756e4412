/** What journeys over the wire share: a lab, its site file, and slmctl run against it as a user would. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Lab, type LabOptions, startLab } from '../../src/lab.ts'
import { type Ran, ran } from '../support/ran.ts'

export type { Ran }
export type Stage = {
  readonly lab: Lab
  readonly directory: string
  readonly site: string
  /** Runs one command line, with the stage's site file. */
  readonly slmctl: (...argv: string[]) => Promise<Ran>
  readonly close: () => Promise<void>
}

/** Starts a lab and writes what `slmctl lab` writes, changed by `change`. Journals go to the stage's own folder. */
export async function stage(
  options: LabOptions,
  transport: 'http' | 'https' = 'http',
  change: (site: string) => string = (text) => text,
): Promise<Stage> {
  const lab = await startLab({ seed: 7, ...options, ...(transport === 'https' ? { https: true } : {}) })
  const directory = mkdtempSync(join(tmpdir(), 'slmctl-journey-'))
  const site = join(directory, 'slmctl.yaml')
  writeFileSync(join(directory, 'lab.password'), `${lab.accounts[0]!.password}\n`, { mode: 0o600 })
  writeFileSync(join(directory, 'lab-ca.pem'), lab.ca)
  writeFileSync(site, change(lab.siteYaml(transport === 'https' ? { transport } : {})))
  return {
    lab,
    directory,
    site,
    slmctl: async (...argv) => {
      const before = process.env.SLMCTL_STATE
      process.env.SLMCTL_STATE = directory
      try {
        return await ran(argv.includes('--site') ? argv : [...argv, '--site', site])
      } finally {
        if (before === undefined) delete process.env.SLMCTL_STATE
        else process.env.SLMCTL_STATE = before
      }
    },
    close: async () => {
      await lab.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** Calls that a machine carried out, by method, in order. */
export function methods(lab: Lab, name: string): string[] {
  return lab.calls(name).flatMap((c) => (c.result === null ? [] : [c.method]))
}
