import type koffi from 'koffi'

/** A block of native memory that is used again and again: most calls need little, and a view of memory is costly to make. */
type Block = { readonly address: bigint; readonly bytes: Buffer }
const blockSize = 32_768
const blocksKept = 64
const kept: Block[] = []

/**
 * Memory outside the JavaScript heap for the length of one foreign call: what a call that runs on another thread is given must
 * neither move nor vanish. What was used is wiped when it is given back, since passwords and tickets pass here.
 */
export class Arena {
  readonly #koffi: typeof koffi
  #block: Block | null
  #used = 0

  /** Room for `size` bytes in all, and something over for the small change of a call. */
  constructor(library: typeof koffi, size: number) {
    this.#koffi = library
    this.#block = (size <= blockSize ? kept.pop() : undefined) ?? newBlock(library, Math.max(size, blockSize))
  }

  get #memory(): Block {
    if (this.#block === null) throw new RangeError('memory that was given back')
    return this.#block
  }

  /** Room of this size, zeroed: its address. */
  room(size: number): bigint {
    const at = this.#used
    const end = at + ((size + 15) & ~15)
    if (end > this.#memory.bytes.length) throw new RangeError('more memory than was asked for')
    this.#used = end
    return this.#memory.address + BigInt(at)
  }

  /** What stands at an address that `room` gave, and behind it. */
  at(address: bigint): Buffer {
    const { address: start, bytes } = this.#memory
    return bytes.subarray(Number(address - start))
  }

  bytes(data: Uint8Array): bigint {
    const address = this.room(Math.max(1, data.length))
    this.at(address).set(data)
    return address
  }

  /** A C string. */
  text(text: string): bigint {
    return this.bytes(Buffer.from(`${text}\0`, 'utf8'))
  }

  pointer(address: bigint): bigint | null {
    const value = this.at(address).readBigUInt64LE()
    return value === 0n ? null : value
  }

  u32(address: bigint): number {
    return this.at(address).readUInt32LE()
  }

  free(): void {
    const block = this.#block
    if (block === null) return
    this.#block = null
    block.bytes.fill(0, 0, this.#used)
    if (block.bytes.length === blockSize && kept.length < blocksKept) kept.push(block)
    else this.#koffi.free(block.address)
  }
}

function newBlock(library: typeof koffi, size: number): Block {
  const address: bigint = library.alloc('uint8_t', size)
  const bytes = Buffer.from(library.view(address, size))
  bytes.fill(0)
  return { address, bytes }
}

const pieceSize = 65_536
let copier: { readonly copy: (to: bigint, from: bigint, length: number) => unknown; readonly piece: Block } | undefined

/** A copy of foreign memory. By memcpy: koffi's own decode (3.3.4) keeps some bytes for ever at each call, and takes five times as long. */
export function copyOf(library: typeof koffi, address: bigint | null, length: number): Buffer {
  if (address === null || length === 0) return Buffer.alloc(0)
  copier ??= {
    copy: library.load(process.platform === 'win32' ? 'ucrtbase.dll' : null).func('memcpy', 'void *', ['void *', 'void *', 'size_t']),
    piece: newBlock(library, pieceSize),
  }
  const { copy, piece } = copier
  const bytes = Buffer.allocUnsafeSlow(length)
  for (let at = 0; at < length; at += pieceSize) {
    const size = Math.min(pieceSize, length - at)
    copy(piece.address, address + BigInt(at), size)
    bytes.set(piece.bytes.subarray(0, size), at)
    piece.bytes.fill(0, 0, size)
  }
  return bytes
}
