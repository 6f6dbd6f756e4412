import type { SourceId } from './sources.ts'

/** An update channel of Click-to-Run, by the GUID in CDNBaseUrl and its name in the Office Deployment Tool. */
export type OfficeChannelRow = {
  readonly id: string
  readonly channel: string
  /** Volume products that are served by this channel only; null for the channels of Microsoft 365 Apps and retail products. */
  readonly volume: '2019' | '2021' | '2024' | null
  readonly source: readonly SourceId[]
}

/** Volume licensed Office 2019, LTSC 2021 and LTSC 2024 are updated by the channel of their own release, by no other. */
export const officeChannels = [
  { id: '492350f6-3a01-4f97-b9c0-c7c6ddf67d60', channel: 'Current', volume: null, source: ['office-update-channel-table'] },
  { id: '64256afe-f5d9-4f86-8936-8840a6a4f5be', channel: 'CurrentPreview', volume: null, source: ['office-update-channel-table'] },
  { id: '55336b82-a18d-4dd6-b5f6-9e5095c314a6', channel: 'MonthlyEnterprise', volume: null, source: ['office-update-channel-table'] },
  { id: '7ffbc6bf-bc32-4f92-8982-f9dd17fd3114', channel: 'SemiAnnual', volume: null, source: ['office-update-channel-table'] },
  { id: 'b8f9b850-328d-4355-9145-c59439a0c4cf', channel: 'SemiAnnualPreview', volume: null, source: ['office-update-channel-table'] },
  { id: '5440fd1f-7ecb-4221-8110-145efaa6372f', channel: 'BetaChannel', volume: null, source: ['office-update-channel-table'] },
  { id: 'f2e724c1-748f-4b47-8fb8-8e0d210e9208', channel: 'PerpetualVL2019', volume: '2019', source: ['office-update-channel-table'] },
  { id: '5030841d-c919-4594-8d2d-84ae4f96e58e', channel: 'PerpetualVL2021', volume: '2021', source: ['office-update-channel-table'] },
  { id: '7983bac0-e531-40cf-be00-fd24fe66619c', channel: 'PerpetualVL2024', volume: '2024', source: ['office-update-channel-table'] },
] as const satisfies readonly OfficeChannelRow[]
