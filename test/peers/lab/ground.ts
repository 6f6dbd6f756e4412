/** What every group of checks stands on: a lab with a machine of every scenario, and the foreign clients as functions. */
import type { ChildProcess } from 'node:child_process'
import { createHash, randomInt } from 'node:crypto'
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { classesAt } from '../../../src/lab/classes.ts'
import { type Lab, type LabMachine, type ScenarioId, scenarioList, startLab } from '../../../src/lab.ts'
import { afterwards, type Ended, folder, run, start } from '../checks.ts'

export type Machine = LabMachine
export type Value = string | null | Readonly<Record<string, string>> | readonly (string | null | Readonly<Record<string, string>>)[]
export type Row = {
  readonly type: string
  readonly xsi: string | null
  readonly namespace: string
  readonly values: Readonly<Record<string, Value>>
}
export type Step =
  | {
      readonly do: 'enumerate'
      readonly class?: string
      readonly namespace?: string
      readonly wql?: string
      readonly max?: number
      readonly optimize?: boolean
    }
  | { readonly do: 'get'; readonly class: string; readonly namespace?: string; readonly selectors: Readonly<Record<string, string>> }
  | {
      readonly do: 'invoke'
      readonly class: string
      readonly namespace?: string
      readonly selectors?: Readonly<Record<string, string>>
      readonly method: string
      readonly arguments?: Readonly<Record<string, string>>
    }
  | { readonly do: 'shell'; readonly command: string; readonly arguments?: readonly string[] }
export type Answer = {
  readonly ok: boolean
  readonly rows?: readonly Row[]
  readonly answers?: number
  readonly each?: readonly number[]
  readonly out?: string
  readonly code?: number
  readonly status?: number | null
  readonly fault?: {
    readonly code: number | null
    readonly value: string | null
    readonly subcode: string | null
    readonly reason: string | null
    readonly xml: string
  } | null
  readonly error?: string
}
type Way = 'ntlm' | 'ntlm-https' | 'basic'
type Other = { readonly user?: string; readonly password?: string; readonly ca?: string; readonly encryption?: string }

export type Ground = {
  readonly lab: Lab
  readonly home: string
  readonly state: string
  readonly user: string
  readonly password: string
  readonly passwordFile: string
  readonly markedUser: string
  readonly markedPassword: string
  readonly mak: string
  readonly caFile: string
  readonly siteFile: string
  readonly markedSite: (passwordFile: string) => string
  readonly pythonEnv: Readonly<Record<string, string>>
  readonly machine: (scenario: ScenarioId) => Machine
  readonly everyScenario: () => readonly Machine[]
  readonly accountOf: (machine: Machine) => { readonly user: string; readonly password: string }
  readonly sourced: () => ReadonlyMap<string, ReadonlyMap<string, string>>
  readonly python: (machine: Machine, steps: readonly Step[], way?: Way, other?: Other) => Promise<readonly Answer[]>
  readonly slmctl: (words: readonly string[]) => Promise<Ended>
  readonly slmctlStarted: (words: readonly string[]) => ChildProcess
  readonly enumerate: (wql: string) => string
  /** The command by which a shell of the lab prints the rows of a query. */
  readonly shellQuery: (wql: string) => string
}

/** MD4 is in OpenSSL's legacy provider; requests_ntlm asks for it. */
export function pythonEnvironment(home: string): Record<string, string> {
  const file = join(home, 'openssl.cnf')
  writeFileSync(
    file,
    'openssl_conf = init\n[init]\nproviders = providers\n[providers]\ndefault = standard\nlegacy = legacy\n[standard]\nactivate = 1\n[legacy]\nactivate = 1\n',
  )
  return { OPENSSL_CONF: file, NO_PROXY: '*', no_proxy: '*', PYTHONWARNINGS: 'ignore' }
}

const root = join(import.meta.dirname, '../../..')

/** slmctl as a package has it, without sources: the bundle runs. (A checkout's type stripping alone reserves 10 GB, all in a core file.) */
export async function packaged(home: string): Promise<string> {
  const built = await run(process.execPath, ['scripts/build.ts'], { cwd: root })
  if (built.code !== 0) throw new Error(built.stderr)
  const at = join(home, 'package')
  for (const part of ['bin', 'dist']) cpSync(join(root, part), join(at, part), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(at, 'node_modules'))
  return join(at, 'bin/slmctl.cjs')
}

const user = 'slmctl'
const enumeration = 'http://schemas.xmlsoap.org/ws/2004/09/enumeration'

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/** An optimised Enumerate as curl sends it. */
export const enumerateRequest = (wql: string): string =>
  `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:n="${enumeration}" xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"><s:Header><a:To>http://127.0.0.1/wsman</a:To><w:ResourceURI s:mustUnderstand="true">http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2/*</w:ResourceURI><a:ReplyTo><a:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address></a:ReplyTo><a:Action s:mustUnderstand="true">${enumeration}/Enumerate</a:Action><a:MessageID>uuid:00000000-0000-4000-8000-000000000001</a:MessageID></s:Header><s:Body><n:Enumerate><w:OptimizeEnumeration/><w:MaxElements>100</w:MaxElements><w:Filter Dialect="http://schemas.microsoft.com/wbem/wsman/1/WQL">${escaped(wql)}</w:Filter></n:Enumerate></s:Body></s:Envelope>`

/** A key of the right form that nobody ever had. */
function inventedKey(): string {
  const letters = 'BCDFGHJKMPQRTVWXY2346789'
  return Array.from({ length: 5 }, () => Array.from({ length: 5 }, () => letters[randomInt(letters.length)]).join('')).join('-')
}

/** Letters and digits, so that no encoding but the usual ones changes it. */
const invented = (n: number) =>
  Array.from({ length: n }, () => 'abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789'[randomInt(57)]).join('')

export async function openGround(): Promise<Ground> {
  const home = folder('peers')
  const state = join(home, 'state')
  mkdirSync(state)
  const password = `Lab-${invented(20)}!`
  const markedPassword = `Marked${invented(26)}`
  const mak = inventedKey()
  const lab = await startLab({
    seed: 'peers',
    machines: scenarioList.map(({ name }) => ({ scenario: name })),
    https: true,
    accounts: [
      { user, password, domain: 'CORP' },
      { user: 'Administrator', password, domain: null },
      { user: 'marked', password: markedPassword, domain: 'CORP' },
    ],
    maks: { [createHash('sha256').update(mak).digest('hex')]: { licence: 'windows mak' } },
  })
  afterwards(() => lab.close())
  const write = (name: string, text: string) => {
    writeFileSync(join(home, name), text, { mode: 0o600 })
    return join(home, name)
  }
  const caFile = write('lab-ca.pem', lab.ca)
  const passwordFile = write('lab.password', `${password}\n`)
  const siteFile = write('slmctl.yaml', lab.siteYaml())
  const pythonEnv = pythonEnvironment(home)
  const slmctl = await packaged(home)
  const slmctlEnv = { SLMCTL_STATE: state, NO_COLOR: '1' }
  return {
    lab,
    home,
    state,
    user,
    password,
    passwordFile,
    markedUser: 'CORP\\marked',
    markedPassword,
    mak,
    caFile,
    siteFile,
    pythonEnv,
    machine: (scenario) => {
      const found = lab.machines.find((m) => m.scenario === scenario)
      if (!found) throw new Error(`the lab has no scenario ${scenario}`)
      return found
    },
    everyScenario: () => lab.machines,
    // Where remote tokens are filtered, only the built-in account is an administrator.
    accountOf: () => ({ user: 'Administrator', password }),
    sourced: () => {
      const known = new Map<string, Map<string, string>>()
      for (const build of [7601, 9200, 9600, 10_240, 17_763, 20_348, 26_100])
        for (const c of classesAt(build).values()) {
          const properties = known.get(c.name.toLowerCase()) ?? new Map<string, string>()
          for (const p of c.properties.values()) properties.set(p.name.toLowerCase(), p.type)
          known.set(c.name.toLowerCase(), properties)
        }
      return known
    },
    python: async (machine, steps, way = 'ntlm', other = {}) => {
      const https = way !== 'ntlm'
      const about = {
        endpoint: https ? `https://127.0.0.1:${machine.httpsPort}/wsman` : `http://127.0.0.1:${machine.httpPort}/wsman`,
        transport: way === 'basic' ? 'basic' : 'ntlm',
        user,
        password,
        ...(https ? { ca: caFile } : {}),
        ...other,
        steps,
      }
      const { code, stdout, stderr } = await run('/usr/bin/python3', [join(import.meta.dirname, '../clients/wmi.py')], {
        env: pythonEnv,
        input: JSON.stringify(about),
      })
      if (code !== 0) throw new Error(stderr)
      return JSON.parse(stdout) as Answer[]
    },
    slmctl: (words) => run(process.execPath, [slmctl, ...words], { env: slmctlEnv }),
    slmctlStarted: (words) => {
      const child = start(process.execPath, [slmctl, ...words], { env: slmctlEnv })
      child.stdin!.end()
      return child
    },
    enumerate: enumerateRequest,
    shellQuery: (wql) => `wmiquery ${wql}`,
    markedSite: (file) =>
      write(
        'marked.yaml',
        lab
          .siteYaml({ password: { file } })
          .replace(/user: "CORP[^"]*"/, 'user: "CORP\\\\marked"')
          .replace(
            /^wishes:[\s\S]*$/m,
            `wishes:\n  - { product: windows, by: mak, key: { file: ${JSON.stringify(write('mak.key', `${mak}\n`))} } }\n`,
          ),
      ),
  }
}
