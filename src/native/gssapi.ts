import { createHash } from 'node:crypto'
import { NativeError } from './error.ts'
import { type GssFunction, type GssLibrary, gssLibrary } from './gssapi-library.ts'
import { Arena, copyOf } from './memory.ts'

/** Bytes that are shown for the length of a call, and wiped by their owner. */
type Shown = { readonly use: <T>(f: (bytes: Uint8Array) => T) => T }

export type GssIdentity =
  | { readonly from: 'cache' }
  | { readonly from: 'keytab'; readonly keytab: string; readonly principal: string }
  | { readonly from: 'password'; readonly principal: string; readonly password: Shown }

/** One end of a Kerberos session. `close` may be called at any time, also while a step runs. */
export type GssEnd = {
  readonly step: (token: Uint8Array | null) => Promise<{ readonly token: Uint8Array | null; readonly complete: boolean }>
  /** The initiator's principal, at the accepting end. */
  readonly peer: string | null
  /** GSS_GetMIC and GSS_VerifyMIC, for SPNEGO's list of mechanisms; they count as messages. */
  readonly getMic: (message: Uint8Array) => Uint8Array
  readonly verifyMic: (message: Uint8Array, mic: Uint8Array) => void
  readonly wrap: (message: Uint8Array) => Uint8Array
  readonly unwrap: (token: Uint8Array) => Uint8Array
  readonly close: () => void
}

/** RFC 2744 section 3.9.1 and 5.19. */
const continueNeeded = 1
const mutual = 2
const replay = 4
const sequence = 8
const confidential = 16
const integrity = 32
/** MIT krb5 1.19: the acceptor's channel bindings were in the initiator's token. */
const channelBound = 2048
const wantedFlags = mutual | replay | sequence | confidential | integrity
const initiate = 1
const accept = 2
const indefinite = 0xffff_ffff

/** No handshake token is larger; a ticket with a large PAC may have 64 KiB. */
const tokenMax = 131_072

/**
 * What an administrator can do about it, by the Kerberos code (RFC 4120 section 7.5.9 and MIT's own; com_err base
 * -1765328384).
 */
const krb5Base = -1_765_328_384
const remedies: readonly (readonly [code: number, reason: NativeError['reason'], what: string])[] = [
  [6, 'rejected', 'The domain does not know this account: check the principal and its realm.'],
  [7, 'rejected', 'The domain knows no service of this name: use the name the machine has in the domain, in full, and no address.'],
  [18, 'rejected', 'The account is disabled, locked or expired.'],
  [23, 'rejected', 'The password has expired.'],
  [24, 'rejected', 'The password is wrong.'],
  [14, 'rejected', 'The domain refuses AES for this account or this service.'],
  [
    31,
    'rejected',
    'The ticket does not fit the key of the service: the machine may have left the domain, or the name leads to another machine.',
  ],
  [32, 'unavailable', 'The ticket has expired: kinit.'],
  [37, 'rejected', 'The clocks of this system, the domain controller and the machine differ by more than five minutes.'],
  [41, 'rejected', 'The ticket was changed on its way, or belongs to another service.'],
  [141, 'unavailable', 'There is no ticket: kinit, or give a keytab.'],
  [154, 'unavailable', 'This system does not know the realm: see krb5.conf, or the SRV records of the domain.'],
  [156, 'unavailable', 'No domain controller of the realm answers.'],
  [195, 'unavailable', 'There is no ticket cache: kinit, or give a keytab.'],
  [203, 'unavailable', 'The keytab has no key for this principal.'],
  [220, 'unavailable', 'No domain controller of the realm can be found in DNS or krb5.conf.'],
]

/** RFC 2744 section 3.9.1, routine errors. */
const badBindings = 4
const remedyOfBindings = [0, 'rejected', 'The logon belongs to another TLS connection.'] as const
const reasons: Readonly<Record<number, NativeError['reason']>> = { 6: 'signature', 7: 'unavailable', 9: 'malformed', 11: 'unavailable' }

function failure(library: GssLibrary, doing: string, major: number, minor: number): NativeError {
  const routine = (major >>> 16) & 0xff
  const code = minor | 0
  const known = remedies.find(([number]) => krb5Base + number === code) ?? (routine === badBindings ? remedyOfBindings : undefined)
  const gss = library.statusText(major, 'gss')
  const mechanism = minor === 0 ? 'Success' : library.statusText(minor, 'mechanism')
  const reason = known?.[1] ?? reasons[routine] ?? 'rejected'
  return new NativeError(
    reason,
    `Kerberos, ${doing}: ${known ? `${known[2]} ` : ''}(${mechanism === 'Success' ? gss : mechanism})`,
    code === 0 ? major : code,
  )
}

/** Supplementary bits (duplicate, old, unsequenced, gap) are failures here: the channel below is in order. */
const failed = (major: number): boolean => (major & 0xffff_0000) !== 0

async function importName(library: GssLibrary, name: string, type: 'hostService' | 'principal'): Promise<bigint> {
  const bytes = Buffer.from(name, 'utf8')
  const arena = new Arena(library.koffi, 256 + bytes.length)
  try {
    const minor = arena.room(4)
    const out = arena.room(8)
    const major = await library.callAside('gss_import_name', minor, library.buffer(arena, bytes), library.oid(type), out)
    if (failed(major)) throw failure(library, `the name ${name}`, major, arena.u32(minor))
    return arena.pointer(out)!
  } finally {
    arena.free()
  }
}

/** Gives a handle back by the function that ends its life. */
function release(library: GssLibrary, how: GssFunction, handle: bigint): void {
  const arena = new Arena(library.koffi, 64)
  const held = arena.room(8)
  arena.at(held).writeBigUInt64LE(handle)
  if (how === 'gss_delete_sec_context') library.call(how, arena.room(4), held, null)
  else library.call(how, arena.room(4), held)
  arena.free()
}

/** The credential of whoever logs on. Tickets by keytab are kept in memory, one cache for each keytab and principal. */
async function initiatorCredential(library: GssLibrary, identity: GssIdentity): Promise<bigint> {
  const principal = identity.from === 'cache' ? null : await importName(library, identity.principal, 'principal')
  const arena = new Arena(library.koffi, 16_384)
  try {
    const minor = arena.room(4)
    const out = arena.room(8)
    const mechanisms = library.oidSet('kerberos')
    let major: number
    let doing: string
    if (identity.from === 'cache') {
      doing = 'the ticket cache'
      major = await library.callAside('gss_acquire_cred', minor, null, indefinite, mechanisms, initiate, out, null, null)
    } else if (identity.from === 'keytab') {
      doing = `the keytab ${identity.keytab} for ${identity.principal}`
      const cache = createHash('sha256').update(`${identity.keytab}\0${identity.principal}`).digest('hex').slice(0, 32)
      const store = library.store(arena, [
        ['client_keytab', identity.keytab],
        ['ccache', `MEMORY:slmctl-${cache}`],
      ])
      major = await library.callAside('gss_acquire_cred_from', minor, principal, indefinite, mechanisms, initiate, store, out, null, null)
    } else {
      doing = `the password of ${identity.principal}`
      const password = identity.password.use((bytes) => library.buffer(arena, bytes))
      major = await library.callAside(
        'gss_acquire_cred_with_password',
        minor,
        principal,
        password,
        indefinite,
        mechanisms,
        initiate,
        out,
        null,
        null,
      )
    }
    if (failed(major)) {
      const error = failure(library, doing, major, arena.u32(minor))
      // MIT says that there is no cache where the keytab has nothing to fill one with.
      if (identity.from === 'keytab' && error.code === krb5Base + 195)
        throw new NativeError(
          'unavailable',
          `Kerberos: ${identity.keytab} cannot be read or has no key for ${identity.principal}.`,
          error.code,
        )
      throw error
    }
    return arena.pointer(out)!
  } finally {
    arena.free()
    if (principal !== null) release(library, 'gss_release_name', principal)
  }
}

async function acceptorCredential(library: GssLibrary, keytab: string): Promise<bigint> {
  const arena = new Arena(library.koffi, 16_384)
  try {
    const minor = arena.room(4)
    const out = arena.room(8)
    const store = library.store(arena, [['keytab', keytab]])
    const mechanisms = library.oidSet('kerberos', 'spnego')
    const major = await library.callAside('gss_acquire_cred_from', minor, null, indefinite, mechanisms, accept, store, out, null, null)
    if (failed(major)) throw failure(library, `the keytab ${keytab}`, major, arena.u32(minor))
    return arena.pointer(out)!
  } finally {
    arena.free()
  }
}

/** Begins a session as client. Finds the credential at once, so that a missing ticket is told before anything is sent. */
export async function gssInitiator(options: {
  readonly service: string
  readonly host: string
  readonly identity: GssIdentity
  readonly channelBinding: Uint8Array | null
}): Promise<GssEnd> {
  const library = await gssLibrary()
  const credential = await initiatorCredential(library, options.identity)
  let target: bigint | null = null
  try {
    target = await importName(library, `${options.service}@${options.host}`, 'hostService')
  } catch (error) {
    release(library, 'gss_release_cred', credential)
    throw error
  }
  return new Session(library, credential, target, options.channelBinding)
}

/** Begins a session as server, with the keys of a keytab; takes bare Kerberos and SPNEGO. */
export async function gssAcceptor(options: { readonly keytab: string; readonly channelBinding: Uint8Array | null }): Promise<GssEnd> {
  const library = await gssLibrary()
  return new Session(library, await acceptorCredential(library, options.keytab), null, options.channelBinding)
}

/** A security context of the library with all that belongs to it; released when closed, or when the call that runs has ended. */
class Session implements GssEnd {
  readonly #library: GssLibrary
  readonly #target: bigint | null
  readonly #channelBinding: Uint8Array | null
  #credential: bigint | null
  #context: bigint | null = null
  #complete = false
  #running = false
  #closed = false
  peer: string | null = null

  constructor(library: GssLibrary, credential: bigint, target: bigint | null, channelBinding: Uint8Array | null) {
    this.#library = library
    this.#credential = credential
    this.#target = target
    this.#channelBinding = channelBinding
  }

  async step(token: Uint8Array | null): Promise<{ token: Uint8Array | null; complete: boolean }> {
    if (this.#closed || this.#complete || this.#running) throw new NativeError('refused', 'Kerberos: no token was due.')
    if (token !== null && token.length > tokenMax) throw new NativeError('malformed', 'Kerberos: the token is too large.')
    this.#running = true
    const arena = new Arena(this.#library.koffi, 4096 + (token?.length ?? 0) + (this.#channelBinding?.length ?? 0))
    try {
      return await (this.#target === null ? this.#accept(arena, token) : this.#initiate(arena, token))
    } finally {
      arena.free()
      this.#running = false
      if (this.#closed) this.#release()
    }
  }

  async #initiate(arena: Arena, token: Uint8Array | null) {
    const library = this.#library
    const [minor, flags, out] = [arena.room(4), arena.room(4), arena.room(16)]
    const context = this.#contextPointer(arena)
    const major = await library.callAside(
      'gss_init_sec_context',
      ...[minor, this.#credential, context, this.#target, library.oid('kerberos'), wantedFlags, 0],
      ...[library.bindings(arena, this.#channelBinding), token === null ? null : library.buffer(arena, token), null, out, flags, null],
    )
    return this.#stepped(arena, 'logging on', { major, minor, context, flags, out })
  }

  async #accept(arena: Arena, token: Uint8Array | null) {
    const library = this.#library
    const [minor, flags, out, source] = [arena.room(4), arena.room(4), arena.room(16), arena.room(8)]
    const context = this.#contextPointer(arena)
    const major = await library.callAside(
      'gss_accept_sec_context',
      ...[minor, context, this.#credential, library.buffer(arena, token ?? Buffer.alloc(0)), library.bindings(arena, this.#channelBinding)],
      ...[source, null, out, flags, null, null],
    )
    const name = arena.pointer(source)
    try {
      const stepped = this.#stepped(arena, 'accepting', { major, minor, context, flags, out })
      if (stepped.complete && name !== null) this.peer = this.#display(arena, name)
      return stepped
    } finally {
      if (name !== null) release(library, 'gss_release_name', name)
    }
  }

  #contextPointer(arena: Arena): bigint {
    const context = arena.room(8)
    arena.at(context).writeBigUInt64LE(this.#context ?? 0n)
    return context
  }

  #stepped(arena: Arena, doing: string, at: { major: number; minor: bigint; context: bigint; flags: bigint; out: bigint }) {
    this.#context = arena.pointer(at.context)
    const token = this.#library.takeBuffer(arena, at.out)
    if (failed(at.major)) throw failure(this.#library, doing, at.major, arena.u32(at.minor))
    const complete = (at.major & continueNeeded) === 0
    if (complete) {
      this.#check(arena, arena.u32(at.flags))
      // The session has its own keys by now; the credential may hold the password, and MIT wipes it when it is given back.
      if (this.#target !== null) this.#forget()
    }
    this.#complete = complete
    return { token: token.length === 0 ? null : token, complete }
  }

  /** What was agreed must be Kerberos, both ends proven, signed and sealed, and bound to the channel where one is given. */
  #check(arena: Arena, flags: number): void {
    const minor = arena.room(4)
    const mechanism = arena.room(8)
    const major = this.#library.call('gss_inquire_context', minor, this.#context, null, null, null, mechanism, null, null, null)
    const oid = arena.pointer(mechanism)
    if (failed(major) || oid === null) throw failure(this.#library, 'asking what was agreed', major, arena.u32(minor))
    // Others' clients ask for less than ours (requests-kerberos without replay, curl without sequence), and Windows lets them in.
    const wanted = this.#target === null ? confidential | integrity : wantedFlags
    if (!this.#isKerberos(oid) || (flags & wanted) !== wanted)
      throw new NativeError('refused', 'The other end agreed to less than Kerberos with both ends proven, signed and sealed.')
    if (this.#target === null && this.#channelBinding !== null && (flags & channelBound) === 0)
      throw new NativeError('rejected', 'Kerberos: the logon is not bound to this TLS connection.')
  }

  #isKerberos(oid: bigint): boolean {
    const { koffi, packed } = this.#library
    const descriptor = copyOf(koffi, oid, 16)
    const elements = copyOf(koffi, descriptor.readBigUInt64LE(packed ? 4 : 8), Math.min(descriptor.readUInt32LE(), 32))
    return elements.toString('hex') === '2a864886f712010202'
  }

  #display(arena: Arena, name: bigint): string | null {
    const out = arena.room(16)
    if (failed(this.#library.call('gss_display_name', arena.room(4), name, out, null))) return null
    return this.#library.takeBuffer(arena, out).toString('utf8')
  }

  getMic(message: Uint8Array): Uint8Array {
    return this.#mic(message, null)
  }

  verifyMic(message: Uint8Array, mic: Uint8Array): void {
    this.#mic(message, mic)
  }

  #mic(message: Uint8Array, mic: Uint8Array | null): Uint8Array {
    this.#ready()
    const library = this.#library
    const arena = new Arena(library.koffi, 256 + message.length + (mic?.length ?? 0))
    try {
      const [minor, out] = [arena.room(4), arena.room(16)]
      const bytes = library.buffer(arena, message)
      const major =
        mic === null
          ? library.call('gss_get_mic', minor, this.#context, 0, bytes, out)
          : library.call('gss_verify_mic', minor, this.#context, bytes, library.buffer(arena, mic), null)
      if (major !== 0) throw failure(library, 'the signature over the handshake', major, arena.u32(minor))
      return library.takeBuffer(arena, out)
    } finally {
      arena.free()
    }
  }

  #ready(): void {
    if (this.#closed || !this.#complete) throw new NativeError('refused', 'Kerberos: the handshake is not done, or the session is closed.')
  }

  wrap(message: Uint8Array): Uint8Array {
    return this.#message('gss_wrap', message, 'sealing a message')
  }

  unwrap(token: Uint8Array): Uint8Array {
    return this.#message('gss_unwrap', token, 'opening a message')
  }

  #message(how: 'gss_wrap' | 'gss_unwrap', message: Uint8Array, doing: string): Uint8Array {
    this.#ready()
    const arena = new Arena(this.#library.koffi, 256 + message.length)
    try {
      const [minor, state, out] = [arena.room(4), arena.room(4), arena.room(16)]
      const bytes = this.#library.buffer(arena, message)
      const major =
        how === 'gss_wrap'
          ? this.#library.call(how, minor, this.#context, 1, 0, bytes, state, out)
          : this.#library.call(how, minor, this.#context, bytes, out, state, null)
      const result = this.#library.takeBuffer(arena, out)
      // Duplicate, old, out of order or a gap: bits 0 to 4 of the status; the transport keeps the order, so somebody else did not.
      if (major !== 0 || arena.u32(state) === 0) {
        result.fill(0)
        if (failed(major)) throw failure(this.#library, doing, major, arena.u32(minor))
        throw new NativeError('signature', `Kerberos, ${doing}: the message is not sealed, or out of its place.`)
      }
      return result
    } finally {
      arena.free()
    }
  }

  close(): void {
    this.#closed = true
    if (!this.#running) this.#release()
  }

  #forget(): void {
    if (this.#credential === null) return
    release(this.#library, 'gss_release_cred', this.#credential)
    if (this.#target !== null) release(this.#library, 'gss_release_name', this.#target)
    this.#credential = null
  }

  #release(): void {
    if (this.#context !== null) release(this.#library, 'gss_delete_sec_context', this.#context)
    this.#context = null
    this.#forget()
  }
}
