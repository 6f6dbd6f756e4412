import type { SourceId } from './sources.ts'

/** Which KMS host key (CSVLK) may sit on which system and what it activates. */
export type HostKeyRow = {
  readonly hostKey: string
  readonly hostableOn: readonly string[]
  readonly activatesServer: readonly string[]
  readonly activatesClient: readonly string[]
  readonly source: readonly SourceId[]
}

export const hostKeys = [
  {
    hostKey: 'Windows Server 2025',
    hostableOn: ['Windows Server 2025', 'Windows Server 2022', 'Windows Server 2019'],
    activatesServer: ['2025', '2022', 'SAC', '2019', '2016', '2012 R2', '2012', '2008 R2', '2008'],
    activatesClient: [
      'Windows 11 Enterprise LTSC 2024',
      'Windows 11 Enterprise/N',
      'Windows 11 Pro/N',
      'Windows 11 Pro for Workstations/N',
      'Windows 11 Education/N',
      'Windows 10 Enterprise LTSC/N/LTSB',
      'Windows 10 Enterprise/N',
      'Windows 10 Pro/N',
      'Windows 10 Pro for Workstations/N',
      'Windows 10 Education/N',
      'Windows 8.1 Enterprise',
      'Windows 8.1 Pro',
      'Windows 7 Enterprise',
      'Windows 7 Professional',
    ],
    source: ['kms-activation-planning', 'kms-create-host', 'error-0xc004f015-activate-windows-10'],
  },
  {
    hostKey: 'Windows Server 2022',
    hostableOn: ['Windows Server 2022', 'Windows Server 2019', 'Windows Server 2016'],
    activatesServer: ['2022', 'SAC', '2019', '2016', '2012 R2', '2012', '2008 R2', '2008'],
    activatesClient: [
      'Windows 11 Enterprise/N',
      'Windows 11 Pro/N',
      'Windows 11 Pro for Workstations/N',
      'Windows 11 Education/N',
      'Windows 10 Enterprise LTSC/N/LTSB',
      'Windows 10 Enterprise/N',
      'Windows 10 Pro/N',
      'Windows 10 Pro for Workstations/N',
      'Windows 10 Education/N',
      'Windows 8.1 Enterprise',
      'Windows 8.1 Pro',
      'Windows 7 Enterprise',
      'Windows 7 Professional',
    ],
    source: ['kms-activation-planning', 'kms-create-host', 'error-0xc004f015-activate-windows-10'],
  },
  {
    hostKey: 'Windows Server 2019',
    hostableOn: ['Windows Server 2019', 'Windows Server 2016', 'Windows Server 2012 R2'],
    activatesServer: ['SAC', '2019', '2016', '2012 R2', '2012', '2008 R2', '2008'],
    activatesClient: [
      'Windows 10 Enterprise LTSC/N/LTSB',
      'Windows 10 Enterprise/N',
      'Windows 10 Pro/N',
      'Windows 10 Pro for Workstations/N',
      'Windows 10 Education/N',
      'Windows 8.1 Enterprise',
      'Windows 8.1 Pro',
      'Windows 7 Enterprise',
      'Windows 7 Professional',
    ],
    source: ['kms-activation-planning', 'kms-create-host', 'error-0xc004f015-activate-windows-10'],
  },
  {
    hostKey: 'Windows Server 2016',
    hostableOn: ['Windows Server 2016', 'Windows Server 2012 R2', 'Windows Server 2012'],
    activatesServer: ['SAC', '2016', '2012 R2', '2012', '2008 R2', '2008'],
    activatesClient: [
      'Windows 10 LTSB 2015',
      'Windows 10 LTSB 2016',
      'Windows 10 Enterprise/N',
      'Windows 10 Pro/N',
      'Windows 10 Pro for Workstations/N',
      'Windows 10 Education/N',
      'Windows 8.1 Enterprise',
      'Windows 8.1 Pro',
      'Windows 7 Enterprise',
      'Windows 7 Professional',
    ],
    source: ['kms-activation-planning', 'kms-create-host', 'error-0xc004f015-activate-windows-10'],
  },
  {
    hostKey: 'Windows 10',
    hostableOn: ['Windows 10', 'Windows 8.1', 'Windows 7'],
    activatesServer: [],
    activatesClient: [
      'Windows 10 Enterprise LTSB 2015/N',
      'Windows 10 Enterprise/N',
      'Windows 10 Pro/N',
      'Windows 10 Education/N',
      'Windows 10 Pro for Workstations',
      'Windows 8.1 Enterprise',
      'Windows 8.1 Pro',
      'Windows 7 Enterprise',
      'Windows 7 Professional',
    ],
    source: ['kms-activation-planning', 'kms-create-host', 'error-0xc004f015-activate-windows-10'],
  },
] as const satisfies readonly HostKeyRow[]

/** Updates that a KMS host needs before it activates newer systems. */
export type HostUpdateRow = {
  readonly hostOS: string
  readonly toActivate: readonly string[]
  readonly update: readonly string[]
  /** For each of `toActivate`: the build and the revision that the update brings, where the system shows one. */
  readonly revisions?: readonly { readonly toActivate: string; readonly build: number; readonly least: number }[]
  readonly source: readonly SourceId[]
}

export const hostUpdates = [
  {
    hostOS: 'Windows Server 2022',
    toActivate: ['Windows Server 2025'],
    // KB5034765 is what the page prints; the update of that day for this system is KB5034770, which brings revision 2322.
    update: ['KB5034765 or later'],
    revisions: [{ toActivate: 'Windows Server 2025', build: 20_348, least: 2322 }],
    source: ['kms-activation-planning', 'kms-create-host', 'error-0xc004f015-activate-windows-10'],
  },
  {
    hostOS: 'Windows Server 2019',
    toActivate: ['Windows Server 2025', 'Windows Server 2022'],
    update: ['KB5034768 or later', 'KB5003646 or later'],
    revisions: [{ toActivate: 'Windows Server 2025', build: 17_763, least: 5458 }],
    source: ['kms-activation-planning', 'kms-create-host', 'error-0xc004f015-activate-windows-10'],
  },
  {
    hostOS: 'Windows Server 2016',
    toActivate: ['Windows Server 2022', 'Windows Server 2019'],
    update: ['KB5003638 or later'],
    source: ['kms-activation-planning', 'kms-create-host', 'error-0xc004f015-activate-windows-10'],
  },
  {
    hostOS: 'Windows Server 2016',
    toActivate: ['Windows Server 2019'],
    update: ['KB4478877 or later'],
    source: ['kms-activation-planning', 'kms-create-host', 'error-0xc004f015-activate-windows-10'],
  },
  {
    hostOS: 'Windows Server 2012 R2',
    toActivate: ['Windows Server 2019', 'Windows Server 2016', 'Windows 10'],
    update: ['KB4467695 or later'],
    source: ['kms-activation-planning', 'kms-create-host', 'error-0xc004f015-activate-windows-10'],
  },
  {
    hostOS: 'Windows Server 2012 R2',
    toActivate: ['Windows Server 2016', 'Windows 10'],
    update: ['KB3172614 or later'],
    source: ['kms-activation-planning', 'kms-create-host', 'error-0xc004f015-activate-windows-10'],
  },
  {
    hostOS: 'Windows Server 2012',
    toActivate: ['Windows Server 2016', 'Windows Server 2012 R2', 'Windows 10'],
    update: ['KB3172615 or later'],
    source: ['kms-activation-planning', 'kms-create-host', 'error-0xc004f015-activate-windows-10'],
  },
  {
    hostOS: 'Windows Server 2008 R2',
    toActivate: ['Windows Server 2012 R2', 'Windows Server 2012', 'Windows 10'],
    update: ['KB3079821'],
    source: ['kms-activation-planning', 'kms-create-host', 'error-0xc004f015-activate-windows-10'],
  },
  {
    hostOS: 'Windows 8.1',
    toActivate: ['Windows 10'],
    update: ['KB3172614 or later'],
    source: ['kms-activation-planning', 'kms-create-host', 'error-0xc004f015-activate-windows-10'],
  },
  {
    hostOS: 'Windows 7',
    toActivate: ['Windows 10'],
    update: ['KB3079821'],
    source: ['kms-activation-planning', 'kms-create-host', 'error-0xc004f015-activate-windows-10'],
  },
] as const satisfies readonly HostUpdateRow[]

/** Which systems can host the KMS of an Office generation. */
export type OfficeHostRow = {
  readonly office: string
  readonly minServerHost: string
  readonly minClientHost: string
  readonly hostActivationId: readonly string[]
  readonly note?: string
  readonly source: readonly SourceId[]
}

export const officeHosts = [
  {
    office: 'Office LTSC 2024',
    minServerHost: 'Windows Server 2022',
    minClientHost: 'Windows 10 (volume)',
    hostActivationId: ['8d368fc1-9470-4be2-8d66-90e836cbb051', 'f3d89bbf-c0ec-47ce-a8fa-e5a5f97e447f'],
    note: 'Two Microsoft articles print different activation IDs; read the real one with slmgr /dlv all.',
    source: [
      'configure-a-kms-host-computer-for-office',
      'tools-to-manage-volume-activation-of-office',
      'troubleshoot-volume-activation-of-office',
    ],
  },
  {
    office: 'Office LTSC 2021',
    minServerHost: 'Windows Server 2016',
    minClientHost: 'Windows 10 (volume)',
    hostActivationId: ['47f3b983-7c53-4d45-abc6-bcd91e2dd90a'],
    source: [
      'configure-a-kms-host-computer-for-office',
      'tools-to-manage-volume-activation-of-office',
      'troubleshoot-volume-activation-of-office',
    ],
  },
  {
    office: 'Office 2019',
    minServerHost: 'Windows Server 2012',
    minClientHost: 'Windows 8.1 (volume)',
    hostActivationId: ['70512334-47b4-44db-a233-be5ea33b914c'],
    source: [
      'configure-a-kms-host-computer-for-office',
      'tools-to-manage-volume-activation-of-office',
      'troubleshoot-volume-activation-of-office',
    ],
  },
  {
    office: 'Office 2016',
    minServerHost: 'Windows Server 2008 R2',
    minClientHost: 'Windows 7 SP1 (volume)',
    hostActivationId: ['98ebfe73-2084-4c97-932c-c0cd1643bea7'],
    source: [
      'configure-a-kms-host-computer-for-office',
      'tools-to-manage-volume-activation-of-office',
      'troubleshoot-volume-activation-of-office',
    ],
  },
] as const satisfies readonly OfficeHostRow[]
