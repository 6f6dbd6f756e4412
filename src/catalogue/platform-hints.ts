import type { PlatformRow } from './platforms.ts'
import type { SourceId } from './sources.ts'

/** What the firmware of a cloud's virtual machine says, as WMI shows it. */
export type PlatformHintRow = {
  readonly platform: PlatformRow['platform']
  readonly class: 'Win32_ComputerSystem' | 'Win32_SystemEnclosure' | 'Win32_BIOS'
  readonly property: string
  /** Lower case; the whole value, or what it begins with. */
  readonly value: string
  readonly match: 'whole' | 'begin' | 'part'
  readonly source: readonly SourceId[]
}

export const platformHints = [
  {
    platform: 'azure',
    class: 'Win32_SystemEnclosure',
    property: 'SMBIOSAssetTag',
    value: '7783-7084-3265-9085-8269-3286-77',
    match: 'whole',
    source: ['ds-identify'],
  },
  {
    platform: 'oracle',
    class: 'Win32_SystemEnclosure',
    property: 'SMBIOSAssetTag',
    value: 'oraclecloud.com',
    match: 'whole',
    source: ['ds-identify'],
  },
  {
    platform: 'google',
    class: 'Win32_ComputerSystem',
    property: 'Model',
    value: 'google compute engine',
    match: 'begin',
    source: ['ds-identify'],
  },
  {
    platform: 'aws',
    class: 'Win32_ComputerSystem',
    property: 'Manufacturer',
    value: 'amazon ec2',
    match: 'whole',
    source: ['ds-identify'],
  },
  { platform: 'aws', class: 'Win32_BIOS', property: 'SMBIOSBIOSVersion', value: 'amazon', match: 'part', source: ['ds-identify'] },
  { platform: 'aws', class: 'Win32_BIOS', property: 'Version', value: 'amazon', match: 'part', source: ['ds-identify'] },
  { platform: 'aws', class: 'Win32_BIOS', property: 'SerialNumber', value: 'ec2', match: 'begin', source: ['ds-identify'] },
] as const satisfies readonly PlatformHintRow[]
