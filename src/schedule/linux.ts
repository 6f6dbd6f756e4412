/**
 * The systemd timer: units of the system for root, of the user for everybody else.
 */
import { lstatSync, statSync } from 'node:fs'
import { posix } from 'node:path'
import { ProblemError, problem } from '../model.ts'
import { openToWrite } from './access.ts'
import type { Action } from './actions.ts'
import { type Host, type Shown, textOf, type Wanted } from './host.ts'
import { readService, serviceUnit, timerUnit, unitName } from './units.ts'

const timer = `${unitName}.timer`
const service = `${unitName}.service`

function places(host: Host) {
  const system = host.uid === 0
  const { root, env, home } = host
  const config = env.XDG_CONFIG_HOME || posix.join(home, '.config')
  const data = env.XDG_DATA_HOME || posix.join(home, '.local', 'share')
  const units = system ? `${root}/etc/systemd/system` : posix.join(config, 'systemd', 'user')
  return {
    system,
    units,
    service: posix.join(units, service),
    timer: posix.join(units, timer),
    wanted: posix.join(units, 'timers.target.wants', timer),
    /** When it last ran, which systemd remembers for Persistent=. */
    stamp: system ? `${root}/var/lib/systemd/timers/stamp-${timer}` : posix.join(data, 'systemd', 'timers', `stamp-${timer}`),
    /** Journals of repairs. A user's own are those of `apply` by hand, too, and stay. */
    state: system ? `${root}/var/lib/slmctl` : null,
    /** systemd itself makes these when it runs (sd_booted(3)). */
    running: system ? `${root}/run/systemd/system` : posix.join(env.XDG_RUNTIME_DIR || '/nonexistent', 'systemd'),
    systemctl: `${root}/usr/bin/systemctl`,
  }
}

const systemctl = (host: Host, ...args: string[]): Action => {
  const { system, systemctl: file } = places(host)
  return { do: 'run', file, args: [...(system ? [] : ['--user']), ...args], fine: [0] }
}

/** A folder that this user may not look into is another user's: it was left in the environment by su or sudo. */
function runs(host: Host): boolean {
  try {
    return lstatSync(places(host).running, { throwIfNoEntry: false }) !== undefined
  } catch {
    return false
  }
}

/** What is left to do by hand, where systemd does not run. */
export function byHand(host: Host): readonly string[] {
  const { system } = places(host)
  const name = `systemctl ${system ? '' : '--user '}`
  return runs(host)
    ? system
      ? []
      : ['Your units run while you are signed in; for always: loginctl enable-linger']
    : [`systemd does not run here. Where it does: ${name}daemon-reload`, `${name}enable --now ${timer}`]
}

export async function installTimer(wanted: Wanted, host: Host): Promise<readonly Action[]> {
  const p = places(host)
  const { program } = host
  const words = program.kind === 'file' ? [program.file] : [program.node, program.script]
  for (const path of [...words, wanted.siteFile])
    if (/\p{Cc}/u.test(path)) throw new ProblemError(problem('SCHEDULE_PLACE', 'A path has a control character in it.', ['Rename it.']))
  // systemd.service(5) leaves a unit alone whose program has such a name; arguments may have it.
  if (/["'\\]/.test(words[0]!))
    throw new ProblemError(
      problem('SCHEDULE_PLACE', `systemd runs no program with quotation marks or backslashes in its path, as ${words[0]} has.`, [
        'Rename the folder.',
      ]),
    )
  // PrivateTmp shows an empty one.
  for (const path of p.system ? [...words, wanted.siteFile] : [])
    if (/^\/(?:var\/)?tmp\//.test(path))
      throw new ProblemError(
        problem('SCHEDULE_PLACE', `${path} is in a folder for temporary files, which the timer does not see.`, [
          'Keep the site file as /etc/slmctl/slmctl.yaml, and slmctl below /usr/local or /opt.',
        ]),
      )
  await mustBeOurs(
    [...(program.kind === 'file' ? words : [program.node, program.folder]), wanted.siteFile, ...(wanted.trustFiles ?? [])],
    host,
  )
  for (const path of p.system ? wanted.secretFiles : [])
    if (statSync(path).uid !== 0)
      throw new ProblemError(
        problem('SCHEDULE_SECRET', `The timer runs as root without root's powers, and ${path} belongs to another user.`, [
          `chown root: ${path}; chmod 600 ${path}`,
        ]),
      )
  return [
    { do: 'folder', path: p.units, who: 0o755 },
    unit(p.service, serviceUnit({ program: words, siteFile: wanted.siteFile, repair: wanted.repair, system: p.system })),
    unit(p.timer, timerUnit()),
    ...(runs(host) ? [systemctl(host, 'daemon-reload'), systemctl(host, 'enable', '--now', timer)] : []),
  ]
}

/** Units hold paths and no secret; everybody may read those of the system. */
const unit = (path: string, text: string): Action => ({ do: 'write', path, text, mode: 0o644, encoding: 'utf8' })

/** What runs by itself, as this user, must not be for others to change; and that includes the site file. */
async function mustBeOurs(paths: readonly string[], host: Host): Promise<void> {
  for (const path of paths) {
    const open = await openToWrite(path, host)
    if (open === null) continue
    const why = 'untold' in open ? `${open.untold} cannot be looked at` : `${open.by} may change ${open.path}`
    throw new ProblemError(
      problem('SCHEDULE_PROGRAM', `The timer would use ${path} as ${host.uid === 0 ? 'root' : 'you'}, and ${why}.`, [
        host.uid === 0
          ? 'Keep it where only root can write: install -D -m 0644 slmctl.yaml /etc/slmctl/slmctl.yaml; slmctl below /usr/local or /opt.'
          : 'Take away the right of others to write: chmod go-w',
      ]),
    )
  }
}

export function removeTimer(keepLog: boolean, host: Host): readonly Action[] {
  const p = places(host)
  const there = lstatSync(p.timer, { throwIfNoEntry: false }) !== undefined
  const running = runs(host)
  return [
    ...(running && there ? [systemctl(host, 'disable', '--now', timer)] : []),
    ...[p.wanted, p.timer, p.service, p.stamp].map((path) => ({ do: 'remove' as const, path })),
    ...(p.system ? [] : [posix.dirname(p.wanted), p.units, posix.dirname(p.units)].map((path) => ({ do: 'remove-empty' as const, path }))),
    ...(keepLog || p.state === null ? [] : [{ do: 'remove-tree' as const, path: p.state }]),
    ...(running ? [systemctl(host, 'daemon-reload')] : []),
  ]
}

export async function showTimer(host: Host): Promise<Shown> {
  const p = places(host)
  const words = readService(textOf(p.service) ?? '')
  const there = lstatSync(p.timer, { throwIfNoEntry: false }) !== undefined
  const installed = words !== null && there
  const running = runs(host)
  const told = running && installed ? await ask(host) : {}
  const remarks: string[] = []
  if (installed && !running) remarks.push(...byHand(host))
  if (installed && running && told.ActiveState !== 'active') remarks.push(`The timer is not active: systemctl enable --now ${timer}`)
  if (!installed && (words !== null || there)) remarks.push('Half of it is missing: slmctl schedule install, or remove.')
  const at = words?.lastIndexOf('--site') ?? -1
  const site = words?.[at + 1] ?? null
  if (site !== null && textOf(site) === null) remarks.push(`The site file cannot be read: ${site}`)
  const user = p.system ? '' : '--user '
  return {
    schema: 'slmctl.schedule/1',
    kind: 'timer',
    name: timer,
    installed,
    does: words === null ? null : words.includes('apply') ? 'repair' : 'check',
    account: words === null ? null : p.system ? 'root, without capabilities' : `user ${host.uid}`,
    program: words?.slice(0, Math.max(words.indexOf('status'), words.indexOf('apply'))).join(' ') ?? null,
    site,
    original: null,
    originalChanged: null,
    next: told.NextElapseUSecRealtime || null,
    last: told.LastTriggerUSec || null,
    lastResult: told.Result ? `${told.Result} (exit code ${told.ExecMainStatus ?? '?'})` : null,
    log: installed && running ? [`journalctl ${user}--unit ${service} --lines 50`] : [],
    remarks,
  }
}

/** What systemd knows of both units. What it does not answer stays untold. */
async function ask(host: Host): Promise<Record<string, string | undefined>> {
  const { system, systemctl: file } = places(host)
  const one = async (unitOf: string, ...properties: string[]) => {
    const { code, out } = await host.run(file, [...(system ? [] : ['--user']), 'show', unitOf, `--property=${properties.join(',')}`])
    return code === 0 ? out.split('\n').map((l) => l.split(/=(.*)/s).slice(0, 2)) : []
  }
  return Object.fromEntries([
    ...(await one(service, 'Result', 'ExecMainStatus')),
    ...(await one(timer, 'ActiveState', 'NextElapseUSecRealtime', 'LastTriggerUSec')),
  ]) as Record<string, string | undefined>
}
