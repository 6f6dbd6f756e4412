/** Listeners of live events: many at once over one server, each of which must hear everything. */
import { type ClientRequest, get, type IncomingMessage } from 'node:http'

export type Heard = {
  /** Ids in the order in which they came, from when all were listening. */
  readonly ids: readonly string[]
  /** Names of the events, counted. */
  readonly names: ReadonlyMap<string, number>
  /** What ended it; null where it was listening to the end. */
  readonly ended: string | null
}
export type Listeners = {
  readonly close: () => readonly Heard[]
  /** Events that the first one heard so far. */
  readonly heard: () => number
}

class Listener {
  ids: string[] = []
  names = new Map<string, number>()
  ended: string | null = null
  #rest = ''
  #request: ClientRequest | null = null
  #closing = false

  /** Listens; comes back when the server has begun to answer. */
  open(url: string, headers: Readonly<Record<string, string>>): Promise<void> {
    return new Promise((done, failed) => {
      this.#request = get(url, { headers: { ...headers, accept: 'text/event-stream' }, agent: false }, (answer: IncomingMessage) => {
        if (answer.statusCode !== 200 || !/^text\/event-stream/.test(answer.headers['content-type'] ?? '')) {
          failed(new Error(`${url} answered ${answer.statusCode} ${answer.headers['content-type']}`))
          answer.resume()
          return
        }
        answer.setEncoding('utf8')
        answer.on('data', (part: string) => this.#hear(part))
        answer.once('close', () => {
          if (!this.#closing) this.ended = 'the server ended it'
        })
        done()
      })
      this.#request.once('error', (error) => {
        if (!this.#closing) this.ended = error.message
        failed(error)
      })
    })
  }

  #hear(part: string): void {
    const blocks = (this.#rest + part).split('\n\n')
    this.#rest = blocks.pop()!
    for (const block of blocks) {
      const field = (name: string) => new RegExp(`^${name}: ?(.*)$`, 'm').exec(block)?.[1] ?? null
      const id = field('id')
      const event = field('event')
      if (event === null) continue
      this.names.set(event, (this.names.get(event) ?? 0) + 1)
      if (id !== null) this.ids.push(id)
    }
  }

  begin(): void {
    this.ids = []
    this.names = new Map()
  }

  close(): Heard {
    this.#closing = true
    this.#request?.destroy()
    return { ids: this.ids, names: this.names, ended: this.ended }
  }
}

/** So many listeners; what they hear counts from when all of them listen. */
export async function listeners(url: string, count: number, headers: Readonly<Record<string, string>>): Promise<Listeners> {
  const all = Array.from({ length: count }, () => new Listener())
  // In turn: a server that is asked by all at once may refuse some, which is another question.
  for (let i = 0; i < count; i += 20) await Promise.all(all.slice(i, i + 20).map((one) => one.open(url, headers)))
  await new Promise((next) => setTimeout(next, 300))
  for (const one of all) one.begin()
  return { close: () => all.map((one) => one.close()), heard: () => all[0]?.ids.length ?? 0 }
}

/** What was lost: listeners that did not hear what the others heard, in the same order, or that were cut. A line each. */
export function lost(heard: readonly Heard[]): string[] {
  const longest = heard.reduce((a, b) => (b.ids.length > a.ids.length ? b : a), heard[0]!)
  const all = longest.ids.join(' ')
  return heard.flatMap((one, i) => {
    if (one.ended !== null) return [`listener ${i}: ${one.ended}`]
    if (one.names.has('reset')) return [`listener ${i} was told that it missed something`]
    if (new Set(one.ids).size !== one.ids.length) return [`listener ${i} heard an event twice`]
    return one.ids.join(' ') === all ? [] : [`listener ${i} heard ${one.ids.length} events of ${longest.ids.length}, or in another order`]
  })
}
