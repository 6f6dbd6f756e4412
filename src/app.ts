/**
 * The only place where the parts are put together from a site file and flags: how machines are reached, DNS, secrets, the
 * clock, where the journal is.
 */
import { isIP, type LookupFunction } from 'node:net'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Judgement } from './activation.ts'
import { canonicalHost } from './addresses.ts'
import { campaignWork } from './app/campaigns.ts'
import { type Carried, type CarriedContext, identityOf, openCarried, ownKey, reopenCarried, signFor } from './app/carried.ts'
import { openFleetAt, openToLook, placeOfFleet } from './app/fleet.ts'
import { type Here, meansHere, notElevated, outsideSite, thisComputer } from './app/here.ts'
import { type KmsHosts, openHosts } from './app/hosts.ts'
import { hostsSeenNow } from './app/kept-hosts.ts'
import { Logons } from './app/logons.ts'
import { type MachineNow, machineNow } from './app/machine-now.ts'
import { notOurs } from './app/ours.ts'
import { openRecordings, type Recordings, withOrigin } from './app/recordings.ts'
import { type SiteNow, siteText, siteWatch } from './app/site-answer.ts'
import { usualSiteFile } from './app/usual-site.ts'
import { watch } from './app/watch.ts'
import { type RunEvent, runCampaigns } from './campaigns.ts'
import { openResolver } from './directory.ts'
import {
  applyMachine,
  beginJournal,
  continueJournal,
  type Environment,
  eachMachine,
  type FromFleet,
  factsOf,
  holder,
  isAlive,
  type Journal,
  type MachineOutcome,
  type Named,
  plansFor,
  processHost,
  settles,
  statusOf,
  type Told,
  unfinishedJournal,
  type Wished,
} from './engine.ts'
import { type MachinePlan, type Problem, ProblemError, problem, type Site, type Wish } from './model.ts'
import { callsGivenUp } from './native.ts'
import { keyWords, type SigningKey, type TelephoneRow, telephoneRows } from './offline.ts'
import { readSecret, type Secret, type SecretReference, secretFromPrompt } from './secrets.ts'
import {
  type CredentialReference,
  openReaches,
  type ReachDescription,
  type ReachOverrides,
  reachOf,
  readSite,
  type SiteFile,
} from './site.ts'
import { type MachineCard, restoreStore, type Store } from './store.ts'
import type { Support } from './support.ts'
import { type Machine, openMachine, recorder } from './windows.ts'

export type { ObjectsFound } from './app/activation-objects.ts'
export { type AlertParts, runAlerts } from './app/alert-loop.ts'
export {
  type AlertsNow,
  type AlertTold,
  type AlertWay,
  alertsNow,
  type StandingAlert,
  tellAlerts,
  testAlerts,
} from './app/alerts.ts'
export {
  asShown,
  type CampaignOrder,
  campaignBy,
  carriedOutBefore,
  endCampaign,
  exitOf,
  type Limits,
  limitsOf,
  mayResume,
  orderCampaign,
  plansBy,
  resumeCampaign,
  unplannedOf,
} from './app/campaign-orders.ts'
export { type CampaignGroup, type CampaignTold, campaignState } from './app/campaign-state.ts'
export { beginCampaign, said } from './app/campaigns.ts'
export type { Carried } from './app/carried.ts'
export { dayMs, days as daysOf, filtered, filterNames, filterOf, number as numberOf, type Words } from './app/filter.ts'
export { fileKinds, rowsOf, type Source, sourcesOf } from './app/fleet.ts'
export { expiringOf, historyAnswer } from './app/fleet-answers.ts'
export { auditRemarks, type FleetAudit, type FleetRemark, fleetAudit, type RemarkGroup, remarkGroups } from './app/fleet-audit.ts'
export { importRecordings, takeRecordings } from './app/fleet-recordings.ts'
export { type FleetSummary, summaryOf } from './app/fleet-summary.ts'
export { type Cell, columnNames, machineColumns, rowsWith, utc } from './app/fleet-table.ts'
export { hostsAnswer, someHosts, storyHours } from './app/host-answers.ts'
export { hostHistoryOf, type SeenHostHistory } from './app/host-history.ts'
export { proofsOf } from './app/host-users.ts'
export type { CheckedHost, DomainAnswer, HostRemark, HostSaid, KmsHosts, KnownHost } from './app/hosts.ts'
export { importAnswer, importDirectory, importSite, importText, sourceName, type Taken, takeSource } from './app/imports.ts'
export { keptHosts, type SeenHost, silentSince, standingOf } from './app/kept-hosts.ts'
export { type KeptPlanOf, planCampaign, plansOfCampaign } from './app/kept-plans.ts'
export { type Conversation, type Exchange, type MachineNow, machineBy, type StatusEntry } from './app/machine-now.ts'
export {
  ageBoundsDays,
  type CampaignMetrics,
  daysLeftBounds,
  type Histogram,
  type HostMetrics,
  type Metrics,
  metricsOf,
} from './app/metrics.ts'
export type { Link, Need, NeedKind } from './app/need.ts'
export { type NeedLimits, needLimits } from './app/needs.ts'
export { checkHostsWhenDue, scanWhenDue } from './app/regular.ts'
export { type SiteNow, siteAnswer } from './app/site-answer.ts'
export { type Today, todayOf } from './app/today.ts'
/** For the password of a lab, which its site file names. */
export { usualSiteFile } from './app/usual-site.ts'
export { wishedOf } from './app/wished.ts'
export { type RunEvent, settingsOf } from './campaigns.ts'
/** The pages of the dashboard are built with slmctl. */
export { packagedFile } from './native.ts'
export { csvLine } from './offline.ts'
export { Secret, type SecretReference, secretFromPrompt, writeSecretFile } from './secrets.ts'
export type { AlertRules, AlertSettings, OpenIdSettings, ServerSettings, SiteFile } from './site.ts'
/** For an archive for support of a command that asks no machine. */
export type {
  Campaign,
  CampaignKind,
  CauseGroup,
  Counts,
  ExpiringLine,
  Filter,
  History,
  ImportDifference,
  MachineCard,
  MachineLine,
  Page,
  PageWish,
  Store,
} from './store.ts'
export { redactor } from './windows.ts'
export type { MachineOutcome, Named, Wished }

/** What the command line says about reaching machines. */
export type ReachFlags = {
  readonly user: string | null
  readonly passwordFile: string | null
  readonly askPassword: boolean
  readonly credential: string | null
  readonly method: string | null
  readonly https: boolean
  readonly port: number | null
  readonly ca: string | null
  readonly pin: string | null
  readonly timeoutSeconds: number | null
}

export type AppOptions = {
  /** Null: ./slmctl.yaml, else the one in the configuration folder, else none. */
  readonly siteFile: string | null
  readonly reach: ReachFlags
  readonly parallel: number
  /** Recordings in place of machines. */
  readonly replay: readonly string[] | null
  readonly notice: (line: string) => void
  /** Hears of everything that an archive for support is to hold; absent where none is wished. */
  readonly support?: Support | undefined
  /** This computer as a machine; left out: what it is. */
  readonly here?: Here | null
  /** The time by which answers are judged and kept; left out: the time of day. A demonstration tells of days that have passed. */
  readonly clock?: () => Date
}

/** Names of machines, a list or as they come: a fleet is never in memory as a whole. */
type Names = Iterable<string> | AsyncIterable<string>

type PlanShape = (value: unknown) => MachinePlan | null

/** slmctl with its parts put together. */
export type App = {
  readonly site: Site | null
  /** The site file as read; null: there is none. */
  readonly siteFile: SiteFile | null
  /** Reads what a reference of the site file means. */
  readonly secret: (reference: SecretReference) => Promise<Secret>
  /** The machines of the recordings that are replayed; null where machines are asked. */
  readonly recorded: readonly string[] | null
  /** When a recording of this machine was made; null where it does not tell. */
  readonly recordedAt: (name: string) => Date | null
  /** This computer, where it is a Windows machine: what is meant where no machine is named. */
  readonly here: string | null
  readonly everyMachine: () => readonly string[]
  /** Names and groups as typed → machines, each once. */
  readonly machines: (words: readonly string[]) => readonly string[]
  /** Throws NO_SITE_FILE where there is none. */
  readonly needSite: (command: string) => Site
  readonly status: (names: Names, signal?: AbortSignal) => AsyncGenerator<Named<Judgement>>
  /** What machines of recordings said, judged by the site file, each as of when it was recorded. Their names are not hidden. */
  readonly recordedStatus: (recordings: Recordings, names: readonly string[]) => AsyncGenerator<Named<Judgement>>
  /** `store`: a fleet whose checks of hosts tell which of them answer. */
  readonly plans: (
    names: Iterable<string>,
    options: Wished,
    signal?: AbortSignal,
    store?: Store | null,
  ) => AsyncGenerator<Named<MachinePlan>>
  /** NOT_ELEVATED, where the plans change this computer and whoever runs slmctl may not; null where nothing stands against it. */
  readonly notElevated: (plans: readonly MachinePlan[]) => Promise<Problem | null>
  /** Why this computer is outside the site; null where it is inside. USAGE where it is no Windows machine. */
  readonly outside: (site: Site) => Promise<string | null>
  /** Begins a journal (or goes on with one) and carries the plans out. What was begun is waited for, whatever ends the outcomes. */
  readonly apply: (
    plans: readonly MachinePlan[],
    options: Wished & { readonly signal?: AbortSignal; readonly told?: Told; readonly carried?: Carried | null },
  ) => { readonly id: string; readonly outcomes: AsyncGenerator<MachineOutcome> }
  /** The journal that did not finish: the newest, or the one named. */
  readonly unfinished: (id: string | null) => Told | null
  /** From now on every answer is kept; what is returned gives the recording: redacted, or with names and what a plan needs. */
  readonly record: (keepNames: boolean) => () => Promise<{ readonly recording: unknown; readonly ownKey: string | null }>
  /** RECORDING_REDACTED, where a recording hides the name of one of these machines: no plan for it can be carried anywhere. */
  readonly namesHidden: (names: readonly string[]) => Problem | null
  /**
   * Signs a machine's plan, to be carried to it by file; its secrets are read and sealed. Days: how long it is valid. `sealedTo` is
   * the key of the target in the words that people compare.
   */
  readonly sign: (plan: MachinePlan, key: SigningKey, days: number) => Promise<{ readonly text: string; readonly sealedTo: string | null }>
  /** A signed plan that was brought here: right by signature, time and machine, or a ProblemError. `shape` reads a machine's plan. */
  readonly openSigned: (bytes: Uint8Array, shape: PlanShape) => Promise<Carried>
  /** The signed plan that an unfinished journal is about; null where it is about another. */
  readonly signedOf: (told: Told, shape: PlanShape) => Promise<Carried | null>
  /** What machines answer by telephone: those of their products that may be activated so, one machine at a time. */
  readonly telephone: (names: Iterable<string>, signal?: AbortSignal) => AsyncGenerator<Named<readonly TelephoneRow[]>>
  /** Works on campaigns of a store: on one until it is over, or on all that run until `signal` says so. */
  readonly runCampaigns: (
    store: Store,
    which: { readonly campaign: number | null; readonly serves: readonly string[] | null; readonly leaseMs?: number },
    hear: (event: RunEvent) => void,
    signal: AbortSignal,
  ) => Promise<void>
  /** A machine of the fleet, to be asked at this moment, at the address that its source gave. */
  readonly machineNow: (card: Pick<MachineCard, 'id' | 'name' | 'address'>, store: Store) => MachineNow
  /** Whether the site file was changed since it was read, and what is wrong with it now. */
  readonly siteNow: () => SiteNow
  /** The KMS hosts that words mean; all of them where there are none. Asks DNS; what is returned asks the hosts. `machine`: of the fleet, named by nobody here, so that a password is shown to it only where it is ours. */
  readonly kmsHosts: (words: readonly string[], machine?: Pick<MachineCard, 'name' | 'address'>) => Promise<KmsHosts>
  readonly close: () => Promise<void>
}

/** What slmctl remembers: of the user, or where SLMCTL_STATE says. */
function stateFolder(): string {
  return (
    process.env.SLMCTL_STATE ??
    (process.platform === 'win32'
      ? join(process.env.LOCALAPPDATA ?? homedir(), 'slmctl')
      : join(process.env.XDG_STATE_HOME || join(homedir(), '.local', 'state'), 'slmctl'))
  )
}

/** The store of a fleet: a file, a PostgreSQL by URL, or the one in the state folder. `create`: made where there is none; `threads`: as the store has them. */
export const openFleet = (given: string | null, create: boolean, patienceMs = 0, threads = 0): Promise<Store> =>
  openFleetAt(placeOfFleet(given ?? process.env.SLMCTL_STORE ?? null, stateFolder()), { create, patienceMs, threads })

/** The same to look at what an import would do: where there is no store yet, an empty one that is gone afterwards. */
export const openFleetToLook = (given: string | null): Promise<Store> =>
  openToLook(placeOfFleet(given ?? process.env.SLMCTL_STORE ?? null, stateFolder()))

/** Puts a backup in the place of a store. */
export const restoreFleet = (given: string | null, file: string, now: Date) =>
  restoreStore(placeOfFleet(given ?? process.env.SLMCTL_STORE ?? null, stateFolder()), file, now)

const journalFolder = () => join(stateFolder(), 'journal')

/** How long an answer of DNS stands for machines that are begun, ms: shorter than the records of hosts usually say. */
const namesStandMs = 5 * 60_000

function loadSiteFile(file: string): { readonly siteFile: SiteFile; readonly now: () => SiteNow } {
  const text = siteText(file)
  const { siteFile, problems } = readSite(file, text)
  if (problems.length > 0 || siteFile === null) throw new ProblemError(...problems)
  return { siteFile, now: siteWatch(file, text) }
}

export async function openApp(options: AppOptions): Promise<App> {
  const path = options.siteFile ?? (await usualSiteFile())
  const loaded = path === null ? null : loadSiteFile(path)
  const siteFile = loaded?.siteFile ?? null
  if (options.siteFile === null && path !== null) options.notice(`site file ${path}`)
  const site = siteFile?.site ?? null
  const watched = options.support ? watch(options.support, site, path) : null
  const overrides = await overridesOf(options.reach, siteFile)
  const reaches = openReaches()
  const clock = options.clock ?? (() => new Date())
  const replay = options.replay === null ? null : openRecordings(options.replay)
  let keep: ((machine: Machine) => Machine) | null = null
  const names = openResolver({ servers: site?.dnsServers ?? [] })
  /** For a worker, which goes on for months: what DNS said stands for minutes, and for as long as one machine is worked on. */
  let fresh = { names, at: performance.now() }
  const namesNow = () => {
    if (performance.now() - fresh.at > namesStandMs)
      fresh = { names: openResolver({ servers: site?.dnsServers ?? [] }), at: performance.now() }
    return fresh.names
  }
  const lookup = site && site.dnsServers.length > 0 ? lookupBy(site) : null

  const logons = new Logons()
  const here = replay ? null : options.here === undefined ? await thisComputer() : options.here
  const isHere = (name: string) => here !== null && canonicalHost(name) === canonicalHost(here.name)
  const open = async (
    name: string,
    fleet: FromFleet | null = null,
    heard: ((reach: ReachDescription) => void) | null = null,
  ): Promise<Machine> => {
    if (replay) return replay.open(name)
    if (here && isHere(name)) {
      const seconds = options.reach.timeoutSeconds
      const machine = here.open(seconds === null ? null : seconds * 1000)
      return keep ? keep(machine) : machine
    }
    const listed = siteFile?.machines.get(canonicalHost(name))
    // Where the site file says it itself, that holds.
    const known = listed?.settings.address ? null : (fleet?.address ?? null)
    const ways = reachOf(siteFile, name, known !== null && isIP(known) === 0 ? { ...overrides, address: known } : overrides)
    // A name out of a store may be that of a group, whose machines it does not mean.
    const answer = ways.find((way) => canonicalHost(way.name) === canonicalHost(name))
    if (!answer) throw new ProblemError(problem('MACHINE_NAME', `${name} is no machine.`, ['Name it as the site file does.']))
    if (!answer.ok) throw new ProblemError(answer.problem)
    const unproved = answer.reach.credential.method === 'ntlm' && answer.reach.tls === null
    const why = fleet && notOurs(site, { name, address: known, listed: listed !== undefined, unproved })
    if (why) throw new ProblemError(why)
    heard?.(answer.reach)
    const { credential, operationTimeoutMs } = answer.reach
    const resolved = await reaches.resolve(answer.reach)
    const by = known !== null && isIP(known) !== 0 ? lookupOf([known]) : lookup
    const reach = by ? { ...resolved, lookup: by } : resolved
    watched?.reach(reach, credential.name)
    // A short time limit is meant for the answer as a whole, too.
    const graceMs = Math.min(10_000, operationTimeoutMs)
    const machine = logons.watch(credential.name, (hooks) => openMachine(reach, { graceMs, ...hooks }))
    return keep ? keep(machine) : machine
  }
  const groupOf = new Map<string, readonly Wish[]>()
  for (const group of site?.groups ?? []) {
    // One list for all machines of a group: of a large one a list each would be the most that is kept.
    const wishes = [...group.wishes, ...(site?.wishes ?? [])]
    for (const machine of group.machines) groupOf.set(canonicalHost(machine), wishes)
  }
  const partials = new Map<string, Promise<string | null>>()
  const partialKey = (reference: SecretReference) => {
    const id = JSON.stringify(reference)
    const known = partials.get(id) ?? lastFive(reference)
    partials.set(id, known)
    return known
  }
  const environment: Environment = {
    site,
    names,
    open: watched ? (name, fleet) => watched.open(name, (n) => open(n, fleet)) : open,
    // A site file may list this computer by its short name.
    wishes: (name) =>
      groupOf.get(canonicalHost(name)) ??
      (isHere(name) ? groupOf.get(canonicalHost(name.split('.')[0]!)) : undefined) ??
      site?.wishes ??
      [],
    secret: readSecret,
    partialKey,
    clock,
    parallel: options.parallel,
  }
  let namesKept = false
  /** What a recording says is judged by the time at which it was said. */
  async function* asOf<T, M extends Names>(
    machines: M,
    work: (some: M | string[], env: Environment, recorded: string | null) => AsyncGenerator<T>,
  ): AsyncGenerator<T> {
    if (!replay) yield* work(machines, environment, null)
    else
      for await (const name of machines as Names) {
        const at = replay.at(name)
        yield* work([name], at === null ? environment : { ...environment, clock: () => at }, name)
      }
  }
  /** Hidden names are no names of the site file: whose an activation is, such a recording cannot tell. */
  const unnamed = (recorded: string | null, env: Environment): Environment => {
    const hidden = recorded !== null && site !== null && replay?.redacted(recorded)
    if (!hidden) return env
    if (!told) options.notice('names in the recording are hidden, so that the site file does not say whose they are.')
    told = true
    return { ...env, site: null }
  }
  let told = false
  const carriedContext = (): CarriedContext => ({ environment, signers: site?.planSigners ?? [], folder: stateFolder(), isHere })

  return {
    site,
    siteFile,
    secret: readSecret,
    recorded: replay?.names ?? null,
    recordedAt: (name) => replay?.at(name) ?? null,
    here: here?.name ?? null,
    notElevated: async (plans) => (here ? await notElevated(here, plans) : null),
    outside: async (where) => {
      if (here) return await outsideSite(here, where)
      throw new ProblemError(problem('USAGE', '--inside-site is about a Windows computer itself.', ['slmctl apply . --inside-site']))
    },
    everyMachine: () => [...new Set((site?.groups ?? []).flatMap((g) => g.machines))],
    machines: (words) => {
      const groups = new Map((site?.groups ?? []).map((g) => [g.name, g.machines]))
      // However it is spelt, a machine is worked on once: two runs at the same time would send everything twice.
      const names = words.flatMap((word) => groups.get(word) ?? [here && meansHere(word) ? here.name : word])
      return [...new Map(names.toReversed().map((name) => [canonicalHost(name), name])).values()].toReversed()
    },
    needSite: (command) => {
      if (site) return site
      throw new ProblemError(
        problem('NO_SITE_FILE', `${command} needs a site file, which says which KMS hosts machines may use, and there is none.`, [
          'slmctl site init writes one to begin with; then: --site slmctl.yaml',
        ]),
      )
    },
    status: (machines, signal) =>
      asOf(machines, (some, env, recorded) => statusOf(some, { ...unnamed(recorded, env), carried: namesKept }, signal)),
    recordedStatus: async function* (recordings, names) {
      for (const name of names) {
        const at = recordings.at(name)
        const env = { ...environment, names: namesNow(), open: async (one: string) => recordings.open(one), carried: false }
        yield* statusOf([name], at === null ? env : { ...env, clock: () => at })
      }
    },
    plans: (machines, wished, signal, store = null) => {
      const carried = wished.asked.some((a) => a.change === 'confirmation')
      const seen = store ? { hostsSeen: hostsSeenNow(store, () => clock().getTime()) } : {}
      // What a recording says is of its own time; how hosts are now decides nothing about it.
      const plans = asOf(machines, (some, env, recorded) =>
        plansFor(some, { ...env, carried, ...(recorded === null ? seen : {}) }, wished, signal),
      )
      return watched ? watched.plans(plans) : plans
    },
    apply: (plans, { renew, asked, signal, told, carried }) => {
      const takeBack = carried?.claim()
      const env = { ...environment, ...carried?.environment, carried: asked.some((a) => a.change === 'confirmation') }
      let journal: Journal
      try {
        journal = told
          ? continueJournal(journalFolder(), told)
          : beginJournal(journalFolder(), clock(), {
              plans,
              renew,
              asked,
              siteFile: path === null ? null : resolve(path),
              signed: carried?.serial ?? null,
            })
      } catch (error) {
        // Nothing was sent: the signed plan may be tried again.
        takeBack?.()
        throw error
      }
      watched?.apply(plans, journal, told?.size ?? 0)
      // Where the journal cannot be written nothing further is begun.
      const stop = new AbortController()
      const either = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal
      const work = async (plan: MachinePlan) => {
        const before = told?.machines.get(plan.name ?? plan.id)
        const outcome = await applyMachine(plan, env, journal, {
          renew,
          asked,
          signal: either,
          ...(before ? { told: before } : {}),
        })
        if (outcome.problem?.code === 'JOURNAL_NOT_WRITTEN') stop.abort()
        return outcome
      }
      async function* outcomes(): AsyncGenerator<MachineOutcome> {
        let whole = true
        try {
          for await (const outcome of eachMachine(plans, options.parallel, work, either)) {
            if (!settles(outcome.result)) whole = false
            yield outcome
          }
          // If even that cannot be written, `--resume` finds nothing left.
          if (whole && !either.aborted)
            await journal.write({ kind: 'finished' }).catch((error: unknown) => options.notice((error as Error).message))
        } finally {
          journal.close()
        }
      }
      return { id: journal.id, outcomes: outcomes() }
    },
    unfinished: (id) => unfinishedJournal(journalFolder(), id),
    record: (keepNames) => {
      const recording = recorder()
      const at: string[] = []
      namesKept = keepNames
      keep = (machine) => {
        at.push(clock().toISOString())
        return recording.keep(machine)
      }
      return async () => {
        const said = keepNames ? recording.whole() : recording.redacted()
        const own =
          keepNames && here && said.machines.some((m) => isHere(m.name)) ? { name: here.name, key: await ownKey(stateFolder()) } : null
        return { recording: withOrigin(said, at, keepNames, own), ownKey: own && keyWords(own.key) }
      }
    },
    namesHidden: (names) => (replay ? (names.map((name) => replay.redacted(name)).find((why) => why !== null) ?? null) : null),
    sign: async (plan, key, days) => {
      const name = plan.name ?? plan.id
      const machine = await open(name)
      try {
        const identity = await identityOf(machine, name, replay ? replay.key(name) : isHere(name) ? await ownKey(stateFolder()) : null)
        const text = await signFor(plan, identity, environment.wishes(name), { key, days, now: clock() })
        return { text, sealedTo: identity.key !== null && plan.steps.some((s) => s.secret) ? keyWords(identity.key) : null }
      } finally {
        await machine.close().catch(() => {})
      }
    },
    openSigned: (bytes, shape) => openCarried(bytes, carriedContext(), shape),
    signedOf: async (told, shape) => (told.signed ? await reopenCarried(told.signed, carriedContext(), shape) : null),
    telephone: (machines, signal) =>
      asOf(machines, (some, env) => factsOf(some, { ...env, carried: true }, (facts, name) => telephoneRows(facts, name), signal)),
    runCampaigns: (store, which, hear, signal) =>
      runCampaigns(
        store,
        campaignWork(
          (address) => ({ ...environment, names: namesNow(), open: (name) => environment.open(name, { address }) }),
          store,
          journalFolder(),
        ),
        { ...which, parallel: options.parallel, here: { host: processHost(), process: holder(process.pid), isAlive } },
        hear,
        signal,
      ),
    machineNow: (card, store) =>
      machineNow(card, store, { ...environment, names: namesNow() }, (heard) => open(card.name, { address: card.address }, heard)),
    siteNow: () => loaded?.now() ?? { changed: false, problems: [] },
    kmsHosts: (words, machine) => {
      if (site === null || siteFile === null)
        throw new ProblemError(
          problem('NO_SITE_FILE', 'Which KMS hosts are yours is for a site file to say, and there is none.', [
            'slmctl site init writes one to begin with; then: --site slmctl.yaml',
          ]),
        )
      const { user, credential, method } = options.reach
      const reached = (host: string): string | null => {
        if (here && isHere(host)) return here.name
        const listed = siteFile.machines.get(canonicalHost(host)) ?? siteFile.machines.get(canonicalHost(host).split('.')[0]!)
        return listed?.name ?? ((user ?? credential ?? method) ? host : null)
      }
      // A server goes on for months: what DNS says of hosts is asked anew.
      const now = namesNow()
      const open: Environment['open'] = (name, fleet) =>
        environment.open(name, machine && canonicalHost(name) === canonicalHost(machine.name) ? { address: machine.address } : fleet)
      return openHosts(words, { site, names: now, environment: { ...environment, names: now, open }, reached })
    },
    close: async () => {
      reaches.wipe()
      if (callsGivenUp() > 0) leaveSoon()
    },
  }
}

/** A foreign call that does not come back would hold the process for ever; what is still to be written is waited for. */
function leaveSoon(): void {
  const timer = setTimeout(() => {
    if (process.stdout.writableLength + process.stderr.writableLength > 0) timer.refresh()
    else process.exit()
  }, 500)
  timer.unref()
}

/**
 * How the names of machines become addresses where the site file names DNS servers: by these, anew each time, as machines move; what
 * they do not know, in the system's own way. A lab's names are the lab's alone.
 */
function lookupBy({ dnsServers: servers, lab }: Site): LookupFunction {
  const names = openResolver({ servers, pin: false })
  const system = openResolver({ servers: [], pin: false })
  const addresses = async (name: string) => {
    const found = await names.addresses(name)
    return found.length > 0 || lab === true ? found : await system.addresses(name)
  }
  return (name, options, done) => {
    addresses(name).then(
      (found) => lookupOf(found)(name, options, done),
      (error: Error) => done(Object.assign(error, { code: 'EAI_AGAIN' }), '', 0),
    )
  }
}

/** A lookup that answers these addresses, in the form in which Node asks. */
function lookupOf(addresses: readonly string[]): LookupFunction {
  return (name, options, done) => {
    const family = options.family === 'IPv4' ? 4 : options.family === 'IPv6' ? 6 : (options.family ?? 0)
    const fitting = addresses.map((address) => ({ address, family: isIP(address) })).filter((a) => family === 0 || a.family === family)
    if (!fitting[0]) done(Object.assign(new Error(`DNS knows no address of ${name}.`), { code: 'ENOTFOUND' }), '', 0)
    else if (options.all) done(null, fitting)
    else done(null, fitting[0].address, fitting[0].family)
  }
}

/** The flags as the narrowest level of how machines are reached. */
async function overridesOf(flags: ReachFlags, siteFile: SiteFile | null): Promise<ReachOverrides> {
  const usage = (summary: string, ...next: string[]) => new ProblemError(problem('USAGE', summary, next))
  const { method, user } = flags
  if (method !== null && !['kerberos', 'ntlm', 'basic'].includes(method))
    throw usage(
      `--auth ${method}: expected kerberos, ntlm or basic.`,
      'Certificates are for the site file: credentials, method certificate.',
    )
  if (flags.credential !== null && !siteFile?.credentials.has(flags.credential))
    throw usage(
      `--credential ${flags.credential}: the site file has none of that name.`,
      'Credentials are listed under credentials: in the site file.',
    )
  if (flags.passwordFile !== null && flags.askPassword) throw usage('Either --password-file or --ask-password, not both.')
  if (user === null && (flags.passwordFile !== null || flags.askPassword)) throw usage('A password wants a user: --user DOMAIN\\user.')
  let as: CredentialReference | undefined
  if (user !== null) {
    if (method !== 'kerberos' && flags.passwordFile === null && !flags.askPassword)
      throw usage(`The password of ${user} is missing.`, '--ask-password, or --password-file FILE')
    const password: Secret | { file: string } | null = flags.askPassword
      ? await secretFromPrompt(`Password of ${user}: `)
      : flags.passwordFile === null
        ? null
        : { file: flags.passwordFile }
    const [domain, account] = user.includes('\\') ? (user.split('\\', 2) as [string, string]) : ['', user]
    if (method === 'kerberos') as = { name: user, method: 'kerberos', principal: user, from: password ? { password } : 'cache' }
    else if (method === 'basic') as = { name: user, method: 'basic', user, password: password! }
    else as = { name: user, method: 'ntlm', user: account, domain, password: password! }
  } else if (method === 'kerberos') as = { name: 'ticket cache', method: 'kerberos', principal: null, from: 'cache' }
  else if (method !== null) throw usage(`--auth ${method} wants a user: --user DOMAIN\\user.`)
  return {
    ...(flags.https ? { transport: 'https' as const } : {}),
    ...(flags.port === null ? {} : { port: flags.port }),
    ...(flags.ca === null ? {} : { ca: [flags.ca] }),
    ...(flags.pin === null ? {} : { pin: flags.pin }),
    ...(flags.timeoutSeconds === null ? {} : { timeout: flags.timeoutSeconds }),
    ...(flags.credential === null ? {} : { credential: flags.credential }),
    ...(as ? { as } : {}),
  }
}

/** The last five characters of a key, the only part of it that is ever shown; null where it cannot be read. */
async function lastFive(reference: SecretReference): Promise<string | null> {
  try {
    const secret = await readSecret(reference)
    const five = secret.use((bytes) => Buffer.from(bytes.subarray(-5)).toString('latin1').toUpperCase())
    secret.wipe()
    return /^[A-Z0-9]{5}$/.test(five) ? five : null
  } catch {
    return null
  }
}
