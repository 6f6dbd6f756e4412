/** SRV records as some servers write them: the target's end is a pointer into the question (RFC 2782 forbids it, RFC 3597 lets it be read). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encode, RECURSION_DESIRED, TRUNCATED_RESPONSE } from 'dns-packet'
import { openResolver } from '../../src/directory.ts'
import { knownHosts } from '../../src/hosts.ts'
import type { Site } from '../../src/model.ts'
import { startDns } from '../directory/server.ts'

const service = '_vlmcs._tcp.corp.example'

/** A whole answer, byte by byte: owner and target end in pointers. */
function compressed(id: number, hosts: readonly string[]): Buffer {
  const question = encode({ type: 'query', id, flags: RECURSION_DESIRED, questions: [{ type: 'SRV', name: service }] })
  question.writeUInt16BE(0x8580, 2)
  question.writeUInt16BE(hosts.length, 6)
  // The name begins at 12: a length and `_vlmcs`, a length and `_tcp`, then `corp.example`.
  const domain = 12 + 1 + '_vlmcs'.length + 1 + '_tcp'.length
  const records = hosts.map((host, i) => {
    const target = Buffer.concat([Buffer.from([host.length]), Buffer.from(host), Buffer.from([0xc0, domain])])
    const head = Buffer.alloc(18)
    head.writeUInt16BE(0xc00c, 0)
    head.writeUInt16BE(33, 2)
    head.writeUInt16BE(1, 4)
    head.writeUInt32BE(3600, 6)
    head.writeUInt16BE(6 + target.length, 10)
    head.writeUInt16BE(i * 10, 12)
    head.writeUInt16BE(5, 14)
    head.writeUInt16BE(1688, 16)
    return Buffer.concat([head, target])
  })
  return Buffer.concat([question, ...records])
}

test('targets that are compressed are read whole, over UDP, and over TCP where the datagram was cut', async () => {
  const overs: string[] = []
  for (const cut of [false, true]) {
    const dns = await startDns(({ id, name, type, over }) => {
      if (type !== 'SRV') return { answers: type === 'A' ? [{ type: 'A', name, ttl: 60, data: '10.0.0.11' }] : [] }
      overs.push(over)
      return cut && over === 'udp' ? { flags: TRUNCATED_RESPONSE, cut: true } : compressed(id, ['kms1', 'kms2'])
    })
    try {
      const site: Site = {
        ...{ organisation: null, domains: ['corp.example'], networks: ['10.0.0.0/8'], platforms: [], forests: [], dnsServers: [dns.at] },
        ...{ kmsHosts: [], wishes: [], groups: [], entitlements: [], schedule: { repair: false }, planSigners: [] },
      }
      const { domains, hosts } = await knownHosts(site, openResolver({ servers: site.dnsServers }))
      assert.deepEqual(
        domains[0]!.records.map((r) => [r.target, r.port, r.priority, r.weight, r.ttlSeconds]),
        [
          ['kms1.corp.example', 1688, 0, 5, 3600],
          ['kms2.corp.example', 1688, 10, 5, 3600],
        ],
      )
      assert.deepEqual(
        hosts.map((h) => [h.name, h.standing.verdict]),
        [
          ['kms1.corp.example', 'authorised'],
          ['kms2.corp.example', 'authorised'],
        ],
      )
    } finally {
      dns.close()
    }
  }
  assert.deepEqual(overs, ['udp', 'udp', 'tcp'])
})
