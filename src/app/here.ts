import { networkInterfaces } from 'node:os'
import { canonicalHost, insideSite } from '../addresses.ts'
import type { MachinePlan, Problem, Site, Step } from '../model.ts'
import { ProblemError, problem } from '../model.ts'
import { computerName, isElevated, NativeError } from '../native.ts'
import { type Machine, openLocal } from '../windows.ts'

/** This computer, where it is a Windows machine: its name, its door, and whether whoever runs slmctl may change it. */
export type Here = {
  readonly name: string
  /** `timeoutMs`: for one operation; null: as long as is usual. */
  readonly open: (timeoutMs: number | null) => Machine
  readonly elevated: () => Promise<boolean>
  /** Its addresses, null where they cannot be read; left out: those of the network interfaces. */
  readonly addresses?: () => readonly string[] | null
}

/** This computer; null where it is no Windows machine. */
export async function thisComputer(): Promise<Here | null> {
  if (process.platform !== 'win32') return null
  const name = await computerName().catch((error: unknown) => {
    // What the single file refuses to load (native/unpack.ts) is told as it is.
    if (error instanceof ProblemError || !(error instanceof NativeError)) throw error
    throw new ProblemError(
      problem('LOCAL_MODULE', `This computer cannot be asked itself: ${error.message}`, [
        'Ask it over WinRM: slmctl status NAME --site slmctl.yaml',
      ]),
    )
  })
  return { name, open: (ms) => openLocal(name, ms === null ? {} : { questionMs: ms, callMs: ms }), elevated: isElevated }
}

/** True for a word that means this computer, whatever it is called. */
export const meansHere = (word: string): boolean => word === '.' || /^localhost\.?$/i.test(word)

const platform = 'SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\SoftwareProtectionPlatform'
/** What UserOperations = 1 opens to everybody (MicrosoftDocs/windowsserverdocs, activation-slmgr-vbs-options and registry settings). */
const userOperations: ReadonlySet<string> = new Set(['InstallProductKey', 'Activate'])

/**
 * Why the plans for this computer cannot be carried out by whoever runs slmctl; null where they can. Said before anything is tried:
 * Windows lets everybody renew a KMS activation, and wants an administrator for all else, unless UserOperations is set.
 */
export async function notElevated(here: Here, plans: readonly MachinePlan[]): Promise<Problem | null> {
  const steps = plans.filter((p) => canonicalHost(p.name ?? p.id) === canonicalHost(here.name)).flatMap((p) => p.steps)
  if (steps.length === 0 || (await here.elevated())) return null
  const machine = here.open(null)
  try {
    const values = await machine.registry({ key: platform, values: ['UserOperations'] })
    const open = values?.UserOperations === 1
    for (const step of steps) {
      if (open && userOperations.has(step.method)) continue
      if (await renewsByKms(step, machine)) continue
      return problem(
        'NOT_ELEVATED',
        `To ${step.what}, Windows wants an administrator, and slmctl runs without those rights; nothing was tried.`,
        [
          'Open a terminal as administrator ("Run as administrator") and give the same command.',
          'To only look: slmctl status, slmctl plan',
        ],
      )
    }
    return null
  } finally {
    await machine.close()
  }
}

async function renewsByKms(step: Step, machine: Machine): Promise<boolean> {
  if (step.method !== 'Activate') return false
  if (step.host !== null) return true
  const id = step.key?.ID
  if (id === undefined || !/^[0-9a-f-]{36}$/i.test(id)) return false
  const rows = await machine.ask({ class: step.class, columns: ['ID', 'Description'], where: `ID='${id}'` })
  return /KMSCLIENT/.test(String(rows?.[0]?.Description ?? ''))
}

/**
 * Why this computer is outside the site, in one sentence; null where it is inside. Its own primary DNS suffix counts, not what DHCP
 * gave it, and its own addresses; what cannot be read makes nobody inside.
 */
export async function outsideSite(here: Here, site: Site): Promise<string | null> {
  const machine = here.open(null)
  try {
    const values = await machine.registry({ key: 'SYSTEM\\CurrentControlSet\\Services\\Tcpip\\Parameters', values: ['Domain'] })
    const domain = typeof values?.Domain === 'string' ? values.Domain : null
    const standing = insideSite(site, { addresses: (here.addresses ?? ownAddresses)(), domain })
    return standing.inside ? null : standing.because
  } catch (error) {
    if (error instanceof ProblemError) return error.message
    throw error
  } finally {
    await machine.close()
  }
}

/** The addresses of this computer; null where they cannot be read. */
function ownAddresses(): readonly string[] | null {
  try {
    return Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address))
  } catch {
    return null
  }
}
