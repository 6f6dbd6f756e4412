import type { Site, Wish } from '../model.ts'

/** A text as YAML and JSON both read it, in ASCII. */
function quoted(text: string): string {
  return JSON.stringify(text).replace(/[^\x20-\x7e]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

const list = (texts: readonly string[]): string => `[${texts.map(quoted).join(', ')}]`

/** Words and values of one entry: `{ name: "x", port: 1688 }`; a null is left out. */
function entry(words: Readonly<Record<string, string | null>>): string {
  return `{ ${Object.entries(words)
    .filter(([, value]) => value !== null)
    .map(([word, value]) => `${word}: ${value}`)
    .join(', ')} }`
}

/**
 * The site file as one machine needs it for itself: what is ours, and what is wished. Machines, groups, how they are reached,
 * credentials, entitlements and references to keys stay with the organisation. `remarks` say what became of a wish.
 */
export function siteCopy(site: Site): { readonly text: string; readonly remarks: readonly string[] } {
  const remarks: string[] = []
  const wishes = site.wishes.map((wish) => wishLine(wish, remarks))
  const forests = site.forests.map(
    (f) =>
      `  - ${entry({
        name: quoted(f.name),
        domains: list(f.domains),
        'activation-objects': f.activationObjects.length > 0 ? list(f.activationObjects) : null,
      })}`,
  )
  const hosts = site.kmsHosts.map(
    (h) =>
      `    - ${entry({
        name: quoted(h.name),
        port: String(h.port),
        priority: h.priority === null ? null : String(h.priority),
        weight: h.weight === null ? null : String(h.weight),
      })}`,
  )
  const block = (word: string, lines: readonly string[]) => (lines.length === 0 ? [] : [word, ...lines])
  return {
    text: [
      '# Copy of the site file for one machine: no credentials, no keys, no other machines.',
      ...(site.organisation === null ? [] : [`organisation: ${quoted(site.organisation)}`]),
      `domains: ${list(site.domains)}`,
      `networks: ${list(site.networks)}`,
      ...block('kms:', hosts.length === 0 ? [] : ['  hosts:', ...hosts]),
      ...(site.platforms.length === 0 ? [] : [`platforms: ${list(site.platforms)}`]),
      ...(site.dnsServers.length === 0 ? [] : [`dns: ${entry({ servers: list(site.dnsServers) })}`]),
      ...block('forests:', forests),
      ...block('wishes:', wishes),
      `schedule: ${entry({ repair: String(site.schedule.repair) })}`,
      ...(site.planSigners.length === 0 ? [] : [`plans: ${entry({ signers: list(site.planSigners) })}`]),
      '',
    ].join('\r\n'),
    remarks,
  }
}

/**
 * A wish as the machine may have it. One that needs a key becomes `leave`: left out, a later and wider wish would take its
 * product. `instead` is left out, too: giving up a machine's own licence is decided with the whole site file.
 */
function wishLine(wish: Wish, remarks: string[]): string {
  const product = wish.product.replace(/[^\x20-\x7e]/g, '?')
  const keyed = wish.key !== null || wish.by === 'mak' || wish.by === 'esu'
  if (keyed) remarks.push(`The wish for ${product} needs a key (${wish.by}); no key goes into an image, so slmctl leaves it alone there.`)
  if (wish.instead) remarks.push(`The wish for ${product} gives up a machine's own licence; on a new machine slmctl does not do that.`)
  return `  - ${entry({ product: quoted(wish.product), by: keyed ? 'leave' : wish.by })}`
}
