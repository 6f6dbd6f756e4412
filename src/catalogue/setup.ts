import type { SourceId } from './sources.ts'

/** A setting of an answer file: in which pass, of which component, and where in it. */
export type UnattendRow = {
  readonly id: string
  readonly pass: 'windowsPE' | 'generalize' | 'specialize' | 'oobeSystem'
  readonly component: string
  /** Elements from the component down. */
  readonly path: readonly string[]
  /** The values that the reference lists; null: a text. */
  readonly values: readonly string[] | null
  readonly meaning: string
  readonly source: readonly SourceId[]
}

/** The settings of Windows' unattended setup that touch activation, as Microsoft's unattend reference has them. */
export const unattendSettings = [
  {
    id: 'setup-key',
    pass: 'windowsPE',
    component: 'Microsoft-Windows-Setup',
    path: ['UserData', 'ProductKey', 'Key'],
    values: null,
    meaning: 'Which edition setup installs from the media. An empty value is not allowed.',
    source: ['unattend-setup-productkey'],
  },
  {
    id: 'setup-key-ui',
    pass: 'windowsPE',
    component: 'Microsoft-Windows-Setup',
    path: ['UserData', 'ProductKey', 'WillShowUI'],
    values: ['Always', 'OnError', 'Never'],
    meaning: 'Whether setup asks for the key. The default is OnError.',
    source: ['unattend-setup-willshowui'],
  },
  {
    id: 'configuration-set',
    pass: 'windowsPE',
    component: 'Microsoft-Windows-Setup',
    path: ['UseConfigurationSet'],
    values: ['true', 'false'],
    meaning: 'true: the folders beside the answer file ($OEM$) are copied. The default is false.',
    source: ['unattend-useconfigurationset'],
  },
  {
    id: 'key',
    pass: 'specialize',
    component: 'Microsoft-Windows-Shell-Setup',
    path: ['ProductKey'],
    values: null,
    meaning: 'The key by which Windows is activated. A wrong key lets setup fail.',
    source: ['unattend-shell-setup-productkey'],
  },
  {
    id: 'skip-auto-activation',
    pass: 'specialize',
    component: 'Microsoft-Windows-Security-SPP-UX',
    path: ['SkipAutoActivation'],
    values: ['true', 'false'],
    meaning: 'true: Windows does not try to activate by itself. The default is false.',
    source: ['unattend-skipautoactivation'],
  },
  {
    id: 'skip-rearm',
    pass: 'generalize',
    component: 'Microsoft-Windows-Security-SPP',
    path: ['SkipRearm'],
    values: ['0', '1'],
    meaning:
      '1: the licensing state is not reset when an image is generalized. The default is 0. Since Windows 8 it is not needed for most deployments; slmctl never writes it.',
    source: ['unattend-skiprearm'],
  },
] as const satisfies readonly UnattendRow[]

/** What identifies a component of Windows in an answer file, beside its name and the processor. */
export const unattendComponent = {
  publicKeyToken: '31bf3856ad364e35',
  language: 'neutral',
  versionScope: 'nonSxS',
  namespace: 'urn:schemas-microsoft-com:unattend',
} as const

/** A volume product of the Office Deployment Tool. */
export type OfficeProductRow = {
  /** Edition as the client key table names it. */
  readonly edition: string
  readonly id: string
  readonly source: readonly SourceId[]
}

/** Product IDs of volume products by the edition of the client key table. Office 2016 has none: its volume editions are MSI. */
export const officeProducts = [
  { edition: 'Office LTSC Professional Plus 2024', id: 'ProPlus2024Volume', source: ['deploy-office-ltsc-2024'] },
  { edition: 'Office LTSC Standard 2024', id: 'Standard2024Volume', source: ['deploy-office-ltsc-2024'] },
  { edition: 'Project Professional 2024', id: 'ProjectPro2024Volume', source: ['deploy-office-ltsc-2024'] },
  { edition: 'Project Standard 2024', id: 'ProjectStd2024Volume', source: ['deploy-office-ltsc-2024'] },
  { edition: 'Visio LTSC Professional 2024', id: 'VisioPro2024Volume', source: ['deploy-office-ltsc-2024'] },
  { edition: 'Visio LTSC Standard 2024', id: 'VisioStd2024Volume', source: ['deploy-office-ltsc-2024'] },
  { edition: 'Access LTSC 2024', id: 'Access2024Volume', source: ['office-deployment-scripts'] },
  { edition: 'Excel LTSC 2024', id: 'Excel2024Volume', source: ['office-deployment-scripts'] },
  { edition: 'Outlook LTSC 2024', id: 'Outlook2024Volume', source: ['office-deployment-scripts'] },
  { edition: 'PowerPoint LTSC 2024', id: 'PowerPoint2024Volume', source: ['office-deployment-scripts'] },
  { edition: 'Skype for Business LTSC 2024', id: 'SkypeforBusiness2024Volume', source: ['office-deployment-scripts'] },
  { edition: 'Word LTSC 2024', id: 'Word2024Volume', source: ['office-deployment-scripts'] },
  { edition: 'Office LTSC Professional Plus 2021', id: 'ProPlus2021Volume', source: ['deploy-office-ltsc-2021'] },
  { edition: 'Office LTSC Standard 2021', id: 'Standard2021Volume', source: ['deploy-office-ltsc-2021'] },
  { edition: 'Project Professional 2021', id: 'ProjectPro2021Volume', source: ['deploy-office-ltsc-2021'] },
  { edition: 'Project Standard 2021', id: 'ProjectStd2021Volume', source: ['deploy-office-ltsc-2021'] },
  { edition: 'Visio LTSC Professional 2021', id: 'VisioPro2021Volume', source: ['deploy-office-ltsc-2021'] },
  { edition: 'Visio LTSC Standard 2021', id: 'VisioStd2021Volume', source: ['deploy-office-ltsc-2021'] },
  { edition: 'Access LTSC 2021', id: 'Access2021Volume', source: ['office-product-ids'] },
  { edition: 'Excel LTSC 2021', id: 'Excel2021Volume', source: ['office-product-ids'] },
  { edition: 'Outlook LTSC 2021', id: 'Outlook2021Volume', source: ['office-product-ids'] },
  { edition: 'PowerPoint LTSC 2021', id: 'PowerPoint2021Volume', source: ['office-product-ids'] },
  { edition: 'Publisher LTSC 2021', id: 'Publisher2021Volume', source: ['office-product-ids'] },
  { edition: 'Skype for Business LTSC 2021', id: 'SkypeforBusiness2021Volume', source: ['office-product-ids'] },
  { edition: 'Word LTSC 2021', id: 'Word2021Volume', source: ['office-product-ids'] },
  { edition: 'Office Professional Plus 2019', id: 'ProPlus2019Volume', source: ['office-2019-deploy'] },
  { edition: 'Office Standard 2019', id: 'Standard2019Volume', source: ['office-2019-deploy'] },
  { edition: 'Project Professional 2019', id: 'ProjectPro2019Volume', source: ['office-2019-deploy'] },
  { edition: 'Project Standard 2019', id: 'ProjectStd2019Volume', source: ['office-2019-deploy'] },
  { edition: 'Visio Professional 2019', id: 'VisioPro2019Volume', source: ['office-2019-deploy'] },
  { edition: 'Visio Standard 2019', id: 'VisioStd2019Volume', source: ['office-2019-deploy'] },
  { edition: 'Access 2019', id: 'Access2019Volume', source: ['office-product-ids'] },
  { edition: 'Excel 2019', id: 'Excel2019Volume', source: ['office-product-ids'] },
  { edition: 'Outlook 2019', id: 'Outlook2019Volume', source: ['office-product-ids'] },
  { edition: 'PowerPoint 2019', id: 'PowerPoint2019Volume', source: ['office-product-ids'] },
  { edition: 'Publisher 2019', id: 'Publisher2019Volume', source: ['office-product-ids'] },
  { edition: 'Skype for Business 2019', id: 'SkypeforBusiness2019Volume', source: ['office-product-ids'] },
  { edition: 'Word 2019', id: 'Word2019Volume', source: ['office-product-ids'] },
] as const satisfies readonly OfficeProductRow[]

/** A retail product of the Office Deployment Tool that is bought once; subscriptions are not among them. */
export type RetailProductRow = { readonly id: string; readonly source: readonly SourceId[] }

/** Each kind of retail product with the releases that it has an ID for; '' is Office 2016. */
const retail: readonly (readonly [kind: string, releases: readonly string[]])[] = [
  ['Access', ['', '2019', '2021']],
  ['Excel', ['', '2019', '2021']],
  ['HomeBusiness', ['', '2019', '2021']],
  ['HomeStudent', ['', '2019', '2021']],
  ['OneNote', ['']],
  ['Outlook', ['', '2019', '2021']],
  ['Personal', ['2019', '2021']],
  ['PowerPoint', ['', '2019', '2021']],
  ['ProPlus', ['2019', '2021']],
  ['Professional', ['', '2019', '2021']],
  ['ProjectPro', ['2019', '2021']],
  ['ProjectStd', ['', '2019', '2021']],
  ['Publisher', ['', '2019', '2021']],
  ['SkypeforBusiness', ['', '2019']],
  ['VisioPro', ['2019', '2021']],
  ['VisioStd', ['', '2019', '2021']],
  ['Word', ['', '2019', '2021']],
]

/** The retail products bought once that Microsoft's list of product IDs has, and those of 2024 that deployment scripts name alike. */
export const officeRetailProducts: readonly RetailProductRow[] = [
  ...retail.flatMap(([kind, releases]) =>
    releases.map((release): RetailProductRow => ({ id: `${kind}${release}Retail`, source: ['office-product-ids'] })),
  ),
  ...[
    ...['Access', 'Excel', 'Home', 'HomeBusiness', 'Outlook', 'PowerPoint', 'ProPlus', 'ProjectPro', 'ProjectStd'],
    ...['VisioPro', 'VisioStd', 'Word'],
  ].map((kind): RetailProductRow => ({ id: `${kind}2024Retail`, source: ['office-deployment-scripts'] })),
]

/** Product IDs that stand for a subscription: VisioProRetail and ProjectProRetail are the desktop apps of Visio and Project plans. */
export const officeSubscription = {
  id: /^O365|^(?:VisioPro|ProjectPro)Retail$/i,
  source: ['office-product-ids'] as readonly SourceId[],
} as const

/** What a suite may leave out (ExcludeApp). Groove is OneDrive, Lync is Skype for Business. */
export const officeApps = {
  ids: ['Access', 'Bing', 'Excel', 'Groove', 'Lync', 'OneDrive', 'OneNote', 'Outlook', 'PowerPoint', 'Publisher', 'Teams', 'Word'],
  source: ['office-deployment-tool-options'] as readonly SourceId[],
} as const

/** Languages of Office, as the deployment tool writes them. */
export const officeLanguages = {
  ids: `af-za sq-al ar-sa hy-am as-in az-latn-az bn-bd bn-in eu-es bs-latn-ba bg-bg ca-es ca-es-valencia zh-cn zh-tw hr-hr cs-cz da-dk
    nl-nl en-us en-gb et-ee fi-fi fr-fr fr-ca gl-es ka-ge de-de el-gr gu-in ha-latn-ng he-il hi-in hu-hu is-is ig-ng id-id ga-ie xh-za
    zu-za it-it ja-jp kn-in kk-kz rw-rw sw-ke kok-in ko-kr ky-kg lv-lv lt-lt lb-lu mk-mk ms-my ml-in mt-mt mi-nz mr-in ne-np nb-no
    nn-no or-in ps-af fa-ir pl-pl pt-pt pt-br pa-in ro-ro rm-ch ru-ru gd-gb sr-cyrl-rs sr-latn-rs sr-cyrl-ba nso-za tn-za si-lk sk-sk
    sl-si es-es es-mx sv-se ta-in tt-ru te-in th-th tr-tr uk-ua ur-pk uz-latn-uz vi-vn cy-gb wo-sn yo-ng`.split(/\s+/),
  /** Not in Project and Visio, and in Office from version 2108 on only (LTSC 2021). */
  limited: ['en-gb', 'fr-ca', 'es-mx'],
  source: ['office-languages'] as readonly SourceId[],
} as const

/** Words of editions and products that no published client key belongs to, and why. */
export const notVolume = [
  { words: /\b(?:home|starter|core)\b/i, because: 'Home editions have no volume licence' },
  { words: /\b365\b|\bo365/i, because: 'Microsoft 365 is a subscription; users sign in to it' },
  { words: /\bevaluation\b|\beval\b/i, because: 'an evaluation is no volume edition; install the volume edition' },
  { words: /\bretail\b|\boem\b/i, because: 'a retail or OEM product has its own key' },
  { words: /\bpersonal\b|\bstudent\b|\bhome ?business\b/i, because: 'this product is sold at retail only' },
] as const
