import type koffi from 'koffi'
import { type Argument, aside, exitsAtOnce, type Foreign } from './aside.ts'
import { NativeError } from './error.ts'
import { loadKoffi } from './library.ts'
import { Arena } from './memory.ts'

/**
 * SSPI, Windows' own GSS-API (secur32.dll), for the client end: whoever runs slmctl, or an account with a password. Written
 * after Microsoft's reference of sspi.h for 64-bit Windows. Tried under Wine 8.0: NTLM sealed both ways, the logon by Kerberos
 * (Wine seals Kerberos in an order of its own, and reports no attributes for NTLM); not yet on Windows (docs/windows-notes.md).
 */

type Shown = { readonly use: <T>(f: (bytes: Uint8Array) => T) => T }
export type SspiOptions = {
  /** `HTTP/host`. */
  readonly target: string
  /** Password as UTF-16LE; null account: whoever runs this process. */
  readonly account: { readonly user: string; readonly domain: string; readonly password: Shown } | null
  readonly package: 'Kerberos' | 'NTLM' | 'Negotiate'
  readonly channelBinding: Uint8Array | null
}
export type SspiEnd = {
  readonly step: (token: Uint8Array | null) => Promise<{ readonly token: Uint8Array | null; readonly complete: boolean }>
  readonly seal: (message: Uint8Array) => { readonly signature: Uint8Array; readonly data: Uint8Array }
  readonly unseal: (sealed: { readonly signature: Uint8Array; readonly data: Uint8Array }) => Uint8Array
  readonly close: () => void
}

/** Number of arguments: `p` pointer-sized, `u` 32 bit. */
const functions = {
  AcquireCredentialsHandleW: 'ppupppppp',
  InitializeSecurityContextW: 'pppuuupupppp',
  CompleteAuthToken: 'pp',
  QueryContextAttributesW: 'pup',
  EncryptMessage: 'pupu',
  DecryptMessage: 'ppup',
  DeleteSecurityContext: 'p',
  FreeCredentialsHandle: 'p',
} as const
type Name = keyof typeof functions

/** sspi.h: SECBUFFER_*. */
const Buffers = { data: 1, token: 2, padding: 9, channelBindings: 14 } as const
const outbound = 2
const unicodeIdentity = 2
/** ISC_REQ_ and ISC_RET_: MUTUAL_AUTH, REPLAY_DETECT, SEQUENCE_DETECT, CONFIDENTIALITY, CONNECTION, INTEGRITY. */
const mutual = 0x2
const kept = 0x4 | 0x8 | 0x10 | 0x1_0000
const connection = 0x800
/** The largest token of Kerberos with MaxTokenSize at its limit is 65,535 bytes. */
const tokenMax = 65_536
const handleSize = 16

const remedies: Readonly<Record<number, readonly [reason: NativeError['reason'], what: string]>> = {
  2148074243: ['rejected', 'The domain knows no service of this name: use the name the machine has in the domain, in full.'],
  2148074244: ['unavailable', 'The Local Security Authority cannot be reached.'],
  2148074245: ['unavailable', 'This Windows lacks the security package.'],
  2148074248: ['malformed', 'The token cannot be read.'],
  2148074252: ['rejected', 'The user name or the password is wrong.'],
  2148074253: ['unavailable', 'The credentials cannot be used.'],
  2148074254: ['unavailable', 'There are no credentials: log on to the domain, or give an account.'],
  2148074255: ['signature', 'The message was changed.'],
  2148074256: ['signature', 'The message is out of its place.'],
  2148074257: ['unavailable', 'No domain controller answers.'],
  2148074274: ['rejected', 'The ticket does not fit the key of the service: the machine may have left the domain.'],
  2148074276: ['rejected', 'The clocks differ by more than five minutes.'],
  2148074310: ['rejected', 'The logon belongs to another TLS connection.'],
}

const aesToken = Buffer.from([5, 4])
const ntlmSignature = Buffer.from([1, 0, 0, 0])
const failed = (status: number): boolean => status < 0
function failure(doing: string, status: number): NativeError {
  const code = status >>> 0
  const [reason, what] = remedies[code] ?? ['rejected', 'Windows says no.']
  return new NativeError(reason, `SSPI, ${doing}: ${what} (0x${code.toString(16).toUpperCase()})`, code)
}

class Secur32 {
  readonly koffi: typeof koffi
  readonly #foreign: Readonly<Record<Name, Foreign>>

  constructor(library: typeof koffi) {
    this.koffi = library
    exitsAtOnce(library)
    const handle = library.load('secur32.dll')
    const declare = (letters: string) => [...letters].map((letter) => (letter === 'u' ? 'uint32_t' : 'void *'))
    this.#foreign = Object.fromEntries(
      Object.entries(functions).map(([name, letters]) => [name, handle.func('__stdcall', name, 'int32_t', declare(letters))]),
    ) as unknown as Record<Name, Foreign>
  }

  call(name: Name, ...args: readonly Argument[]): number {
    return this.#foreign[name](...args)
  }

  callAside(name: Name, ...args: readonly Argument[]): Promise<number> {
    return aside(this.#foreign[name], args)
  }
}

let loading: Promise<Secur32> | undefined
function secur32(): Promise<Secur32> {
  loading ??= (async () => {
    if (process.platform !== 'win32') throw new NativeError('unavailable', 'SSPI is a part of Windows; here Kerberos is asked of GSS-API.')
    return new Secur32(await loadKoffi())
  })().catch((error: unknown) => {
    loading = undefined
    throw error instanceof NativeError ? error : new NativeError('unavailable', 'secur32.dll cannot be used by this slmctl.')
  })
  return loading
}

const wide = (arena: Arena, text: string): bigint => arena.bytes(Buffer.from(`${text}\0`, 'utf16le'))

/** SecBufferDesc over SecBuffers: 4 bytes length, 4 bytes type, pointer. */
function describe(
  arena: Arena,
  buffers: readonly (readonly [type: number, address: bigint, length: number])[],
): { desc: bigint; list: bigint } {
  const list = arena.room(16 * Math.max(1, buffers.length))
  for (const [i, [type, address, length]] of buffers.entries()) {
    const at = arena.at(list).subarray(16 * i)
    at.writeUInt32LE(length, 0)
    at.writeUInt32LE(type, 4)
    at.writeBigUInt64LE(address, 8)
  }
  const desc = arena.room(16)
  arena.at(desc).writeUInt32LE(0, 0)
  arena.at(desc).writeUInt32LE(buffers.length, 4)
  arena.at(desc).writeBigUInt64LE(list, 8)
  return { desc, list }
}

export async function sspiInitiator(options: SspiOptions): Promise<SspiEnd> {
  const library = await secur32()
  return new Session(library, await acquire(library, options), options)
}

async function acquire(library: Secur32, { account, package: name }: SspiOptions): Promise<Buffer> {
  const arena = new Arena(library.koffi, 16_384)
  try {
    const handle = arena.room(handleSize)
    const expiry = arena.room(8)
    const identity = account === null ? null : identityOf(arena, account)
    const status = await library.callAside(
      'AcquireCredentialsHandleW',
      null,
      wide(arena, name),
      outbound,
      null,
      identity,
      null,
      null,
      handle,
      expiry,
    )
    if (failed(status)) throw failure('the credentials', status)
    return Buffer.from(arena.at(handle).subarray(0, handleSize))
  } finally {
    arena.free()
  }
}

/** SEC_WINNT_AUTH_IDENTITY_W: user, domain, password, each with its length in characters; wiped with the arena. */
function identityOf(arena: Arena, account: NonNullable<SspiOptions['account']>): bigint {
  const identity = arena.room(48)
  const write = (at: number, text: Uint8Array) => {
    arena.at(identity).writeBigUInt64LE(arena.bytes(Buffer.alloc(text.length + 2)), at)
    const address = arena.at(identity).readBigUInt64LE(at)
    arena.at(address).set(text)
    arena.at(identity).writeUInt32LE(text.length / 2, at + 8)
  }
  write(0, Buffer.from(account.user, 'utf16le'))
  write(16, Buffer.from(account.domain, 'utf16le'))
  account.password.use((bytes) => write(32, bytes))
  arena.at(identity).writeUInt32LE(unicodeIdentity, 44)
  return identity
}

/** A security context with its credentials; released when closed, or when the call that runs has ended. */
class Session implements SspiEnd {
  readonly #library: Secur32
  readonly #options: SspiOptions
  readonly #credential: Buffer
  #context: Buffer | null = null
  #sizes: { readonly trailer: number; readonly block: number } | null = null
  #running = false
  #closed = false
  #released = false

  constructor(library: Secur32, credential: Buffer, options: SspiOptions) {
    this.#library = library
    this.#credential = credential
    this.#options = options
  }

  async step(token: Uint8Array | null): Promise<{ token: Uint8Array | null; complete: boolean }> {
    if (this.#closed || this.#running || this.#sizes !== null) throw new NativeError('refused', 'SSPI: no token was due.')
    this.#running = true
    const arena = new Arena(this.#library.koffi, 2 * tokenMax + (token?.length ?? 0) + 4096)
    try {
      return await this.#step(arena, token)
    } finally {
      arena.free()
      this.#running = false
      if (this.#closed) this.#release()
    }
  }

  async #step(arena: Arena, token: Uint8Array | null) {
    const { target, channelBinding } = this.#options
    const given: [number, bigint, number][] = []
    if (token !== null) given.push([Buffers.token, arena.bytes(token), token.length])
    if (channelBinding !== null) {
      // SEC_CHANNEL_BINDINGS: eight 32-bit words, of which the last two are length and offset of the application data.
      const bindings = arena.room(32 + channelBinding.length)
      arena.at(bindings).writeUInt32LE(channelBinding.length, 24)
      arena.at(bindings).writeUInt32LE(32, 28)
      arena.at(bindings).set(channelBinding, 32)
      given.push([Buffers.channelBindings, bindings, 32 + channelBinding.length])
    }
    const input = given.length === 0 ? null : describe(arena, given).desc
    const room = arena.room(tokenMax)
    const output = describe(arena, [[Buffers.token, room, tokenMax]])
    const credential = arena.bytes(this.#credential)
    const context = arena.bytes(this.#context ?? Buffer.alloc(handleSize))
    const [attributes, expiry] = [arena.room(4), arena.room(8)]
    const status = await this.#library.callAside(
      'InitializeSecurityContextW',
      ...[credential, this.#context === null ? null : context, wide(arena, target), mutual | kept | connection, 0, 0],
      ...[input, 0, context, output.desc, attributes, expiry],
    )
    if (failed(status)) throw failure('logging on', status)
    this.#context = Buffer.from(arena.at(context).subarray(0, handleSize))
    const action = status & 0xffff
    // SEC_I_COMPLETE_NEEDED 0x313, SEC_I_COMPLETE_AND_CONTINUE 0x314, SEC_I_CONTINUE_NEEDED 0x312.
    if (action === 0x313 || action === 0x314) {
      const completed = this.#library.call('CompleteAuthToken', context, output.desc)
      if (failed(completed)) throw failure('logging on', completed)
    }
    const complete = action !== 0x312 && action !== 0x314
    if (complete) this.#finish(arena, context, arena.u32(attributes))
    const length = arena.u32(output.list)
    return { token: length === 0 ? null : Buffer.from(arena.at(room).subarray(0, length)), complete }
  }

  /** What was agreed must be signed and sealed; Kerberos proves both ends. SecPkgContext_Sizes gives the room for a seal. */
  #finish(arena: Arena, context: bigint, attributes: number): void {
    const wanted = this.#options.package === 'Kerberos' ? kept | mutual : kept
    if ((attributes & wanted) !== wanted) throw new NativeError('refused', 'The other end agreed to less than signed and sealed messages.')
    const sizes = arena.room(16)
    const status = this.#library.call('QueryContextAttributesW', context, 0, sizes)
    if (failed(status)) throw failure('asking what was agreed', status)
    const at = arena.at(sizes)
    this.#sizes = { block: at.readUInt32LE(8), trailer: at.readUInt32LE(12) }
  }

  seal(message: Uint8Array): { signature: Uint8Array; data: Uint8Array } {
    const { context, sizes } = this.#ready()
    const { trailer, block } = sizes
    const arena = new Arena(this.#library.koffi, message.length + trailer + block + 1024)
    try {
      const [token, data, padding] = [arena.room(trailer), arena.bytes(message), arena.room(block)]
      const { desc, list } = describe(arena, [
        [Buffers.token, token, trailer],
        [Buffers.data, data, message.length],
        [Buffers.padding, padding, block],
      ])
      const status = this.#library.call('EncryptMessage', arena.bytes(context), 0, desc, 0)
      if (failed(status)) throw failure('sealing a message', status)
      const length = (i: number) => arena.u32(list + BigInt(16 * i))
      const signature = Buffer.from(arena.at(token).subarray(0, length(0)))
      // RFC 4121 section 4.2.6.2 and [MS-NLMP] 2.2.2.9: AES and NTLM pad nothing. What pads is the DES or RC4 of old.
      if (!signature.subarray(0, 2).equals(aesToken) && !signature.subarray(0, 4).equals(ntlmSignature))
        throw new NativeError('refused', 'Kerberos: the session key is not of AES; the domain should allow AES for this machine.')
      return { signature, data: Buffer.from(arena.at(data).subarray(0, length(1))) }
    } finally {
      arena.free()
    }
  }

  unseal({ signature, data }: { readonly signature: Uint8Array; readonly data: Uint8Array }): Uint8Array {
    const { context } = this.#ready()
    const arena = new Arena(this.#library.koffi, signature.length + data.length + 1024)
    try {
      const sealed = arena.bytes(data)
      const { desc, list } = describe(arena, [
        [Buffers.token, arena.bytes(signature), signature.length],
        [Buffers.data, sealed, data.length],
      ])
      const quality = arena.room(4)
      const status = this.#library.call('DecryptMessage', arena.bytes(context), desc, 0, quality)
      if (failed(status)) throw failure('opening a message', status)
      // SECQOP_WRAP_NO_ENCRYPT: signed and in clear.
      if (arena.u32(quality) === 0x8000_0001) throw new NativeError('signature', 'SSPI: the message is not sealed.')
      // The package may have moved the beginning and taken off padding.
      const opened = arena.pointer(list + 24n) ?? sealed
      return Buffer.from(arena.at(opened).subarray(0, arena.u32(list + 16n)))
    } finally {
      arena.free()
    }
  }

  #ready(): { context: Buffer; sizes: { readonly trailer: number; readonly block: number } } {
    if (this.#closed || this.#context === null || this.#sizes === null)
      throw new NativeError('refused', 'SSPI: the handshake is not done, or the session is closed.')
    return { context: this.#context, sizes: this.#sizes }
  }

  close(): void {
    this.#closed = true
    if (!this.#running) this.#release()
  }

  #release(): void {
    if (this.#released) return
    this.#released = true
    const arena = new Arena(this.#library.koffi, 64)
    if (this.#context !== null) this.#library.call('DeleteSecurityContext', arena.bytes(this.#context))
    this.#library.call('FreeCredentialsHandle', arena.bytes(this.#credential))
    arena.free()
  }
}
