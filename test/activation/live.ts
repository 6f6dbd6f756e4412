import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import {
  type Answer,
  type Answers,
  type Authorisation,
  type AuthorisedHost,
  type HostInUse,
  type LiveQuestion,
  type LiveRow,
  liveFacts,
  type MachineFacts,
  nextQuestions,
  type PlanOptions,
} from '../../src/activation.ts'
import type { Site, Wish } from '../../src/model.ts'

/** A machine as a case describes it: rows by question, registry values, null for what it has not, a problem for what fails. */
export type Said = readonly LiveRow[] | Readonly<Record<string, string | number>> | { readonly problem: string } | null
export type LiveCase = {
  from: string
  like?: string
  askedAt?: string
  name?: string
  site?: Partial<Site> | null
  wishes?: (Partial<Wish> & { product: string; by: Wish['by'] })[]
  says?: Record<string, Said>
  /** Hosts that the machine's own DNS publishes. */
  dns?: string[]
  renew?: boolean
  asked?: PlanOptions['asked']
  partialKeys?: Record<string, string>
  expect: Record<string, unknown>
  /** What the machine says after the plan was carried out. */
  after?: Record<string, Said>
  /** For each step in its order: whether it holds then. */
  verify?: boolean[]
  /** What a second plan, made after it, still does. */
  again?: string[]
}

const dir = 'test/cases/live/'
const read = (file: string) => JSON.parse(readFileSync(dir + file, 'utf8'))
export const machines: Record<string, Record<string, Said>> = read('machines.json')
export const caseNames = readdirSync(dir)
  .filter((n) => n.endsWith('.json') && n !== 'machines.json')
  .map((n) => n.replace(/\.json$/, ''))
export const liveCase = (name: string): LiveCase => read(`${name}.json`)

export function siteOf(part: Partial<Site> | null | undefined): Site | null {
  if (part === null) return null
  return {
    organisation: 'Example University',
    domains: ['corp.example'],
    networks: ['10.0.0.0/8'],
    kmsHosts: [
      { name: 'kms.corp.example', port: 1688, priority: 0, weight: 0 },
      { name: 'kms2.corp.example', port: 1688, priority: 10, weight: 0 },
    ],
    platforms: ['azure'],
    forests: [],
    dnsServers: [],
    wishes: [],
    groups: [],
    entitlements: [],
    schedule: { repair: false },
    planSigners: [],
    ...part,
  }
}

export const wishOf = (w: Partial<Wish> & { product: string; by: Wish['by'] }): Wish => ({ year: null, key: null, instead: false, ...w })

/** Answers every question as that machine would: only the columns that were asked for, only where the condition holds. */
export function answersOf(
  says: Record<string, Said>,
  wishes: readonly Wish[] = [],
): { answers: Answers; asked: LiveQuestion[]; rounds: number } {
  const answers = new Map<string, Answer>()
  const asked: LiveQuestion[] = []
  let rounds = 0
  for (;;) {
    const round = nextQuestions(answers, { wishes })
    if (round.length === 0) return { answers, asked, rounds }
    rounds++
    assert.ok(rounds <= 4, 'questions that never end')
    for (const question of round) {
      assert.ok(!answers.has(question.id), `${question.id} is asked twice`)
      asked.push(question)
      answers.set(question.id, answer(question, says[question.id]))
    }
  }
}

function answer(question: LiveQuestion, said: Said | undefined): Answer {
  if (said && !Array.isArray(said) && 'problem' in said && typeof said.problem === 'string')
    return {
      ok: false,
      problem: { code: 'WINRM_FAULT', summary: said.problem, next: ['Ask again.'], file: null, line: null, column: null },
    }
  if ('registry' in question) {
    if (said === undefined || said === null) return { ok: true, values: null }
    const values = said as Record<string, string | number>
    const wanted = Object.entries(values).filter(([name]) => !question.values || question.values.includes(name))
    return { ok: true, values: Object.fromEntries(wanted) }
  }
  // A class that is nowhere described is one that the machine does not have.
  if (said === undefined || said === null) return { ok: true, rows: null }
  const rows = said as readonly LiveRow[]
  return {
    ok: true,
    rows: rows
      .filter((row) => !question.where?.includes('PartialProductKey IS NOT NULL') || row.PartialProductKey)
      .map((row) => Object.fromEntries(question.columns.flatMap((c) => (c in row ? [[c, row[c] ?? null] as const] : [])))),
  }
}

export function saysOf(c: LiveCase, more: Record<string, Said> = {}): Record<string, Said> {
  const base = machines[c.like ?? 'win11']
  assert.ok(base, `no machine called ${c.like}`)
  return { ...base, ...c.says, ...more }
}

export function factsOf(c: LiveCase, more: Record<string, Said> = {}, wishes: readonly Wish[] = []): MachineFacts {
  const { answers } = answersOf(saysOf(c, more), wishes)
  return liveFacts({ name: c.name ?? 'pc-17.corp.example', answers, askedAt: c.askedAt ?? '2026-11-26T01:00:00Z' })
}

/** A guard in small: the site's hosts, and what DNS of the site's domains publishes. The engine's resolves addresses, too. */
export function optionsOf(c: LiveCase): PlanOptions & { readonly authorise: (use: HostInUse) => Authorisation } {
  const site = siteOf(c.site)
  const wishes = (c.wishes ?? []).map(wishOf)
  const named: AuthorisedHost[] = (site?.kmsHosts ?? []).map((h) => ({
    ...h,
    priority: h.priority ?? 0,
    weight: h.weight ?? 0,
    addresses: ['10.1.1.1'],
    by: 'site',
  }))
  const published: AuthorisedHost[] = (c.dns ?? []).map((name) => ({
    name,
    port: 1688,
    priority: 0,
    weight: 0,
    addresses: ['10.1.1.1'],
    by: 'dns',
  }))
  const hosts = (named.length > 0 ? named : published).sort((a, b) => a.priority - b.priority)
  const authorise = (use: HostInUse) => {
    if (use.from === 'none') return { ok: true } as const
    const no = (because: string) => ({ ok: false, because, next: ['Name your hosts under kms.hosts.'] }) as const
    if (use.host === null) {
      if (site === null) return no('There is no site file.')
      if (use.lookupDomains.length === 0 || !use.lookupDomains.every((d) => site.domains.includes(d)))
        return no(`${use.lookupDomains.join(', ')} is not a domain of the site file.`)
      return published.length > 0 ? ({ ok: true } as const) : no('DNS publishes no host.')
    }
    const ours = [...named, ...published].some((h) => h.name === use.host!.toLowerCase() && h.port === use.port)
    return ours ? ({ ok: true } as const) : no(`${use.host}:${use.port} is not a KMS host of the site file.`)
  }
  return {
    site,
    wishes,
    readAt: c.askedAt ?? '2026-11-26T01:00:00Z',
    renew: c.renew ?? false,
    hosts,
    authorise,
    ...(c.asked ? { asked: c.asked } : {}),
    ...(c.partialKeys ? { partialKeyOf: (ref) => c.partialKeys?.[JSON.stringify(ref)] ?? null } : {}),
  }
}
