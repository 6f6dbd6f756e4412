import type { CheckedHost, DomainAnswer, KmsHosts } from '../../app.ts'
import { ProblemError, problem } from '../../model.ts'
import { type Io, json } from '../io.ts'
import { appFor } from '../machines.ts'
import { showDomains, showFound, showHost, showHostRow } from '../views/hosts.ts'

const usage = (summary: string) =>
  new ProblemError(
    problem('USAGE', summary, [
      'slmctl hosts discover: what DNS and the site file name',
      'slmctl hosts check [HOST…]: whether they answer, and what they say of themselves',
      'slmctl hosts show HOST: one of them in full',
    ]),
  )

export async function run(
  words: readonly string[],
  flags: Readonly<Record<string, string | boolean | undefined>>,
  io: Io,
): Promise<number> {
  const [verb, ...names] = words
  if (verb !== 'discover' && verb !== 'check' && verb !== 'show')
    throw usage(verb === undefined ? 'hosts wants to know what to do: discover, check or show.' : 'hosts knows discover, check and show.')
  if (verb === 'show' && names.length !== 1) throw usage('hosts show wants one host.')
  if (verb === 'discover' && names.length > 0) throw usage('hosts discover takes no names: it looks in every domain of the site.')
  const hours = hoursMeant(verb, flags)
  const app = await appFor(flags, io)
  try {
    const hosts = await app.kmsHosts(names)
    if (hosts.hosts.length === 0 && hosts.domains.every((d) => d.problem === null))
      throw new ProblemError(
        problem('NO_KMS_HOSTS', 'The site file names no KMS host, and its domains publish none.', [
          'Name them under kms.hosts of the site file, or its domains under domains.',
        ]),
      )
    return verb === 'discover' ? discover(hosts, flags.json === true, io) : await check(verb, hosts, hours, flags.json === true, io)
  } finally {
    await app.close()
  }
}

/** How far back the log is read; null where nobody asked for it. */
function hoursMeant(verb: string, flags: Readonly<Record<string, string | boolean | undefined>>): number | null {
  if (flags.events !== true && flags.hours === undefined) return null
  if (verb !== 'show' || flags.events !== true) throw usage('--events and --hours are for hosts show HOST --events.')
  const hours = Number(flags.hours ?? 24)
  // A host counts the clients of 30 days.
  if (!Number.isInteger(hours) || hours < 1 || hours > 720) throw usage(`--hours ${flags.hours}: expected a number from 1 to 720.`)
  return hours
}

function discover({ domains, hosts }: KmsHosts, asJson: boolean, io: Io): number {
  if (asJson) io.out(json({ schema: 'slmctl.hosts/1', command: 'discover', domains, hosts: hosts.map(entry) }))
  else {
    showDomains(domains, io)
    showFound(hosts, io)
  }
  return exitCode(domains, hosts)
}

/** What could not be told goes before what is not as wished. */
function exitCode(domains: readonly DomainAnswer[], hosts: readonly CheckedHost[]): number {
  if (domains.some((d) => d.problem !== null) || hosts.some((h) => h.verdict === 'cannot-tell')) return 2
  return hosts.some((h) => h.verdict !== 'ok') ? 1 : 0
}

async function check(verb: 'check' | 'show', hosts: KmsHosts, hours: number | null, asJson: boolean, io: Io): Promise<number> {
  const whole = verb === 'show'
  const checked: CheckedHost[] = []
  for await (const host of hosts.check(hours)) {
    checked.push(host)
    if (asJson) continue
    if (whole) showHost(host, io)
    else showHostRow(host, io)
  }
  const failing: readonly DomainAnswer[] = hosts.domains.filter((d) => d.problem !== null)
  if (asJson) io.out(json({ schema: 'slmctl.hosts/1', command: verb, domains: hosts.domains, hosts: checked.map(entry) }))
  else {
    if (failing.length > 0) showDomains(failing, io)
    if (!whole) {
      const count = (...verdicts: readonly CheckedHost['verdict'][]) => checked.filter((h) => verdicts.includes(h.verdict)).length
      io.out(
        `\n${count('ok')} in order, ${count('attention', 'action')} not, ${count('cannot-tell')} cannot be told. In full: slmctl hosts show NAME\n`,
      )
    }
  }
  return exitCode(hosts.domains, checked)
}

/** One host of the JSON answer, its fields in one order. */
function entry({
  name,
  port,
  named,
  declared,
  publishedBy,
  standing,
  ports,
  said,
  problem,
  requests,
  verdict,
  cause,
  next,
  remarks,
}: CheckedHost) {
  return { name, port, named, declared, publishedBy, standing, verdict, cause, next, ports, said, problem, requests, remarks }
}
