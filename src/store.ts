/**
 * Everything that is kept about a fleet: machines and where they come from, what they said and what that was before, plans and
 * outcomes, KMS hosts and their checks, campaigns. One schema on SQLite (a file, nothing to set up) and on PostgreSQL (by URL).
 * Times are milliseconds since 1970; every refusal is a Problem; whatever is written may be written again without harm, so that
 * an answer that was lost on its way costs nothing.
 */
import { endSession, endSessions, findAccount, findSession, listAccounts, saveAccount, saveSession, setAccount } from './store/accounts.ts'
import { type AlertChanges, alertsKept, changeAlerts, type KeptAlert, keepAlerts } from './store/alerts.ts'
import { backup, type Copied, check, compact, type Restored, restore } from './store/backup.ts'
import {
  campaignPage,
  createCampaign,
  listCampaigns,
  reasonsOf,
  reserveActivations,
  saveReasons,
  setCampaign,
  setSettings,
} from './store/campaigns.ts'
import { countChanges, listChanges } from './store/changes.ts'
import { claimTargets } from './store/claim.ts'
import { asksOfHost, clientsByHost, namingHost, usersOfObjects, usesOfHost } from './store/clients.ts'
import { hostHistory, listHosts, saveCheck, saveHosts } from './store/hosts.ts'
import { appendJournal, journal } from './store/journal.ts'
import { byOrigin } from './store/kinds.ts'
import { holding, leases, takeBack } from './store/leases.ts'
import { countMachines, findMachines, listMachines, machineIds } from './store/list.ts'
import { importMachines, listImports } from './store/machines.ts'
import { observe } from './store/observe.ts'
import { open, type Place, saying } from './store/open.ts'
import { ages, expiry, metrics, notPlain, scanned, sumOfAges, words } from './store/overview.ts'
import { placeOf } from './store/postgres.ts'
import { remarks } from './store/remarks.ts'
import { claimKey, finishKey, forgetKey, forgetKeys } from './store/requests.ts'
import { countPlanned, planned, selection, sharedCmids } from './store/selection.ts'
import { learn, standing } from './store/standing.ts'
import { causes, causesBy, countedBy, counts, expiring, history } from './store/summary.ts'
import type { Database } from './store/tables.ts'
import { addTargets, cancelWaiting, endTargets, extendLeases, left, listTargets, positionOf, progress, waiting } from './store/targets.ts'
import { findToken, listTokens, revokeToken, saveOnce, saveToken, takeOnce, usedToken } from './store/tokens.ts'
import { appendTrail, checkTrail, listTrail } from './store/trail.ts'
import { deleteView, listViews, saveView } from './store/views.ts'
import { outcomes, planOf, plansFor, plansOf, saveOutcome, savePlans } from './store/work.ts'

export type { Account, AccountChange, AccountKind, NewAccount, Session } from './store/accounts.ts'
export type { AlertChanges, KeptAlert } from './store/alerts.ts'
export type { Compacted, Copied, Restored } from './store/backup.ts'
export type { Replaced } from './store/boards.ts'
export type { Campaign, CampaignKind, CampaignReason, CampaignState, NewCampaign } from './store/campaigns.ts'
export { causeKey } from './store/causes.ts'
export type { ChangeKind, FleetChange } from './store/changes.ts'
export type { Claim, Held, Target } from './store/claim.ts'
export type { Clients, HostClients, HostUse, ObjectClients } from './store/clients.ts'
export type { Filter } from './store/filter.ts'
export type { HostCheck, HostCount, HostHistory, HostListed, KeptCheck, KeptCount, KeptHost } from './store/hosts.ts'
export type { JournalEntry, JournalLine } from './store/journal.ts'
export type { ProductGroup, ProductMetric } from './store/kinds.ts'
export type { MachineCard, MachineLine, Page, PageWish, ProductLine, Unasked } from './store/list.ts'
export type { ImportDifference, ImportLine, ImportOptions } from './store/machines.ts'
export type { Answered, Observation, Observed, Unanswered } from './store/observe.ts'
export type { Place } from './store/open.ts'
export type { Sort, SortKey } from './store/order.ts'
export type { Expiry, Metrics, NotPlain, Scanned, Words } from './store/overview.ts'
export { type PostgresConnection, postgresUrl } from './store/postgres.ts'
export type { RemarkExample, Remarked, RemarkedKind } from './store/remarks.ts'
export type { KeyState } from './store/requests.ts'
export type { Selected, SharedCmid } from './store/selection.ts'
export type { CauseGroup, Counts, ExpiringLine, History, MachineGroup, Span } from './store/summary.ts'
export type { Again, Ending, Left, NewTarget, ProgressRow, TargetEnd, TargetFilter, TargetLine, TargetState } from './store/targets.ts'
export type { NewToken, Token, TokenScope } from './store/tokens.ts'
export type { NewTrailLine, TrailCheck, TrailFilter, TrailLine } from './store/trail.ts'
export type { SavedView } from './store/views.ts'
export type { KeptOutcome, KeptPlan, NewOutcome, NewPlan, PlanLine, StepDone } from './store/work.ts'

export type StoreOptions = {
  /** Makes the file where there is none; else that is refused (`STORE_MISSING`). PostgreSQL: the schema is always made. */
  readonly create: boolean
  /** How long a database that is away is waited for before that is said; 0 for a command, minutes for a worker. */
  readonly patienceMs?: number
  /** SQLite: so many threads for long questions, so that whoever has other things to do is never held. 0: asked in place, at once. */
  readonly threads?: number
}

export type Store = Awaited<ReturnType<typeof openStore>>

/** Opens a store, and brings an older one up to date. `STORE_NEWER`, `STORE_NOT_OURS` and the like: it is left as it is. */
export async function openStore(place: Place, options: StoreOptions) {
  const opened = await open(place, options)
  const { database, reads } = opened
  const say = <T>(work: () => Promise<T>) => saying(database.place, work, options.patienceMs)
  const door =
    <A extends readonly unknown[], R>(f: (database: Database, ...args: A) => Promise<R>) =>
    (...args: A): Promise<R> =>
      say(() => f(database, ...args))
  /** A door to a question that may read much. */
  const long =
    <A extends readonly unknown[], R>(f: (database: Database, ...args: A) => Promise<R>) =>
    (...args: A): Promise<R> =>
      say(() => f(reads, ...args))
  return {
    kind: database.kind,
    /** How it is named to people. */
    place: database.place,
    /** Machines in: by identity, with the difference; `dryRun` shows it only. */
    importMachines: door(importMachines),
    imports: long(listImports),
    /** What machines said, or why they could not be asked. */
    observe: door(observe),
    counts: long(counts),
    causes: long(causes),
    list: long(listMachines),
    count: long(countMachines),
    /** Machines of a filter by what they are, and by their causes. */
    countedBy: long(countedBy),
    causesBy: long(causesBy),
    ids: long(machineIds),
    /** Machines by id, with their groups: what a campaign is made of. */
    selection: long(selection),
    planned: long(planned),
    countPlanned: long(countPlanned),
    sharedCmids: long(sharedCmids),
    /** By name (there may be several) or id, with all that is known. */
    find: door(findMachines),
    history: door(history),
    expiring: long(expiring),
    savePlans: door(savePlans),
    plans: door(plansFor),
    planOf: door(planOf),
    /** What a campaign planned for each of its machines. */
    plansOf: long(plansOf),
    saveOutcome: door(saveOutcome),
    outcomes: door(outcomes),
    saveHosts: door(saveHosts),
    saveCheck: door(saveCheck),
    hosts: long(listHosts),
    /** What a host said and counted, from a time on. */
    hostHistory: long(hostHistory),
    /** Machines by the KMS host, and by the activation object, that their products name. */
    clientsByHost: long(clientsByHost),
    usersOfObjects: long(usersOfObjects),
    usesOfHost: long(usesOfHost),
    /** When machines asked a host last, counted; and which of some machines name it. */
    asksOfHost: long(asksOfHost),
    namingHost: long(namingHost),
    createCampaign: door(createCampaign),
    setCampaign: door(setCampaign),
    setSettings: door(setSettings),
    campaigns: door(listCampaigns),
    campaignPage: door(campaignPage),
    /** Why machines of a campaign came to something. */
    saveReasons: door(saveReasons),
    reasonsOf: door(reasonsOf),
    reserveActivations: door(reserveActivations),
    addTargets: door(addTargets),
    claimTargets: door(claimTargets),
    leases: door(leases),
    /** Campaigns that hold machines, also those that are over: who was killed goes on holding. */
    holding: door(holding),
    takeBack: door(takeBack),
    endTargets: door(endTargets),
    extendLeases: door(extendLeases),
    cancelWaiting: door(cancelWaiting),
    /** How a campaign stands, as one that runs is asked all the time; `left` counts all of its machines. */
    standing: door(standing),
    /** Lets the database see how many machines campaigns have, so that it finds the few that are held. */
    learn: door(learn),
    left: long(left),
    waiting: long(waiting),
    positionOf: long(positionOf),
    progress: long(progress),
    /** Written before and after each call, where the machine is still held. */
    appendJournal: door(appendJournal),
    journal: door(journal),
    targets: long(listTargets),
    /** Who may sign in to the server. */
    saveAccount: door(saveAccount),
    accounts: door(listAccounts),
    account: door(findAccount),
    setAccount: door(setAccount),
    saveSession: door(saveSession),
    session: door(findSession),
    endSession: door(endSession),
    endSessions: door(endSessions),
    saveToken: door(saveToken),
    tokens: door(listTokens),
    token: door(findToken),
    usedToken: door(usedToken),
    revokeToken: door(revokeToken),
    saveOnce: door(saveOnce),
    takeOnce: door(takeOnce),
    /** Who changed what; rows are only added. */
    appendTrail: door(appendTrail),
    trail: long(listTrail),
    checkTrail: long(checkTrail),
    saveView: door(saveView),
    views: door(listViews),
    deleteView: door(deleteView),
    claimKey: door(claimKey),
    finishKey: door(finishKey),
    forgetKey: door(forgetKey),
    forgetKeys: door(forgetKeys),
    alertsKept: door(alertsKept),
    keepAlerts: door(keepAlerts),
    /** Changed by what is there, by one process at a time. */
    changeAlerts: <T extends AlertChanges>(work: (kept: readonly KeptAlert[]) => T): Promise<T> => say(() => changeAlerts(database, work)),
    /** What changed in the fleet from a time on, and how many of each kind. */
    changes: long(listChanges),
    countChanges: long(countChanges),
    /** Products by kind: what audits and metrics count. */
    byOrigin: long(byOrigin),
    /** Products whose activation is not plainly ours, with their machines. */
    notPlain: long(notPlain),
    /** The same, once for all machines of which the same is remarked. */
    remarks: long(remarks),
    /** The fleet as metrics count it. */
    metrics: long(metrics),
    /** How many products end on each day. */
    expiry: long(expiry),
    /** When machines answered last, and how many within which age. */
    scanned: long(scanned),
    ages: long(ages),
    sumOfAges: long(sumOfAges),
    /** What machines can be filtered by. */
    words: long(words),
    /** Copies it into a new file, as of this moment. */
    backup: (file: string, form?: 'own' | 'lines'): Promise<Copied> => saying(database.place, () => backup(opened, file, form)),
    compact: () => saying(database.place, () => compact(opened)),
    /** Throws `STORE_DAMAGED` where a page or a reference is not sound. */
    check: () => saying(database.place, () => check(opened)),
    close: () => opened.close(),
  }
}

/** Puts a backup in the place of a store; what was there is kept aside. Nobody may have it open. */
export function restoreStore(place: Place, file: string, now: Date): Promise<Restored> {
  return saying('file' in place ? place.file : placeOf(place.postgres), () => restore(place, file, now))
}
