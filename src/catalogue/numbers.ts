import type { SourceId } from './sources.ts'

/** A number that volume activation works with: threshold, interval, validity, port. */
export type NumberRow = {
  readonly id: string
  readonly value: number
  readonly unit: string
  readonly meaning: string
  readonly note?: string
  readonly source: readonly SourceId[]
}

/** Thresholds, times and ports of volume activation, each with Microsoft's document. */
export const numbers = [
  {
    id: 'threshold.windowsClient',
    value: 25,
    unit: 'machines',
    meaning: 'Count the KMS host must reach before client Windows activates.',
    source: ['kms-activation-planning', 'kms-create-host', 'activation-error-codes'],
  },
  {
    id: 'threshold.windowsServer',
    value: 5,
    unit: 'machines',
    meaning: 'Count the KMS host must reach before Windows Server activates.',
    source: ['kms-activation-planning', 'kms-create-host', 'activation-error-codes'],
  },
  {
    id: 'threshold.office',
    value: 5,
    unit: 'machines',
    meaning: 'Count the KMS host must reach before volume Office, Project or Visio activates.',
    source: ['kms-activation-planning', 'kms-create-host', 'activate-office-by-using-kms', 'configure-a-kms-host-computer-for-office'],
  },
  {
    id: 'count.windowDays',
    value: 30,
    unit: 'days',
    meaning: 'Only distinct machines that contacted the host within this time are counted.',
    source: ['kms-activation-planning', 'kms-create-host', 'activation-troubleshoot-kms-general'],
  },
  {
    id: 'count.maxWithClients',
    value: 50,
    unit: 'machines',
    meaning: 'The host keeps only this many latest contacts, twice the client threshold, so the count never shows more.',
    source: ['kms-activation-planning', 'kms-create-host', 'activation-troubleshoot-kms-general'],
  },
  {
    id: 'count.maxServersOnly',
    value: 10,
    unit: 'machines',
    meaning: 'Highest count where only Windows Server clients exist, twice the server threshold.',
    source: ['activation-troubleshoot-kms-general'],
  },
  {
    id: 'count.maxOffice',
    value: 10,
    unit: 'machines',
    meaning: 'Highest count shown for an Office KMS host, twice the Office threshold.',
    source: ['configure-a-kms-host-computer-for-office'],
  },
  {
    id: 'validity.days',
    value: 180,
    unit: 'days',
    meaning: 'How long one KMS activation lasts; each renewal starts it again.',
    source: ['kms-activation-planning', 'activation-troubleshoot-kms-general', 'activate-office-by-using-kms'],
  },
  {
    id: 'validity.adBasedOfficeDays',
    value: 180,
    unit: 'days',
    meaning: 'Longest time one Active Directory-based activation of Office lasts.',
    source: ['activate-office-by-using-active-directory'],
  },
  {
    id: 'renewal.defaultMinutes',
    value: 10080,
    unit: 'minutes',
    meaning: 'Default time between renewal attempts of an activated client (7 days).',
    source: [
      'kms-activation-planning',
      'activation-slmgr-vbs-options',
      'registry-settings-for-volume-activation',
      'tools-to-manage-volume-activation-of-office',
    ],
  },
  {
    id: 'activation.defaultMinutes',
    value: 120,
    unit: 'minutes',
    meaning: 'Default time between attempts of a client that is not activated (2 hours).',
    source: [
      'activation-troubleshoot-kms-general',
      'activation-slmgr-vbs-options',
      'registry-settings-for-volume-activation',
      'tools-to-manage-volume-activation-of-office',
    ],
  },
  {
    id: 'interval.minMinutes',
    value: 15,
    unit: 'minutes',
    meaning: 'Smallest activation or renewal interval.',
    source: ['activation-slmgr-vbs-options', 'registry-settings-for-volume-activation', 'softwarelicensingservice'],
  },
  {
    id: 'interval.maxMinutes',
    value: 43200,
    unit: 'minutes',
    meaning: 'Largest activation or renewal interval (30 days).',
    source: ['activation-slmgr-vbs-options', 'registry-settings-for-volume-activation', 'softwarelicensingservice'],
  },
  {
    id: 'renewal.eventWatchMinutes',
    value: 15,
    unit: 'minutes',
    meaning: 'After a failed renewal the client watches for network changes this long, then goes on at the activation interval.',
    source: ['kms-activation-timing-and-discovery-for-volume-activation'],
  },
  {
    id: 'renewal.toastDays',
    value: 30,
    unit: 'days',
    meaning: 'Windows warns the user this long before the 180 days end when renewal has not worked.',
    source: ['activation-troubleshoot-kms-general'],
  },
  {
    id: 'grace.windowsOobDays',
    value: 30,
    unit: 'days',
    meaning: 'Initial grace period during which a new KMS client tries to activate.',
    source: ['activation-troubleshoot-kms-general'],
  },
  {
    id: 'grace.officeNotificationAfterDays',
    value: 25,
    unit: 'days',
    meaning: 'Days after installation before an Office KMS client shows activation notices.',
    source: ['rearm-an-office-installation-on-an-image-when-using-kms-to-activate'],
  },
  {
    id: 'grace.officeRearmedTimerDays',
    value: 30,
    unit: 'days',
    meaning: 'Value that rearming puts back on the Office grace timer.',
    source: ['rearm-an-office-installation-on-an-image-when-using-kms-to-activate'],
  },
  {
    id: 'grace.officeOutOfToleranceDays',
    value: 30,
    unit: 'days',
    meaning: 'Office stays in this state after 180 days without renewal, before Unlicensed notification.',
    source: ['activate-office-by-using-kms'],
  },
  {
    id: 'rearm.officeMax',
    value: 5,
    unit: 'times',
    meaning: 'How often an Office installation can be rearmed; one more after a KMS activation.',
    source: ['rearm-an-office-installation-on-an-image-when-using-kms-to-activate'],
  },
  {
    id: 'hostKey.maxHosts',
    value: 6,
    unit: 'hosts',
    meaning: 'How many machines one KMS host key can activate.',
    source: ['kms-activation-planning', 'activation-error-codes'],
  },
  {
    id: 'hostKey.maxActivations',
    value: 10,
    unit: 'activations',
    meaning: 'How often a KMS host key can be activated, as the error articles put it (10 times, at most six computers).',
    source: ['activation-error-codes', 'activation-error-0xc004c008-product-key-not-used'],
  },
  {
    id: 'hostKey.reactivationsPerHost',
    value: 9,
    unit: 'activations',
    meaning: 'How often the same host can be activated again with the same key, as the planning page puts it.',
    source: ['kms-activation-planning'],
  },
  {
    id: 'host.recommendTwoAbove',
    value: 50,
    unit: 'clients',
    meaning: 'Above this client count Microsoft advises at least two KMS hosts.',
    source: ['kms-activation-planning', 'kms-create-host'],
  },
  {
    id: 'port.default',
    value: 1688,
    unit: 'TCP port',
    meaning: 'Port on which a KMS host listens and clients connect.',
    source: ['kms-activation-planning', 'kms-create-host', 'common-troubleshooting-procedures-kms-dns', 'activation-slmgr-vbs-options'],
  },
  {
    id: 'clock.maxSkewHours',
    value: 4,
    unit: 'hours',
    meaning: 'A clock difference above this (compared in UTC) makes the KMS host refuse the request.',
    source: ['error-0xc004f074-activate-windows'],
  },
  {
    id: 'dns.registerEveryHours',
    value: 24,
    unit: 'hours',
    meaning: 'How often a KMS host registers its SRV record by default.',
    source: ['common-troubleshooting-procedures-kms-dns', 'activation-error-0x8007232b-dns-name-does-not-exist'],
  },
  {
    id: 'activationObject.nameMaxChars',
    value: 40,
    unit: 'characters',
    meaning: 'Longest name of an Active Directory activation object.',
    source: ['activation-slmgr-vbs-options'],
  },
  {
    id: 'phone.installationIdDigitsOffice',
    value: 36,
    unit: 'digits',
    meaning: 'Length that the Office host article gives for the installation ID.',
    note: 'The sample output in the same article prints 54 digits.',
    source: ['configure-a-kms-host-computer-for-office'],
  },
  {
    id: 'phone.confirmationIdDigits',
    value: 48,
    unit: 'digits',
    meaning: 'Length of the confirmation ID.',
    source: ['configure-a-kms-host-computer-for-office', 'activate-using-key-management-service-vamt'],
  },
] as const satisfies readonly NumberRow[]
