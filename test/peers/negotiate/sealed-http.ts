import { Agent, request } from 'node:http'
import { authorization, challenges, type Sealed, type SecurityContext } from '../../../src/protocol/negotiate.ts'

/** One keep-alive connection to a peer: logs on, posts sealed bodies ([MS-WSMV] 2.2.9.1), and shows what the peer answered. */
export type Answer = { readonly status: number; readonly peer: string | undefined; readonly body: Buffer }
export type Spoil = { readonly token?: (n: number, token: Uint8Array) => Uint8Array; readonly seal?: (sealed: Sealed) => Sealed }

const protocol = 'application/HTTP-SPNEGO-session-encrypted'
const lines = (...all: string[]) => Buffer.from(all.map((line) => `${line}\r\n`).join(''), 'latin1')

export class Connection {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 })
  readonly #url: string
  readonly #context: SecurityContext
  readonly #spoil: Spoil

  constructor(url: string, context: SecurityContext, spoil: Spoil = {}) {
    this.#url = url
    this.#context = context
    this.#spoil = spoil
  }

  /** To the last answer: 200, or 401 where the peer says no. */
  async logOn(): Promise<Answer> {
    let token = await this.#context.step(null)
    for (let n = 0; ; n++) {
      if (token === null) throw new Error('nothing left to send, and the peer is not content')
      const sent = this.#spoil.token?.(n, token) ?? token
      const { answer, offered } = await this.#post(Buffer.alloc(0), { Authorization: authorization(this.#context.scheme, sent) })
      const back = challenges(offered).find(({ scheme }) => scheme === this.#context.scheme)?.token ?? null
      if (answer.status === 401 && back === null) return answer
      if (back !== null) token = await this.#context.step(back)
      if (answer.status !== 401) {
        if (!this.#context.complete) throw new Error('the peer is content, and our end is not')
        return answer
      }
    }
  }

  async sealed(message: Buffer): Promise<Answer> {
    const whole = this.#context.seal(message)
    const { signature, data } = this.#spoil.seal?.(whole) ?? whole
    const length = Buffer.alloc(4)
    length.writeInt32LE(signature.length)
    const boundary = '--Encrypted Boundary'
    const original = `OriginalContent: type=application/soap+xml;charset=UTF-8;Length=${message.length}`
    const body = Buffer.concat([
      lines(boundary, `\tContent-Type: ${protocol}`, `\t${original}`, boundary, '\tContent-Type: application/octet-stream'),
      ...[length, signature, data, lines(`${boundary}--`)],
    ])
    const { answer } = await this.#post(body, {
      'Content-Type': `multipart/encrypted;protocol="${protocol}";boundary="Encrypted Boundary"`,
    })
    if (answer.status !== 200) return answer
    const head = /octet-stream\r\n/.exec(answer.body.toString('latin1'))!
    const begin = head.index + head[0].length
    const end = answer.body.length - lines(`${boundary}--`).length
    const middle = begin + 4 + answer.body.readInt32LE(begin)
    const opened = this.#context.unseal({ signature: answer.body.subarray(begin + 4, middle), data: answer.body.subarray(middle, end) })
    return { ...answer, body: Buffer.from(opened) }
  }

  close(): void {
    this.#context.close()
    this.#agent.destroy()
  }

  #post(body: Buffer, headers: Record<string, string>): Promise<{ answer: Answer; offered: string | undefined }> {
    return new Promise((resolve, reject) => {
      const sent = request(this.#url, { method: 'POST', agent: this.#agent, headers: { ...headers, 'Content-Length': body.length } })
      sent.setTimeout(20_000, () => sent.destroy(new Error('the peer does not answer')))
      sent.once('error', reject)
      sent.once('response', (response) => {
        const parts: Buffer[] = []
        response.on('data', (part: Buffer) => parts.push(part))
        response.once('error', reject)
        response.once('end', () =>
          resolve({
            answer: { status: response.statusCode!, peer: response.headers['x-peer'] as string | undefined, body: Buffer.concat(parts) },
            offered: response.headers['www-authenticate'],
          }),
        )
      })
      sent.end(body)
    })
  }
}
