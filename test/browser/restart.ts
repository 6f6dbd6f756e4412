/** The server is ended in the middle of its work, and started again: what it was asked is answered, what it began comes to its end, nothing is done twice. */
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { startLab } from '../../src/lab.ts'
import { check, folder } from '../peers/checks.ts'
import { command, fleetJson, type Place, type Served, serve, tokenOf } from './served.ts'
import { accounts, nameOf, withServer } from './stage.ts'

const machines = 60

type Campaign = { readonly id: number; readonly state: string; readonly planned: number; readonly counts?: unknown }
type Told = { readonly campaign: Campaign & Readonly<Record<string, unknown>> }

export async function restart(): Promise<void> {
  const home = folder('restart')
  const state = join(home, 'state')
  mkdirSync(state, { recursive: true, mode: 0o700 })
  const lab = await startLab({
    seed: 'restart',
    machines: Array.from({ length: machines }, (_, i) => ({ name: `pc-${i}.corp.example`, scenario: 'win11-pro-notification' as const })),
    // Slow enough that the middle of it is a time at which something can happen.
    answerAfterMs: 40,
  })
  let served: Served | null = null
  try {
    const site = join(home, 'slmctl.yaml')
    writeFileSync(join(home, 'lab.password'), lab.accounts[0]!.password, { mode: 0o600 })
    writeFileSync(join(home, 'lab-ca.pem'), lab.ca)
    writeFileSync(site, lab.siteYaml())
    await withServer(site)
    const place: Place = { site, store: join(home, 'fleet.db'), state }
    const flags = ['--site', site, '--store', place.store]
    const done = async (codes: readonly number[], ...words: string[]) => {
      const { code, err } = await command(place, [...words, ...flags])
      assert.ok(codes.includes(code ?? -1), `${words.join(' ')} ended with ${code}: ${err}`)
    }
    await done([0], 'fleet', 'import', '--site-groups')
    await done([0, 1], 'fleet', 'plan')
    const [plan] = (await fleetJson<{ campaigns: Campaign[] }>(place, 'campaigns')).campaigns
    await accounts(place)
    const authorization = `Bearer ${await tokenOf(place, nameOf('approver'), 'apply')}`
    served = await serve(place)
    const before = lab.callCounts().calls

    await check('the server is told to end in the middle of a campaign: what runs is answered, nothing new begins', async () => {
      assert.equal(before, 0)
      const made = await fetch(`${served!.origin}/api/v1/campaigns/apply`, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json', 'idempotency-key': 'restart-journey-1' },
        // Four at a time: it takes some seconds.
        body: JSON.stringify({ plans: plan!.id, expect: plan!.planned, 'at-once': 4 }),
      })
      assert.equal(made.status, 201, await made.clone().text())
      const until = performance.now() + 60_000
      while (lab.callCounts().calls < 12) {
        assert.ok(performance.now() < until, 'the campaign does not begin')
        await pause(20)
      }
      const id = (await fleetJson<{ machines: { id: number; name: string }[] }>(place, 'list', '--limit', '1')).machines[0]!.id
      // It asks a machine, which takes its time: it is under way when the signal comes.
      const asked = fetch(`${served!.origin}/api/v1/fleet/machines/${id}/ask`, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json', 'idempotency-key': 'restart-journey-2' },
        body: '{}',
      })
      await pause(60)
      const ended = served!.stop()
      const answer = await asked
      assert.equal(answer.status, 200, await answer.clone().text())
      assert.equal((await answer.text()).length > 100, true)
      assert.equal(await ended, 0, served!.said())
      const calls = lab.callCounts().calls
      assert.ok(calls < machines, `it was over before it was ended: ${calls} calls`)
      await pause(500)
      assert.equal(lab.callCounts().calls, calls, 'something was sent after its end')
      const [campaign] = (await fleetJson<{ campaigns: Campaign[] }>(place, 'campaigns')).campaigns
      assert.equal(campaign!.state, 'running')
    })

    await check('started again, it goes on with the campaign to its end; no machine was sent anything twice', async () => {
      served = await serve(place)
      const until = performance.now() + 90_000
      let told: Told
      do {
        assert.ok(performance.now() < until, 'the campaign does not come to its end')
        await pause(200)
        const [newest] = (await fleetJson<{ campaigns: Campaign[] }>(place, 'campaigns')).campaigns
        told = await fleetJson<Told>(place, 'campaign', String(newest!.id))
      } while (told.campaign.state === 'running')
      assert.equal(told.campaign.state, 'finished', JSON.stringify(told))
      const { calls, repeated, byMachine } = lab.callCounts()
      assert.equal(repeated, 0)
      assert.equal(Object.keys(byMachine).length, machines)
      const each = new Set(
        Object.values(byMachine).map((m) => JSON.stringify(Object.entries(m.byMethod).map(([name, of]) => [name, of.calls]))),
      )
      assert.equal(each.size, 1, `machines got different calls: ${[...each].join(' ')}`)
      assert.equal(calls % machines, 0)
      for (const { name } of lab.machines) assert.equal(lab.state(name).products.find((p) => p.PartialProductKey)!.LicenseStatus, 1, name)
      const { campaigns } = await fleetJson<{ campaigns: Campaign[] }>(place, 'campaigns')
      assert.equal(campaigns.length, 2, 'another campaign was made')
    })
  } finally {
    await served?.stop()
    await lab.close()
  }
}
