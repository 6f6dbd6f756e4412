/** The program of a thread that answers one question about texts, says so, and ends: nothing of a text outlives its answer. */
import { parentPort, workerData } from 'node:worker_threads'
import { type Problem, ProblemError } from '../model.ts'
import { bytesOf, type TextQuestion } from './text-answers.ts'

/** What the thread says: the answer as JSON in UTF-8, or why there is none. */
export type ThreadSaid = { readonly answer: Uint8Array<ArrayBuffer> } | { readonly problems: readonly Problem[] }

function said(question: TextQuestion): ThreadSaid {
  try {
    return { answer: bytesOf(question) }
  } catch (error) {
    if (error instanceof ProblemError) return { problems: error.problems }
    throw error
  }
}

const saying = said(workerData as TextQuestion)
// Handed over, not copied: an answer can be as long as the text twenty times.
parentPort?.postMessage(saying, 'answer' in saying ? [saying.answer.buffer] : [])
