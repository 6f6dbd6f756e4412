import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { connect, isIPv6 } from 'node:net'
import { type Answered, answers, BadAnswer, encodeQuestion, type Question, readAnswer, type Wanted } from './message.ts'

export type Server = { readonly address: string; readonly port: number }

/** Datagrams that answer another question: somebody guesses; after so many the server is given up. */
const mostStrays = 64

/** Asks one server one question: UDP, and TCP where the answer was cut. `failed` also where it did not answer in time. */
export async function askServer(server: Server, name: string, type: Wanted, timeoutMs: number): Promise<Answered> {
  const over = async (edns: boolean): Promise<Answered> => {
    const question: Question = { id: randomInt(0x10000), name, type }
    const answer = await overUdp(server, question, encodeQuestion(question, edns), timeoutMs)
    if (answer.kind !== 'truncated') return answer
    const again: Question = { ...question, id: randomInt(0x10000) }
    const whole = await overTcp(server, again, encodeQuestion(again, edns), timeoutMs)
    return whole.kind === 'truncated' ? failed('its answer is cut even over TCP') : whole
  }
  try {
    const answer = await over(true)
    return answer.kind === 'failed' && answer.withoutEdns ? await over(false) : answer
  } catch (error) {
    if (error instanceof BadAnswer) return failed(error.message)
    const { code, message } = error as NodeJS.ErrnoException
    return failed(code === 'ECONNREFUSED' ? 'nothing answers there' : (code ?? message))
  }
}

function failed(because: string): Answered {
  return { kind: 'failed', because, withoutEdns: false }
}

function inTime(timeoutMs: number, late: () => void): NodeJS.Timeout {
  return setTimeout(late, timeoutMs)
}

/** A socket of its own for each question: the system gives it a random port, and `connect` lets in only what this server sends. */
function overUdp(server: Server, question: Question, bytes: Buffer, timeoutMs: number): Promise<Answered> {
  const { promise, resolve, reject } = Promise.withResolvers<Answered>()
  const socket = createSocket(isIPv6(server.address.replace(/%.*$/, '')) ? 'udp6' : 'udp4')
  let strays = 0
  const timer = inTime(timeoutMs, () => end(() => resolve(failed(strays > 0 ? 'it did not answer this question' : 'it did not answer'))))
  let over = false
  const end = (settle: () => void) => {
    if (over) return
    over = true
    clearTimeout(timer)
    socket.close()
    settle()
  }
  socket.on('error', (error) => end(() => reject(error)))
  socket.on('message', (message) => {
    if (!answers(message, question)) {
      if (++strays >= mostStrays) end(() => reject(new BadAnswer('it sends answers to questions that were not asked')))
      return
    }
    try {
      const answer = readAnswer(message, question)
      end(() => resolve(answer))
    } catch (error) {
      end(() => reject(error as Error))
    }
  })
  socket.connect(server.port, server.address, () => {
    if (!over) socket.send(bytes)
  })
  return promise
}

/** RFC 7766: two bytes of length, then the message. */
function overTcp(server: Server, question: Question, bytes: Buffer, timeoutMs: number): Promise<Answered> {
  const { promise, resolve, reject } = Promise.withResolvers<Answered>()
  const socket = connect({ host: server.address, port: server.port })
  const timer = inTime(timeoutMs, () => end(() => resolve(failed('it did not answer over TCP'))))
  const received = Buffer.allocUnsafe(2 + 65_535)
  let length = 0
  let over = false
  const end = (settle: () => void) => {
    if (over) return
    over = true
    clearTimeout(timer)
    socket.destroy()
    settle()
  }
  socket.on('error', (error) => end(() => reject(error)))
  socket.on('close', () => end(() => reject(new BadAnswer('it closed the connection in mid-answer'))))
  socket.on('connect', () => {
    const head = Buffer.allocUnsafe(2)
    head.writeUInt16BE(bytes.length)
    socket.write(Buffer.concat([head, bytes]))
  })
  socket.on('data', (chunk: Buffer) => {
    length += chunk.copy(received, length)
    if (length < 2) return
    const whole = 2 + received.readUInt16BE(0)
    if (length < whole) return
    try {
      const answer = readAnswer(received.subarray(2, whole), question)
      end(() => resolve(answer))
    } catch (error) {
      end(() => reject(error as Error))
    }
  })
  return promise
}
