import { numberOf } from '../../catalogue.ts'
import { called, days } from '../rules/rule.ts'
import { answered, change, hasOfficeService, productClass } from './change.ts'

const soon = numberOf('renewal.toastDays') * 1440

/** A KMS client is licensed, by a host of ours, and not about to lapse. */
export const kmsActivation = change(
  'activation',
  'A KMS client is activated by a host of the site',
  (p, { origin }) =>
    p.channel !== 'kms-client' ||
    (p.state === 'licensed' &&
      (origin === 'own' || origin === 'cannot-tell' || origin === 'platform') &&
      (p.minutesLeft === null || p.minutesLeft > soon)),
  (p, { site, origin }) => {
    // Against which host it would ask is settled by the kms-host change; without a host of ours nothing is activated.
    if ((site.kmsHosts.length === 0 && origin !== 'own') || p.state === 'unknown' || (p.host.name === null && answered(p))) return []
    return [
      {
        change: 'activation',
        what: `activate ${called(p)}`,
        because:
          p.state === 'licensed'
            ? p.minutesLeft !== null && p.minutesLeft <= soon
              ? `Only ${days(p.minutesLeft)} are left.`
              : 'Its present activation is not by a host of the site.'
            : `It is not activated (${p.state}).`,
        class: hasOfficeService(p) ? 'OfficeSoftwareProtectionProduct' : productClass,
        key: p.activationId ? { ID: p.activationId } : null,
        method: 'Activate',
        arguments: {},
      },
    ]
  },
)
