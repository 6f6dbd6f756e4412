/** KMS hosts in a few words: how they are, and their counts against what these must reach. */
import type { KeptHostAnswer } from '../../../src/schemas/api.ts'
import { page } from '../addresses.ts'
import { Level } from '../charts/level.tsx'
import { Tag, Time, VerdictTag, verdictTone } from '../parts.ts'
import { applications, count as counted, number, type verdicts } from '../words.ts'

type Group = KeptHostAnswer['groups'][number]
type Verdict = keyof typeof verdicts

/** The port of KMS where nothing else is said: it is left out. */
const usualPort = 1688
export const hostTitle = ({ name, port }: Pick<KeptHostAnswer, 'name' | 'port'>): string => (port === usualPort ? name : `${name}:${port}`)

/** Machines that use it: a machine with Windows and Office counts once, as far as that is known. */
const machinesOf = ({ clients }: Pick<KeptHostAnswer, 'clients'>): number => Math.max(0, ...clients.map((c) => c.machines))

/** That number, leading to the machines. */
export function MachinesOf({ host }: { readonly host: Pick<KeptHostAnswer, 'name' | 'clients'> }) {
  const machines = machinesOf(host)
  return machines === 0 ? <>0</> : <a href={page('/machines', { host: host.name })}>{number(machines)}</a>
}

/** What one of its keys is called: by its release where the key tells it (`Windows Server 2022`), as the command line does. */
export const groupTitle = (g: Group): string =>
  typeof g.release === 'string' ? `Host key ${g.release}` : (g.name ?? `Host key for ${applications[g.application]}`)

/** What a count lacks, or that it lacks nothing. */
export function levelWords({ count, thresholds }: Pick<Group, 'count' | 'thresholds'>): string {
  if (count === null) return 'it did not tell its count'
  const short = thresholds.filter((t) => count < t.count)
  const needs = thresholds.map((t) => `${t.count} for ${t.of}`).join(', ')
  if (short.length > 0) return `${counted(count, 'machine')}, ${short.map((t) => `${t.count - count} too few for ${t.of}`).join(', ')}`
  return `${counted(count, 'machine')}${needs === '' ? '' : `; needs ${needs}`}`
}

/** What it counted is older than its latest check: then it did not tell. */
export const isOld = (g: Pick<Group, 'at'>, checkedAt: number | null): boolean => checkedAt !== null && g.at < checkedAt

export function HostCounts({ host: { groups, checkedAt } }: { readonly host: Pick<KeptHostAnswer, 'groups' | 'checkedAt'> }) {
  if (groups.length === 0) return <span class="quiet">no host key seen</span>
  return (
    <ul class="host-counts">
      {groups.map((g) => (
        <li key={g.key + g.application}>
          <span class="host-key">{groupTitle(g)}</span> {g.count !== null && <Level count={g.count} marks={g.thresholds} />}{' '}
          <span>
            {levelWords(g)}
            {isOld(g, checkedAt) && (
              <>
                {' '}
                (as of <Time at={g.at} />)
              </>
            )}
          </span>
        </li>
      ))}
    </ul>
  )
}

/** Its verdict; that nobody checked it is said, and is no verdict. */
export function HostState({ state }: { readonly state: string | null }) {
  if (state === null) return <Tag tone="plain">not checked</Tag>
  return state in verdictTone ? <VerdictTag verdict={state as Verdict} /> : <Tag tone="plain">{state}</Tag>
}

/** Why it is ours, or that it is not. */
export function sourceWords({ declared, sources }: Pick<KeptHostAnswer, 'declared' | 'sources'>): string {
  const named = sources.map((s) => (s === 'site' ? 'the site file' : s === 'clients' ? 'its clients' : s.replace(/^dns /, 'DNS: ')))
  const by = named.length === 0 ? 'nobody' : named.join(', ')
  return declared ? `yours, named by ${by}` : `not declared as yours; named by ${by}`
}
