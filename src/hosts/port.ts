import { connect } from 'node:net'
import { inNetworks } from '../addresses.ts'
import type { Site } from '../model.ts'
import { type BindAnswer, bindPdu, decodeBindAnswer, maxFragmentBytes, NotRpc } from '../protocol/rpc.ts'

/**
 * What answers at a host's port. `rpc`: a DCE/RPC server, and no more is proved: which services it has, it was not asked.
 * `other`: something else; `silent`, `closed`: a connection, but no answer to the bind; `refused`, `no-answer`, `unreachable`: no
 * connection from here; `not-tried`: nothing was sent.
 */
export type PortAnswer = {
  readonly address: string
  readonly port: number
  readonly state: 'rpc' | 'other' | 'silent' | 'closed' | 'refused' | 'no-answer' | 'unreachable' | 'not-tried'
  /** Milliseconds until the connection stood; null where none did. */
  readonly connectMs: number | null
  /** What was seen, in a few words. */
  readonly seen: string
}

export type PortLimits = {
  /** Five seconds: a lost packet is sent again after one and after three. */
  readonly connectMs: number
  readonly answerMs: number
}
const usual: PortLimits = { connectMs: 5000, answerMs: 5000 }
/** One call on a connection; any number will do, and this one is easily found in a capture. */
const callId = 1

/**
 * Tries one address: connects, binds, reads the one answer, closes. An address outside the site's networks, and any address of a
 * lab, gets no packet at all.
 */
export async function tryPort(
  address: string,
  port: number,
  site: Pick<Site, 'networks' | 'lab'>,
  limits: Partial<PortLimits> = {},
): Promise<PortAnswer> {
  const not = (seen: string): PortAnswer => ({ address, port, state: 'not-tried', connectMs: null, seen })
  if (site.lab) return not('the hosts of a lab are simulated; nobody is contacted')
  if (!inNetworks(address, site.networks)) return not('outside the networks of the site file')
  return await bindTo(address, port, { ...usual, ...limits })
}

function bindTo(address: string, port: number, limits: PortLimits): Promise<PortAnswer> {
  const { promise, resolve } = Promise.withResolvers<PortAnswer>()
  const begun = performance.now()
  let connectMs: number | null = null
  let received = Buffer.alloc(0)
  const socket = connect({ host: address, port })
  const end = (state: PortAnswer['state'], seen: string) => {
    clearTimeout(timer)
    socket.destroy()
    resolve({ address, port, state, connectMs, seen })
  }
  let timer = setTimeout(() => end('no-answer', `no answer within ${limits.connectMs / 1000} s`), limits.connectMs)
  socket.on('connect', () => {
    connectMs = Math.round(performance.now() - begun)
    clearTimeout(timer)
    timer = setTimeout(() => end('silent', `connected, but no answer to the RPC bind within ${limits.answerMs / 1000} s`), limits.answerMs)
    socket.write(bindPdu(callId))
  })
  socket.on('data', (part: Buffer) => {
    received = Buffer.concat([received, part])
    try {
      const answer = decodeBindAnswer(received, callId)
      if (answer) end('rpc', said(answer))
      // No honest answer is longer than one fragment.
      else if (received.length > maxFragmentBytes) end('other', 'its answer has no end')
    } catch (error) {
      if (!(error instanceof NotRpc)) throw error
      end('other', `no RPC server: ${kindOf(received) ?? error.message}`)
    }
  })
  socket.on('error', (error: NodeJS.ErrnoException) => {
    if (connectMs !== null) end('closed', `connected, then cut (${error.code ?? error.message})`)
    else if (error.code === 'ECONNREFUSED') end('refused', 'connection refused')
    else if (error.code === 'ETIMEDOUT') end('no-answer', 'no answer')
    else end('unreachable', `cannot be reached from here (${error.code ?? error.message})`)
  })
  socket.on('close', () =>
    end('closed', received.length > 0 ? 'it closed the connection in mid-answer' : 'it closed the connection without an answer'),
  )
  return promise
}

function said(answer: BindAnswer): string {
  if (answer.kind === 'nak') return `an RPC server answers; it refused the bind (reason ${answer.reason})`
  if (answer.kind === 'fault')
    return `an RPC server answers; it refused the bind (0x${answer.status.toString(16).toUpperCase().padStart(8, '0')})`
  return `an RPC server answers${answer.endpoint === '' ? '' : ` (endpoint ${answer.endpoint})`}`
}

/** What commonly answers in the place of an RPC server. */
function kindOf(bytes: Buffer): string | null {
  const text = bytes.toString('latin1', 0, 16)
  if (/^HTTP\//.test(text) || /^<(?:!doctype|html)/i.test(text)) return 'it speaks HTTP'
  // A TLS alert or handshake of any version.
  if ((bytes[0] === 0x15 || bytes[0] === 0x16) && bytes[1] === 3) return 'it speaks TLS'
  if (/^SSH-/.test(text)) return 'it speaks SSH'
  return null
}
