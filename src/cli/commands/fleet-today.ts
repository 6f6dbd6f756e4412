/** What is kept of a fleet as a first page has it: what needs somebody today, its KMS hosts. No machine is asked. */
import { type App, keptHosts, needLimits, type SeenHost, type Store, todayOf } from '../../app.ts'
import { type Io, json } from '../io.ts'
import { appFor } from '../machines.ts'
import { showKeptHosts } from '../views/fleet-hosts.ts'
import { showToday } from '../views/fleet-today.ts'
import { type Flags, usage } from './fleet-filter.ts'

/** The site file alone: how machines are reached does not matter here. */
export async function withSite<T>(flags: Flags, io: Io, work: (app: App) => Promise<T>): Promise<T> {
  const app = await appFor(flags.site === undefined ? {} : { site: flags.site }, io)
  try {
    return await work(app)
  } finally {
    await app.close()
  }
}

/** What needs somebody today, worst first. 1: something does. */
export async function today(words: readonly string[], flags: Flags, store: Store, io: Io): Promise<number> {
  if (words.length > 0) throw usage('fleet today takes no words.', 'slmctl fleet today', `slmctl fleet show ${words[0]}`)
  return await withSite(flags, io, async ({ site, siteFile }) => {
    const now = await todayOf(store, site, Date.now(), needLimits(siteFile))
    if (flags.json === true) io.out(json(now))
    else showToday(now, site !== null, io)
    return now.needs.some((n) => n.severity !== 'info') ? 1 : 0
  })
}

/** KMS hosts as they were seen last. 2: one of them could not be told, or was never checked; 1: something does not fit. */
export async function hosts(words: readonly string[], flags: Flags, store: Store, io: Io): Promise<number> {
  if (words.length > 0)
    throw usage('fleet hosts takes no words.', 'slmctl fleet hosts', `slmctl hosts show ${words[0]}: asks it, and tells all of it`)
  return await withSite(flags, io, async ({ site }) => {
    const seen = await keptHosts(store, site, Date.now())
    if (flags.json === true) io.out(json({ schema: 'slmctl.fleet-hosts/1', hosts: seen }))
    else showKeptHosts(seen, io)
    return exitOf(seen)
  })
}

/** What only machines name fits nowhere; what the site knows is as its check says. */
function exitOf(seen: readonly SeenHost[]): number {
  const ours = seen.filter((h) => h.declared)
  if (ours.some((h) => h.state === null || h.state === 'cannot-tell')) return 2
  return seen.length > ours.length || ours.some((h) => h.state !== 'ok') ? 1 : 0
}
