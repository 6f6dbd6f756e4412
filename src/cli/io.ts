import { styleText } from 'node:util'
import { type Problem, printable } from '../model.ts'
import type { Support } from '../support.ts'

/** What a command writes with; tests give their own. */
export type Io = {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  readonly columns: number
  readonly paint: (style: 'red' | 'green' | 'yellow' | 'cyan' | 'dim' | 'bold', text: string) => string
  /** Collects for the archive for support, where one is wished (--debug). */
  readonly support?: Support
}

export function terminal(): Io {
  // A reader that goes away (head, less) is no fault of ours.
  let gone = false
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') {
      // Where work is under way (apply), it is stopped as by a signal and ends as interrupted; elsewhere nothing is left to do.
      if (gone) return
      gone = true
      if (process.listenerCount('SIGTERM') > 0) process.emit('SIGTERM')
      else process.exit(0)
      return
    }
    process.stderr.write(
      `slmctl: the output could not be written: ${error.code ?? error.message}.\n  - Check the disk and the place that the output goes to.\n`,
    )
    process.exit(2)
  })
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    columns: Math.max(40, Math.min(process.stdout.columns ?? 80, 100)),
    // styleText looks at the stream, NO_COLOR and FORCE_COLOR by itself.
    paint: (style, text) => styleText(style, text, { stream: process.stdout }),
  }
}

/** The same, where nothing that a text brings can be an order to the terminal; the line that progress draws anew is our own. */
export function harmless(io: Io): Io {
  const progress = (text: string) => text.startsWith('\r') && text.endsWith('\u001b[K') && !/\p{Cc}/u.test(text.slice(1, -3))
  return {
    ...io,
    out: (text) => io.out(printable(text)),
    err: (text) => io.err(progress(text) ? text : printable(text)),
  }
}

/** Breaks words at `width`, with `first` before the first line and blanks of the same length before the others. */
export function wrap(text: string, width: number, first = '', rest = ' '.repeat(first.length)): string {
  const lines: string[] = []
  let line = first
  let empty = true
  const put = (word: string, glue: string) => {
    if (!empty && line.length + glue.length + word.length > width) {
      lines.push(line)
      line = rest
      empty = true
    }
    line += empty ? word : `${glue}${word}`
    empty = false
  }
  for (const word of text.split(/\s+/).filter((w) => w !== '')) {
    // A list or a call without blanks, longer than any line, is broken behind commas and parentheses.
    const [head, ...tail] = rest.length + word.length > width ? word.split(/(?<=[,(])/) : [word]
    put(head!, ' ')
    for (const part of tail) put(part, '')
  }
  lines.push(line)
  return `${lines.map((l) => l.trimEnd()).join('\n')}\n`
}

/** What is told beside an answer, on standard error. */
export const note = (text: string, io: Io): void => io.err(wrap(text, io.columns, 'slmctl: ', '  '))

/** A Problem as people see it: where, one sentence, the code by which the guide speaks of it, what to try next. */
export function showProblem(p: Problem, io: Io): void {
  io.support?.problem(p)
  const where = p.file ? `${p.file}${p.line === null ? '' : `:${p.line}${p.column === null ? '' : `:${p.column}`}`}: ` : ''
  note(`${where}${p.summary}${p.code === 'USAGE' ? '' : ` (${p.code})`}`, io)
  for (const next of p.next) io.err(wrap(next, io.columns, '  - ', '    '))
}

export function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}
