import type { SourceId } from './sources.ts'

/** Extended security updates: which system, which year, the activation ID of the add-on, and what must be installed before. */
export type EsuRow = {
  /** Windows version and builds that it is for. */
  readonly windows: '6.1' | '6.2' | '6.3' | '10.0'
  readonly server: boolean
  readonly minBuild: number
  readonly maxBuild: number
  readonly product: string
  /** Activation IDs of the years, from year 1. */
  readonly years: readonly [string, string, string]
  /** Least revision of the build (UBR) and the update that brings it; null where updates are named instead. */
  readonly revision: { readonly least: number; readonly update: string } | null
  /** Updates of which each must be installed; any one of an inner list will do. */
  readonly updates: readonly (readonly string[])[]
  readonly source: readonly SourceId[]
}

export const esu = [
  {
    windows: '10.0',
    server: false,
    minBuild: 19_045,
    maxBuild: 19_045,
    product: 'Windows 10, version 22H2',
    years: ['f520e45e-7413-4a34-a497-d2765967d094', '1043add5-23b1-4afb-9a0f-64343c8f3f8d', '83d49986-add3-41d7-ba33-87c7bfb5c0fb'],
    revision: { least: 5131, update: 'KB5046613' },
    updates: [],
    source: ['microsoft-learn-windows-whats-new-enable-extended-security-u'],
  },
  {
    windows: '6.1',
    server: false,
    minBuild: 7601,
    maxBuild: 7601,
    product: 'Windows 7 SP1',
    years: ['77db037b-95c3-48d7-a3ab-a9c6d41093e0', '0e00c25d-8795-4fb7-9572-3803d91b6880', '4220f546-f522-46df-8202-4d07afd26454'],
    revision: null,
    updates: [['KB4538483', 'KB4575903']],
    source: ['microsoft-techcommunity-how-to-get-extended-security-updates'],
  },
  {
    windows: '6.1',
    server: true,
    minBuild: 7601,
    maxBuild: 7601,
    product: 'Windows Server 2008 R2 SP1',
    years: ['553673ed-6ddf-419c-a153-b760283472fd', '04fa0286-fa74-401e-bbe9-fbfbb158010d', '16c08c85-0c8b-4009-9b2b-f1f7319e45f9'],
    revision: null,
    updates: [['KB4538483', 'KB4575903']],
    source: ['microsoft-techcommunity-how-to-get-extended-security-updates'],
  },
  {
    windows: '6.3',
    server: true,
    minBuild: 9600,
    maxBuild: 9600,
    product: 'Windows Server 2012 R2',
    years: ['c0a2ea62-12ad-435b-ab4f-c9bfab48dbc4', 'e3e2690b-931c-4c80-b1ff-dffba8a81988', '55b1dd2d-2209-4ea0-a805-06298bad25b3'],
    revision: null,
    updates: [['KB5017220']],
    source: ['greenbone-vulnerability-test-microsoft-windows-extended-secu', 'arc-esu-check'],
  },
] as const satisfies readonly EsuRow[]
