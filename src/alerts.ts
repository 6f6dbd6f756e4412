/**
 * Alerts: what of a fleet is told without being asked for, to whom, when, and when again. Rules and the ledger are pure; mail and
 * webhooks are the two ways out. What is due is kept by whoever calls, so that a server that ends loses nothing.
 */
export type { Alert, AlertFacts, AlertLink, HostFact, RuleName, Rules, Standing } from './alerts/facts.ts'
export {
  type AlertEvent,
  type Attempt,
  attempted,
  bodyOf,
  type Chance,
  claimed,
  due,
  type Kept,
  type KeptAlert,
  type Sending,
  type WayState,
} from './alerts/ledger.ts'
export { type MailServer, type Sent, sendMail } from './alerts/mail.ts'
export { addressOf, type Message, messageOf, oneLine, type Sender, testMessage } from './alerts/message.ts'
export { alertsFrom } from './alerts/rules.ts'
export { sendWebhook, signatureOf } from './alerts/webhook.ts'
