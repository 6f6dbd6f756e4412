import { ProblemError, problem } from '../model.ts'
import { NegotiateError } from '../protocol/negotiate.ts'
import { WsmanError, WsmanFault } from '../protocol/wsman.ts'

/** What may keep slmctl from a machine. The texts are below, one row for each: what it is, and what to try. */
type Row = { readonly says: (machine: string, detail: string) => string; readonly next: readonly string[] }

const rows = {
  WINRM_UNREACHABLE: {
    says: (m, d) => `${m} refuses the connection${d}`,
    next: [
      'Is WinRM on? On the machine: winrm quickconfig (or the group policy "Allow remote server management through WinRM").',
      'Port 5985 is HTTP, 5986 HTTPS: compare with the site file.',
    ],
  },
  WINRM_NO_ROUTE: {
    says: (m, d) => `There is no way to ${m}${d}`,
    next: ['Is the machine in a network that can be reached from here?', 'A VPN or a firewall between may be down.'],
  },
  WINRM_TIMEOUT: {
    says: (m, d) => `${m} does not answer the connection${d}`,
    next: ['Is the machine switched on?', 'A firewall that drops packets looks like this: WinRM needs port 5985 or 5986.'],
  },
  WINRM_NAME_UNKNOWN: {
    says: (m, d) => `No address is known for ${m}${d}`,
    next: [
      'Compare the spelling with DNS, and with the machines and groups of the site file.',
      'Give an address in the site file: {name: …, address: …}.',
    ],
  },
  WINRM_LOGON_FAILED: {
    says: (m, d) => `${m} does not accept this logon${d}`,
    next: [
      'Compare user and password; an expired or locked account looks the same.',
      'A local account of the machine is written without a domain.',
      'Some versions of Windows say so as well to an account that is no administrator of the machine, or to a local one that remote token filtering strips (LocalAccountTokenFilterPolicy).',
    ],
  },
  WINRM_ACCESS_DENIED: {
    says: (m, d) => `${m} knows the account but denies access${d}`,
    next: [
      'The account must be an administrator of the machine.',
      'A local account other than the built-in Administrator is filtered when it comes over the network: use a domain account, or set LocalAccountTokenFilterPolicy to 1 on the machine (remote token filtering) after reading what that means.',
    ],
  },
  WINRM_NOT_OFFERED: {
    says: (m, d) => `${m} does not offer the way of logging on that the site file names${d}`,
    next: ['Choose another method in the site file, or allow this one on the machine: winrm get winrm/config/service/auth.'],
  },
  WINRM_CREDENTIAL_NEEDS_HTTPS: {
    says: (m, d) => `${m} would get a credential in clear: Basic and client certificates need HTTPS${d}`,
    next: ['Use transport: https in the site file, or the methods ntlm or kerberos, which seal every message over HTTP.'],
  },
  WINRM_NAME_NEEDED: {
    says: (m, d) => `${m} is given by its address, and Kerberos needs its name${d}`,
    next: ['Write the name of the machine in the site file, as the domain knows it.', 'Or use the method ntlm for it.'],
  },
  WINRM_CERTIFICATE: {
    says: (m, d) => `the certificate of ${m} cannot be trusted${d}`,
    next: [
      'Give the authority that issued it: ca in the site file.',
      'For a self-signed certificate, give its SHA-256 fingerprint: pin in the site file, compared with the machine itself.',
    ],
  },
  WINRM_PIN_MISMATCH: {
    says: (m, d) => `${m} shows another certificate than the pinned one${d}`,
    next: [
      'Was the certificate renewed? Compare the fingerprint on the machine itself, then change the pin.',
      'If not, somebody may stand between: nothing was sent.',
    ],
  },
  WINRM_GARBAGE: {
    says: (m, d) => `what answers at ${m} does not speak WinRM as it should${d}`,
    next: ['Is the port right, and is it WinRM that listens there?', 'A proxy in between breaks WinRM: connect directly.'],
  },
  WINRM_SEAL: {
    says: (m, d) => `a sealed message from ${m} does not verify${d}`,
    next: [
      'Something between here and the machine changes what passes, or replays it: connect directly, or over HTTPS.',
      'Nothing of the message was used.',
    ],
  },
  WINRM_CUT: {
    says: (m, d) => `${m} broke the connection off in the middle of an answer${d}`,
    next: ['The machine may be restarting: try again in a few minutes.'],
  },
  WINRM_SLOW: {
    says: (m, d) => `${m} did not answer in time${d}`,
    next: ['The machine may be busy: try again, or give it more time (timeout in the site file).'],
  },
  WINRM_QUOTA: {
    says: (m, d) => `${m} has too many WinRM operations already${d}`,
    next: [
      'Try again later; other management tools may be using the same account.',
      'The limits are MaxConcurrentOperationsPerUser and MaxShellsPerUser: winrm get winrm/config.',
    ],
  },
  WINRM_TOO_LARGE: {
    says: (m, d) => `${m} answers more than can be right${d}`,
    next: ['Is it WinRM of a Windows machine that answers? Then please report it.'],
  },
  WINRM_FAULT: {
    says: (m, d) => `${m} could not do it${d}`,
    next: ['slmctl explain CODE says what a code means.', 'On the machine, the event log of the Software Protection service may say more.'],
  },
  WINRM_NOT_FOUND: {
    says: (m, d) => `${m} does not have what was called${d}`,
    next: ['This Windows may be too old for it, or the product was removed meanwhile: ask again with slmctl status.'],
  },
  KERBEROS_UNAVAILABLE: {
    says: (m, d) => `Kerberos cannot be used for ${m}${d}`,
    next: ['klist shows the tickets; kinit user@REALM gets one.', 'Is the clock of this machine right, to five minutes?'],
  },
  CALL_UNANSWERED: {
    says: (m, d) => `a change was sent to ${m} and its answer was lost: it may or may not be done${d}`,
    next: ['Ask the machine before anything is sent again: slmctl status.'],
  },
  NOT_WINDOWS: {
    says: (m, d) => `${m} is this computer, and it is no Windows${d}`,
    next: ['Name a Windows machine: slmctl status MACHINE reaches it over WinRM.'],
  },
  LOCAL_MODULE: {
    says: (_, d) => `this slmctl cannot call the functions of Windows${d}`,
    next: [
      'The single file slmctl.exe brings all that it needs: use the one for this kind of processor.',
      'From a package: install it again, with optional dependencies.',
    ],
  },
  LOCAL_WMI_UNAVAILABLE: {
    says: (m, d) => `WMI of ${m} does not work${d}`,
    next: [
      'Is the service running? sc query winmgmt',
      'Is its repository whole? As an administrator: winmgmt /verifyrepository',
      'A machine that is shutting down or being updated looks like this: try again after its restart.',
    ],
  },
  LOCAL_ACCESS_DENIED: {
    says: (m, d) => `${m} does not let this account do it${d}`,
    next: ['Run it as administrator: right click on the terminal, Run as administrator.'],
  },
  LOCAL_PROVIDER: {
    says: (m, d) => `the part of Windows on ${m} that should answer does not start${d}`,
    next: [
      'For licences that is the Software Protection service: sc query sppsvc',
      'The log Microsoft-Windows-WMI-Activity/Operational names the provider and why it failed.',
    ],
  },
  LOCAL_SLOW: {
    says: (m, d) => `${m} did not answer in time${d}`,
    next: ['The machine may be busy: try again in a few minutes.', 'If it stays so, restart the service Winmgmt, or the machine.'],
  },
  LOCAL_TOO_LARGE: {
    says: (m, d) => `${m} answers more than can be right${d}`,
    next: ['Please report it, with the output of slmctl --version.'],
  },
  LOCAL_FAULT: {
    says: (m, d) => `${m} could not do it${d}`,
    next: ['slmctl explain CODE says what a code means.', 'The event log of the Software Protection service may say more.'],
  },
  LOCAL_NOT_FOUND: {
    says: (m, d) => `${m} does not have what was called${d}`,
    next: ['This Windows may be too old for it, or the product was removed meanwhile: ask again with slmctl status.'],
  },
  RECORDING_LACKS: {
    says: (m, d) => `the recording of ${m} does not hold the answer to this question${d}`,
    next: ['Record again with this version of slmctl: slmctl status --record FILE.'],
  },
  RECORDING_INVALID: {
    says: (m, d) => `${m} is no recording that can be read${d}`,
    next: ['A recording is made by slmctl status --record FILE.'],
  },
} as const satisfies Readonly<Record<string, Row>>

export type ProblemCode = keyof typeof rows

/** A Problem of a machine as an error. The detail is shown after a colon. */
export function trouble(code: ProblemCode, machine: string, detail = ''): ProblemError {
  const { says, next } = rows[code]
  return new ProblemError(problem(code, says(machine, detail && `: ${detail}`), next))
}

/** Why an exchange failed, before it is known whether it matters. */
export class TransportError extends Error {
  readonly code: ProblemCode
  /** Whether the request may have reached the machine. */
  readonly sent: boolean
  constructor(code: ProblemCode, detail: string, sent: boolean) {
    super(detail)
    this.code = code
    this.sent = sent
  }
}

export const hex = (code: number) => `0x${code.toString(16).toUpperCase().padStart(8, '0')}`

/** Any failure of the rooms below as a Problem. What is none of theirs passes through: it is a mistake of ours. */
export function asProblem(error: unknown, machine: string): unknown {
  if (error instanceof TransportError) return trouble(error.code, machine, error.message)
  if (error instanceof WsmanFault) {
    const codes = [error.code, error.providerCode].filter((code) => code !== null).map(hex)
    return trouble(faultCodes[error.kind] ?? 'WINRM_FAULT', machine, [...codes, error.message].join(', '))
  }
  if (error instanceof WsmanError) return trouble('WINRM_GARBAGE', machine, error.message)
  if (error instanceof NegotiateError)
    return trouble(error.reason === 'unavailable' ? 'KERBEROS_UNAVAILABLE' : negotiateCodes[error.reason], machine, error.message)
  return error
}

const faultCodes: Readonly<Partial<Record<WsmanFault['kind'], ProblemCode>>> = {
  'access-denied': 'WINRM_ACCESS_DENIED',
  'not-found': 'WINRM_NOT_FOUND',
  timeout: 'WINRM_SLOW',
  'envelope-size': 'WINRM_TOO_LARGE',
  quota: 'WINRM_QUOTA',
}
const negotiateCodes = {
  rejected: 'WINRM_LOGON_FAILED',
  malformed: 'WINRM_GARBAGE',
  signature: 'WINRM_SEAL',
  refused: 'WINRM_NOT_OFFERED',
} as const
