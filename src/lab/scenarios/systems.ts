import type { Serves } from '../network.ts'
import type { SourceId } from '../sources.ts'

/** A version and edition of Windows: what its machine says of itself. */
export type System = {
  readonly caption: string
  readonly version: string
  readonly build: number
  /** Update build revision; where a recording shows none, a number of the lab. */
  readonly ubr: number
  readonly sku: number
  /** 1 client, 2 domain controller, 3 server. */
  readonly productType: 1 | 2 | 3
  readonly editionId: string
  /** Name of the edition in licence names: `Windows(R), Professional edition`. */
  readonly family: string
  readonly product: string
  readonly release: string | null
  /** Rows of the key page whose key this edition takes; empty where Microsoft publishes none. */
  readonly keys: readonly string[]
  /** The host key that is needed to activate it. */
  readonly needs: Serves
  readonly source: readonly SourceId[]
}

const client = (row: Omit<System, 'productType' | 'version'>): System => ({ ...row, productType: 1, version: `10.0.${row.build}` })
const server = (row: Omit<System, 'productType' | 'version'>): System => ({ ...row, productType: 3, version: `10.0.${row.build}` })
const ten = (edition: string, of: readonly string[] = ['Windows 10', 'Windows 11']) => of.map((w) => `${w}|${edition}`)
const releases: readonly SourceId[] = ['release-client', 'product-info', 'client-keys']
const serverReleases: readonly SourceId[] = ['release-server', 'product-info', 'client-keys']

const win10 = (build: number, ubr: number, release: string) => ({
  pro: client({
    caption: 'Microsoft Windows 10 Pro',
    build,
    ubr,
    sku: 48,
    editionId: 'Professional',
    family: 'Professional',
    product: 'Windows 10 Pro',
    release,
    keys: ten('Pro'),
    needs: 'server-2016',
    source: releases,
  }),
  enterprise: client({
    caption: 'Microsoft Windows 10 Enterprise',
    build,
    ubr,
    sku: 4,
    editionId: 'Enterprise',
    family: 'Enterprise',
    product: 'Windows 10 Enterprise',
    release,
    keys: ten('Enterprise'),
    needs: 'server-2016',
    source: releases,
  }),
  education: client({
    caption: 'Microsoft Windows 10 Education',
    build,
    ubr,
    sku: 121,
    editionId: 'Education',
    family: 'Education',
    product: 'Windows 10 Education',
    release,
    keys: ten('Education'),
    needs: 'server-2016',
    source: releases,
  }),
})
const win11 = (build: number, ubr: number, release: string) => ({
  pro: client({
    caption: 'Microsoft Windows 11 Pro',
    build,
    ubr,
    sku: 48,
    editionId: 'Professional',
    family: 'Professional',
    product: 'Windows 10 Pro',
    release,
    keys: ten('Pro'),
    needs: 'server-2022',
    source: releases,
  }),
  enterprise: client({
    caption: 'Microsoft Windows 11 Enterprise',
    build,
    ubr,
    sku: 4,
    editionId: 'Enterprise',
    family: 'Enterprise',
    product: 'Windows 10 Enterprise',
    release,
    keys: ten('Enterprise'),
    needs: 'server-2022',
    source: releases,
  }),
  education: client({
    caption: 'Microsoft Windows 11 Education',
    build,
    ubr,
    sku: 121,
    editionId: 'Education',
    family: 'Education',
    product: 'Windows 10 Education',
    release,
    keys: ten('Education'),
    needs: 'server-2022',
    source: releases,
  }),
})
const ltsc = (
  year: string,
  build: number,
  ubr: number,
  release: string,
  keys: readonly string[],
  needs: Serves,
  name = `Microsoft Windows 10 Enterprise ${build < 17763 ? `${year} LTSB` : 'LTSC'}`,
): System =>
  client({
    caption: name,
    build,
    ubr,
    sku: 125,
    editionId: 'EnterpriseS',
    family: 'EnterpriseS',
    product: 'Windows 10 Enterprise LTSC',
    release,
    keys,
    needs,
    source: [...releases, 'case-26'],
  })

const old10 = win10(17763, 5458, '1809')
const last10 = win10(19045, 6456, '2009')
const w23h2 = win11(22631, 4317, '2009')
const w24h2 = win11(26100, 8737, '2009')
const w25h2 = win11(26200, 8037, '2009')

const srv = (year: string, build: number, ubr: number, release: string | null, edition: 'Standard' | 'Datacenter', needs: Serves): System =>
  server({
    caption: `Microsoft Windows Server ${year} ${edition}`,
    build,
    ubr,
    sku: edition === 'Standard' ? 7 : 8,
    editionId: `Server${edition}`,
    family: `Server${edition}`,
    product: `Windows Server ${year} ${edition}`,
    release,
    keys: [`Windows Server ${year}|${edition}`],
    needs,
    source: serverReleases,
  })

export const systems = {
  'win7-enterprise': {
    ...client({
      caption: 'Microsoft Windows 7 Enterprise ',
      build: 7601,
      ubr: 0,
      sku: 4,
      editionId: 'Enterprise',
      family: 'Enterprise',
      product: 'Windows 7 Enterprise',
      release: null,
      keys: ['Windows 7|Enterprise'],
      needs: 'server-2008-r2',
      source: ['os-version', 'case-01', 'client-keys'],
    }),
    version: '6.1.7601',
  },
  'win7-professional': {
    ...client({
      caption: 'Microsoft Windows 7 Professional ',
      build: 7601,
      ubr: 0,
      sku: 48,
      editionId: 'Professional',
      family: 'Professional',
      product: 'Windows 7 Professional',
      release: null,
      keys: ['Windows 7|Professional'],
      needs: 'server-2008-r2',
      source: ['os-version', 'case-01', 'client-keys'],
    }),
    version: '6.1.7601',
  },
  'win81-enterprise': {
    ...client({
      caption: 'Microsoft Windows 8.1 Enterprise',
      build: 9600,
      ubr: 0,
      sku: 4,
      editionId: 'Enterprise',
      family: 'Enterprise',
      product: 'Windows 8.1 Enterprise',
      release: null,
      keys: ['Windows 8.1|Enterprise'],
      needs: 'server-2012-r2',
      source: ['os-version', 'client-keys'],
    }),
    version: '6.3.9600',
  },
  'win10-1809-enterprise': old10.enterprise,
  'win10-1809-education': old10.education,
  'win10-22h2-pro': last10.pro,
  'win10-22h2-enterprise': last10.enterprise,
  'win10-22h2-education': last10.education,
  'win10-ltsb-2016': ltsc('2016', 14393, 7428, '1607', ['Windows 10 LTSB 2016|Enterprise LTSB'], 'server-2016'),
  'win10-ltsc-2019': ltsc(
    '2019',
    17763,
    5458,
    '1809',
    ['Windows 10 LTSC 2019|Enterprise LTSC', 'Windows 10 LTSC 2021|Enterprise LTSC', 'Windows 11 LTSC 2024|Enterprise LTSC'],
    'server-2019',
  ),
  'win10-ltsc-2021': ltsc(
    '2021',
    19044,
    5011,
    '2009',
    ['Windows 10 LTSC 2019|Enterprise LTSC', 'Windows 10 LTSC 2021|Enterprise LTSC', 'Windows 11 LTSC 2024|Enterprise LTSC'],
    'server-2019',
  ),
  'win11-ltsc-2024': ltsc(
    '2024',
    26100,
    8737,
    '2009',
    ['Windows 10 LTSC 2019|Enterprise LTSC', 'Windows 10 LTSC 2021|Enterprise LTSC', 'Windows 11 LTSC 2024|Enterprise LTSC'],
    'server-2025',
    'Microsoft Windows 11 Enterprise LTSC',
  ),
  'win11-23h2-enterprise': w23h2.enterprise,
  'win11-24h2-pro': w24h2.pro,
  'win11-24h2-enterprise': w24h2.enterprise,
  'win11-24h2-education': w24h2.education,
  'win11-25h2-pro': w25h2.pro,
  'win11-25h2-enterprise': w25h2.enterprise,
  // Multi-session editions report themselves as servers (multi-session).
  'win11-multi-session': {
    ...client({
      caption: 'Microsoft Windows 11 Enterprise multi-session',
      build: 22631,
      ubr: 4317,
      sku: 175,
      editionId: 'ServerRdsh',
      family: 'ServerRdsh',
      product: 'Windows 10 Enterprise multi-session',
      release: '2009',
      keys: [],
      needs: 'server-2022',
      source: ['multi-session', 'product-info'],
    }),
    productType: 3,
  },
  'server-2008-r2-standard': {
    ...srv('2008 R2', 7601, 0, null, 'Standard', 'server-2008-r2'),
    caption: 'Microsoft Windows Server 2008 R2 Standard ',
    version: '6.1.7601',
    source: ['os-version', 'case-05', 'client-keys'],
  },
  'server-2012-standard': {
    ...srv('2012', 9200, 0, null, 'Standard', 'server-2012-r2'),
    version: '6.2.9200',
    source: ['os-version', 'case-21', 'client-keys'],
  },
  'server-2012-r2-standard': {
    ...srv('2012 R2', 9600, 0, null, 'Standard', 'server-2012-r2'),
    version: '6.3.9600',
    source: ['os-version', 'case-22', 'client-keys'],
  },
  'server-2012-r2-datacenter': {
    ...srv('2012 R2', 9600, 0, null, 'Datacenter', 'server-2012-r2'),
    version: '6.3.9600',
    source: ['os-version', 'case-23', 'client-keys'],
  },
  'server-2016-standard': srv('2016', 14393, 7428, '1607', 'Standard', 'server-2016'),
  'server-2019-standard': srv('2019', 17763, 2028, '1809', 'Standard', 'server-2019'),
  'server-2019-datacenter': srv('2019', 17763, 2028, '1809', 'Datacenter', 'server-2019'),
  'server-2019-standard-eval': {
    ...srv('2019', 17763, 737, '1809', 'Standard', 'server-2019'),
    caption: 'Microsoft Windows Server 2019 Standard Evaluation',
    sku: 79,
    editionId: 'ServerStandardEval',
    family: 'ServerStandardEval',
    keys: [],
    source: ['case-45', 'product-info'],
  },
  'server-2022-standard': srv('2022', 20348, 2762, '2009', 'Standard', 'server-2022'),
  'server-2022-standard-2023': srv('2022', 20348, 2159, '2009', 'Standard', 'server-2022'),
  'server-2022-datacenter': srv('2022', 20348, 2762, '2009', 'Datacenter', 'server-2022'),
  'server-2025-standard': srv('2025', 26100, 8737, '2009', 'Standard', 'server-2025'),
  'server-2025-datacenter': srv('2025', 26100, 8737, '2009', 'Datacenter', 'server-2025'),
} as const satisfies Readonly<Record<string, System>>

export type SystemId = keyof typeof systems

/** Windows marks releases by a name (22H2) that its registry has since version 20H2. */
export const displayVersion = (build: number): string | null =>
  ({ 19044: '21H2', 19045: '22H2', 20348: '21H2', 22631: '23H2', 26100: '24H2', 26200: '25H2' })[build] ?? null

/** The machine around it: what the firmware and the platform say. */
export type Hardware = {
  readonly manufacturer: string
  readonly model: string
  readonly assetTag: string
  readonly enclosure: string
  readonly biosVersion: string
  readonly uuidPrefix: string
  readonly chassis: number
  readonly hypervisor: boolean
  readonly source: readonly SourceId[]
}
export const hardware = {
  desktop: {
    manufacturer: 'Example Computers',
    model: 'Desk 400',
    assetTag: '',
    enclosure: 'Example Computers',
    biosVersion: 'EX400 1.12',
    uuidPrefix: '',
    chassis: 3,
    hypervisor: false,
    source: ['lab', 'win32-enclosure'],
  },
  laptop: {
    manufacturer: 'Example Computers',
    model: 'Lap 14',
    assetTag: 'UNI-04711',
    enclosure: 'Example Computers',
    biosVersion: 'EX14 2.03',
    uuidPrefix: '',
    chassis: 10,
    hypervisor: false,
    source: ['lab', 'win32-enclosure'],
  },
  'hyper-v': {
    manufacturer: 'Microsoft Corporation',
    model: 'Virtual Machine',
    assetTag: '',
    enclosure: 'Microsoft Corporation',
    biosVersion: 'Hyper-V UEFI Release v4.1',
    uuidPrefix: '',
    chassis: 3,
    hypervisor: true,
    source: ['avma', 'win32-enclosure'],
  },
  azure: {
    manufacturer: 'Microsoft Corporation',
    model: 'Virtual Machine',
    assetTag: '7783-7084-3265-9085-8269-3286-77',
    enclosure: 'Microsoft Corporation',
    biosVersion: 'Hyper-V UEFI Release v4.1',
    uuidPrefix: '',
    chassis: 3,
    hypervisor: true,
    source: ['azure-tag'],
  },
  aws: {
    manufacturer: 'Amazon EC2',
    model: 't3.large',
    assetTag: 'Amazon EC2',
    enclosure: 'Amazon EC2',
    biosVersion: '1.0',
    uuidPrefix: 'EC2',
    chassis: 1,
    hypervisor: true,
    source: ['aws-identify'],
  },
  google: {
    manufacturer: 'Google',
    model: 'Google Compute Engine',
    assetTag: '',
    enclosure: 'Google',
    biosVersion: 'Google',
    uuidPrefix: '',
    chassis: 1,
    hypervisor: true,
    source: ['google-identify'],
  },
  oracle: {
    manufacturer: 'QEMU',
    model: 'Standard PC (i440FX + PIIX, 1996)',
    assetTag: 'OracleCloud.com',
    enclosure: 'QEMU',
    biosVersion: '1.5.1',
    uuidPrefix: '',
    chassis: 1,
    hypervisor: true,
    source: ['oracle-tag'],
  },
} as const satisfies Readonly<Record<string, Hardware>>
export type HardwareId = keyof typeof hardware
