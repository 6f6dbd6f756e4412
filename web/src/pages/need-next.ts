/** What is next, where the words of the command line would send somebody away from a page that can do it. */
import type { Link } from '../../../src/schemas/api.ts'
import { page, pageOfHost } from '../addresses.ts'

type Told = { readonly kind: string; readonly next: string | null; readonly link: Link }
/** `href`: where the sentence leads, if not to where the need itself does. */
export type Next = { readonly text: string; readonly href: string | null }

const campaign = 'Its page says what came of it, by the reason'
const scan = 'A scan asks them.'
const here: Readonly<Record<string, (link: Link) => Next>> = {
  'host-down': (link) => ({ text: 'A check tries it again.', href: hostPage(link) }),
  'host-check': (link) => ({ text: 'Its page says what.', href: hostPage(link) }),
  'host-count': () => ({ text: 'Let more machines ask it, or use another way for few.', href: null }),
  'unknown-host': () => ({ text: 'If one is yours, name it under kms.hosts of the site file; else find out who set it.', href: null }),
  'campaign-open': () => ({ text: `${campaign}; then ask each of these machines.`, href: null }),
  'campaign-stopped': () => ({ text: `${campaign}; there it goes on, or is ended.`, href: null }),
  'campaign-failed': () => ({ text: `${campaign}.`, href: null }),
  foreign: () => ({ text: 'See the evidence, and the way back.', href: '/origin?origin=foreign#remarks' }),
  suspect: () => ({ text: 'See what does not fit: what is yours belongs in the site file.', href: '/origin?origin=suspect#remarks' }),
  lapsed: () => ({ text: 'A plan says what would change, and why.', href: null }),
  ending: () => ({ text: 'The list says where. A plan may renew them, too.', href: null }),
  'not-renewing': () => ({ text: 'The page of each machine says what keeps it from its host.', href: null }),
  action: () => ({ text: 'See the reasons, counted.', href: '#causes' }),
  unasked: () => ({ text: 'See the reasons, counted.', href: '#causes' }),
  never: () => ({ text: scan, href: null }),
  stale: () => ({ text: scan, href: null }),
}

function hostPage({ page: name, query }: Link): string {
  return name === 'host' ? pageOfHost(query.host ?? '', Number(query.port ?? 1688)) : page('/hosts')
}

/** What to do next about a need, by what the pages have; words that name no command of slmctl stay as they are. */
export function nextHere({ kind, next, link }: Told): Next | null {
  if (next === null) return null
  const on = next.includes('slmctl ') ? here[kind] : undefined
  return on ? on(link) : { text: next, href: null }
}
