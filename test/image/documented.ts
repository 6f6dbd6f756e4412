/**
 * What Microsoft's references allow, written down from their pages and not from the catalogue, so that a mistake there is seen here.
 *
 * Unattend reference (learn.microsoft.com/windows-hardware/customize/desktop/unattend/…): each page has "Valid Configuration Passes",
 * "Parent Hierarchy" and "Values".
 */
export const unattend: Readonly<Record<string, RegExp>> = {
  // microsoft-windows-setup-userdata-productkey-key: windowsPE; Microsoft-Windows-Setup | UserData | ProductKey | Key; a string.
  'windowsPE Microsoft-Windows-Setup UserData/ProductKey/Key': /^(?:[A-Z0-9]{5}-){4}[A-Z0-9]{5}$/,
  // …-productkey-willshowui: windowsPE; values Always, OnError, Never.
  'windowsPE Microsoft-Windows-Setup UserData/ProductKey/WillShowUI': /^(?:Always|OnError|Never)$/,
  // microsoft-windows-setup-useconfigurationset: windowsPE; values true, false.
  'windowsPE Microsoft-Windows-Setup UseConfigurationSet': /^(?:true|false)$/,
  // microsoft-windows-shell-setup-productkey: specialize; "Product_key is a 29-character string".
  'specialize Microsoft-Windows-Shell-Setup ProductKey': /^(?:[A-Z0-9]{5}-){4}[A-Z0-9]{5}$/,
  // microsoft-windows-security-spp-ux-skipautoactivation: specialize; values true, false.
  'specialize Microsoft-Windows-Security-SPP-UX SkipAutoActivation': /^(?:true|false)$/,
}

/**
 * office-deployment-tool-configuration-options.md ("Allowed values" of each attribute); PIDKEY: office/ltsc/2024/deploy.md; the
 * PerpetualVL channels: the same page and office/2019/deploy.md.
 */
const office = {
  'Configuration/Add': { SourcePath: /^.+$/, OfficeClientEdition: /^(?:64|32)$/, Channel: /^PerpetualVL(?:2019|2021|2024)$/ },
  'Configuration/Add/Product': {
    ID: /^(?:(?:ProPlus|Standard|Project(?:Pro|Std)|Visio(?:Pro|Std)|Access|Excel|Outlook|PowerPoint|SkypeforBusiness|Word)(?:2019|2021|2024)|Publisher(?:2019|2021))Volume$/,
    PIDKEY: /^(?:[A-Z0-9]{5}-){4}[A-Z0-9]{5}$/,
  },
  'Configuration/Add/Product/Language': { ID: /^(?:MatchOS|[a-z]{2,3}(?:-[a-z]{4})?-[a-z]{2}(?:-valencia)?)$/, Fallback: /^en-us$/ },
  'Configuration/Add/Product/ExcludeApp': {
    ID: /^(?:Access|Bing|Excel|Groove|Lync|OneDrive|OneNote|Outlook|PowerPoint|Publisher|Teams|Word)$/,
  },
  'Configuration/Remove': { All: /^FALSE$/ },
  'Configuration/Remove/Product': { ID: /^(?!O365)[A-Za-z]+(?:2019|2021|2024)?Retail$/ },
  'Configuration/RemoveMSI': {},
  'Configuration/Property': { Name: /^(?:AUTOACTIVATE|FORCEAPPSHUTDOWN)$/, Value: /^(?:0|1|TRUE|FALSE)$/ },
  'Configuration/Updates': { Enabled: /^(?:TRUE|FALSE)$/, Channel: /^PerpetualVL(?:2019|2021|2024)$/ },
  'Configuration/Display': { Level: /^(?:None|Full)$/, AcceptEULA: /^(?:TRUE|FALSE)$/ },
  Configuration: {},
} as const

export const officeAttributes: Readonly<Record<string, Readonly<Record<string, RegExp>>>> = office
