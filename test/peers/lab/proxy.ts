/**
 * Somebody between client and machine who changes what passes: the negative proof of every signature. Over TLS it ends the
 * client's connection with a certificate of its own, which the client was told to trust.
 */
import { connect, createServer, type Server as NetServer, type Socket } from 'node:net'
import { createServer as createTlsServer, connect as tlsConnect } from 'node:tls'
import { afterwards } from '../checks.ts'

/** Gets what passes, in order; what it returns goes on. `exchange` counts the requests of a connection from 1. */
export type Change = (bytes: Buffer, from: 'client' | 'machine', exchange: number) => Buffer | null

export type Between = { readonly port: number; readonly changed: () => number; readonly close: () => Promise<void> }

export async function startProxy(
  to: {
    readonly host?: string
    readonly port: number
    readonly tls?: { readonly ca: string; readonly key: string; readonly cert: string }
  },
  change: Change,
): Promise<Between> {
  let changed = 0
  const open = new Set<Socket>()
  const serve = (client: Socket) => {
    const machine = to.tls ? tlsConnect({ host: '127.0.0.1', port: to.port, ca: to.tls.ca }) : connect(to.port, to.host ?? '127.0.0.1')
    let exchange = 0
    const pass = (source: Socket, target: Socket, from: 'client' | 'machine') => {
      open.add(source)
      source.on('data', (bytes: Buffer) => {
        if (from === 'client' && bytes.subarray(0, 5).toString('latin1') === 'POST ') exchange++
        const next = change(bytes, from, exchange)
        if (next === null) return
        if (!next.equals(bytes)) changed++
        target.write(next)
      })
      source.on('end', () => target.end())
      source.on('error', () => target.destroy())
      source.on('close', () => {
        open.delete(source)
        target.destroy()
      })
    }
    pass(client, machine, 'client')
    pass(machine, client, 'machine')
  }
  const server: NetServer = to.tls ? createTlsServer({ key: to.tls.key, cert: to.tls.cert }, serve) : createServer(serve)
  await new Promise<void>((resolve) => server.listen(0, to.host ?? '127.0.0.1', resolve))
  const close = () =>
    new Promise<void>((resolve) => {
      for (const socket of open) socket.destroy()
      server.close(() => resolve())
    })
  afterwards(close)
  return { port: (server.address() as { port: number }).port, changed: () => changed, close }
}

const octets = Buffer.from('application/octet-stream\r\n')

/** One bit of a sealed body turned over: in its signature or in its data. */
export function breakSeal(where: 'client' | 'machine', what: 'signature' | 'data'): Change {
  return (bytes, from) => {
    const begin = bytes.indexOf(octets)
    if (from !== where || begin < 0) return bytes
    const at = begin + octets.length
    const signature = bytes.readUInt32LE(at)
    const other = Buffer.from(bytes)
    // Signature: the checksum behind the version ([MS-NLMP] 2.2.2.9.1). Data: somewhere in its middle.
    const victim = what === 'signature' ? at + 4 + 6 : at + 4 + signature + 40
    other[victim] = other[victim]! ^ 1
    return other
  }
}

const ntlm = Buffer.from('NTLMSSP\0')

/** Changes the AUTHENTICATE message ([MS-NLMP] 2.2.1.3) in the Authorization header, raw or wrapped, and leaves its length alone. */
export function changeAuthenticate(f: (message: Buffer) => void): Change {
  return (bytes, from) => {
    if (from !== 'client') return bytes
    const text = bytes.toString('latin1')
    const header = /\r\nAuthorization: (?:Negotiate|NTLM) ([A-Za-z0-9+/=]+)\r\n/i.exec(text)
    if (!header) return bytes
    const token = Buffer.from(header[1]!, 'base64')
    const begin = token.indexOf(ntlm)
    if (begin < 0 || token.readUInt32LE(begin + 8) !== 3) return bytes
    f(token.subarray(begin))
    return Buffer.from(text.replace(header[1]!, token.toString('base64')), 'latin1')
  }
}

/** Byte 72 to 87, behind the version: the MIC over all three messages. */
export const breakMic = changeAuthenticate((message) => {
  message[80] = message[80]! ^ 1
})

/** MsvAvChannelBindings (10) among the AV pairs of the NTLMv2 response ([MS-NLMP] 2.2.2.1, 2.2.2.7). */
export const breakBinding = changeAuthenticate((message) => {
  const length = message.readUInt16LE(20)
  const offset = message.readUInt32LE(24)
  let at = offset + 16 + 28
  while (at + 4 <= offset + length) {
    const id = message.readUInt16LE(at)
    const size = message.readUInt16LE(at + 2)
    if (id === 0) return
    if (id === 10) {
      message[at + 4 + 3] = message[at + 4 + 3]! ^ 1
      return
    }
    at += 4 + size
  }
})
