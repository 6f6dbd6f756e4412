/** A real server over a real lab: its machines are taken in and were asked, and every role has a token. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type Lab, type LabOptions, type MachineOption, startLab } from '../../src/lab.ts'
import type { Role } from '../../src/model.ts'
import { type Ran, ran } from '../support/ran.ts'
import { type Ask, type Said, type Stage, stage } from './stage.ts'

export type ApiStage = Omit<Stage, 'ask'> & {
  readonly lab: Lab
  /** As who may everything, where nobody else is named. */
  readonly ask: (path: string, ask?: Ask & { readonly as?: Role }) => Promise<Said>
  /** A JSON answer; throws where it is a refusal. */
  readonly get: <T = Record<string, never>>(path: string) => Promise<T>
  readonly post: <T = Record<string, never>>(path: string, body?: unknown, as?: Role) => Promise<T>
  /** `slmctl` over the same site file and store. */
  readonly slmctl: (...argv: string[]) => Promise<Ran>
  /** The campaign, when it has ended. */
  readonly ended: (id: number) => Promise<CampaignSaid>
  readonly tokens: Readonly<Record<Role, string>>
}
export type CampaignSaid = { readonly id: number; readonly state: string; readonly planned: number; readonly machines: number }

export const machines: MachineOption[] = [
  ...(['pc-1', 'pc-2', 'pc-3'] as const).map((name) => ({
    name: `${name}.corp.example`,
    scenario: 'win11-enterprise-office-2021' as const,
  })),
  { name: 'pc-4.corp.example', scenario: 'wrong-host' },
  { name: 'pc-5.corp.example', scenario: 'wrong-host' },
  { name: 'pc-6.corp.example', scenario: 'outside-host' },
  { name: 'pc-7.corp.example', scenario: 'win10-pro-grace' },
  { name: 'pc-8.corp.example', scenario: 'win10-pro-oem' },
  { name: 'pc-9.corp.example', scenario: 'no-key' },
  { name: 'kms1.corp.example', scenario: 'kms-host-2022' },
]

const scopes = { viewer: 'read', operator: 'operate', approver: 'apply' } as const

export async function apiStage(options: Partial<LabOptions> = {}): Promise<ApiStage> {
  const lab = await startLab({ seed: 7, machines, ...options })
  const on = await stage({}, { siteText: lab.siteYaml(), work: true, clock: Date.now }).catch(async (error) => {
    // A lab that goes on would hold the test for ever.
    await lab.close()
    throw error
  })
  writeFileSync(join(on.directory, 'lab.password'), `${lab.accounts[0]!.password}\n`, { mode: 0o600 })
  const tokens = {} as Record<Role, string>
  for (const role of ['viewer', 'operator', 'approver'] as const) tokens[role] = (await on.token(await on.person(role), scopes[role])).value
  const ask: ApiStage['ask'] = (path, { as = 'approver', ...asked } = {}) => on.ask(path, { token: tokens[as], ...asked })
  const good = (path: string, said: Said) => {
    if (said.status >= 300) throw new Error(`${path}: ${said.status} ${said.text}`)
    return said.json
  }
  const api: ApiStage = {
    ...{ ...on, lab, tokens, ask },
    get: async (path) => good(path, await ask(path)),
    post: async (path, body = {}, as = 'approver') => good(path, await ask(path, { body, as })),
    slmctl: async (...argv) => {
      const before = process.env.SLMCTL_STATE
      process.env.SLMCTL_STATE = on.directory
      try {
        return await ran([...argv, '--site', join(on.directory, 'slmctl.yaml')])
      } finally {
        if (before === undefined) delete process.env.SLMCTL_STATE
        else process.env.SLMCTL_STATE = before
      }
    },
    ended: async (id) => {
      for (const until = performance.now() + 60_000; performance.now() < until; await pause(50)) {
        const { campaign } = await api.get<{ campaign: CampaignSaid }>(`/api/v1/campaigns/${id}`)
        if (campaign.state !== 'running') return campaign
      }
      throw new Error(`campaign ${id} did not end`)
    },
    close: async () => {
      await on.close()
      await lab.close()
    },
  }
  const text = lab.machines.map((m) => m.name).join('\n')
  await api.post('/api/v1/fleet/imports', { source: 'list:lab', kind: 'list', text, dryRun: false, group: 'lab' })
  const { campaign } = await api.post<{ campaign: CampaignSaid }>('/api/v1/campaigns/scan', {})
  await api.ended(campaign.id)
  return api
}
