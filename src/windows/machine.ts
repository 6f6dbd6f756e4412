import type { LookupFunction } from 'node:net'
import type { Secret } from '../secrets.ts'

/**
 * One Windows machine, however it is reached: over WinRM, on itself, or from a recording. All methods throw a ProblemError
 * whose Problem carries a stable code (`WINRM_…`); what a machine does not have (a class, a property) is not an error.
 */
export type Machine = {
  /** The name by which the site file or the user knows it. */
  readonly name: string
  /** Rows of a class. Null where the machine has no such class; absent properties are absent in the rows. */
  readonly ask: (question: Question) => Promise<readonly WmiRow[] | null>
  /** Calls a method once. Never repeated: a lost answer throws CALL_UNANSWERED, and whoever called asks the machine. */
  readonly call: (call: Call) => Promise<CallAnswer>
  /** Values of one registry key (StdRegProv), by name; null where the key does not exist. */
  readonly registry: (question: RegistryQuestion) => Promise<Readonly<Record<string, RegistryValue>> | null>
  readonly close: () => Promise<void>
}

/** Values stay as text, as the wire carries them; null is NULL; an array property is a list. Names as the machine spells them. */
export type WmiValue = string | null | readonly (string | null)[]
export type WmiRow = Readonly<Record<string, WmiValue>>

/** `columns` may name properties that this version of Windows lacks; they are then absent in the answer. */
export type Question = {
  /** `root/cimv2` where it is left out. */
  readonly namespace?: string
  readonly class: string
  readonly columns: readonly string[]
  /** A WQL condition, without WHERE. */
  readonly where?: string
}

export type Call = {
  readonly namespace?: string
  readonly class: string
  /** Key properties of the instance; null for the only instance of a class (its key is then asked for) or a static method. */
  readonly key: Readonly<Record<string, string>> | null
  readonly method: string
  /** In the order of the method's declaration. A Secret is put into the message at the last moment and wiped after it. */
  readonly arguments: Readonly<Record<string, string | number | boolean | Secret>>
}

/** `returnValue` is unsigned: 0 means that the method says it succeeded, which proves nothing about the machine. */
export type CallAnswer = { readonly returnValue: number; readonly out: WmiRow }

export type RegistryQuestion = {
  /** Below HKEY_LOCAL_MACHINE, with single backslashes. */
  readonly key: string
  /** Names of values; where left out, all values of the key. */
  readonly values?: readonly string[]
}
export type RegistryValue = string | number | readonly string[]

/** How a machine is reached over WinRM. */
export type Reach = {
  readonly name: string
  /** Host name or address to connect to. */
  readonly address: string
  /** 5985 (HTTP) and 5986 (HTTPS) are WinRM's own ports. */
  readonly port: number
  /** Null: HTTP, where every body is sealed by the authentication. There is no unsealed, unencrypted way. */
  readonly tls: Tls | null
  readonly credential: Credential
  /** Time that the machine gets for one operation (w:OperationTimeout). */
  readonly operationTimeoutMs: number
  readonly connectTimeoutMs: number
  /** How `address` becomes addresses to connect to, where that is not the system's own way; certificate, ticket and Host keep the name. */
  readonly lookup?: LookupFunction
}

/** TLS is always verified: against the system's authorities, the given ones, or a pinned certificate. */
export type Tls = {
  /** PEM; null means the system's and Node's own authorities. */
  readonly ca: string | null
  /** SHA-256 of the server certificate (DER), lower-case hex; where set, exactly this certificate is accepted. */
  readonly pin: string | null
}

/** How slmctl shows who it is; passwords and keys are Secrets, read from the references of the site file. */
export type Credential =
  | { readonly method: 'ntlm'; readonly user: string; readonly domain: string; readonly password: Secret }
  | {
      readonly method: 'kerberos'
      readonly principal: string | null
      readonly from: 'cache' | { readonly keytab: string } | { readonly password: Secret }
    }
  /** Basic: HTTPS only. */
  | { readonly method: 'basic'; readonly user: string; readonly password: Secret }
  /** Client certificate: HTTPS only. PEM; the key is a Secret. */
  | { readonly method: 'certificate'; readonly certificate: string; readonly key: Secret }
