/** The tables as kysely knows them. What a column means stands in migrations.ts, where it is made; who writes a table, at its name. */
import type { Generated, Kysely } from 'kysely'

export type MachineRow = {
  id: number
  name: string
  guid: string | null
  uuid: string | null
  address: string | null
  system: string | null
  system_version: string | null
  enabled: number | null
  directory_seen_at: number | null
  distinguished_name: string | null
  pool: string | null
  added_at: number
  vanished_at: number | null
  seen_at: number | null
  asked_at: number | null
  verdict: string | null
  origin: string | null
  headline: string | null
  next: string | null
  problem_code: string | null
  problem_summary: string | null
  problem_next: string | null
  problem_since: number | null
  problem_count: number
  cmid: string | null
  ends_at: number | null
}

export type ProductRow = {
  machine_id: number
  key: string
  present: number
  name: string | null
  application: string
  edition: string | null
  channel: string
  method: string
  add_on: number
  partial_key: string | null
  activation_id: string | null
  state: string
  reason: string | null
  expires_at: number | null
  host: string | null
  port: number | null
  host_ip: string | null
  host_found: string | null
  host_id: string | null
  activation_interval: number | null
  renewal_interval: number | null
  count: number | null
  verdict: string
  cause: string | null
  cause_id: number | null
  next: string
  origin: string
  origin_because: string
  evidence: string | null
  since: number
  renewed_at: number | null
  gone_at: number | null
  activation_object: string | null
  kind_id: number | null
  remark_id: number | null
}

export type ProductPastRow = {
  id: Generated<number>
  machine_id: number
  key: string
  from_at: number
  until_at: number
  name: string | null
  channel: string
  method: string
  partial_key: string | null
  activation_id: string | null
  state: string
  reason: string | null
  host: string | null
  port: number | null
  verdict: string
  cause: string | null
  origin: string
}

export type ProductKindRow = {
  id: Generated<number>
  key: string
  name: string | null
  application: string
  edition: string | null
  add_on: number
  system: string | null
  channel: string
  method: string
  state: string
  origin: string
  host: string | null
}

export type RemarkRow = {
  id: Generated<number>
  key: string
  origin: string
  because: string
  honest: string | null
  host: string | null
}

export type TrailRow = {
  id: Generated<number>
  at: number
  who: string
  way: string
  address: string
  what: string
  about: string
  result: string
  detail: string
  previous: string
}

export type Tables = {
  /** machines.ts */
  machine: MachineRow
  source_entry: { machine_id: number; source: string; import_id: number; vanished_at: number | null }
  machine_group: { machine_id: number; source: string; name: string }
  machine_import: {
    id: Generated<number>
    source: string
    at: number
    listed: number
    added: number
    changed: number
    renamed: number
    replaced: number
    returned: number
    vanished: number
    duplicates: number
  }
  /** products.ts */
  product: ProductRow
  product_past: ProductPastRow
  /** observe.ts */
  problem_past: {
    id: Generated<number>
    machine_id: number
    code: string
    summary: string
    from_at: number
    until_at: number
    count: number
  }
  /** remarks.ts */
  remark: RemarkRow
  /** causes.ts */
  cause: { id: Generated<number>; key: string; text: string; next: string }
  /** work.ts */
  plan: {
    id: Generated<number>
    key: string
    machine_id: number
    campaign_id: number | null
    made_at: number
    fingerprint: string
    steps: number
    refused: number
    body: string
  }
  outcome: {
    id: Generated<number>
    key: string
    machine_id: number
    campaign_id: number | null
    plan_id: number | null
    began_at: number
    ended_at: number
    result: string
    problem: string | null
    verdict: string | null
  }
  outcome_step: {
    outcome_id: number
    position: number
    change: string
    what: string
    product: string | null
    method: string
    result: string
    return_value: number | null
    because: string
    body: string
  }
  /** hosts.ts */
  host: { id: Generated<number>; name: string; port: number; sources: string; added_at: number; listed_at: number }
  host_check: {
    id: Generated<number>
    host_id: number
    address: string
    from_at: number
    last_at: number
    times: number
    state: string
    problem: string | null
    told: string
    cause: string | null
    next: string | null
  }
  host_count: {
    id: Generated<number>
    host_id: number
    key: string
    application: string
    name: string | null
    from_at: number
    last_at: number
    times: number
    count: number | null
    thresholds: string
    total: number | null
    failed: number | null
  }
  /** campaigns.ts */
  campaign: {
    id: Generated<number>
    key: string
    kind: string
    name: string
    settings: string
    state: string
    because: string | null
    created_at: number
    changed_at: number
    next_activation_at: number | null
    activation_clock: number | null
  }
  campaign_reason: { campaign_id: number; code: string; text: string; next: string }
  /** targets.ts */
  campaign_target: {
    campaign_id: number
    machine_id: number
    site: string
    position: number
    state: string
    attempts: number
    due_at: number
    owner: string | null
    lease_until: number | null
    result: string | null
    problem_code: string | null
    outcome_key: string | null
    ended_at: number | null
  }
  /** journal.ts */
  journal_entry: { campaign_id: number; machine_id: number; attempt: number; sequence: number; at: number; body: string }
  /** kinds.ts */
  product_kind: ProductKindRow
  /** changes.ts */
  fleet_change: {
    id: Generated<number>
    at: number
    machine_id: number
    kind: string
    product: string | null
    was: string | null
    now: string | null
  }
  /** accounts.ts */
  account: {
    id: Generated<number>
    kind: string
    name: string
    subject: string | null
    role: string
    secret: string | null
    created_at: number
    signed_in_at: number | null
    disabled_at: number | null
  }
  session: { hash: string; account_id: number; created_at: number; ends_at: number; way: string }
  /** tokens.ts */
  api_token: {
    id: Generated<number>
    hash: string
    account_id: number
    name: string
    scope: string
    created_at: number
    ends_at: number
    used_at: number | null
    revoked_at: number | null
  }
  once: { hash: string; ends_at: number }
  /** trail.ts */
  trail: TrailRow
  /** marks.ts; trail.ts writes its own */
  mark: { name: string; number: number; text: string }
  /** views.ts */
  saved_view: { account_id: number; name: string; query: string; saved_at: number }
  /** requests.ts */
  idempotency_key: { account_id: number; key: string; request: string; claimed_at: number; status: number | null; body: string | null }
  /** alerts.ts */
  alert: { key: string; rule: string; fingerprint: string; since: number; sent_at: number | null; body: string }
  /** migrations.ts */
  slmctl_schema: { version: number; at: number }
}

/** An open database of either kind, as the files of this room share it. */
export type Database = {
  readonly kind: 'sqlite' | 'postgres'
  /** How it is named to people. */
  readonly place: string
  readonly db: Kysely<Tables>
  /** For the smallest of questions, whose answer is wanted at once; `db` may have a long one under way. */
  readonly quick: Kysely<Tables>
  /** All or nothing; on PostgreSQL tried again where another transaction stood in the way. */
  readonly write: <T>(work: (db: Kysely<Tables>) => Promise<T>) => Promise<T>
  /** As `write`, and nobody else does the same thing at the same time, in whatever process. */
  readonly alone: <T>(what: string, work: (db: Kysely<Tables>) => Promise<T>) => Promise<T>
}
