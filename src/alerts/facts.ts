/** What alerts are made of, and what they are. */

export type RuleName = 'days-left' | 'host-down' | 'under-threshold' | 'foreign' | 'campaign-stopped' | 'not-scanned'

/** Which rules there are, as the site file says. */
export type Rules = {
  /** Activations with fewer days left; null: not told. */
  readonly daysLeft: number | null
  readonly hostDown: boolean
  readonly underThreshold: boolean
  readonly foreign: boolean
  readonly campaignStopped: boolean
  readonly notScannedDays: number | null
}

/** Where an alert leads in the dashboard. */
export type AlertLink = {
  readonly page: 'machines' | 'host' | 'campaign' | 'origin' | 'expiring'
  readonly query: Readonly<Record<string, string>>
}

export type Alert = {
  /** The same for as long as it is about the same. */
  readonly key: string
  readonly rule: RuleName
  readonly severity: 'action' | 'attention'
  readonly title: string
  readonly text: string
  readonly next: readonly string[]
  /** Machines, as the title says. */
  readonly number: number
  /** Machines that something is wrong with, so that twice as many are news; 0: there is no such number. */
  readonly grows: number
  /** Names that make it worth telling again where there is a new one: hosts, thresholds. */
  readonly about: readonly string[]
  /** Since when the facts say so (ms); null: they do not tell. */
  readonly since: number | null
  readonly link: AlertLink
}

export type HostFact = {
  readonly name: string
  readonly port: number
  /** Null: nobody could tell. */
  readonly down: boolean | null
  readonly since: number | null
  readonly checkedAt: number | null
  /** Machines that name it; of them: with an activation that ends within the days of the rule. */
  readonly clients: number
  readonly ending: number
  readonly groups: readonly {
    /** Tells the keys of a host from each other. */
    readonly key: string
    readonly application: string
    readonly name: string | null
    /** Null: it did not tell. */
    readonly count: number | null
    readonly thresholds: readonly { readonly of: string; readonly count: number }[]
    readonly at: number
  }[]
}

/** What is known of a fleet. Null: it could not be asked, and nothing follows from that. */
export type AlertFacts = {
  /**
   * Machines with an activation that ends within the days of the rule, but for those whose every such activation is by a host that is
   * down: they are told with the host. `ended`: of them, those whose end is past.
   */
  readonly ending: { readonly machines: number; readonly ended: number; readonly firstAt: number | null } | null
  readonly hosts: readonly HostFact[] | null
  readonly foreign: { readonly machines: number; readonly hosts: readonly string[] } | null
  readonly campaigns:
    | readonly {
        readonly id: number
        readonly kind: string
        readonly selection: string
        /** Stopped, and somebody or something said why. */
        readonly stopped: boolean
        readonly because: string | null
        readonly changedAt: number
        readonly left: number
      }[]
    | null
  /** Machines that answered once, but not for so many days; `never`: that never did. */
  readonly notScanned: { readonly machines: number; readonly never: number; readonly listed: number } | null
}

/** What stands now. `known` false: it could not be told whether this one still does. `watched` false: its rule is off. */
export type Standing = {
  readonly alerts: readonly Alert[]
  readonly known: (key: string) => boolean
  readonly watched: (rule: string) => boolean
}
