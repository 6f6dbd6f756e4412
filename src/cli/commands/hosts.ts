import { type CheckedHost, type DomainAnswer, hostsAnswer, someHosts } from '../../app.ts'
import { commands } from '../commands.ts'
import { type Io, json } from '../io.ts'
import { appFor } from '../machines.ts'
import { showDomains, showFound, showHost, showHostRow, showObjects } from '../views/hosts.ts'
import { type Flags, fleetIfThere, hostsUsage, text, wholeNumber } from './hosts-flags.ts'

type Work = (names: readonly string[], flags: Flags, io: Io) => Promise<number>

/** What there is to do, each loaded when it is meant. */
const works: Readonly<Record<string, () => Promise<Work>>> = {
  discover: async () => discover,
  check: async () => (names, flags, io) => check('check', names, flags, io),
  show: async () => (names, flags, io) => check('show', names, flags, io),
  story: async () => (await import('./hosts-story.ts')).story,
  migrate: async () => (await import('./hosts-migrate.ts')).migrate,
}
const words = commands.find((c) => c.name === 'hosts')!.words!
/** Flags of every word. */
const general = ['site', 'json', 'help']

export async function run([word, ...names]: readonly string[], flags: Flags, io: Io): Promise<number> {
  if (word === undefined || !Object.hasOwn(works, word))
    throw hostsUsage(`hosts ${word === undefined ? 'wants to know what to do' : `does not know ${word}`}.`)
  // Ignored, a flag would answer another question.
  const takes = [...words[word]!.options.map((o) => o.flag.slice(2)), ...general]
  const wrong = Object.keys(flags).find((flag) => !takes.includes(flag))
  if (wrong !== undefined) throw hostsUsage(`hosts ${word} does not take --${wrong}.`, `slmctl hosts ${word} --help`)
  return await (await works[word]!())(names, flags, io)
}

/** 2 where DNS could not be asked or a host could not be judged, 1 where something does not fit. */
function exitCode(domains: readonly DomainAnswer[], hosts: readonly CheckedHost[]): number {
  if (domains.some((d) => d.problem !== null) || hosts.some((h) => h.verdict === 'cannot-tell')) return 2
  return hosts.some((h) => h.verdict !== 'ok') ? 1 : 0
}

async function discover(names: readonly string[], flags: Flags, io: Io): Promise<number> {
  if (names.length > 0)
    throw hostsUsage('hosts discover takes no names: it looks in every domain of the site.', `slmctl hosts show ${names[0]}`)
  const domain = text(flags, 'directory')
  if (domain === null && ['starttls', 'user', 'password-file', 'ca'].some((f) => flags[f] !== undefined))
    throw hostsUsage(
      'hosts discover asks DNS only; --user and the like are for --directory DOMAIN.',
      'slmctl hosts discover --directory corp.example --user NAME@DOMAIN --password-file FILE',
    )
  // Who signs in at the directory is no user for machines.
  const { user: _, 'password-file': __, ca: ___, ...others } = flags
  const app = await appFor(others, io)
  const store = domain === null ? null : await fleetIfThere(flags, io)
  try {
    const found = await app.kmsHosts([])
    const hosts = domain === null ? someHosts(found) : found
    const objects =
      domain === null
        ? null
        : await hosts.objects(
            {
              ...{ domain, query: {}, user: text(flags, 'user'), passwordFile: text(flags, 'password-file') },
              ...{ startTls: flags.starttls === true, ca: text(flags, 'ca') },
            },
            store,
          )
    if (flags.json === true) io.out(json(hostsAnswer('discover', hosts.domains, hosts.hosts, objects)))
    else {
      showDomains(hosts.domains, io)
      showFound(hosts.hosts, io)
      if (objects) showObjects(objects, store !== null, io)
    }
    return exitCode(hosts.domains, hosts.hosts) || (objects?.objects.some((o) => o.ours === false) ? 1 : 0)
  } finally {
    await store?.close()
    await app.close()
  }
}

async function check(verb: 'check' | 'show', names: readonly string[], flags: Flags, io: Io): Promise<number> {
  const whole = verb === 'show'
  if (whole && names.length !== 1)
    throw hostsUsage('hosts show wants one host.', 'slmctl hosts show kms1', 'slmctl hosts check kms1 kms2: several, in short')
  const client = text(flags, 'client')
  if (flags.events !== true && (flags.hours !== undefined || client !== null))
    throw hostsUsage('--hours and --client are for hosts show HOST --events.', 'slmctl hosts show kms1 --events --client pc-17')
  // Of one machine all is wanted that a host may still count.
  const hours = flags.events === true ? (wholeNumber(flags, 'hours', 720) ?? (client === null ? 24 : 720)) : null
  const retire = wholeNumber(flags, 'retire', 1_000_000)
  const app = await appFor(flags, io)
  const store = await fleetIfThere(flags, io)
  try {
    const hosts = someHosts(await app.kmsHosts(names))
    const checked: CheckedHost[] = []
    for await (const host of hosts.check({ hours, client, retire, whole, store })) {
      checked.push(host)
      if (flags.json === true) continue
      if (whole) showHost(host, io)
      else showHostRow(host, io)
    }
    if (flags.json === true) io.out(json(hostsAnswer(verb, hosts.domains, checked)))
    else afterwards(hosts.domains, checked, whole, io)
    return exitCode(hosts.domains, checked)
  } finally {
    await store?.close()
    await app.close()
  }
}

function afterwards(domains: readonly DomainAnswer[], checked: readonly CheckedHost[], whole: boolean, io: Io): void {
  const failing = domains.filter((d) => d.problem !== null)
  if (failing.length > 0) showDomains(failing, io)
  if (whole) return
  const count = (...verdicts: readonly CheckedHost['verdict'][]) => checked.filter((h) => verdicts.includes(h.verdict)).length
  io.out(
    `\n${count('ok')} in order, ${count('attention', 'action')} not, ${count('cannot-tell')} cannot be told. In full: slmctl hosts show NAME\n`,
  )
}
