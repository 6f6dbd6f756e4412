import { createSocket } from 'node:dgram'
import { createServer, type Socket } from 'node:net'
import { type Answer, AUTHORITATIVE_ANSWER, decode, encode, type Packet, TRUNCATED_RESPONSE } from 'dns-packet'

export type Asked = {
  readonly name: string
  readonly type: string
  readonly id: number
  readonly edns: boolean
  readonly over: 'udp' | 'tcp'
  readonly port: number
}

/** What the server sends to a question: a message, bytes as they are, several datagrams, or nothing. */
export type Sent = Partial<Packet> & { readonly rcode?: number; readonly cut?: boolean }
export type Reply = (asked: Asked, query: Packet) => Sent | Uint8Array | readonly Uint8Array[] | null

/** A DNS server on the loopback, UDP and TCP on one port: real sockets, real messages. */
export async function startDns(
  reply: Reply,
): Promise<{ readonly at: string; readonly asked: readonly Asked[]; readonly close: () => void }> {
  const asked: Asked[] = []
  const answer = (bytes: Buffer, over: 'udp' | 'tcp', port: number): readonly Uint8Array[] => {
    const query = decode(bytes)
    const question = query.questions![0]!
    const edns = (query.additionals ?? []).some((a) => a.type === 'OPT')
    const one = { name: question.name, type: question.type, id: query.id!, edns, over, port }
    asked.push(one)
    const sent = reply(one, query)
    if (sent === null) return []
    if (sent instanceof Uint8Array) return [sent]
    if (Array.isArray(sent)) return sent
    return [message(query, sent as Sent)]
  }
  const udp = createSocket('udp4')
  udp.on('message', (bytes, from) => {
    for (const out of answer(bytes, 'udp', from.port)) udp.send(out, from.port, from.address)
  })
  const open = new Set<Socket>()
  const tcp = createServer((socket) => {
    open.add(socket)
    socket.on('error', () => {})
    socket.on('data', (bytes: Buffer) => {
      const out = answer(bytes.subarray(2), 'tcp', socket.remotePort!)
      if (out.length === 0) return void socket.destroy()
      const head = Buffer.alloc(2)
      head.writeUInt16BE(out[0]!.length)
      // In two pieces, as a network may do.
      socket.write(Buffer.concat([head, out[0]!.subarray(0, 5)]))
      setTimeout(() => socket.write(out[0]!.subarray(5)), 5)
    })
  })
  for (;;) {
    await new Promise<void>((ready) => tcp.listen(0, '127.0.0.1', ready))
    const { port } = tcp.address() as { port: number }
    const free = await new Promise<boolean>((ready) => {
      udp.once('error', () => ready(false))
      udp.bind(port, '127.0.0.1', () => ready(true))
    })
    if (free) {
      const close = () => {
        udp.close()
        tcp.close()
        for (const socket of open) socket.destroy()
      }
      return { at: `127.0.0.1:${port}`, asked, close }
    }
    tcp.close()
  }
}

/** An answer to a query; its id and question are copied unless `sent` has others. */
export function message(query: Packet, { rcode = 0, cut = false, ...sent }: Sent): Buffer {
  return encode({
    type: 'response',
    id: query.id!,
    questions: query.questions!,
    answers: [],
    ...sent,
    flags: AUTHORITATIVE_ANSWER | rcode | (cut ? TRUNCATED_RESPONSE : 0),
  })
}

export const a = (name: string, data: string): Answer => ({ type: data.includes(':') ? 'AAAA' : 'A', name, ttl: 60, class: 'IN', data })
export const alias = (name: string, data: string): Answer => ({ type: 'CNAME', name, ttl: 60, class: 'IN', data })
export const srv = (name: string, target: string, priority = 0, weight = 0, port = 1688): Answer => ({
  type: 'SRV',
  name,
  ttl: 60,
  class: 'IN',
  data: { target, port, priority, weight },
})
