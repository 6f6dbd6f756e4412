/** Addresses: of the API, in one place, and of the pages. A view is an address that can be sent to a colleague. */
export type Query = Readonly<Record<string, string | number | boolean | null | undefined>>

const base = '/api/v1'
const part = (value: string | number) => encodeURIComponent(String(value))

export const api = {
  signIn: `${base}/sign-in`,
  signInLink: `${base}/sign-in/link`,
  signInLocal: `${base}/sign-in/local`,
  signInOpenid: `${base}/sign-in/openid`,
  signOut: `${base}/sign-out`,
  me: `${base}/me`,
  views: `${base}/me/views`,
  view: (name: string) => `${base}/me/views/${part(name)}`,
  tokens: `${base}/me/tokens`,
  token: (id: number) => `${base}/me/tokens/${id}`,
  trail: `${base}/trail`,
  events: `${base}/events`,
  today: `${base}/fleet/today`,
  status: `${base}/fleet/status`,
  changes: `${base}/fleet/changes`,
  words: `${base}/fleet/words`,
  expiring: `${base}/fleet/expiring`,
  audit: `${base}/audit`,
  auditGroups: `${base}/audit/groups`,
  machines: `${base}/fleet/machines`,
  machinesCount: `${base}/fleet/machines/count`,
  machinesExport: `${base}/fleet/machines/export`,
  machine: (id: string | number) => `${base}/fleet/machines/${part(id)}`,
  machineHistory: (id: string | number) => `${base}/fleet/machines/${part(id)}/history`,
  machineAsk: (id: string | number) => `${base}/fleet/machines/${part(id)}/ask`,
  machinePlan: (id: string | number) => `${base}/fleet/machines/${part(id)}/plan`,
  machineConversation: (id: string | number) => `${base}/fleet/machines/${part(id)}/conversation`,
  campaigns: `${base}/campaigns`,
  campaignsNew: (kind: 'scan' | 'plan' | 'apply') => `${base}/campaigns/${kind}`,
  campaign: (id: string | number) => `${base}/campaigns/${part(id)}`,
  campaignMachines: (id: string | number) => `${base}/campaigns/${part(id)}/machines`,
  campaignPlans: (id: string | number) => `${base}/campaigns/${part(id)}/plans`,
  campaignApplies: (id: string | number) => `${base}/campaigns/${part(id)}/applies`,
  campaignOrder: (id: string | number, order: 'stop' | 'resume' | 'cancel') => `${base}/campaigns/${part(id)}/${order}`,
  imports: `${base}/fleet/imports`,
  importsOf: (what: 'site' | 'recordings' | 'directory') => `${base}/fleet/imports/${what}`,
  hosts: `${base}/hosts`,
  hostsCheck: `${base}/hosts/check`,
  host: (name: string, port: string | number) => `${base}/hosts/${part(name)}/${part(port)}`,
  hostClients: (name: string, port: string | number) => `${base}/hosts/${part(name)}/${part(port)}/clients`,
  diagnose: `${base}/diagnose`,
  site: `${base}/site`,
} as const

/** The query of an address: what is empty is left out, so that the same view is the same address. */
export function queryText(query: Query | undefined): string {
  const pairs = Object.entries(query ?? {}).flatMap(([name, value]) =>
    value === null || value === undefined || value === '' || value === false ? [] : [[name, String(value)]],
  )
  return pairs.length === 0 ? '' : `?${new URLSearchParams(pairs)}`
}

/** The address of a page with filters. */
export const page = (path: string, query?: Query): string => `${path}${queryText(query)}`
export const pageOfMachine = (id: number): string => `/machines/${id}`
export const pageOfHost = (name: string, port: number): string => `/hosts/${part(name)}/${port}`
export const pageOfCampaign = (id: number): string => `/campaigns/${id}`

/** Where a sentence or a number leads: Link of the API. */
export function pageOfLink({ page: name, query }: { readonly page: string; readonly query: Query }): string {
  const { id, host, port, ...rest } = query
  switch (name) {
    case 'machine':
      return page(`/machines/${part(String(id))}`, rest)
    case 'campaign':
      return page(`/campaigns/${part(String(id))}`, rest)
    case 'host':
      return page(`/hosts/${part(String(host))}/${part(String(port ?? 1688))}`, rest)
    default:
      return page(`/${name}`, query)
  }
}

/** Only ways within this dashboard: what an address says is not believed. */
export function ownWay(to: string | undefined, here: string): string {
  if (!to?.startsWith('/') || to.startsWith('//') || to.includes('\\')) return '/'
  const { pathname, search, origin } = new URL(to, here)
  // `/.//host` has become `//host`, which is another server's.
  const own = origin === here && !pathname.startsWith('//')
  return own && pathname !== '/sign-in' && !pathname.startsWith('/api/') ? pathname + search : '/'
}
