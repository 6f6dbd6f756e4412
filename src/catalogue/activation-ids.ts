import type { SourceId } from './sources.ts'

/** An activation ID (SoftwareLicensingProduct.ID) whose product a Microsoft page or a real output names. */
export type ActivationIdRow = {
  readonly id: string
  readonly product: string
  readonly name: string | null
  readonly channel: string
  readonly partialKey: string | null
  readonly source: readonly SourceId[]
}

/** Activation IDs with their products: how an event that carries only an ID gets a name. */
export const activationIds = [
  {
    id: '2de67392-b7a7-462a-b1ca-108dd189f588',
    product: 'Windows 10/11 Pro',
    name: 'Windows(R), Professional edition',
    channel: 'kms-client',
    partialKey: 'T83GX',
    source: ['real-slmgr-dlv-output-of-a-windows-11-pro'],
  },
  {
    id: 'de32eafd-aaee-4662-9444-c1befb41bde2',
    product: 'Windows Server 2019 Standard',
    name: 'Windows(R), ServerStandard edition',
    channel: 'kms-client',
    partialKey: 'J464C',
    source: ['real-slmgr-dlv-output-of-a-windows-server-2019-standard'],
  },
  {
    id: '2d5a5a60-3040-48bf-beb0-fcd770c20ce0',
    product: 'Windows 10 Enterprise 2016 LTSB',
    name: 'Windows(R), EnterpriseS edition',
    channel: 'kms-client',
    partialKey: null,
    source: ['real-slmgr-ato-output'],
  },
  {
    id: '00091344-1ea4-4f37-b789-01750ba6988c',
    product: 'Windows Server 2012 R2 Datacenter',
    name: null,
    channel: 'kms-client',
    partialKey: null,
    source: ['real-event-8198'],
  },
  {
    id: '68531fb9-5511-4989-97be-d11a0f55633f',
    product: 'Windows Server 2008 R2 Standard',
    name: null,
    channel: 'kms-client',
    partialKey: null,
    source: ['real-events-12288-and-12290-in-a-microsoft-support-article'],
  },
  {
    id: '8d368fc1-9470-4be2-8d66-90e836cbb051',
    product: 'Office LTSC Professional Plus 2024',
    name: 'Office 24, Office24ProPlus2024VL_KMS_Client_AE edition',
    channel: 'kms-client',
    partialKey: 'GCVGB',
    source: ['real-ospp-vbs-dstatus-output'],
  },
  {
    id: 'd450596f-894d-49e0-966a-fd39ed4c4c64',
    product: 'Office Professional Plus 2016',
    name: 'Office 16, Office16ProPlusVL_KMS_Client edition',
    channel: 'kms-client',
    partialKey: null,
    source: ['real-wmi-list-in-a-fixture-of-an-inventory-agent'],
  },
  {
    id: 'b322da9c-a2e2-4058-9e4e-f59a6970bd69',
    product: 'Office Professional Plus 2013',
    name: 'Office 15, OfficeProPlusVL_KMS_Client edition',
    channel: 'kms-client',
    partialKey: 'GVGXT',
    source: ['real-ospp-vbs-dstatus-output-2'],
  },
  {
    id: '98ebfe73-2084-4c97-932c-c0cd1643bea7',
    product: 'Office 2016 KMS host key',
    name: null,
    channel: 'kms-host',
    partialKey: 'KDQ2G',
    source: ['real-slmgr-dlv-output-in-a-microsoft-article-on-office-kms-h'],
  },
  {
    id: '52c4d79f-6e1a-45b7-b479-36b666e0a2f8',
    product: 'Office Professional Plus 2019 (retail, grace)',
    name: 'Office 19, Office19ProPlus2019R_Grace edition',
    channel: 'retail',
    partialKey: '8MBCX',
    source: ['real-ospp-vbs-dstatus-output-3'],
  },
  {
    id: '82cef0d9-d31d-456e-a3fa-ae2637ea2984',
    product: 'Office 365 ProPlus (2013)',
    name: 'Office 15, OfficeProPlusSubR_Subscription edition',
    channel: 'subscription',
    partialKey: 'RMYP4',
    source: ['real-ospp-vbs-dstatus-output-4'],
  },
  {
    id: 'f520e45e-7413-4a34-a497-d2765967d094',
    product: 'Windows 10 ESU, year 1',
    name: null,
    channel: 'esu',
    partialKey: null,
    source: ['real-slmgr-dlv-output'],
  },
  {
    id: 'bd3762d7-270d-4760-8fb3-d829ca45278a',
    product: 'Windows 10/11 Pro (OEM)',
    name: 'Windows(R), Professional edition',
    channel: 'oem',
    partialKey: null,
    source: ['real-get-ciminstance-outputs'],
  },
] as const satisfies readonly ActivationIdRow[]
