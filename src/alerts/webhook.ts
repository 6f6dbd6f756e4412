/**
 * A webhook: the alert as JSON, by POST, with a signature over time and body, so that whoever receives it knows who sent it and that
 * it is not an old one.
 */
import { createHmac } from 'node:crypto'
import { request as plain } from 'node:http'
import { request as protectedRequest } from 'node:https'
import { problem } from '../model.ts'
import type { Sent } from './mail.ts'
import { type Message, oneLine } from './message.ts'

const deadlineMs = 20_000
/** Of the answer only the status counts; a long one is not read. */
const answerMost = 64 * 1024

/** The value of the header Slmctl-Signature: the time in seconds, and HMAC-SHA256 over `time.body` in hexadecimal. */
export function signatureOf(key: Uint8Array, seconds: number, body: string): string {
  return `t=${seconds},v1=${createHmac('sha256', key).update(`${seconds}.${body}`).digest('hex')}`
}

/** Posts one message. HTTPS is verified; a redirect is not followed, as it would lead the message somewhere else. */
export function sendWebhook(url: string, message: Message, key: Uint8Array, now: number): Promise<Sent> {
  const body = JSON.stringify(message.json)
  const to = new URL(url)
  const where = `${to.origin}${to.pathname}`
  const { promise, resolve } = Promise.withResolvers<Sent>()
  let posted = false
  const no = (code: string, summary: string, next: readonly string[], lost = false) =>
    resolve({ ok: false, problem: problem(code, summary, next), lost })
  const request = (to.protocol === 'https:' ? protectedRequest : plain)(to, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      'Content-Length': Buffer.byteLength(body),
      'User-Agent': 'slmctl',
      'Slmctl-Signature': signatureOf(key, Math.floor(now / 1000), body),
      'Slmctl-Id': message.id,
    },
    agent: false,
    signal: AbortSignal.timeout(deadlineMs),
    maxHeaderSize: 16 * 1024,
  })
  request.on('finish', () => {
    posted = true
  })
  request.on('response', (answer) => {
    const status = answer.statusCode ?? 0
    let bytes = 0
    answer.on('data', (part: Buffer) => {
      bytes += part.length
      if (bytes > answerMost) answer.destroy()
    })
    answer.on('error', () => {})
    if (status >= 200 && status < 300) resolve({ ok: true, said: `HTTP ${status}` })
    else if (status >= 300 && status < 400)
      no('ALERT_WEBHOOK_REDIRECTS', `The webhook ${where} leads somewhere else (HTTP ${status}); that is not followed.`, [
        'alerts.webhooks: write the address that it leads to.',
      ])
    else
      no('ALERT_WEBHOOK_REFUSED', `The webhook ${where} refuses the message: HTTP ${status}.`, [
        'See the log of whoever receives it; a wrong secret is what it says most often.',
      ])
  })
  request.on('error', (error: NodeJS.ErrnoException) => {
    const late = error.name === 'TimeoutError' || error.name === 'AbortError'
    no(
      'ALERT_WEBHOOK_UNREACHABLE',
      `The webhook ${where} did not take the message: ${late ? 'it did not answer in time' : oneLine(error.message || (error.code ?? 'no connection'), 200)}.`,
      ['See whether it is on, and whether it is reached from here.', 'slmctl alerts --test'],
      posted,
    )
  })
  request.end(body)
  return promise
}
