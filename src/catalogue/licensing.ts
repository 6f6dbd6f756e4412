import type { SourceId } from './sources.ts'

/** LicenseStatus of SoftwareLicensingProduct. */
export type LicenseStatusRow = {
  readonly value: number
  readonly name: string
  readonly state: string
  readonly meaning: string
  readonly source: readonly SourceId[]
}

export const licenseStatuses = [
  {
    value: 0,
    name: 'Unlicensed',
    state: 'unlicensed',
    meaning: 'No valid licence.',
    source: ['softwarelicensingproduct', 'wmi-properties-and-methods-for-volume-activation'],
  },
  {
    value: 1,
    name: 'Licensed',
    state: 'licensed',
    meaning: 'Activated.',
    source: ['softwarelicensingproduct', 'wmi-properties-and-methods-for-volume-activation'],
  },
  {
    value: 2,
    name: 'OOBGrace',
    state: 'initial-grace',
    meaning: 'Initial grace period after installation.',
    source: ['softwarelicensingproduct', 'wmi-properties-and-methods-for-volume-activation'],
  },
  {
    value: 3,
    name: 'OOTGrace',
    state: 'out-of-tolerance-grace',
    meaning: 'Out-of-tolerance grace, after a hardware change or an ended KMS validity.',
    source: ['softwarelicensingproduct', 'wmi-properties-and-methods-for-volume-activation'],
  },
  {
    value: 4,
    name: 'NonGenuineGrace',
    state: 'non-genuine-grace',
    meaning: 'Grace after a failed genuineness check.',
    source: ['softwarelicensingproduct', 'wmi-properties-and-methods-for-volume-activation'],
  },
  {
    value: 5,
    name: 'Notification',
    state: 'notification',
    meaning: 'Grace is over; the user is reminded.',
    source: ['softwarelicensingproduct', 'wmi-properties-and-methods-for-volume-activation'],
  },
  {
    value: 6,
    name: 'ExtendedGrace',
    state: 'extended-grace',
    meaning: 'Extended grace period.',
    source: ['softwarelicensingproduct', 'wmi-properties-and-methods-for-volume-activation'],
  },
] as const satisfies readonly LicenseStatusRow[]

/** VLActivationType (last used) and VLActivationTypeEnabled (allowed). */
export type ActivationTypeRow = { readonly value: number; readonly meaning: string; readonly source: readonly SourceId[] }

export const activationTypes = [
  {
    value: 0,
    meaning: 'all types allowed (also when blank or any other number)',
    source: [
      'wmi-properties-and-methods-for-volume-activation',
      'registry-settings-for-volume-activation',
      'activation-slmgr-vbs-options',
      'tools-to-manage-volume-activation-of-office',
    ],
  },
  {
    value: 1,
    meaning: 'Active Directory-based only',
    source: [
      'wmi-properties-and-methods-for-volume-activation',
      'registry-settings-for-volume-activation',
      'activation-slmgr-vbs-options',
      'tools-to-manage-volume-activation-of-office',
    ],
  },
  {
    value: 2,
    meaning: 'KMS only',
    source: [
      'wmi-properties-and-methods-for-volume-activation',
      'registry-settings-for-volume-activation',
      'activation-slmgr-vbs-options',
      'tools-to-manage-volume-activation-of-office',
    ],
  },
  {
    value: 3,
    meaning: 'token-based only',
    source: [
      'wmi-properties-and-methods-for-volume-activation',
      'registry-settings-for-volume-activation',
      'activation-slmgr-vbs-options',
      'tools-to-manage-volume-activation-of-office',
    ],
  },
] as const satisfies readonly ActivationTypeRow[]

/** The order in which a client looks for its KMS host; the first that is set wins. */
export const discoveryOrder = {
  order: [
    'SKU-specific KeyManagementServiceName under <AppID>\\<SKUID>',
    'application-specific KeyManagementServiceName under <AppID>',
    'global KeyManagementServiceName',
    'cached host of the last successful activation of that SKU',
    'DNS discovery',
  ],
  notes: [
    'Setting a host by hand turns discovery off.',
    'When a cached host does not answer, discovery runs again.',
    'With caching on, DNS priority and weight have no effect on later contacts.',
  ],
  source: [
    'kms-activation-timing-and-discovery-for-volume-activation',
    'activation-slmgr-vbs-options',
    'activation-troubleshoot-kms-general',
  ],
} as const

/** The DNS record by which KMS hosts are found. */
export const dnsRecord = {
  service: '_vlmcs',
  protocol: '_tcp',
  recordName: '_vlmcs._tcp.<dns domain>',
  type: 'SRV',
  priority: 0,
  weight: 0,
  port: 1688,
  target: 'FQDN of the KMS host',
  queryExample: 'nslookup -type=all _vlmcs._tcp',
  facts: [
    'Hosts publish the record by dynamic update; only the first host owns it, further hosts need write permission on it.',
    'A client looks in its primary DNS suffix, its AD domain, or the domain given by DHCP option 15 when it is in a workgroup.',
    'Manually made records may stand beside published ones.',
    'Turn publishing off on the hosts when DNS takes no dynamic updates.',
  ],
  source: ['kms-create-host', 'common-troubleshooting-procedures-kms-dns', 'configure-dns-to-activate-office-by-using-kms'],
} as const

/** Where Microsoft's documents disagree; kept, not silently decided. */
export const conflicts = [
  {
    topic: 'DNS priority and weight',
    a: 'KMS ignores them (common-troubleshooting-procedures-kms-dns.md, manual SRV record)',
    b: 'Discovery honours them when caching is off (Technical Reference, slmgr page /ckhc, Office DNS article)',
  },
  {
    topic: 'Place of DisableDnsPublishing and DnsDomainPublishList',
    a: '...\\CurrentVersion\\SL (2019 revision of the DNS page)',
    b: '...\\SoftwareProtectionPlatform (Technical Reference, 2026 support article, which says SL was for Vista and Server 2008)',
  },
  {
    topic: 'KMS host key activations',
    a: '10 activations on at most six computers (error articles; reads as a total)',
    b: 'six hosts, and each may be reactivated up to nine times (planning page; reads as per host)',
  },
  {
    topic: 'Threshold wording',
    a: 'activate-using-key-management-service-vamt.md names only 25',
    b: 'planning page: 25 clients, 5 servers or Office',
  },
  {
    topic: 'Windows Server 2012 keys named without a server edition (4 rows)',
    a: 'on the key page in 2021, 2023-09-05 and 2025-06-25',
    b: 'absent on 2024-10-01',
  },
  {
    topic: 'Host and client output',
    a: 'activation-troubleshoot-kms-general.md shows the host fields under the client tab and the reverse',
    b: 'its text and screenshots names; the tabs look swapped',
  },
  {
    topic: 'Event 12290 log',
    a: 'Office host article and the KMS pages: Key Management Service log',
    b: 'monitor-activation-client.md: "Application Log events 12288-12290"',
  },
  {
    topic: 'Office LTSC 2024 host activation ID',
    a: '8D368FC1-9470-4BE2-8D66-90E836CBB051 (tools article)',
    b: 'F3D89BBF-C0EC-47CE-A8FA-E5A5F97E447F (host article)',
  },
  { topic: 'Partial product key', a: 'WMI pages: last five characters', b: 'SLGetPKeyInformation page: first five characters' },
  { topic: 'Non-genuine grace code', a: '0xC004F065 (error articles)', b: '0x4004F065 (SDK metadata)' },
  { topic: 'ExtendedGrace', a: 'win32 page: what is left until Notification', b: 'Technical Reference: what is left until Unlicensed' },
  {
    topic: 'DisableKeyManagementServiceHostCaching and Discovered* members',
    a: 'win32 pages: methods/properties as listed here',
    b: "Technical Reference lists two Discovered* properties among the service's methods and DisableKeyManagementServiceHostCaching among the product's properties; taken as table slips",
  },
  {
    topic: 'KeyManagementServiceCurrentCount',
    a: 'declared uint32',
    b: 'documented to be -1 when unavailable, so expect 4294967295 as well',
  },
  {
    topic: 'KeyManagementServicePort on SoftwareLicensingService',
    a: 'absent from the win32 class page',
    b: 'listed by the Technical Reference and by Get-KmsLicenseInfo',
  },
] as const satisfies readonly { readonly topic: string; readonly a: string; readonly b: string }[]
