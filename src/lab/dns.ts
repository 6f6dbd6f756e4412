import { createSocket, type Socket } from 'node:dgram'
import { decode, encode, type Packet } from 'dns-packet'
import type { Network } from './network.ts'

/**
 * The organisation's DNS, on loopback: SRV records of its KMS hosts, their addresses, and the addresses of the lab's machines.
 * It knows nothing else and asks nobody.
 */
export type Dns = { readonly address: string; readonly port: number; readonly questions: () => number; readonly close: () => Promise<void> }

/** Names of the lab's machines: where each is (null where DNS does not know it), and the domains that they stand in. */
export type Names = { readonly addressOf: (name: string) => string | null; readonly domains: Iterable<string> }
export type Service = { readonly name: string; readonly target: string; readonly port: number }

export async function openDns(network: Network, names: Names, services: readonly Service[], address: string, port: number): Promise<Dns> {
  const socket: Socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
  let questions = 0
  const domains = new Set([...network.dns.keys(), ...network.hosts.map((h) => h.name.slice(h.name.indexOf('.') + 1)), ...names.domains])
  socket.on('message', (message, from) => {
    let packet: Packet
    try {
      packet = decode(message)
    } catch {
      return
    }
    const question = packet.questions?.[0]
    if (packet.type !== 'query' || !question || packet.questions!.length !== 1) return
    questions++
    const name = question.name.toLowerCase().replace(/\.$/, '')
    const answers: Packet['answers'] = []
    let known = domains.has(name)
    for (const service of services.filter((s) => s.name === name)) {
      known = true
      if (question.type === 'SRV')
        answers.push({
          type: 'SRV',
          name: question.name,
          ttl: 3600,
          data: { target: service.target, port: service.port, priority: 0, weight: 100 },
        })
    }
    const srv = /^_vlmcs\._tcp\.(.+)$/.exec(name)
    if (srv) {
      for (const record of network.dns.get(srv[1]!) ?? []) {
        known = true
        if (question.type === 'SRV')
          answers.push({
            type: 'SRV',
            name: question.name,
            ttl: 3600,
            data: { target: record.name, port: record.port, priority: record.priority, weight: record.weight },
          })
      }
    } else {
      const ip = network.hosts.find((h) => h.name === name)?.ip ?? names.addressOf(name)
      if (ip) {
        known = true
        const type = ip.includes(':') ? 'AAAA' : 'A'
        if (question.type === type) answers.push({ type, name: question.name, ttl: 3600, data: ip })
      }
    }
    // Authoritative; recursion available, as a site's own server would say. 3 is NXDOMAIN.
    const reply = encode({
      type: 'response',
      id: packet.id ?? 0,
      flags: 0x0400 | 0x0080 | ((packet.flags ?? 0) & 0x0100) | (known ? 0 : 3),
      questions: [question],
      answers,
    })
    socket.send(reply, from.port, from.address)
  })
  socket.on('error', () => {})
  await new Promise<void>((done, failed) => {
    socket.once('error', failed)
    socket.bind(port, address, () => {
      socket.removeListener('error', failed)
      done()
    })
  })
  return {
    address,
    port: socket.address().port,
    questions: () => questions,
    close: () => new Promise((done) => socket.close(() => done())),
  }
}
