/** Mail over SMTP: TLS is asked for and verified unless the site file says otherwise. */
import { createTransport } from 'nodemailer'
import { type Problem, problem } from '../model.ts'
import { type Message, oneLine } from './message.ts'

export type MailServer = {
  readonly server: string
  readonly port: number
  /** `none`: in clear, for a server on the same computer; no password goes that way. */
  readonly security: 'starttls' | 'tls' | 'none'
  /** PEM of the authority of its certificate; null: the system's. */
  readonly ca: string | null
  readonly from: string
}

/** What came of a try. `lost`: there was no answer to what was sent, so that it may have arrived. */
export type Sent = { readonly ok: true; readonly said: string } | { readonly ok: false; readonly problem: Problem; readonly lost: boolean }

/** RFC 5321 4.5.3.2 allows minutes; an alert is tried again. */
const connectMs = 15_000
const silentMs = 30_000
const deadlineMs = 90_000

/**
 * Sends one message to one address. A refusal, a time that is up or a certificate that is not right is a value, with what to do next.
 * `password` is a string for the length of this call, as the library wants it.
 */
export async function sendMail(
  to: string,
  message: Message,
  server: MailServer,
  login: { readonly user: string; readonly password: string } | null,
): Promise<Sent> {
  if (login && server.security === 'none')
    return failed('ALERT_PASSWORD_IN_CLEAR', `The mail server ${server.server} is reached without TLS; no password is sent that way.`, [
      'alerts.mail.security: starttls in the site file.',
    ])
  // From DATA on, the server may have taken it.
  let began = false
  const transport = createTransport({
    host: server.server,
    port: server.port,
    secure: server.security === 'tls',
    requireTLS: server.security === 'starttls',
    ignoreTLS: server.security === 'none',
    tls: { minVersion: 'TLSv1.2', rejectUnauthorized: true, ...(server.ca === null ? {} : { ca: server.ca }) },
    ...(login ? { auth: { user: login.user, pass: login.password } } : {}),
    ...{ connectionTimeout: connectMs, greetingTimeout: connectMs, socketTimeout: silentMs, dnsTimeout: connectMs },
    ...{ disableFileAccess: true, disableUrlAccess: true, transactionLog: true },
    logger: { ...noLog, debug: (entry: unknown, line: unknown) => (began ||= isData(entry, line)) },
  })
  const domain = server.from.split('@').at(-1) ?? 'slmctl.invalid'
  const idOf = (id: string) => `<${id}.slmctl@${domain}>`
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(Object.assign(new Error('the time is up'), { code: 'ETIMEDOUT' })), deadlineMs)
  })
  try {
    const info = await Promise.race([
      late,
      transport.sendMail({
        from: { name: 'slmctl', address: server.from },
        to: { name: '', address: to },
        subject: message.subject,
        text: message.text,
        html: message.html,
        messageId: idOf(message.id),
        ...(message.follows === null ? {} : { inReplyTo: idOf(message.follows), references: [idOf(message.follows)] }),
        headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
        list: { id: { url: `alerts.slmctl.${domain}`, comment: 'Alerts of slmctl' } },
      }),
    ])
    return { ok: true, said: oneLine(info.response, 200) }
  } catch (error) {
    return because(error as Failure, to, server, began)
  } finally {
    clearTimeout(timer)
    transport.close()
  }
}

const quiet = () => {}
/** The library tells of the conversation in no other way; nothing of it is kept. */
const noLog = { level: quiet, trace: quiet, debug: quiet, info: quiet, warn: quiet, error: quiet, fatal: quiet }
const isData = (entry: unknown, line: unknown) => (entry as { tnx?: string } | null)?.tnx === 'client' && String(line).trim() === 'DATA'

type Failure = Error & { readonly code?: string; readonly response?: string; readonly responseCode?: number }

function failed(code: string, summary: string, next: readonly string[], lost = false): Sent {
  return { ok: false, problem: problem(code, summary, next), lost }
}

/** Nothing of what the library says reaches people but the server's own answer; that is one line of bounded length. */
function because(error: Failure, to: string, { server, port, security }: MailServer, began: boolean): Sent {
  const at = `${server}:${port}`
  const said = error.response === undefined ? '' : ` It said: ${oneLine(error.response, 200)}`
  const { code } = error
  if (code === 'EAUTH')
    return failed('ALERT_MAIL_LOGIN', `The mail server ${at} refuses the user or the password.${said}`, [
      'alerts.mail.user and password in the site file.',
      'slmctl alerts --test',
    ])
  if (
    code === 'ETLS' ||
    /^(?:CERT_|DEPTH_|UNABLE_TO|SELF_SIGNED|ERR_TLS|ERR_SSL|HOSTNAME)/.test(code ?? '') ||
    /certificate|altnames|wrong version/i.test(error.message)
  )
    return failed('ALERT_MAIL_TLS', `No protected connection to the mail server ${at}: ${oneLine(error.message, 200)}.`, [
      'Its certificate must be for that name, and of an authority that this computer knows (or alerts.mail.ca).',
      security === 'starttls'
        ? 'A server that has no STARTTLS wants alerts.mail.security: tls, mostly at port 465.'
        : 'alerts.mail.security and port in the site file.',
    ])
  if (code === 'EENVELOPE' || error.responseCode !== undefined)
    return failed('ALERT_MAIL_REFUSED', `The mail server ${at} does not take a message to ${oneLine(to, 100)}.${said}`, [
      'See the log of the mail server.',
    ])
  return failed(
    'ALERT_MAIL_UNREACHABLE',
    `The mail server ${at} did not take the message: ${code === 'ETIMEDOUT' ? 'it did not answer in time' : oneLine(error.message, 200)}.`,
    ['See whether it is on, and whether its port is open from here.', 'slmctl alerts --test'],
    began,
  )
}
