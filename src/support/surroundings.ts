import { arch, cpus, release, totalmem, type } from 'node:os'

/** Names of variables that say something about a run; the values of all but the harmless ones stay out. */
const telling =
  /^(?:SLMCTL_|NODE_|KRB5|LC_|XDG_(?:STATE|CONFIG)_HOME$|SSL_CERT|OPENSSL_|UV_|WINE)|^(?:LANG|LANGUAGE|TZ|TERM|NO_COLOR|FORCE_COLOR|CI|SUDO_USER|HTTPS?_PROXY|NO_PROXY|SESSIONNAME|PROCESSOR_ARCHITEW6432)$/i
const harmless = /^(?:NO_COLOR|FORCE_COLOR|TERM|TZ|LANG|LANGUAGE|LC_[A-Z]+|SLMCTL_STATE|SLMCTL_DEBUG|CI|PROCESSOR_ARCHITEW6432)$/i

/** Variables by name; the value where it is harmless, else that there is one. */
export function environmentOf(variables: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const found = Object.entries(variables).filter(([name]) => telling.test(name))
  return Object.fromEntries(
    found
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => [name, harmless.test(name) ? (value ?? '') : value === '' ? '(empty)' : '(set; its value is not here)']),
  )
}

/** What runs here: versions and the machine, without its name. */
export function surroundings(versions: Readonly<Record<string, string>>): Record<string, unknown> {
  return {
    ...versions,
    node: process.versions.node,
    openssl: process.versions.openssl,
    icu: process.versions.icu ?? null,
    system: type(),
    release: release(),
    architecture: arch(),
    timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    minutesFromUtc: -new Date().getTimezoneOffset(),
    processors: cpus().length,
    memoryMegabytes: Math.round(totalmem() / 1_048_576),
    peakMemoryMegabytes: Math.round(process.resourceUsage().maxRSS / 1024),
  }
}
