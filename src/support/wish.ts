/** Whether an archive is wished, where, and whether names are to be hidden. */
export type Wish = { readonly to: string | null; readonly redact: boolean; readonly argv: readonly string[] }

const flag = /^--debug(-redacted)?(?:=(.*))?$/s

/**
 * Reads `--debug[=FILE]` and `--debug-redacted[=FILE]` off a command line, wherever they stand before a `--`, and SLMCTL_DEBUG: `1`,
 * `redacted`, a file, or `redacted:FILE`. Null where nothing is wished. `argv` is the command line without the flag.
 */
export function wishOf(argv: readonly string[], variable: string | undefined): Wish | null {
  const end = argv.includes('--') ? argv.indexOf('--') : argv.length
  const rest = argv.filter((word, i) => i >= end || !flag.test(word))
  const found = argv.slice(0, end).flatMap((word) => {
    const m = flag.exec(word)
    return m ? [{ redact: m[1] !== undefined, to: m[2] || null }] : []
  })
  if (found.length > 0)
    // Said more than once, the more careful one holds.
    return { argv: rest, redact: found.some((f) => f.redact), to: found.findLast((f) => f.to !== null)?.to ?? null }
  const said = variable?.trim() ?? ''
  if (said === '' || said === '0' || said === 'false') return null
  const redacted = /^redacted(?::(.*))?$/s.exec(said)
  if (redacted) return { argv: rest, redact: true, to: redacted[1] || null }
  return { argv: rest, redact: false, to: said === '1' || said === 'true' ? null : said }
}
