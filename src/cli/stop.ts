import type { Io } from './io.ts'

/** Until when a command works; `forget`: signals mean what they always mean again. */
export type Stop = { readonly signal: AbortSignal; readonly forget: () => void }

/**
 * ^C: what is under way ends, nothing new begins; a second ^C ends at once, and nothing is lost by it. SIGHUP is the end, too, as it
 * says that the terminal was closed; to a service without a terminal it is whatever `onHangup` does.
 */
export function stopOnSignals(io: Io, onHangup: (() => void) | null = null): Stop {
  const abort = new AbortController()
  const onSignal = () => {
    if (abort.signal.aborted) process.exit(130)
    io.err('\nslmctl: stopping after what is under way; once more stops at once.\n')
    abort.abort()
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  const onSighup = () => (onHangup && !process.stdin.isTTY ? onHangup() : onSignal())
  process.on('SIGHUP', onSighup)
  return {
    signal: abort.signal,
    forget: () => {
      process.off('SIGINT', onSignal)
      process.off('SIGTERM', onSignal)
      process.off('SIGHUP', onSighup)
    },
  }
}
