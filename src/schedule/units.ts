/**
 * The systemd units of a fleet check: systemd.service(5), systemd.timer(5), systemd.exec(5).
 */

export const unitName = 'slmctl-check'

export type UnitWords = {
  readonly program: readonly string[]
  readonly siteFile: string
  readonly repair: boolean
  /** A unit of the system, run as root without root's powers; otherwise one of the user. */
  readonly system: boolean
}

/**
 * Root, because files with secrets belong to whoever reads them (0600), and a DynamicUser owns none; but without a single
 * capability, and with nothing to write but its own state folder. MemoryDenyWriteExecute stays away: JavaScript is compiled in memory.
 */
const hardened = [
  'NoNewPrivileges=yes',
  'CapabilityBoundingSet=',
  'AmbientCapabilities=',
  'ProtectSystem=strict',
  'ProtectHome=read-only',
  'PrivateTmp=yes',
  'PrivateDevices=yes',
  'ProtectClock=yes',
  'ProtectControlGroups=yes',
  'ProtectHostname=yes',
  'ProtectKernelLogs=yes',
  'ProtectKernelModules=yes',
  'ProtectKernelTunables=yes',
  'ProtectProc=invisible',
  'LockPersonality=yes',
  'RemoveIPC=yes',
  'RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK',
  'RestrictNamespaces=yes',
  'RestrictRealtime=yes',
  'RestrictSUIDSGID=yes',
  'SystemCallArchitectures=native',
  'SystemCallFilter=@system-service',
  // JavaScript engines and libraries try calls that they can do without: refused, not killed.
  'SystemCallErrorNumber=EPERM',
  'UMask=0077',
]

export function serviceUnit({ program, siteFile, repair, system }: UnitWords): string {
  const words = [...program, ...(repair ? ['apply', '--all', '--yes'] : ['status', '--all']), '--site', siteFile]
  return [
    '# Written by slmctl schedule install; slmctl schedule remove takes it away.',
    '[Unit]',
    `Description=slmctl: ${repair ? 'repair' : 'check'} the licences of the machines of the site file`,
    ...(system ? ['Wants=network-online.target', 'After=network-online.target'] : []),
    '',
    '[Service]',
    'Type=oneshot',
    `ExecStart=${words.map((word, i) => quoted(word, i === 0)).join(' ')}`,
    // Thousands of machines that do not answer take their time.
    'TimeoutStartSec=6h',
    'Nice=10',
    'Environment=NO_COLOR=1',
    ...(system
      ? ['StateDirectory=slmctl', 'StateDirectoryMode=0700', 'Environment=SLMCTL_STATE=/var/lib/slmctl', ...hardened]
      : ['NoNewPrivileges=yes', 'UMask=0077']),
    '',
  ].join('\n')
}

export function timerUnit(): string {
  return [
    '# Written by slmctl schedule install; slmctl schedule remove takes it away.',
    '[Unit]',
    'Description=slmctl: every seven days',
    '',
    '[Timer]',
    // When people are at work, so that their machines are on.
    'OnCalendar=Mon *-*-* 09:00:00',
    'RandomizedDelaySec=4h',
    'Persistent=true',
    '',
    '[Install]',
    'WantedBy=timers.target',
    '',
  ].join('\n')
}

/** One word of ExecStart: specifiers, variables, quotes and backslashes mean themselves. The program itself is looked up before variables are. */
function quoted(word: string, isProgram: boolean): string {
  const specified = word.replaceAll('%', '%%')
  const text = isProgram ? specified : specified.replaceAll('$', '$$$$')
  return /^[\w./@:=+,-]+$/.test(text) ? text : `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
}

/** The words of ExecStart, as `serviceUnit` wrote them; null where there is none. */
export function readService(unit: string): readonly string[] | null {
  const line = /^ExecStart=(.*)$/m.exec(unit)?.[1]
  if (line === undefined) return null
  return [...line.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(([, inside, plain], i) => {
    const text = (plain ?? inside!.replace(/\\(.)/g, '$1')).replaceAll('%%', '%')
    return i === 0 ? text : text.replaceAll('$$', '$')
  })
}
