/**
 * `npm run test:browser`: the dashboard in Debian's Chromium, over a lab that was scanned and a server as a process. Installs Chromium
 * where it may. Screenshots stay in dist/screens, or where SLMCTL_SCREENS says. SLMCTL_BROWSER=looks,journeys: only these parts. The
 * last line is `N passed, N failed, N skipped`.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { main, skip } from '../peers/checks.ts'
import { ready, screens } from './browser.ts'
import { openStage, type Stage } from './stage.ts'

/** In this order: journeys change the fleet, and what comes after looks at a fleet with a past. */
const parts: Readonly<Record<string, () => Promise<(on: Stage) => Promise<void>>>> = {
  journeys: async () => (await import('./journeys.ts')).journeys,
  keyboard: async () => (await import('./keyboard.ts')).keyboard,
  numbers: async () => (await import('./numbers.ts')).numbers,
  roles: async () => (await import('./roles.ts')).roles,
  looks: async () => (await import('./looks.ts')).looks,
  states: async () => (await import('./states.ts')).states,
  imports: async () => (await import('./import.ts')).imports,
  texts: async () => (await import('./texts.ts')).texts,
  harm: async () => (await import('./harm.ts')).harm,
  'single-sign-on': async () => (await import('./single-sign-on.ts')).singleSignOn,
  restart: async () => (await import('./restart.ts')).restart,
}

await main(async () => {
  const wanted = process.env.SLMCTL_BROWSER?.split(',') ?? Object.keys(parts)
  const reason = await ready()
  if (reason !== null) {
    for (const name of wanted) skip(name, reason)
    return
  }
  // Old pictures are no output of this run.
  if (process.env.SLMCTL_BROWSER === undefined) rmSync(screens, { recursive: true, force: true })
  if (!existsSync('dist/pages.json')) execFileSync('npm', ['run', '--silent', 'build:web'], { stdio: 'inherit' })
  const on = await openStage()
  for (const name of wanted) {
    console.log(`=== ${name}`)
    await (await parts[name]!())(on)
  }
  console.log(`screenshots: ${screens}`)
})
