import assert from 'node:assert/strict'
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { buildThread } from '../../scripts/build.ts'
import { diagnose, gather, plan } from '../../src/activation.ts'
import { readSource } from '../../src/fleet.ts'
import { longTexts, shortText } from '../../src/server/long-texts.ts'
import { sourceIn, type TextQuestion } from '../../src/server/text-answers.ts'
import { stage } from './stage.ts'

const cases = globSync('test/cases/diagnose/*.txt')
  .sort()
  .map((file) => readFileSync(file, 'utf8'))
  // One with control characters makes the whole no text.
  .filter((text) => !/[\0-\x08\x0e-\x1f]/.test(text))
  .join('\n')
const textOf = (length: number) => cases.repeat(Math.ceil(length / cases.length)).slice(0, length)
/** Some tenths of a second. */
const long = textOf(400_000)

const question = (text: string): TextQuestion => ({
  ...{ ask: 'diagnose', site: null, readAt: '2026-11-26T12:00:00.000Z' },
  texts: [{ name: '-', text }],
})
const plenty = { threads: 1, ms: 600_000, memoryMb: 768 }
const never = new AbortController().signal

/** The threads that are begun while something is done. */
async function threadsOf<T>(work: (threads: Worker[]) => Promise<T>): Promise<T> {
  const threads: Worker[] = []
  const note = (worker: Worker) => threads.push(worker)
  process.on('worker', note)
  try {
    return await work(threads)
  } finally {
    process.off('worker', note)
  }
}
const begun = () => new Promise<Worker>((resolve) => process.once('worker', resolve))
/** Whether a thread had its answer when it ended. */
const ended = (worker: Worker) =>
  new Promise<'answered' | 'stopped'>((resolve) => {
    let how: 'answered' | 'stopped' = 'stopped'
    worker.once('message', () => {
      how = 'answered'
    })
    worker.once('exit', () => resolve(how))
  })
const code = (error: { problems?: { code: string }[] }) => error.problems?.[0]?.code

/** Turns of the loop, which the server and the test share: a text that is read in it leaves one or two. */
function countTurns(): () => number {
  let turns = 0
  let counting = true
  const turn = () => {
    turns++
    if (counting) setImmediate(turn)
  }
  setImmediate(turn)
  return () => {
    counting = false
    return turns
  }
}

describe('long texts', () => {
  test('the loop goes on while a text is read', async () => {
    const turns = countTurns()
    const bytes = await longTexts(plenty).read(question(long), 'a', never)
    const counted = turns()
    assert.ok(counted > 100, `${counted} turns`)
    const said = diagnose([{ source: '-', text: long, encoding: 'utf-8' }], {
      ...{ site: null, readAt: '2026-11-26T12:00:00.000Z', problems: [] },
    })
    assert.ok(Buffer.from(bytes).toString() === JSON.stringify(said), 'the answer is another one')
  })

  test('a text that takes too long is ended with its thread, and so is one that takes too much memory', async () => {
    await threadsOf(async (threads) => {
      await assert.rejects(longTexts({ ...plenty, ms: 1 }).read(question(long), 'a', never), (e: Error) => {
        assert.equal(code(e as never), 'TEXT_TAKES_LONG')
        assert.match(e.message, /longer than 0.001 s/)
        return true
      })
      await assert.rejects(
        longTexts({ ...plenty, memoryMb: 16 }).read(question('a\n'.repeat(2_000_000)), 'a', never),
        (e: Error) => code(e as never) === 'TEXT_TAKES_MEMORY',
      )
      assert.deepEqual(
        threads.map((t) => t.threadId),
        [-1, -1],
        'no thread goes on',
      )
    })
  })

  test('who goes away ends the thread, and what waits is not begun', async () => {
    await threadsOf(async (threads) => {
      const line = longTexts(plenty)
      const [first, second] = [new AbortController(), new AbortController()]
      const reading = line.read(question(textOf(4_000_000)), 'a', first.signal)
      const waiting = line.read(question(long), 'a', second.signal)
      const thread = await begun()
      const last = line.read(question(textOf(20_000)), 'b', never)
      second.abort(new Error('second left'))
      await assert.rejects(waiting, /second left/)
      assert.equal(threads.length, 1)
      const end = ended(thread)
      first.abort(new Error('first left'))
      await assert.rejects(reading, /first left/)
      assert.equal(await end, 'stopped')
      assert.ok((await last).length > 0)
      assert.equal(threads.length, 2)
      await assert.rejects(line.read(question('x'), 'a', first.signal), /first left/)
      assert.equal(threads.length, 2)
    })
  })

  test('where no thread can be had, whoever asked is told, and the next one has its turn', async () => {
    const line = longTexts(plenty)
    const none = { ...question(long), site: (() => {}) as never }
    const reading = line.read(question(long), 'a', never)
    const said = await Promise.allSettled([reading, line.read(none, 'b', never), line.read(question('x'), 'c', never)])
    assert.deepEqual(
      said.map((s) => s.status),
      ['fulfilled', 'rejected', 'fulfilled'],
    )
    await assert.rejects(line.read(none, 'a', never), { name: 'DataCloneError' })
    assert.ok((await line.read(question('x'), 'a', never)).length > 0)
  })

  test('who sent several waits in turn with the others', async () => {
    const line = longTexts(plenty)
    const order: string[] = []
    const read = async (name: string) => {
      await line.read(question(textOf(20_000)), name[0]!, never)
      order.push(name)
    }
    await Promise.all(['a1', 'a2', 'a3', 'b1', 'c1', 'b2'].map(read))
    assert.deepEqual(
      order,
      ['a1', 'a2', 'b1', 'c1', 'a3', 'b2'].sort((x, y) => order.indexOf(x) - order.indexOf(y)),
    )
    assert.ok(order.indexOf('b1') < order.indexOf('a3') && order.indexOf('c1') < order.indexOf('a3'), order.join(' '))
  })
})

test('the thread of a bundle is one file that answers the same', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'slmctl-thread-'))
  try {
    await buildThread(folder)
    const program = readFileSync(join(folder, 'text-thread.cjs'), 'utf8')
    const inventory = { ask: 'source', name: 'x.yml', text: 'all:\n  hosts:\n    pc-[1:900]:\n    a b:\n', options: {} } as const
    for (const asked of [question(textOf(20_000)), inventory]) {
      const said = await new Promise<{ answer: Uint8Array }>((resolve, reject) =>
        new Worker(program, { eval: true, workerData: asked }).once('message', resolve).once('error', reject),
      )
      assert.equal(Buffer.from(said.answer).toString(), Buffer.from(await longTexts(plenty).read(asked, 'a', never)).toString())
      if (asked === inventory) {
        const { name, text } = inventory
        assert.deepEqual(await sourceIn(said.answer), readSource(name, Buffer.from(text)), 'what is handed over is what is read in place')
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

describe('long texts over HTTP', () => {
  test('pages are answered while eight texts are read at once', async () => {
    const on = await stage()
    try {
      const { value: token } = await on.token(await on.person('viewer'), 'read')
      const reading = begun()
      const texts = Array.from({ length: 8 }, () => on.ask('/api/v1/diagnose', { token, body: { texts: [{ text: long }] } }))
      // From the first thread on: how long the texts themselves take to come is not counted.
      await Promise.race([reading, Promise.all(texts)])
      const turns = countTurns()
      const others = Promise.all([on.ask('/healthz'), on.ask('/api/v1/fleet/status', { token })])
      await Promise.race(texts)
      const counted = turns()
      assert.ok(counted > 100, `${counted} turns while the first text was read`)
      assert.deepEqual(
        (await others).map((said) => said.status),
        [200, 200],
      )
      const all = await Promise.all(texts)
      assert.deepEqual(
        all.map((said) => said.status),
        Array(8).fill(200),
      )
      assert.equal(new Set(all.map((said) => said.text)).size, 1)
    } finally {
      await on.close()
    }
  })

  test('the answer is the same as ever, of a short text and of a long one', async () => {
    const on = await stage({ openDiagnose: true })
    try {
      const { value: token } = await on.token(await on.person('viewer'), 'read')
      const readAt = new Date(on.clock.now).toISOString()
      for (const [length, threaded] of [
        [shortText, 0],
        [shortText + 1, 1],
        [300_000, 1],
      ] as const) {
        const text = textOf(length)
        const source = [{ source: '-', text, encoding: 'utf-8' }]
        const reading = JSON.stringify(diagnose(source, { site: on.app.site, readAt, problems: [] }))
        for (const who of [{}, { token }])
          await threadsOf(async (threads) => {
            const said = await on.ask('/api/v1/diagnose', { body: { texts: [{ text }] }, ...who })
            assert.ok(said.text === reading, `${length} characters`)
            assert.equal(said.headers['content-type'], 'application/json; charset=utf-8')
            assert.equal(threads.length, threaded)
          })
        const planned = await on.ask('/api/v1/plan-from-text', { body: { texts: [{ text }] }, token })
        assert.equal(planned.text, JSON.stringify({ ...plan(gather(source), on.app.site, readAt), problems: [] }))
      }
      const headers = { 'accept-encoding': 'gzip' }
      const packed = await on.ask('/api/v1/diagnose', { body: { texts: [{ text: textOf(300_000) }] }, headers })
      assert.equal(packed.headers['content-encoding'], 'gzip')
      // What is wrong with a text is told out of the thread as it is at once.
      const none = await on.ask('/api/v1/plan-from-text', { body: { texts: [{ text: 'good morning\n'.repeat(5000) }] }, token })
      assert.deepEqual([none.status, (none.json as { code: string }).code], [422, 'NOTHING_RECOGNISED'])
    } finally {
      await on.close()
    }
  })

  test('a caller that goes away ends the thread', async () => {
    const on = await stage({ openDiagnose: true })
    try {
      const reading = begun()
      const [hostname, port] = on.server.address.split(':')
      const headers = { 'content-type': 'text/plain' }
      const sent = request({ method: 'POST', hostname, port, path: '/api/v1/diagnose', headers, agent: false })
      sent.on('error', () => {})
      sent.end(textOf(4_000_000))
      const end = ended(await reading)
      sent.destroy()
      assert.equal(await end, 'stopped')
      assert.deepEqual(on.log, [], 'it is no mistake of the server')
    } finally {
      await on.close()
    }
  })
})
