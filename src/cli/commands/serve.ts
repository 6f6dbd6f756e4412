import { openFleet, type ServerSettings } from '../../app.ts'
import { ProblemError, printable, problem } from '../../model.ts'
import { type Running, readPages, startServer, usualSettings } from '../../server.ts'
import { type Io, note, wrap } from '../io.ts'
import { appFor } from '../machines.ts'
import { stopOnSignals } from '../stop.ts'
import { version } from '../version.ts'

type Flags = Readonly<Record<string, string | boolean | undefined>>

/** How long a database that is away is waited for at one question; who asks the server does not wait longer. */
const patienceMs = 5000
/** Two long questions are answered at once, beside everything else. */
const threads = 2
/** How long requests that are under way get when the server is told to end. */
const graceMs = 10_000

/** `slmctl serve`: the dashboard, the API and the metrics, until it is told to end. */
export async function run(words: readonly string[], flags: Flags, io: Io): Promise<number> {
  if (words.length > 0) throw new ProblemError(problem('USAGE', 'serve takes no words.', ['slmctl serve --listen 127.0.0.1:8080']))
  const app = await appFor(flags, io)
  const settings = { ...(app.siteFile?.server ?? usualSettings), ...listenOf(flags) }
  const store = await openFleet((flags.store as string | undefined) ?? settings.store, true, patienceMs, threads)
  // What services are told by when a file of theirs is another one (systemd: ExecReload).
  let renewed: Running['renewed'] = null
  const stop = stopOnSignals(io, () => void renewed?.())
  try {
    const server = await startServer({
      ...{ app, store, settings, version },
      siteFile: app.siteFile?.file ?? null,
      pages: readPages(),
      once: flags['no-link'] !== true && settings.proxies.length === 0,
      work: flags['no-work'] !== true && app.site !== null,
      log: (line) => io.err(`${new Date().toISOString()} ${printable(line)}\n`),
    })
    renewed = server.renewed
    if (flags.json === true) io.out(`${JSON.stringify({ schema: 'slmctl.serve/1', url: server.url, link: server.link })}\n`)
    else {
      io.out(`${io.paint('bold', `slmctl serves ${store.place} at ${server.url}`)}\n`)
      if (server.link !== null) io.out(`${wrap(`Sign in with this link, once and within ten minutes:`, io.columns)}  ${server.link}\n`)
      else if (settings.openid === null && !(await store.accounts()).some((a) => a.kind === 'local' && a.disabledAt === null))
        note('nobody can sign in yet. On this computer: slmctl accounts add NAME --role approver', io)
      if (app.site === null) note('there is no site file: which activations are yours cannot be told, and no campaign is run.', io)
      io.out('^C ends it.\n')
    }
    await new Promise<void>((done) => {
      if (stop.signal.aborted) done()
      else stop.signal.addEventListener('abort', () => done(), { once: true })
    })
    await server.close({ graceMs })
    return 0
  } finally {
    stop.forget()
    await store.close()
    await app.close()
  }
}

function listenOf(flags: Flags): Partial<Pick<ServerSettings, 'address' | 'port'>> {
  if (flags.listen === undefined) return {}
  const [, address, port] = /^((?:\d{1,3}\.){3}\d{1,3}|\[[0-9a-fA-F:.]+\]|localhost):(\d{1,5})$/.exec(String(flags.listen)) ?? []
  if (address === undefined || Number(port) > 65_535)
    throw new ProblemError(problem('USAGE', `--listen ${flags.listen}: expected address:port.`, ['--listen 127.0.0.1:8080']))
  return { address: address.replace(/^\[|\]$/g, ''), port: Number(port) }
}
