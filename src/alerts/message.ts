/** A message in words: for a mail in plain text and HTML, for a program as JSON. Pure. */

import type { Alert, AlertLink } from './facts.ts'
import type { AlertEvent, Sending } from './ledger.ts'

/** Who tells: what the site file says of itself. `url`: as people reach the dashboard; null: no links. */
export type Sender = { readonly organisation: string | null; readonly url: string | null; readonly quiet?: string | null }

export type Message = {
  /** The same at every try. */
  readonly id: string
  /** The message that it follows; null: it is the first of its cause. */
  readonly follows: string | null
  readonly subject: string
  readonly text: string
  readonly html: string
  /** `slmctl.alert/1` */
  readonly json: Readonly<Record<string, unknown>>
}

/** Control characters, line ends of any kind, and what turns the direction of writing. */
const controls = /[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gu

/** A text of a machine or a file in one line of our own: it ends no header, begins no paragraph, and is no longer than `max`. */
export function oneLine(text: string, max: number): string {
  const line = text.toWellFormed().replace(controls, ' ').trim()
  return line.length <= max ? line : `${line.slice(0, max - 1).toWellFormed()}…`
}

/** The address of a page of the dashboard, by the names of its filters. */
export function addressOf(base: string, { page, query }: AlertLink): string {
  // Half a character, as a machine may send it, is none that an address can have.
  const formed = Object.fromEntries(Object.entries(query).map(([name, value]) => [name, value.toWellFormed()]))
  const { id, host, port, ...filters } = formed
  const path =
    page === 'campaign' && id !== undefined
      ? `/campaigns/${encodeURIComponent(id)}`
      : page === 'host' && host !== undefined
        ? `/hosts/${encodeURIComponent(host)}/${encodeURIComponent(port ?? '1688')}`
        : `/${page}`
  const rest = new URLSearchParams(path === `/${page}` ? formed : filters).toString()
  return `${base.replace(/\/+$/, '')}${path}${rest === '' ? '' : `?${rest}`}`
}

const minute = (at: number) => `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`
const before: Readonly<Record<AlertEvent, string>> = { new: '', changed: 'News: ', over: 'Over: ' }

/** What a sending says. */
export function messageOf(sending: Sending, sender: Sender): Message {
  const { alert, event, since, over } = sending
  const paragraphs =
    event === 'over'
      ? [`This is over since ${minute(over ?? since)}. It stood since ${minute(since)}.`, `What it said last: ${alert.text}`]
      : [alert.text, `It stands since ${minute(since)}.`]
  return written(sender, {
    id: sending.id,
    follows: sending.thread === sending.id ? null : sending.thread,
    title: `${before[event]}${alert.title}`,
    paragraphs,
    next: event === 'over' ? [] : alert.next,
    link: sender.url === null ? null : addressOf(sender.url, alert.link),
    json: {
      event,
      alert: facts(alert, sender),
      since: new Date(since).toISOString(),
      over: over === null ? null : new Date(over).toISOString(),
    },
  })
}

const facts = (alert: Alert, sender: Sender) => ({
  ...{ key: alert.key, rule: alert.rule, severity: alert.severity, title: alert.title, text: alert.text, next: alert.next },
  ...{ number: alert.number, link: sender.url === null ? null : addressOf(sender.url, alert.link) },
})

/** What says nothing but that messages arrive. */
export function testMessage(sender: Sender, id: string, now: number): Message {
  return written(sender, {
    id,
    follows: null,
    title: 'This is a test',
    paragraphs: [`Somebody asked for it on ${minute(now)}, to see whether messages arrive here. Nothing is wrong.`],
    next: [],
    link: sender.url,
    json: { event: 'test', alert: null, since: null, over: null },
  })
}

type Words = {
  readonly id: string
  readonly follows: string | null
  readonly title: string
  readonly paragraphs: readonly string[]
  readonly next: readonly string[]
  readonly link: string | null
  readonly json: Readonly<Record<string, unknown>>
}

/** A subject is read in a list: longer ones are cut there anyway. */
const subjectMost = 160

function written(sender: Sender, { id, follows, title, paragraphs, next, link, json }: Words): Message {
  const whose = sender.organisation === null ? '' : oneLine(sender.organisation, 60)
  const subject = oneLine(`[slmctl${whose === '' ? '' : ` ${whose}`}] ${title}`, subjectMost)
  const lines = [
    title,
    '',
    ...paragraphs.flatMap((p) => [p, '']),
    ...(next.length === 0 ? [] : ['What to do next:', ...next.map((n) => `- ${n}`), '']),
    ...(link === null ? [] : [link, '']),
    '-- ',
    `slmctl${whose === '' ? '' : `, ${whose}`}. Who is told, and of what, is in the site file (alerts).`,
  ]
  return {
    ...{ id, follows, subject },
    text: `${lines.join('\n')}\n`,
    html: page(title, paragraphs, next, link),
    json: { schema: 'slmctl.alert/1', id, organisation: whose === '' ? null : whose, ...json },
  }
}

const signs: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
const escaped = (text: string) => text.replace(/[&<>"']/g, (c) => signs[c]!)

function page(title: string, paragraphs: readonly string[], next: readonly string[], link: string | null): string {
  const item = (text: string) => `<li>${text.startsWith('slmctl ') ? `<code>${escaped(text)}</code>` : escaped(text)}</li>`
  return [
    '<!doctype html><html lang="en"><meta charset="utf-8">',
    `<title>${escaped(title)}</title>`,
    `<body style="font: 16px/1.5 sans-serif"><h1 style="font-size: 20px">${escaped(title)}</h1>`,
    ...paragraphs.map((p) => `<p>${escaped(p)}</p>`),
    next.length === 0 ? '' : `<p>What to do next:</p><ul>${next.map(item).join('')}</ul>`,
    link === null ? '' : `<p><a href="${escaped(link)}">${escaped(link)}</a></p>`,
    '</body></html>\n',
  ].join('\n')
}
