import type { SourceId } from './sources.ts'

/** A word of the field, explained in a sentence or two of our own. */
export type TermRow = {
  readonly term: string
  readonly also: readonly string[]
  /** What it is. */
  readonly means: string
  /** How to tell that a machine is concerned. */
  readonly tell?: string
  /** The honest way out. */
  readonly out?: string
  readonly source: readonly SourceId[]
}

/** What `slmctl explain WORD` answers. */
export const terms = [
  {
    term: 'KMS',
    also: ['key management service'],
    means:
      'A host inside the organisation that activates volume editions of Windows and Office for 180 days at a time. Clients ask it every 7 days, on TCP port 1688.',
    source: ['kms-activation-planning'],
  },
  {
    term: 'KMS host',
    also: ['kms server'],
    means:
      'The machine that holds the KMS host key. It activates clients once enough different machines have asked: 25 for client Windows, 5 for Windows Server and Office.',
    source: ['kms-create-host'],
  },
  {
    term: 'GVLK',
    also: ['client setup key', 'kms client key', 'generic volume license key'],
    means: 'The published key that makes a volume edition look for a KMS host. It activates nothing by itself and is not secret.',
    source: ['kms-client-activation-keys'],
  },
  {
    term: 'CSVLK',
    also: ['kms host key', 'customer specific volume license key'],
    means: 'The organisation’s own key for its KMS host or for Active Directory-based activation. It is secret.',
    source: ['kms-activation-planning'],
  },
  {
    term: 'MAK',
    also: ['multiple activation key'],
    means: 'A volume key that activates a fixed number of machines with Microsoft, each once and for good. It is secret.',
    source: ['kms-activation-planning'],
  },
  {
    term: 'CMID',
    also: ['client machine id'],
    means:
      'The number by which a KMS host tells machines apart. Copies of an image that was not generalised share one and are counted once.',
    source: ['activation-troubleshoot-kms-general'],
  },
  {
    term: 'activation threshold',
    also: ['threshold', 'count', 'current count'],
    means:
      'How many different machines must have asked a KMS host within 30 days before it activates: 25 for client Windows, 5 for Windows Server and for Office. Below it clients get 0xC004F038.',
    source: ['kms-activation-planning'],
  },
  {
    term: 'ADBA',
    also: ['active directory-based activation', 'ad-based activation', 'activation object'],
    means:
      'Activation by an object in the Active Directory forest. Domain members of Windows 8, Server 2012, Office 2013 and later activate by it without a KMS host; such activations never raise a KMS count.',
    source: ['kms-activation-planning'],
  },
  {
    term: 'AVMA',
    also: ['automatic vm activation', 'virtual machine activation'],
    means: 'Windows Server guests activated by their Hyper-V host, when that is an activated Datacenter edition.',
    source: ['kms-activation-planning'],
  },
  {
    term: 'notification',
    also: ['notification mode', 'notifications', 'unlicensed notification', 'licensestatus 5'],
    means:
      'The licence state after a grace period has ended without activation, or after a failed genuineness check: Windows works on and reminds whoever uses it.',
    tell: 'slmctl status says notification, with a reason code; slmgr prints "License Status: Notification", WMI LicenseStatus 5. slmctl explain with the code says why.',
    out: 'Activate it: slmctl plan shows what is missing (a host, the client key, a name in DNS), slmctl apply does it. Without a volume licence: a key of its own.',
    source: ['softwarelicensingproduct', 'activation-slmgr-vbs-options'],
  },
  {
    term: 'banner',
    also: [
      'watermark',
      'activate windows',
      'activate windows watermark',
      'desktop watermark',
      'not genuine',
      'this copy of windows is not genuine',
    ],
    means:
      'The words at the lower right of the desktop, "Activate Windows" or "This copy of Windows is not genuine". Windows shows them while it is not activated; an evaluation shows the days left there.',
    tell: 'slmctl status says the state behind it (initial grace, notification, non-genuine grace) and its cause.',
    out: 'The banner goes when Windows is activated: slmctl plan, then slmctl apply; a machine with a licence of its own is activated by that one. slmctl hides no notices: that changes nothing about the licence.',
    source: [
      'activation-failures-not-genuine-notifications-volume-licensed-kms-client',
      'upgrade-conversion-options',
      'softwarelicensingproduct',
    ],
  },
  {
    term: 'grace',
    also: [
      ...[
        'grace period',
        'initial grace',
        'oob grace',
        'oobgrace',
        'additional grace',
        'out-of-tolerance grace',
        'out of tolerance',
        'ootgrace',
      ],
      ...['non-genuine grace', 'nongenuinegrace', 'extended grace', 'extendedgrace'],
    ],
    means:
      'Time in which a product works without being activated. Initial: after installation. Out of tolerance (slmgr calls it additional): after 180 days without renewal, or a change of hardware. Non-genuine: after a failed genuineness check. Extended: a longer one, about which Microsoft says no more.',
    tell: 'slmctl status names the kind and the days left; WMI LicenseStatus is 2 (initial), 3 (out of tolerance), 4 (non-genuine) or 6 (extended). When it ends, notification begins.',
    out: 'Find out why activation did not work, then activate: slmctl status gives the cause, slmctl apply the activation. A grace period is there to do that in, not to be lengthened.',
    source: ['softwarelicensingproduct', 'activation-troubleshoot-kms-general', 'activate-office-by-using-kms'],
  },
  {
    term: 'rearm',
    also: ['rearm count', 'remaining rearm count', 'rearmed', 'sysprep'],
    means:
      'Sets the activation timers and the CMID back, a few times only. The right use is an image: sysprep /generalize does it, so that every copy has a CMID of its own.',
    tell: 'slmgr /dlv prints the remaining rearm count; WMI RemainingWindowsReArmCount. Several machines with one CMID come from an image that was not generalised.',
    out: 'Generalise the image, then roll it out again. slmctl does not rearm: a machine that has run out of time needs an activation, not more time.',
    source: ['activation-slmgr-vbs-options', 'rearmwindows-softwarelicensingservice', 'activation-troubleshoot-kms-general'],
  },
  {
    term: 'generic key',
    also: ['default key', 'default setup key', 'generic keys', 'default keys', 'installation key', 'digital licence', 'digital license'],
    means:
      'A key that setup uses to choose the edition where none was given. It is the same for everybody and no licence: it activates nothing by itself. Machines with a digital licence show it, too, and are activated by Microsoft’s record of the hardware.',
    tell: 'slmctl status knows them by their last five characters. Not activated, it means that no licence was found; activated, a key alone does not tell how.',
    out: 'Not activated: install the key that belongs to the machine (the site file’s wish, or its own retail or firmware key), then slmctl apply. A KMS client key is another thing: slmctl explain GVLK.',
    source: ['work-with-product-keys-and-activation', 'WindowsEdition.json'],
  },
  {
    term: 'impossible date',
    also: [
      'impossible dates',
      'impossible time',
      '180 days',
      'more than 180 days',
      '2038',
      'year 2038',
      '19 years',
      '6919 days',
      'too many days left',
    ],
    means:
      'A KMS activation that claims to hold longer than KMS can give. A KMS host gives 180 days and no more; an end years away, often in 2038, comes from no genuine host. The machine is not licensed by it, whatever it shows.',
    tell: 'slmctl status and slmctl audit call it impossible-time and foreign, with the minutes that were read. Honest causes are few: a clock that stood years ahead when it was activated.',
    out: 'Compare the clock; find out who did it and with what, and have it removed. Then slmctl apply sets your own host and activates against it. MAK and retail have no end and are not meant here.',
    source: ['kms-activation-planning', 'softwarelicensingproduct'],
  },
  {
    term: 'vNext',
    also: [
      'office vnext',
      'vnextdiag',
      'new activation method',
      'm365',
      'microsoft 365',
      'microsoft 365 apps',
      'office 365',
      'licensingnext',
    ],
    means:
      'How Microsoft 365 Apps and the subscriptions of Project and Visio are licensed since version 1910: by the account of the user, or by a device licence, with Microsoft’s service. Neither WMI nor ospp.vbs shows it; no key and no KMS host is involved.',
    tell: 'In Word, File > Account > About shows a License ID that begins with EWW. vnextdiag.ps1 -action list, in Office’s folder, lists the licences of whoever runs it. slmctl says that it cannot see them, never that there is none.',
    out: 'Assign the user a licence and sign in to the app; it must reach Microsoft every 30 days. For machines that never can, Office LTSC with KMS is meant.',
    source: ['vnextdiag', 'overview-licensing-activation-microsoft-365-apps'],
  },
  {
    term: 'reduced functionality mode',
    also: ['reduced functionality', 'rfm', 'read-only office', 'product deactivated', 'unlicensed product'],
    means:
      'Microsoft 365 Apps without a valid licence: documents can be read and printed, not changed. It begins when the licence was taken away, or after 30 days without reaching Microsoft.',
    tell: 'The app says so when it starts. vnextdiag.ps1 -action list, run by that user, shows the licence; slmctl cannot see it (slmctl explain vNext).',
    out: 'Give the user a licence, connect the machine, and sign in again. It is no matter of KMS.',
    source: ['overview-licensing-activation-microsoft-365-apps', 'vnextdiag'],
  },
  {
    term: 'subscription',
    also: [
      'subscription activation',
      'windows enterprise subscription',
      'enterprise by subscription',
      'timebased_sub',
      'e3',
      'e5',
      'step-up',
    ],
    means:
      'A licence for as long as it is paid. Windows: a Pro machine becomes Enterprise when a user with an E3 or E5 licence signs in, and falls back to Pro when it ends. Office: Microsoft 365 Apps (slmctl explain vNext).',
    tell: 'slmctl status shows the channel subscription and origin vendor. The Pro below it must be activated by itself, and the machine joined to Microsoft Entra ID, also in hybrid form.',
    out: 'Nothing to do with KMS, and slmctl leaves it alone. Where it does not step up: check the user’s licence, the join, and that the machine is online; it renews about every 30 days.',
    source: ['windows-subscription-activation', 'overview-licensing-activation-microsoft-365-apps'],
  },
  {
    term: 'evaluation',
    also: ['eval', 'trial', 'trial version', 'evaluation edition', 'timebased_eval', 'evaluation copy'],
    means:
      'An edition to try Windows or Windows Server for a limited time. It is activated as what it is; no volume or retail key fits it, and no KMS host activates it.',
    tell: 'slmctl status shows the channel evaluation and when it ends; slmgr /dlv prints TIMEBASED_EVAL, DISM /online /Get-CurrentEdition a name with Eval.',
    out: 'Windows Server: convert it with DISM /online /Set-Edition and the key of the organisation, but not on a domain controller. Windows 10 and 11: install the full edition. Then slmctl apply.',
    source: ['upgrade-conversion-options', 'activation-slmgr-vbs-options'],
  },
  {
    term: 'activation ID',
    also: ['sku id', 'activationid'],
    means: 'The GUID of one licence on the machine (SoftwareLicensingProduct.ID). Events and slmgr name products by it.',
    source: ['softwarelicensingproduct'],
  },
  {
    term: 'partial product key',
    also: ['last five'],
    means: 'The last five characters of the installed key, all that Windows shows of it. Client setup keys can be recognised by them.',
    source: ['softwarelicensingproduct'],
  },
  {
    term: '_vlmcs._tcp',
    also: ['vlmcs', 'srv record', 'dns discovery'],
    means:
      'The DNS service record by which clients find KMS hosts: _vlmcs._tcp.<domain>, type SRV, port 1688. A host set by hand turns the lookup off.',
    source: ['common-troubleshooting-procedures-kms-dns'],
  },
  {
    term: 'ESU',
    also: ['extended security updates'],
    means:
      'An add-on licence for security updates after the end of support. It stands beside the Windows licence and says nothing about whether Windows is activated.',
    source: ['activation-slmgr-vbs-options'],
  },
  {
    term: 'host caching',
    also: ['kms host caching', 'cache'],
    means: 'A client remembers the host that last activated it and asks that one first; when it does not answer, discovery runs again.',
    source: ['activation-slmgr-vbs-options'],
  },
] as const satisfies readonly TermRow[]
