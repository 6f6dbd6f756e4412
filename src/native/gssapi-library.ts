import type koffi from 'koffi'
import type { LibraryHandle } from 'koffi'
import { type Argument, aside, exitsAtOnce, type Foreign } from './aside.ts'
import { NativeError } from './error.ts'
import { loadKoffi } from './library.ts'
import { Arena, copyOf } from './memory.ts'

/**
 * The system's GSS-API (RFC 2744) as it is called: loaded when Kerberos is first needed, its structures laid out by hand in
 * native memory. What may ask the network or a file runs on another thread.
 */

const places: Readonly<Record<string, readonly string[]>> = {
  darwin: ['/System/Library/Frameworks/GSS.framework/GSS', '/usr/lib/libgssapi_krb5.dylib'],
  default: ['libgssapi_krb5.so.2'],
}
const advice: Readonly<Record<string, string>> = {
  darwin: 'macOS brings it; this one does not.',
  default: 'Install the Kerberos library (Debian and Ubuntu: libgssapi-krb5-2, Red Hat and SUSE: krb5-libs), or use NTLM.',
}

const oids = {
  kerberos: '2a864886f712010202',
  spnego: '2b0601050502',
  hostService: '2a864886f71201020104',
  principal: '2a864886f71201020201',
} as const
export type OidName = keyof typeof oids

/** Number of pointer-sized arguments; `u` marks 32-bit ones. */
const functions = {
  gss_import_name: 'pppp',
  gss_release_name: 'pp',
  gss_display_name: 'pppp',
  gss_acquire_cred: 'ppupuppp',
  gss_acquire_cred_from: 'ppupupppp',
  gss_acquire_cred_with_password: 'pppupuppp',
  gss_release_cred: 'pp',
  gss_init_sec_context: 'pppppuupppppp',
  gss_accept_sec_context: 'ppppppppppp',
  gss_inquire_context: 'ppppppppp',
  gss_delete_sec_context: 'ppp',
  gss_get_mic: 'ppupp',
  gss_verify_mic: 'ppppp',
  gss_wrap: 'ppuuppp',
  gss_unwrap: 'pppppp',
  gss_display_status: 'puuppp',
  gss_release_buffer: 'pp',
} as const
export type GssFunction = keyof typeof functions

export class GssLibrary {
  readonly koffi: typeof koffi
  readonly #functions = new Map<GssFunction, Foreign>()
  readonly #library: LibraryHandle
  readonly #oids = new Map<OidName, bigint>()
  readonly #sets = new Map<string, bigint>()
  /** Lives as long as the process: object identifiers and sets of them. */
  readonly #constants: Arena
  /** Apple packs GSS structures to 2 bytes on Intel. */
  readonly packed = process.platform === 'darwin' && process.arch === 'x64'

  constructor(library: typeof koffi, handle: LibraryHandle) {
    this.koffi = library
    this.#library = handle
    exitsAtOnce(library)
    this.#constants = new Arena(library, 1024)
    for (const [name, hex] of Object.entries(oids)) {
      const value = Buffer.from(hex, 'hex')
      const elements = this.#constants.bytes(value)
      const oid = this.#constants.room(16)
      this.#constants.at(oid).writeUInt32LE(value.length)
      this.#constants.at(oid).writeBigUInt64LE(elements, this.packed ? 4 : 8)
      this.#oids.set(name as OidName, oid)
    }
  }

  oid(name: OidName): bigint {
    return this.#oids.get(name)!
  }

  /** gss_OID_set of these. */
  oidSet(...names: readonly OidName[]): bigint {
    const key = names.join()
    const known = this.#sets.get(key)
    if (known !== undefined) return known
    const size = this.packed ? 12 : 16
    const elements = this.#constants.room(size * names.length)
    for (const [i, name] of names.entries()) this.#constants.at(this.oid(name)).copy(this.#constants.at(elements), i * size, 0, size)
    const set = this.#constants.room(16)
    this.#constants.at(set).writeBigUInt64LE(BigInt(names.length))
    this.#constants.at(set).writeBigUInt64LE(elements, 8)
    this.#sets.set(key, set)
    return set
  }

  #function(name: GssFunction): Foreign {
    let found = this.#functions.get(name)
    if (found === undefined) {
      const parameters = [...functions[name]].map((letter) => (letter === 'u' ? 'uint32_t' : 'void *'))
      try {
        found = this.#library.func(name, 'uint32_t', parameters) as unknown as Foreign
      } catch {
        throw new NativeError('unavailable', `The Kerberos library of this system lacks ${name}: use a ticket cache (kinit) or NTLM.`)
      }
      this.#functions.set(name, found)
    }
    return found
  }

  call(name: GssFunction, ...args: readonly Argument[]): number {
    return this.#function(name)(...args)
  }

  /** On another thread; the arguments' memory must outlive it. */
  async callAside(name: GssFunction, ...args: readonly Argument[]): Promise<number> {
    return await aside(this.#function(name), args)
  }

  /** gss_buffer_desc with these bytes; null makes an empty one, for output. */
  buffer(arena: Arena, data: Uint8Array | null): bigint {
    const descriptor = arena.room(16)
    if (data !== null) {
      arena.at(descriptor).writeBigUInt64LE(BigInt(data.length))
      arena.at(descriptor).writeBigUInt64LE(arena.bytes(data), 8)
    }
    return descriptor
  }

  /** The bytes of an output buffer, which is given back to the library. */
  takeBuffer(arena: Arena, descriptor: bigint): Buffer {
    const length = Number(arena.at(descriptor).readBigUInt64LE())
    const bytes = copyOf(this.koffi, arena.pointer(descriptor + 8n), length)
    this.call('gss_release_buffer', arena.room(16), descriptor)
    return bytes
  }

  /** gss_channel_bindings_struct with application data only (RFC 2744 section 3.11, RFC 5929). */
  bindings(arena: Arena, applicationData: Uint8Array | null): bigint | null {
    if (applicationData === null) return null
    const struct = arena.room(64)
    const at = this.packed ? 40 : 48
    arena.at(struct).writeBigUInt64LE(BigInt(applicationData.length), at)
    arena.at(struct).writeBigUInt64LE(arena.bytes(applicationData), at + 8)
    return struct
  }

  /** gss_key_value_set: which cache and keytab a credential is made of. */
  store(arena: Arena, entries: readonly (readonly [key: string, value: string])[]): bigint {
    const elements = arena.room(16 * entries.length)
    for (const [i, [key, value]] of entries.entries()) {
      arena.at(elements).writeBigUInt64LE(arena.text(key), i * 16)
      arena.at(elements).writeBigUInt64LE(arena.text(value), i * 16 + 8)
    }
    const set = arena.room(16)
    arena.at(set).writeUInt32LE(entries.length)
    arena.at(set).writeBigUInt64LE(elements, 8)
    return set
  }

  /** What the library says about a status, in one line. */
  statusText(status: number, kind: 'gss' | 'mechanism'): string {
    const arena = new Arena(this.koffi, 512)
    try {
      const context = arena.room(4)
      const out = arena.room(16)
      const mechanism = kind === 'mechanism' ? this.oid('kerberos') : null
      const major = this.call('gss_display_status', arena.room(4), status, kind === 'gss' ? 1 : 2, mechanism, context, out)
      if (major !== 0) return `status ${status}`
      return this.takeBuffer(arena, out).subarray(0, 500).toString('utf8').replace(/\s+/g, ' ').trim()
    } finally {
      arena.free()
    }
  }
}

let loading: Promise<GssLibrary> | undefined

/** Loads the library, once. Missing today may be there tomorrow: a failure is not remembered. */
export function gssLibrary(): Promise<GssLibrary> {
  loading ??= load().catch((error: unknown) => {
    loading = undefined
    throw error
  })
  return loading
}

async function load(): Promise<GssLibrary> {
  if (process.platform === 'win32') throw new NativeError('unavailable', 'On Windows, Kerberos is asked of SSPI.')
  const library = await loadKoffi().catch(() => {
    throw new NativeError(
      'unavailable',
      `slmctl has no native module for ${process.platform} on ${process.arch}: use NTLM over HTTPS or HTTP.`,
    )
  })
  if (library.sizeof('void *') !== 8) throw new NativeError('unavailable', 'Kerberos needs a 64-bit system.')
  for (const place of places[process.platform] ?? places.default!) {
    try {
      return new GssLibrary(library, library.load(place))
    } catch (error) {
      if (error instanceof NativeError) throw error
    }
  }
  throw new NativeError('unavailable', `This system has no Kerberos library (GSS-API). ${advice[process.platform] ?? advice.default}`)
}
