import { type Problem, ProblemError, problem } from '../model.ts'
import { BadBer } from '../protocol/ldap.ts'
import { NegotiateError } from '../protocol/negotiate.ts'
import { WireError } from './ldap-wire.ts'

/** What may keep slmctl from a directory; one row for each: what it is, and what to try. */
const rows = {
  DIRECTORY_UNREACHABLE: {
    says: 'cannot be reached',
    next: [
      'Is it a domain controller, and is the port open? 636 is LDAP over TLS, 389 LDAP (StartTLS, Kerberos).',
      'nslookup -type=SRV _ldap._tcp.dc._msdcs.DOMAIN lists the domain controllers.',
    ],
  },
  DIRECTORY_NOT_FOUND_IN_DNS: {
    says: 'has no domain controller in DNS',
    next: [
      'Compare the spelling of the domain.',
      'Does this computer ask the DNS of the domain? Servers are named in the site file (dns), or name a domain controller.',
    ],
  },
  DIRECTORY_LOGON_FAILED: {
    says: 'does not accept this logon',
    next: [
      'Compare user and password. The user is written user@domain, DOMAIN\\user or as a distinguished name.',
      'For Kerberos: klist shows the tickets, kinit user@REALM gets one.',
    ],
  },
  DIRECTORY_CERTIFICATE: {
    says: 'shows a certificate that cannot be trusted',
    next: [
      'Give the authority that issued it (a PEM file).',
      'Use the name that stands in the certificate, not an address.',
      'Or sign in with Kerberos: it needs no certificate.',
    ],
  },
  DIRECTORY_REFUSED: {
    says: 'refuses it',
    next: ['The code and the words of the directory say why; an administrator of the domain can change it.'],
  },
  DIRECTORY_NOT_FOUND: {
    says: 'has no such entry',
    next: ['Compare the distinguished name or the name of the group. A user without the right to see it gets the same answer.'],
  },
  DIRECTORY_SLOW: {
    says: 'did not answer in time',
    next: ['It may be busy: try again, or name another domain controller.'],
  },
  DIRECTORY_CUT: {
    says: 'broke the connection off; what was read so far is not all',
    next: ['Try again, or name another domain controller.', 'Nothing was concluded from the part: no machine counts as vanished.'],
  },
  DIRECTORY_SEAL: {
    says: 'sent a sealed message that does not verify',
    next: ['Something between here and the directory changes what passes, or replays it: nothing of the message was used.'],
  },
  DIRECTORY_GARBAGE: {
    says: 'does not speak LDAP as it should',
    next: ['Are the port and the kind of connection right? 636 is LDAP over TLS, 389 LDAP.'],
  },
} as const satisfies Readonly<Record<string, { says: string; next: readonly string[] }>>

export type DirectoryCode = keyof typeof rows

export function directoryProblem(code: DirectoryCode, where: string, detail = '', first: readonly string[] = []): Problem {
  const { says, next } = rows[code]
  return problem(code, `The directory ${where} ${says}${detail === '' ? '' : `: ${detail}`}.`, [...first, ...next])
}

export const directoryTrouble = (...args: Parameters<typeof directoryProblem>): ProblemError => new ProblemError(directoryProblem(...args))

/** RFC 4511 4.1.9: an answer other than success. */
export class LdapResult extends Error {
  readonly code: number
  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}

/** RFC 4511 appendix A.2, those that an administrator may meet. */
const resultNames: Readonly<Record<number, string>> = {
  ...{ 1: 'operationsError', 2: 'protocolError', 3: 'timeLimitExceeded', 4: 'sizeLimitExceeded', 7: 'authMethodNotSupported' },
  ...{
    8: 'strongerAuthRequired',
    10: 'referral',
    11: 'adminLimitExceeded',
    12: 'unavailableCriticalExtension',
    13: 'confidentialityRequired',
  },
  ...{
    32: 'noSuchObject',
    34: 'invalidDNSyntax',
    48: 'inappropriateAuthentication',
    49: 'invalidCredentials',
    50: 'insufficientAccessRights',
  },
  ...{ 51: 'busy', 52: 'unavailable', 53: 'unwillingToPerform', 80: 'other' },
}

/**
 * Why a logon failed, by the `data` of Active Directory's words: Windows' own error codes in hexadecimal digits
 * ([MS-ERREF] 2.2; 80090346 is SEC_E_BAD_BINDINGS of 2.1.1).
 */
const logonReasons: Readonly<Record<string, string>> = {
  525: 'the domain does not know this user',
  '52e': 'the user or the password is wrong',
  530: 'the account may not log on at this hour',
  531: 'the account may not log on from this computer',
  532: 'the password has expired',
  533: 'the account is disabled',
  568: 'the account is in too many groups',
  701: 'the account has expired',
  773: 'the password must be changed first',
  775: 'the account is locked',
  '80090346': 'the logon is not bound to this TLS connection',
}

/** What happened to a question that was asked of a signed-in directory, or on the way there. What is none of ours passes through. */
export function asDirectoryProblem(error: unknown, where: string): unknown {
  if (error instanceof LdapResult) return resultProblem(error, where)
  if (error instanceof NegotiateError) {
    const code = ({ signature: 'DIRECTORY_SEAL', malformed: 'DIRECTORY_GARBAGE' } as const)[error.reason as 'signature']
    return directoryTrouble(code ?? 'DIRECTORY_LOGON_FAILED', where, plain(error.message))
  }
  if (error instanceof WireError)
    return directoryTrouble(
      ({ closed: 'DIRECTORY_CUT', slow: 'DIRECTORY_SLOW', garbage: 'DIRECTORY_GARBAGE', seal: 'DIRECTORY_SEAL' } as const)[error.why],
      where,
      error.message,
    )
  if (error instanceof BadBer) return directoryTrouble('DIRECTORY_GARBAGE', where, error.message)
  const { code } = error as NodeJS.ErrnoException
  if (typeof code === 'string' && /^E[A-Z_]+$/.test(code)) return directoryTrouble('DIRECTORY_CUT', where, code)
  return error
}

function resultProblem(error: LdapResult, where: string): ProblemError {
  const name = `${resultNames[error.code] ?? 'code'} (${error.code})`
  const said = plain(error.message)
  if (error.code === 49) {
    const data = /\bdata ([0-9a-f]{1,8})\b/i.exec(error.message)?.[1]?.toLowerCase() ?? ''
    return directoryTrouble('DIRECTORY_LOGON_FAILED', where, logonReasons[data] ?? (said || name))
  }
  if (error.code === 32 || error.code === 34) return directoryTrouble('DIRECTORY_NOT_FOUND', where, name)
  const detail = said === '' ? name : `${name}, ${said}`
  return directoryTrouble('DIRECTORY_REFUSED', where, detail, advice[error.code] ?? [])
}

const advice: Readonly<Record<number, readonly string[]>> = {
  1: ['Active Directory says so, too, to a search without a logon.'],
  4: [
    'The directory gives fewer entries than were asked for: nothing of it was taken. MaxPageSize of its query policy is 1000 as Windows comes.',
  ],
  7: ['This directory does not offer this way of signing in: use the other one (TLS with a password, or Kerberos).'],
  8: ['This directory wants TLS or sealing: use LDAPS, StartTLS or Kerberos.'],
  10: [
    'The entry belongs to another domain: ask a domain controller of that domain. Referrals are not followed, so that no credential goes where nobody named.',
  ],
  50: ['This user may not read there.'],
}

/** What a directory says, as one short line. */
function plain(text: string): string {
  return text
    .replace(/[^\P{C}]|\s+/gu, ' ')
    .trim()
    .replace(/\.$/, '')
    .slice(0, 200)
}
