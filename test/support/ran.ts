/** One command line, run in this process as somebody types it, at eighty columns and without colour. */
import { main } from '../../src/cli/main.ts'

export type Ran = { readonly code: number; readonly out: string; readonly err: string }

export async function ran(argv: readonly string[]): Promise<Ran> {
  const said = { out: '', err: '' }
  try {
    const code = await main([...argv], {
      out: (text) => {
        said.out += text
      },
      err: (text) => {
        said.err += text
      },
      columns: 80,
      paint: (_, text) => text,
    })
    return { code, ...said }
  } finally {
    // The exit code is the command's, not the test runner's.
    process.exitCode = 0
  }
}
