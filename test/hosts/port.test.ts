/** What answers at a port: real sockets on the loopback, each behaving as something that may stand there. */
import assert from 'node:assert/strict'
import { createServer, type Server, type Socket } from 'node:net'
import { after, test } from 'node:test'
import { type PortAnswer, tryPort } from '../../src/hosts.ts'
import { decodeBind, encodeBindAnswer } from '../../src/protocol/rpc.ts'

const site = { networks: ['127.0.0.0/8', '::1/128'] }
const limits = { connectMs: 1500, answerMs: 250 }
const open: { readonly server: Server; readonly sockets: Set<Socket> }[] = []
after(() => {
  for (const { server, sockets } of open) {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
})

/** A listener; `seen` has every byte that it was sent, by connection. */
async function listen(serve: (socket: Socket) => void, address = '127.0.0.1', port = 0) {
  const sockets = new Set<Socket>()
  const seen: Buffer[] = []
  const server = createServer((socket) => {
    const n = seen.push(Buffer.alloc(0)) - 1
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('data', (part: Buffer) => {
      seen[n] = Buffer.concat([seen[n]!, part])
    })
    serve(socket)
  })
  await new Promise<void>((ready, failed) => {
    server.once('error', failed)
    server.listen(port, address, ready)
  })
  open.push({ server, sockets })
  return { port: (server.address() as { port: number }).port, seen, server }
}
const tried = async (serve: (socket: Socket) => void): Promise<PortAnswer> =>
  await tryPort('127.0.0.1', (await listen(serve)).port, site, limits)

test('an RPC server, in whole and in pieces; the connection carries one bind and nothing else', async () => {
  const at = await listen((socket) =>
    socket.once('data', (bytes: Buffer) => {
      const { callId } = decodeBind(bytes)
      const answer = encodeBindAnswer(callId, { kind: 'ack', accepted: true, reason: 0, endpoint: '1688' })
      socket.write(answer.subarray(0, 3))
      setTimeout(() => socket.write(answer.subarray(3)), 20)
    }),
  )
  const answer = await tryPort('127.0.0.1', at.port, site, limits)
  assert.equal(answer.state, 'rpc')
  assert.match(answer.seen, /an RPC server answers \(endpoint 1688\)/)
  assert.ok(answer.connectMs !== null && answer.connectMs >= 0)
  await new Promise((soon) => setTimeout(soon, 50))
  assert.equal(at.seen.length, 1)
  assert.equal(at.seen[0]!.length, 72)
  assert.equal(decodeBind(at.seen[0]!).wants.uuid, 'afa8bd80-7d8a-11c9-bef4-08002b102989')
})

test('an RPC server that rejects the interface, or refuses the bind, is one all the same', async () => {
  for (const [answer, words] of [
    [{ kind: 'ack', accepted: false, reason: 1, endpoint: '' }, /answers$/],
    [{ kind: 'nak', reason: 2 }, /reason 2/],
    [{ kind: 'fault', status: 5 }, /0x00000005/],
  ] as const) {
    const got = await tried((socket) => socket.once('data', (b: Buffer) => socket.write(encodeBindAnswer(decodeBind(b).callId, answer))))
    assert.equal(got.state, 'rpc')
    assert.match(got.seen, words)
  }
})

test('something else: HTTP, TLS, SSH, garbage, an answer without end', async () => {
  for (const [bytes, words] of [
    ['HTTP/1.1 400 Bad Request\r\n\r\n', /HTTP/],
    [Buffer.from('15030100020228', 'hex'), /TLS/],
    ['SSH-2.0-OpenSSH_9.2\r\n', /SSH/],
    [Buffer.from('\u0000\u0001garbage'), /another protocol/],
    [Buffer.concat([Buffer.from('05000c0310000000ffff000001000000', 'hex'), Buffer.alloc(9000)]), /length/],
  ] as const) {
    const got = await tried((socket) => void socket.write(bytes))
    assert.equal(got.state, 'other', String(bytes))
    assert.match(got.seen, words)
  }
})

test('silent, closing, cutting in mid-answer, and nobody there', async () => {
  assert.equal((await tried(() => {})).state, 'silent')
  assert.equal((await tried((socket) => socket.end())).state, 'closed')
  const cut = await tried((socket) => void socket.end(Buffer.from('05000c03', 'hex')))
  assert.equal(cut.state, 'closed')
  assert.match(cut.seen, /mid-answer/)
  const gone = await listen(() => {})
  await new Promise((closed) => gone.server.close(closed))
  const refused = await tryPort('127.0.0.1', gone.port, site, limits)
  assert.equal(refused.state, 'refused')
  assert.equal(refused.connectMs, null)
})

test('an address outside the networks, and any address of a lab, gets no packet', async () => {
  const at = await listen((socket) => socket.end(), '127.0.0.2')
  const outside = await tryPort('127.0.0.2', at.port, { networks: ['127.0.0.1/32', '10.0.0.0/8'] }, limits)
  assert.equal(outside.state, 'not-tried')
  assert.equal((await tryPort('127.0.0.2', at.port, { networks: [] }, limits)).state, 'not-tried')
  assert.equal((await tryPort('127.0.0.2', at.port, { ...site, lab: true }, limits)).state, 'not-tried')
  // A name is no address: it is never handed on to whoever resolves it.
  assert.equal((await tryPort('localhost', at.port, site, limits)).state, 'not-tried')
  await new Promise((soon) => setTimeout(soon, 50))
  assert.equal(at.seen.length, 0)
  assert.equal((await tryPort('127.0.0.2', at.port, site, limits)).state, 'closed')
  assert.equal(at.seen.length, 1)
})
