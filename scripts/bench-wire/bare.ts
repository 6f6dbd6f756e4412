/**
 * The floor of `bench:wire`: a bare node:http loop with the same handshakes, sealing and bytes as slmctl, and no parsing.
 * `node bare.ts WORK.json PARALLEL`: WORK.json names machines with the very requests that slmctl sent them. Where it says the address
 * of a machine, nobody is asked for it.
 */
import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import type { LookupFunction } from 'node:net'
import { ntlmInitiate } from '../../src/protocol/negotiate.ts'
import { sealBody, unsealBody } from '../../src/protocol/wsman.ts'

type Work = { user: string; password: string; machines: { endpoint: string; address?: string; requests: string[] }[] }
const work = JSON.parse(readFileSync(process.argv[2]!, 'utf8')) as Work
const password = { use: <T>(f: (bytes: Uint8Array) => T) => f(Buffer.from(work.password)) }

type Answer = { status: number; headers: Record<string, string | string[] | undefined>; body: Buffer }
const at = (address: string): LookupFunction => {
  const found = [{ address, family: 4 }]
  return (_name, options, done) => (options.all ? done(null, found) : done(null, address, 4))
}
function post(endpoint: string, agent: Agent, headers: Record<string, string>, body: Uint8Array): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request(endpoint, { method: 'POST', agent, headers: { ...headers, 'content-length': body.length } }, (answer) => {
      const parts: Buffer[] = []
      answer.on('data', (part: Buffer) => parts.push(part))
      answer.on('end', () => resolve({ status: answer.statusCode!, headers: answer.headers, body: Buffer.concat(parts) }))
    })
    call.on('error', reject)
    call.end(body)
  })
}

const token = (answer: Answer) => {
  const header = String(answer.headers['www-authenticate'] ?? '')
  const found = /Negotiate ([A-Za-z0-9+/=]+)/.exec(header)?.[1]
  return found ? Buffer.from(found, 'base64') : null
}

let bytes = 0
async function one({ endpoint, address, requests }: Work['machines'][number]): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ...(address ? { lookup: at(address) } : {}) })
  const context = ntlmInitiate({
    user: work.user,
    domain: '',
    password,
    spn: `HTTP/${new URL(endpoint).hostname}`,
    channelBinding: null,
  })
  let answer: Answer | null = null
  for (let given: Uint8Array | null = null; ; ) {
    const next: Uint8Array | null = await context.step(given)
    if (next === null) break
    answer = await post(endpoint, agent, { authorization: `Negotiate ${Buffer.from(next).toString('base64')}` }, Buffer.alloc(0))
    given = token(answer)
    if (given === null) break
  }
  if (answer?.status !== 200) throw new Error(`${endpoint}: ${answer?.status}`)
  for (const xml of requests) {
    const sealed = sealBody(context, Buffer.from(xml))
    const reply = await post(endpoint, agent, { 'content-type': sealed.contentType }, sealed.body)
    bytes += unsealBody(context, String(reply.headers['content-type']), reply.body).length
  }
  context.close()
  agent.destroy()
}

const queue = [...work.machines]
await Promise.all(
  Array.from({ length: Number(process.argv[3]) }, async () => {
    for (let machine = queue.shift(); machine; machine = queue.shift()) await one(machine)
  }),
)
console.log(JSON.stringify({ machines: work.machines.length, bytes }))
