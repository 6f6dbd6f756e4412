/** Alerts of a fleet: what stands, who is told of it by the site file, and the loop that tells. */
import { randomUUID } from 'node:crypto'
import {
  type Alert,
  type Attempt,
  alertsFrom,
  attempted,
  bodyOf,
  claimed,
  due,
  type KeptAlert,
  type Message,
  messageOf,
  type Sender,
  type Sending,
  type Sent,
  sendMail,
  sendWebhook,
  testMessage,
} from '../alerts.ts'
import { isOpen, readWindow } from '../campaigns.ts'
import { readWhole } from '../files.ts'
import { type Problem, ProblemError, problem } from '../model.ts'
import { readSecret } from '../secrets.ts'
import type { AlertRules, AlertSettings, SiteFile } from '../site.ts'
import type { Store } from '../store.ts'
import { alertFacts } from './alert-facts.ts'

/** One that stands, with since when it does and when somebody was told. */
export type StandingAlert = Omit<Alert, 'since' | 'about' | 'grows'> & { readonly since: number; readonly sentAt: number | null }

/** A way by which people are told. `problem`: why the last try failed; `waiting`: messages that it has not taken yet. */
export type AlertWay = {
  readonly way: string
  readonly kind: 'mail' | 'webhook'
  readonly to: string
  readonly problem: string | null
  readonly waiting: number
  readonly nextAt: number | null
}
export type AlertsNow = {
  readonly at: number
  /** Quiet hours, at this moment. */
  readonly quiet: boolean
  readonly ways: readonly AlertWay[]
  readonly alerts: readonly StandingAlert[]
}
/** What came of a message. */
export type AlertTold = { readonly way: string; readonly title: string; readonly problem: Problem | null }

/** What is looked at where the site file says nothing of alerts: what its schema says then. */
export const usualRules: AlertRules = {
  ...{ daysLeft: 14, hostDown: true, underThreshold: true, foreign: true, campaignStopped: true, notScannedDays: 14 },
}

const wayOf = (to: string, kind: 'mail' | 'webhook') => `${kind}:${to}`
function waysOf(
  settings: AlertSettings | null,
): readonly { readonly way: string; readonly kind: 'mail' | 'webhook'; readonly to: string }[] {
  const mail = [...new Set(settings?.mail?.to ?? [])].map((to) => ({ way: wayOf(to, 'mail'), kind: 'mail' as const, to }))
  const hooks = [...new Set((settings?.webhooks ?? []).map((w) => w.url))]
  return [...mail, ...hooks.map((to) => ({ way: wayOf(to, 'webhook'), kind: 'webhook' as const, to }))]
}

/** Whether nobody is told anything at this moment. Throws USAGE where the words of the site file are none. */
export function isQuiet(settings: AlertSettings | null, now: number): boolean {
  const quiet = settings?.quiet ?? null
  return quiet !== null && isOpen(readWindow(quiet.between, quiet.on, quiet.timeZone), now)
}

const senderOf = (siteFile: SiteFile): Sender => ({ organisation: siteFile.site.organisation, url: siteFile.server?.url ?? null })

/** What stands now, by what is kept; nobody is told, nothing is kept. */
export async function alertsNow(store: Store, siteFile: SiteFile | null, now: number): Promise<AlertsNow> {
  const settings = siteFile?.alerts ?? null
  const rules = settings?.rules ?? usualRules
  const standing = alertsFrom(await alertFacts(store, siteFile?.site ?? null, rules, now), rules, now)
  const kept = await store.alertsKept()
  const rows = new Map(kept.map((k) => [k.key, k]))
  const ways = waysOf(settings)
  const { send } = due(kept, standing, { ways: ways.map((w) => w.way), quiet: false, now: Number.MAX_SAFE_INTEGER })
  return {
    at: now,
    quiet: isQuiet(settings, now),
    ways: ways.map((w) => {
      const states = kept.flatMap((k) => bodyOf(k).ways[w.way] ?? [])
      const failing = states.filter((s) => s.problem !== null)
      return {
        ...w,
        problem: failing[0]?.problem ?? null,
        waiting: send.filter((s) => s.way === w.way).length,
        nextAt: failing.length === 0 ? null : Math.min(...failing.map((s) => s.nextAt)),
      }
    }),
    alerts: standing.alerts.map(({ about: _, grows: __, since, ...alert }) => {
      const row = rows.get(alert.key)
      return { ...alert, since: row?.since ?? since ?? now, sentAt: row?.sentAt ?? null }
    }),
  }
}

type Way = ReturnType<typeof waysOf>[number]
/** One look: the ledger is brought up to date, and what is due is told. Answers what came of each message. */
export async function tellAlerts(
  store: Store,
  siteFile: SiteFile,
  parts: { readonly clock: () => number; readonly log: (line: string) => void },
  signal?: AbortSignal,
): Promise<{ readonly open: number; readonly told: readonly AlertTold[]; readonly nextAt: number | null }> {
  const settings = siteFile.alerts
  if (!settings) return { open: 0, told: [], nextAt: null }
  const now = parts.clock()
  const standing = alertsFrom(await alertFacts(store, siteFile.site, settings.rules, now), settings.rules, now)
  const ways = waysOf(settings)
  const names = ways.map((w) => w.way)
  const { send } = await store.changeAlerts((kept) => due(kept, standing, { ways: names, quiet: isQuiet(settings, now), now }))
  const by = randomUUID()
  const told: AlertTold[] = []
  await Promise.all(
    ways.map(async (way) => {
      for (const sending of send.filter((s) => s.way === way.way)) {
        if (signal?.aborted) return
        const came = await tellOne(store, siteFile, way, sending, by, parts.clock)
        if (came === null) continue
        told.push({ way: way.way, title: sending.alert.title, problem: came.ok ? null : came.problem })
        parts.log(came.ok ? `told ${way.to}: ${sending.alert.title}` : `not told ${way.to}: ${came.problem.summary}`)
        // What cannot be reached once is not asked again for each of the others.
        if (!came.ok) return
      }
    }),
  )
  const waits = (await store.alertsKept()).flatMap((k) => names.flatMap((n) => bodyOf(k).ways[n] ?? [])).filter((w) => w.tries > 0)
  return { open: standing.alerts.length, told, nextAt: waits.length === 0 ? null : Math.min(...waits.map((w) => w.nextAt)) }
}

/** Claims a message, sends it, and keeps what came of it. Null: another server has it, or it is no longer to be sent. */
async function tellOne(
  store: Store,
  siteFile: SiteFile,
  way: Way,
  sending: Sending,
  by: string,
  clock: () => number,
): Promise<Sent | null> {
  const at = clock()
  const change = (work: (row: KeptAlert) => KeptAlert | null) =>
    store.changeAlerts((kept) => {
      const row = kept.find((k) => k.key === sending.key)
      const next = row ? work(row) : null
      return { put: next ? [next] : [], drop: [] }
    })
  if ((await change((row) => claimed(row, sending, by, at))).put.length === 0) return null
  const came = await send(siteFile, way, messageOf(sending, senderOf(siteFile)), clock())
  const attempt: Attempt = { problem: came.ok ? null : came.problem.summary, lost: !came.ok && came.lost, at: clock() }
  await change((row) => attempted(row, sending, attempt))
  return came
}

/** Sends a message one way. Secrets are read each time: what was changed holds at once, and nothing is kept. */
async function send(siteFile: SiteFile, { kind, to }: Way, message: Message, now: number): Promise<Sent> {
  const settings = siteFile.alerts!
  try {
    if (kind === 'webhook') {
      const { secret: reference } = settings.webhooks.find((w) => w.url === to)!
      const secret = await readSecret(reference)
      try {
        // The signature is made before the call returns.
        return await secret.use((key) => sendWebhook(to, message, key, now))
      } finally {
        secret.wipe()
      }
    }
    const mail = settings.mail!
    const ca = mail.ca === null ? null : readWhole(mail.ca, 1024 * 1024).toString('utf8')
    const server = { server: mail.server, port: mail.port, security: mail.security, from: mail.from, ca }
    if ((mail.user === null) !== (mail.password === null))
      throw new ProblemError(
        problem('ALERT_MAIL_LOGIN', 'The site file has only one of user and password of the mail server.', [
          'alerts.mail: {user: slmctl, password: {file: /etc/slmctl/mail.password}}; or neither.',
        ]),
      )
    if (mail.user === null || mail.password === null) return await sendMail(to, message, server, null)
    const password = await readSecret(mail.password)
    try {
      // The library takes a string; it lives as long as the connection.
      return await sendMail(to, message, server, {
        user: mail.user,
        password: password.use((bytes) => Buffer.from(bytes).toString('utf8')),
      })
    } finally {
      password.wipe()
    }
  } catch (error) {
    const known = error instanceof ProblemError ? error.problems[0]! : null
    const summary = `It could not be sent: ${(error as Error).message}.`
    return { ok: false, problem: known ?? problem('ALERT_NOT_SENT', summary, ['alerts in the site file.']), lost: false }
  }
}

/** Sends a test to every way, now, quiet hours or not. Throws ALERTS_NONE where the site file names no way. */
export async function testAlerts(siteFile: SiteFile | null, now: number): Promise<readonly AlertTold[]> {
  const ways = waysOf(siteFile?.alerts ?? null)
  if (!siteFile || ways.length === 0)
    throw new ProblemError(
      problem('ALERTS_NONE', 'The site file names nobody who is to be told.', [
        'alerts: {mail: {server: mail.corp.example, from: slmctl@corp.example, to: [it@corp.example]}}',
        'The guide: docs/guide/metrics.md.',
      ]),
    )
  return await Promise.all(
    ways.map(async (way) => {
      const message = testMessage(senderOf(siteFile), randomUUID().replaceAll('-', ''), now)
      const came = await send(siteFile, way, message, now)
      return { way: way.way, title: message.subject, problem: came.ok ? null : came.problem }
    }),
  )
}
