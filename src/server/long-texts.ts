/**
 * Long texts are read in threads of their own: a text of 5 MB takes seconds, in which pages, live events and campaigns go on. Each text
 * gets a fresh thread, with bounded memory and time, which ends with it; whoever sent several waits in turn with the others.
 */
import { Worker } from 'node:worker_threads'
import { packagedFile } from '../app.ts'
import { readSource, type SourceReading } from '../fleet.ts'
import { ProblemError, problem } from '../model.ts'
import { type SourceQuestion, sourceIn, type TextQuestion } from './text-answers.ts'
import type { ThreadSaid } from './text-thread.ts'

/** Characters that are read at once, in the server's own thread: at most some 20 ms for the worst of them (decision 016). */
export const shortText = 16 * 1024
/** How many texts are read at once, and how long and with how much memory each. */
export type TextLimits = { readonly threads: number; readonly ms: number; readonly memoryMb: number }

export type LongTexts = {
  /**
   * The answer as JSON in UTF-8, when the turn of `whose` comes; TEXT_TAKES_LONG, TEXT_TAKES_MEMORY. Where the signal aborts, the thread
   * ends, or never begins.
   */
  readonly read: (question: TextQuestion, whose: string, signal: AbortSignal) => Promise<Uint8Array>
}

export function longTexts(limits: TextLimits): LongTexts {
  /** What is waited for, by whom; who is first has the next turn. */
  const waiting = new Map<string, (() => Promise<void>)[]>()
  let free = limits.threads
  const goOn = () => {
    for (const [whose, [begin, ...more]] of waiting) {
      if (free === 0) return
      waiting.delete(whose)
      if (more.length > 0) waiting.set(whose, more)
      free--
      void begin!().finally(() => {
        free++
        goOn()
      })
    }
  }
  return {
    read: (question, whose, signal) =>
      new Promise((resolve, reject) => {
        const begin = () => {
          signal.removeEventListener('abort', leave)
          return inThread(question, limits, signal).then(resolve, reject)
        }
        // Who went away leaves no text behind.
        const leave = () => {
          const left = (waiting.get(whose) ?? []).filter((one) => one !== begin)
          if (left.length > 0) waiting.set(whose, left)
          else waiting.delete(whose)
          reject(signal.reason)
        }
        if (signal.aborted) return reject(signal.reason)
        signal.addEventListener('abort', leave, { once: true })
        waiting.set(whose, [...(waiting.get(whose) ?? []), begin])
        goOn()
      }),
  }
}

/** A checkout has the program as a file; a bundle has it as a text, which may be inside an executable. */
function threadOf(question: TextQuestion, memoryMb: number): Worker {
  const how = { workerData: question, resourceLimits: { maxOldGenerationSizeMb: memoryMb } }
  if (import.meta.url.endsWith('/src/server/long-texts.ts')) return new Worker(new URL('./text-thread.ts', import.meta.url), how)
  return new Worker(packagedFile('text-thread.cjs')!.toString('utf8'), { ...how, eval: true })
}

/** Settles when the thread has ended; rejects where the system gives no thread, which is thrown at once. */
async function inThread(question: TextQuestion, { ms, memoryMb }: TextLimits, signal: AbortSignal): Promise<Uint8Array> {
  const worker = threadOf(question, memoryMb)
  return await new Promise((resolve, reject) => {
    let said: ThreadSaid | null = null
    let because: unknown = new Error('the thread that read a text has ended without an answer')
    const end = (reason: unknown) => {
      because = reason
      void worker.terminate()
    }
    const leave = () => end(signal.reason)
    const late = setTimeout(() => end(takesLong(ms, question)), ms)
    signal.addEventListener('abort', leave, { once: true })
    worker.once('message', (message: ThreadSaid) => {
      said = message
    })
    worker.once('error', (error: NodeJS.ErrnoException) => {
      because = error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? takesMemory(memoryMb, question) : error
    })
    worker.once('exit', () => {
      clearTimeout(late)
      signal.removeEventListener('abort', leave)
      if (said === null) reject(because)
      else if ('problems' in said) reject(new ProblemError(...said.problems))
      else resolve(said.answer)
    })
  })
}

/**
 * Machines of a text: a hundred thousand take half a second, and a list or an inventory can be made that takes minutes. Short texts are
 * read at once, but for ranges and aliases: of a line of an inventory a hundred thousand machines can come, and a part of it may be named
 * again and again.
 */
export async function machinesIn(
  line: LongTexts,
  question: Omit<SourceQuestion, 'ask'>,
  whose: string,
  signal: AbortSignal,
): Promise<SourceReading> {
  const { name, text, options } = question
  if (text.length <= shortText && !/[[*]/.test(text)) return readSource(name, Buffer.from(text), options)
  return await sourceIn(await line.read({ ask: 'source', ...question }, whose, signal))
}

const next = ({ ask }: TextQuestion) =>
  ask === 'source'
    ? ['Import it in parts, each under a name of its own.', 'slmctl fleet import FILE on the computer of the server has more time.']
    : ['slmctl diagnose FILE reads it on your computer.', 'Or send a smaller part: what one command printed on one machine.']
const takesLong = (ms: number, question: TextQuestion) =>
  new ProblemError(problem('TEXT_TAKES_LONG', `This text took longer than ${ms / 1000} s to read, so the server stopped.`, next(question)))
const takesMemory = (memoryMb: number, question: TextQuestion) =>
  new ProblemError(
    problem('TEXT_TAKES_MEMORY', `This text takes more than ${memoryMb} MB of memory to read, so the server stopped.`, next(question)),
  )
