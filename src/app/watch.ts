import type { MachinePlan, Site } from '../model.ts'
import type { Support } from '../support.ts'
import { type Machine, type Reach, recorder } from '../windows.ts'

/** So many machines' answers go into an archive for support, and as many again of those that could not be asked something. */
const most = 200

/** What the app tells the archive for support while it works; only made where one is wished. */
export type Watch = {
  /** Opens a machine and keeps what it says. */
  readonly open: (name: string, open: (name: string) => Promise<Machine>) => Promise<Machine>
  /** How a machine is reached; the names in it are to be hidden. */
  readonly reach: (reach: Reach, credential: string) => void
  readonly plans: <T extends { readonly name: string; readonly result: { readonly ok: boolean; readonly value?: MachinePlan } }>(
    plans: AsyncGenerator<T>,
  ) => AsyncGenerator<T>
  readonly apply: (plans: readonly MachinePlan[], journal: { readonly id: string; readonly file: string }, from: number) => void
}

export function watch(support: Support, site: Site | null, path: string | null): Watch {
  if (site) support.site(site)
  support.name('file', path)
  support.log(site ? `site file ${path}: ${site.groups.length} groups` : 'no site file')
  const recording = recorder({
    machines: most,
    log: (machine, what, ms) => support.log(`${machine}  ${what}, ${ms.toFixed(0)} ms`),
    dropped: support.dropped,
  })
  support.facts(recording.whole)
  return {
    open: async (name, open) => {
      support.name('machine', name)
      const begin = performance.now()
      try {
        return recording.keep(await open(name))
      } catch (error) {
        support.log(`${name}  not opened after ${(performance.now() - begin).toFixed(0)} ms: ${(error as Error).message}`)
        throw error
      }
    },
    reach: ({ name, address, port, tls, credential }, called) => {
      support.name('host', address)
      support.name('credential', called)
      if ('user' in credential) support.name('user', credential.user)
      if ('domain' in credential) support.name('domain', credential.domain)
      if (credential.method === 'kerberos') support.name('user', credential.principal)
      support.log(`${name}  at ${address}:${port}, ${tls ? 'HTTPS' : 'HTTP'}, ${credential.method} as ${called}`)
    },
    plans: async function* (plans) {
      for await (const one of plans) {
        support.name('machine', one.name)
        if (one.result.ok && one.result.value) support.plan(one.result.value)
        yield one
      }
    },
    apply: (plans, journal, from) => {
      for (const plan of plans) support.plan(plan)
      support.journal(journal.file, from)
      support.log(`journal ${journal.id}: ${plans.length} machines`)
    },
  }
}
