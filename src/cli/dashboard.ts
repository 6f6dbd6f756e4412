/** The end of the tour: the dashboard over a fleet with a story. */
import { request } from 'node:http'
import { openApp, openFleet } from '../app.ts'
import { ProblemError, problem } from '../model.ts'
import type { api } from '../schemas.ts'
import { readPages, startServer, usualSettings } from '../server.ts'
import { openBrowser } from './browser.ts'
import { type Io, wrap } from './io.ts'
import { stopOnSignals } from './stop.ts'
import { appOptions, storyFleet } from './story.ts'
import { version } from './version.ts'

/** On loopback alone, at a port that is free; whoever has the link may do everything. */
const settings = { ...usualSettings, port: 0, local: false }

/** What a dashboard told of itself: its address, and what needs somebody today. */
export type Told = { readonly address: string; readonly needs: api.Today['needs'] }

/**
 * Opens the dashboard over a lab that was looked at for some days. `stays`: until ^C; else the server's own API is asked for today's
 * sentences, and all of it ends. `open`: in the browser, too. `tell` hears what is known before it stays.
 */
export async function showDashboard(
  folder: string,
  how: { readonly stays: boolean; readonly open: boolean },
  tell: (told: Told & { readonly link: string; readonly machines: number }) => void,
  io: Io,
): Promise<void> {
  // From the beginning: whoever ends it early leaves nothing behind.
  const stop = how.stays ? stopOnSignals(io) : null
  const fleet = await storyFleet(folder)
  try {
    const app = await openApp({ ...appOptions, siteFile: fleet.site })
    const store = await openFleet(fleet.store, false)
    try {
      const server = await startServer({
        ...{ app, store, settings, siteFile: fleet.site, pages: readPages(), once: true, work: true, version },
        log: () => {},
      })
      try {
        const link = server.link!
        // Who stays signs in by it; else it is used here.
        const needs = how.stays ? [] : (await askToday(server.url, link)).needs
        tell({ address: server.url, link, needs, machines: fleet.lab.machines.length })
        if (stop) {
          if (how.open && !stop.signal.aborted) openBrowser(link)
          await new Promise<void>((ended) => {
            if (stop.signal.aborted) ended()
            else stop.signal.addEventListener('abort', () => ended(), { once: true })
          })
        }
      } finally {
        await server.close({ graceMs: 3000 })
      }
    } finally {
      await store.close()
      await app.close()
    }
  } finally {
    stop?.forget()
    await fleet.close()
  }
}

/** Signs in by the link, as a browser does, and asks what needs somebody. */
async function askToday(url: string, link: string): Promise<api.Today> {
  const token = new URL(link).hash.slice(1)
  const entered = await ask(`${url}/api/v1/sign-in/link`, { origin: url, 'content-type': 'application/json' }, JSON.stringify({ token }))
  const today = await ask(`${url}/api/v1/fleet/today`, { cookie: entered.cookie })
  return JSON.parse(today.body) as api.Today
}

type Answer = { readonly body: string; readonly cookie: string }

function ask(url: string, headers: Readonly<Record<string, string>>, body?: string): Promise<Answer> {
  return new Promise((done, failed) => {
    const asked = request(url, { method: body === undefined ? 'GET' : 'POST', headers, agent: false, timeout: 20_000 }, (answer) => {
      let text = ''
      answer.setEncoding('utf8')
      answer.on('data', (part: string) => {
        text += part
      })
      answer.once('error', failed)
      answer.once('end', () => {
        const cookie = (answer.headers['set-cookie'] ?? []).map((one) => one.split(';')[0]!).join('; ')
        if (answer.statusCode === 200) done({ body: text, cookie })
        else failed(new ProblemError(problem('DASHBOARD_SILENT', `The dashboard answered ${answer.statusCode}.`, ['slmctl serve --help'])))
      })
    })
    asked.once('timeout', () => asked.destroy(new Error('no answer')))
    asked.once('error', (error) =>
      failed(new ProblemError(problem('DASHBOARD_SILENT', `The dashboard cannot be asked: ${error.message}.`, ['slmctl serve --help']))),
    )
    asked.end(body)
  })
}

/** What is printed of it: the way in where it stays, else its sentences. */
export function showTold(told: Told & { readonly link: string; readonly machines: number }, stays: boolean, io: Io): void {
  const say = (text: string) => io.out(wrap(text, io.columns))
  if (stays) {
    io.out(`\n${told.address}\nSigns you in, once:\n${told.link}\n\n`)
    say('It has what the tour had, for people who would rather look: find who lapsed last night, plan, approve, watch. ^C ends it.')
    return
  }
  io.out(`\n${told.address}, which says of today:\n\n`)
  for (const { severity, text, next } of told.needs) {
    const tone = severity === 'action' ? 'red' : severity === 'attention' ? 'yellow' : 'dim'
    io.out(io.paint(tone, wrap(text, io.columns, '  - ', '    ')))
    if (next !== null) io.out(wrap(next, io.columns, '    → ', '      '))
  }
  io.out('\n')
  say('No terminal is here for somebody to look, so it has ended. slmctl demo --no-open stays until ^C.')
}
