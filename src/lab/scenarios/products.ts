import { createHash } from 'node:crypto'
import type { Serves } from '../network.ts'
import type { SourceId } from '../sources.ts'
import type { System } from './systems.ts'

/** Kind of a licence, by the key that it takes. */
export type KeyKind = 'gvlk' | 'mak' | 'retail' | 'oem-dm' | 'oem-slp' | 'eval' | 'host' | 'avma' | 'esu' | 'subscription' | 'grace'
export type AppId = 'windows' | 'office' | 'office14'

/** One licence that is installed on a machine, with or without a key: what SoftwareLicensingProduct says of it for good. */
export type Licence = {
  /** Name within a machine's scenario: `windows gvlk`, `office-2021-proplus gvlk`. */
  readonly name: string
  readonly kind: KeyKind
  readonly app: AppId
  /** SoftwareLicensingProduct.ID */
  readonly activationId: string
  readonly idSource: SourceId
  readonly title: string
  readonly description: string
  readonly family: string
  readonly keyChannel: string
  /** Rows of the published keys (`Windows 10|Pro`) that it takes. */
  readonly keys: readonly string[]
  readonly needs: Serves
  /** Count that a host must reach. */
  readonly threshold: 5 | 25
  readonly addOn: boolean
  readonly dependsOn: string | null
  readonly source: readonly SourceId[]
}

export const applicationIds: Readonly<Record<AppId, string>> = {
  windows: '55c92734-d682-4d71-983e-d6ec3f16059f',
  office: '0ff1ce15-a989-479d-af46-f275c6370663',
  office14: '59a52881-a989-479d-af46-f275c6370663',
}

/** Activation IDs that a recording or a document names, by title and kind. Others are made from the title (`lab-id`). */
const known: Readonly<Record<string, readonly [string, SourceId]>> = {
  'Windows(R), Professional edition|gvlk': ['2de67392-b7a7-462a-b1ca-108dd189f588', 'case-07'],
  'Windows(R), Professional edition|oem-dm': ['bd3762d7-270d-4760-8fb3-d829ca45278a', 'case-33'],
  'Windows(R), Professional edition|retail': ['4de7cb65-cdf1-4de9-8ae8-e3cce27b9f2c', 'public-output'],
  'Windows(R) 7, Enterprise edition|gvlk': ['ae2ee509-1b34-41c0-acb7-6d4650168915', 'activation-errors'],
  'Windows(R), ServerStandard edition|gvlk|17763': ['de32eafd-aaee-4662-9444-c1befb41bde2', 'case-10'],
  'Windows(R), ServerDatacenter edition|gvlk|9600': ['00091344-1ea4-4f37-b789-01750ba6988c', 'case-23'],
  'Windows Server(R), ServerStandard edition|gvlk': ['68531fb9-5511-4989-97be-d11a0f55633f', 'case-29'],
  'Windows(R), EnterpriseS edition|gvlk|14393': ['2d5a5a60-3040-48bf-beb0-fcd770c20ce0', 'case-26'],
  'esu-win10-1': ['f520e45e-7413-4a34-a497-d2765967d094', 'case-12'],
  'esu-win10-2': ['1043add5-23b1-4afb-9a0f-64343c8f3f8d', 'esu-win10'],
  'esu-win10-3': ['83d49986-add3-41d7-ba33-87c7bfb5c0fb', 'esu-win10'],
  'esu-win7-1': ['77db037b-95c3-48d7-a3ab-a9c6d41093e0', 'esu-win7'],
  'esu-win7-2': ['0e00c25d-8795-4fb7-9572-3803d91b6880', 'esu-win7'],
  'esu-win7-3': ['4220f546-f522-46df-8202-4d07afd26454', 'esu-win7'],
  'Office 24, Office24ProPlus2024VL_KMS_Client_AE edition|gvlk': ['8d368fc1-9470-4be2-8d66-90e836cbb051', 'case-19'],
  'Office 21, Office21ProPlus2021VL_KMS_Client_AE edition|gvlk': ['fbdb3e18-a8ef-4fb3-9183-dffd60bd0984', 'ltsc-2021-aws'],
  'Office 19, Office19ProPlus2019R_Grace edition|grace': ['52c4d79f-6e1a-45b7-b479-36b666e0a2f8', 'case-17'],
  'Office 16, Office16ProPlusVL_KMS_Client edition|gvlk': ['d450596f-894d-49e0-966a-fd39ed4c4c64', 'case-32'],
  'Office 15, OfficeProPlusVL_KMS_Client edition|gvlk': ['b322da9c-a2e2-4058-9e4e-f59a6970bd69', 'case-28'],
  'Office 15, OfficeProPlusSubR_Subscription edition|subscription': ['82cef0d9-d31d-456e-a3fa-ae2637ea2984', 'case-38'],
  'Office 16, Office16VisioProVL_KMS_Client edition|gvlk': ['6bf301c1-b94a-43e9-ba31-d494598c47fb', 'public-output'],
  'Office 24, Office24Standard2024VL_MAK_AE1 edition|mak': ['44a07f51-8263-4b2f-b2a5-70340055c646', 'public-output'],
  'host-office-2016': ['98ebfe73-2084-4c97-932c-c0cd1643bea7', 'case-21'],
  'host-office-2021': ['47f3b983-7c53-4d45-abc6-bcd91e2dd90a', 'office-host'],
  'host-office-2024': ['f3d89bbf-c0ec-47ce-a8fa-e5a5f97e447f', 'office-host'],
}

/** A version 8 UUID made from a name: the same in every lab. */
export function madeId(name: string): string {
  const h = createHash('sha256').update(`slmctl lab ${name}`).digest('hex')
  return `${h.slice(0, 8)}-${h.slice(8, 12)}-8${h.slice(13, 16)}-9${h.slice(17, 20)}-${h.slice(20, 32)}`
}

function idOf(...names: string[]): readonly [string, SourceId] {
  for (const name of names) if (known[name]) return known[name]
  return [madeId(names[0]!), 'lab-id']
}

const channelText: Readonly<Record<KeyKind, string>> = {
  gvlk: 'VOLUME_KMSCLIENT',
  mak: 'VOLUME_MAK',
  retail: 'RETAIL',
  'oem-dm': 'OEM_DM',
  'oem-slp': 'OEM_SLP',
  eval: 'TIMEBASED_EVAL',
  host: 'VOLUME_KMS',
  avma: 'VIRTUAL_MACHINE_ACTIVATION',
  esu: 'VOLUME_MAK',
  subscription: 'TIMEBASED_SUB',
  grace: 'RETAIL(Grace)',
}
const keyChannel: Readonly<Record<KeyKind, string>> = {
  gvlk: 'Volume:GVLK',
  mak: 'Volume:MAK',
  retail: 'Retail',
  'oem-dm': 'OEM:DM',
  'oem-slp': 'OEM:SLP',
  eval: 'Retail:TB:Eval',
  host: 'Volume:CSVLK',
  avma: 'VT:IA',
  esu: 'Volume:MAK',
  subscription: 'Retail:TB:Sub',
  grace: 'Retail',
}

/** How Windows names its licences: with the version up to Windows 7, without since. */
function windowsTitle(system: System, family: string): { title: string; os: string } {
  const name = system.build === 7601 ? (system.productType === 1 ? 'Windows(R) 7' : 'Windows Server(R)') : 'Windows(R)'
  return {
    title: `${name}, ${family} edition`,
    os: system.build === 7601 ? `Windows Operating System - ${name}` : 'Windows(R) Operating System',
  }
}

/** `VOLUME_KMS_2012-R2_WIN10 channel` (case 22); the words for newer host keys follow the same pattern and are not recorded. */
const hostChannel: Readonly<Partial<Record<Serves, string>>> = {
  'server-2012-r2': 'VOLUME_KMS_2012-R2_WIN10',
  'server-2016': 'VOLUME_KMS_WS16',
  'server-2019': 'VOLUME_KMS_WS19',
  'server-2022': 'VOLUME_KMS_WS22',
  'server-2025': 'VOLUME_KMS_WS25',
}

function windows(system: System, kind: KeyKind, name = `windows ${kind}`, needs: Serves = system.needs): Licence {
  const { title, os } = windowsTitle(system, system.family)
  const channel = kind === 'host' ? (hostChannel[needs] ?? channelText.host) : channelText[kind]
  const [activationId, idSource] = idOf(`${title}|${kind}|${system.build}`, ...(kind === 'host' ? [] : [`${title}|${kind}`]))
  return {
    name,
    kind,
    app: 'windows',
    activationId: kind === 'host' ? madeId(`${title}|host|${needs}`) : activationId,
    idSource: kind === 'host' ? 'lab-id' : idSource,
    title,
    description: `${os}, ${channel} channel`,
    family: system.family,
    keyChannel: keyChannel[kind],
    keys: kind === 'gvlk' ? system.keys : [],
    needs,
    threshold: system.productType === 1 || system.family === 'ServerRdsh' ? 25 : 5,
    addOn: false,
    dependsOn: null,
    source:
      kind === 'host'
        ? ['case-22', 'kms-host']
        : kind === 'avma'
          ? ['avma']
          : system.build === 7601
            ? ['case-01', 'case-05']
            : ['case-07', 'case-10', 'case-33'],
  }
}

const esuFor =
  'Education,EducationN,Enterprise,EnterpriseN,Professional,ProfessionalEducation,ProfessionalEducationN,ProfessionalN,ProfessionalWorkstation,ProfessionalWorkstationN,ServerRdsh,Core,CoreN,CoreCountrySpecific,CoreSingleLanguage,IoTEnterprise,PPIPro'
function esu(generation: 'win7' | 'win10', year: 1 | 2 | 3): Licence {
  const [activationId, idSource] = idOf(`esu-${generation}-${year}`)
  const os = generation === 'win7' ? 'Windows(R) 7' : 'Windows(R)'
  return {
    name: `esu-${generation}-${year}`,
    kind: 'esu',
    app: 'windows',
    activationId,
    idSource,
    title: `${os}, Client-ESU-Year${year} add-on for ${generation === 'win7' ? 'Enterprise,EnterpriseE,EnterpriseN,Professional,ProfessionalE,ProfessionalN,Ultimate' : esuFor}`,
    description: `${generation === 'win7' ? 'Windows Operating System - Windows(R) 7' : 'Windows(R) Operating System'}, VOLUME_MAK channel`,
    family: `Client-ESU-Year${year}`,
    keyChannel: 'Volume:MAK',
    keys: [],
    needs: 'server-2008-r2',
    threshold: 25,
    addOn: true,
    dependsOn: generation === 'win7' ? 'Enterprise,Professional,Ultimate' : esuFor,
    source: [generation === 'win7' ? 'esu-win7' : 'case-12', 'case-12'],
  }
}

type OfficeRow = {
  readonly version: number
  readonly app: AppId
  readonly family: string
  readonly kind: KeyKind
  readonly keys: readonly string[]
  readonly needs: Serves
  readonly source: readonly SourceId[]
}
const gvlk = (version: number, family: string, keys: readonly string[], needs: Serves, source: readonly SourceId[]): OfficeRow => ({
  version,
  app: version === 14 ? 'office14' : 'office',
  family,
  kind: 'gvlk',
  keys,
  needs,
  source,
})
/** Licences of Office by their names in a scenario; the family names are those of recordings or follow them. */
const officeRows: Readonly<Record<string, OfficeRow>> = {
  'office-2010-proplus': gvlk(14, 'OfficeProPlus-KMS_Client', [], 'office-2010', ['case-36']),
  'office-2013-proplus': gvlk(15, 'OfficeProPlusVL_KMS_Client', [], 'office-2013', ['case-28']),
  'office-2016-proplus': gvlk(16, 'Office16ProPlusVL_KMS_Client', ['Office 2016|Office Professional Plus 2016'], 'office-2016', [
    'case-32',
  ]),
  'office-2019-proplus': gvlk(19, 'Office19ProPlus2019VL_KMS_Client_AE', ['Office 2019|Office Professional Plus 2019'], 'office-2019', [
    'office-keys',
    'case-19',
  ]),
  'office-2021-proplus': gvlk(
    21,
    'Office21ProPlus2021VL_KMS_Client_AE',
    ['Office LTSC 2021|Office LTSC Professional Plus 2021'],
    'office-2021',
    ['ltsc-2021-aws'],
  ),
  'office-2024-proplus': gvlk(
    24,
    'Office24ProPlus2024VL_KMS_Client_AE',
    ['Office LTSC 2024|Office LTSC Professional Plus 2024'],
    'office-2024',
    ['case-19'],
  ),
  'visio-2016-pro': gvlk(16, 'Office16VisioProVL_KMS_Client', ['Office 2016|Visio Professional 2016'], 'office-2016', ['public-output']),
  'visio-2021-pro': gvlk(21, 'Office21VisioPro2021VL_KMS_Client_AE', ['Office LTSC 2021|Visio LTSC Professional 2021'], 'office-2021', [
    'office-keys',
    'ltsc-2021-aws',
  ]),
  'visio-2024-pro': gvlk(24, 'Office24VisioPro2024VL_KMS_Client_AE', ['Office LTSC 2024|Visio LTSC Professional 2024'], 'office-2024', [
    'office-keys',
    'case-19',
  ]),
  'project-2021-pro': gvlk(21, 'Office21ProjectPro2021VL_KMS_Client_AE', ['Office LTSC 2021|Project Professional 2021'], 'office-2021', [
    'office-keys',
    'ltsc-2021-aws',
  ]),
  'project-2024-pro': gvlk(24, 'Office24ProjectPro2024VL_KMS_Client_AE', ['Office LTSC 2024|Project Professional 2024'], 'office-2024', [
    'office-keys',
    'case-19',
  ]),
  'office-2024-standard-mak': {
    version: 24,
    app: 'office',
    family: 'Office24Standard2024VL_MAK_AE1',
    kind: 'mak',
    keys: [],
    needs: 'office-2024',
    source: ['public-output'],
  },
  'visio-2024-pro-mak': {
    version: 24,
    app: 'office',
    family: 'Office24VisioPro2024VL_MAK_AE',
    kind: 'mak',
    keys: [],
    needs: 'office-2024',
    source: ['public-output'],
  },
  'office-2019-proplus-grace': {
    version: 19,
    app: 'office',
    family: 'Office19ProPlus2019R_Grace',
    kind: 'grace',
    keys: [],
    needs: 'office-2019',
    source: ['case-17'],
  },
  'office-2013-proplus-subscription': {
    version: 15,
    app: 'office',
    family: 'OfficeProPlusSubR_Subscription',
    kind: 'subscription',
    keys: [],
    needs: 'office-2013',
    source: ['case-38'],
  },
  'host-office-2016': {
    version: 16,
    app: 'office',
    family: 'Office16_KMS_Host',
    kind: 'host',
    keys: [],
    needs: 'office-2016',
    source: ['case-21'],
  },
  'host-office-2021': {
    version: 21,
    app: 'office',
    family: 'Office21_KMS_Host',
    kind: 'host',
    keys: [],
    needs: 'office-2021',
    source: ['office-host'],
  },
  'host-office-2024': {
    version: 24,
    app: 'office',
    family: 'Office24_KMS_Host',
    kind: 'host',
    keys: [],
    needs: 'office-2024',
    source: ['office-host'],
  },
}

function office(name: string, row: OfficeRow): Licence {
  const title = `Office ${row.version}, ${row.family} edition`
  const [activationId, idSource] = idOf(...(row.kind === 'host' ? [name] : [`${title}|${row.kind}`]))
  return {
    name,
    kind: row.kind,
    app: row.app,
    activationId,
    idSource,
    title,
    description: `Office ${row.version}, ${channelText[row.kind]} channel`,
    family: row.family,
    keyChannel: keyChannel[row.kind],
    keys: row.keys,
    needs: row.needs,
    threshold: 5,
    addOn: false,
    dependsOn: null,
    source: row.source,
  }
}

const officeLicences = new Map(Object.entries(officeRows).map(([name, row]) => [name, office(name, row)]))
const esuLicences = new Map(([1, 2, 3] as const).flatMap((year) => [esu('win7', year), esu('win10', year)]).map((l) => [l.name, l]))
const windowsLicences = new Map<string, Licence>()

/** Licences of Windows that every machine of this system has installed, mostly without a key. */
export function licencesOf(system: System): readonly Licence[] {
  const kinds: KeyKind[] = []
  if (system.keys.length > 0) kinds.push('gvlk', 'mak')
  if (system.productType === 1) kinds.push('retail', ...(system.build === 7601 ? (['oem-slp'] as const) : (['oem-dm'] as const)))
  else if (system.family === 'ServerRdsh') kinds.push('gvlk')
  else if (system.keys.length > 0) kinds.push('retail', ...(system.build >= 9600 ? (['avma'] as const) : []))
  if (/Eval$/.test(system.editionId) || system.build === 7601) kinds.push('eval')
  const own = kinds.map((kind) => licence(system, `windows ${kind}`))
  if (system.build === 7601 && system.productType === 1) own.push(...[1, 2, 3].map((y) => esuLicences.get(`esu-win7-${y}`)!))
  if (system.build === 19045) own.push(...[1, 2, 3].map((y) => esuLicences.get(`esu-win10-${y}`)!))
  return own
}

/** A licence by its name in a scenario: `windows gvlk`, `windows host server-2022`, `office-2021-proplus`, `esu-win10-1`. */
export function licence(system: System, name: string): Licence {
  const fixed = officeLicences.get(name) ?? esuLicences.get(name)
  if (fixed) return fixed
  const id = `${system.caption}|${system.build}|${name}`
  let made = windowsLicences.get(id)
  if (!made) {
    const [app, kind, serves] = name.split(' ')
    if (app !== 'windows' || !kind || !(kind in channelText)) throw new Error(`No licence called ${name}`)
    made = windows(system, kind as KeyKind, name, (serves as Serves | undefined) ?? system.needs)
    windowsLicences.set(id, made)
  }
  return made
}

/** Office licences of one version, which an installation of any of its products brings with it. */
export function officeLicencesBeside(names: readonly string[]): readonly Licence[] {
  const prefixes = new Set(
    names.filter((n) => officeLicences.has(n) && !n.startsWith('host-')).map((n) => officeLicences.get(n)!.title.split(',')[0]!),
  )
  return [...officeLicences.values()].filter((l) => l.kind !== 'host' && prefixes.has(l.title.split(',')[0]!))
}
