/** Texts as somebody drops or pastes them, and their lines as the server counts them. */

export type Given = { readonly name: string; readonly text: string }

/** What the server takes at once (src/server/routes/texts.ts), as it is sent. */
const bytesMost = 5 * 1024 * 1024
const inMb = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(1)} MB`

/** How much is sent, in words; `tooMuch` where the server would refuse it. */
export function sizeOf(texts: readonly Given[]): { readonly words: string; readonly tooMuch: string | null } {
  const bytes = new TextEncoder().encode(JSON.stringify({ texts })).length
  const words = bytes < 100_000 ? `${Math.ceil(bytes / 1024)} kB` : inMb(bytes)
  const tooMuch =
    bytes > bytesMost
      ? `That is ${inMb(bytes)}; ${inMb(bytesMost)} are read at once here. Give a part of it, or read it on your computer: slmctl diagnose FILE`
      : null
  return { words, tooMuch }
}

/** Reads a dropped file: byte order marks, the UTF-16 of PowerShell without one, UTF-8, else the code page of Western Windows. */
export async function readFile(file: File): Promise<Given> {
  const bytes = new Uint8Array(await file.arrayBuffer())
  return { name: file.name, text: decode(bytes) }
}

function decode(bytes: Uint8Array): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder('utf-16le').decode(bytes)
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return new TextDecoder('utf-16be').decode(bytes)
  const head = bytes.subarray(0, 4096)
  const zeros = [0, 0]
  head.forEach((byte, i) => {
    if (byte === 0) zeros[i % 2]!++
  })
  if (zeros[1]! > head.length / 8 && zeros[1]! > 4 * zeros[0]!) return new TextDecoder('utf-16le').decode(bytes)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return new TextDecoder('windows-1252').decode(bytes)
  }
}

/** Physical lines from 1: a line feed ends one, so does a lone carriage return; the last is none if it is empty (src/activation/page.ts). */
export function linesOf(text: string): readonly string[] {
  const lines = text
    .replace(/^\ufeff/, '')
    .split('\n')
    .map((line) => line.replace(/\r+$/, ''))
  if (lines.length > 1 && lines.at(-1) === '') lines.pop()
  return lines.flatMap((line) => line.split('\r'))
}

/** So many lines are shown whole; of a longer text those around what is said. */
const wholeLines = 2000
const around = 3

export type Shown = { readonly n: number; readonly text: string } | { readonly left: number; readonly from: number }

/** The lines to show: all, or of a long text those near the lines that something rests on. */
export function shownLines(lines: readonly string[], told: ReadonlySet<number>): readonly Shown[] {
  if (lines.length <= wholeLines) return lines.map((text, i) => ({ n: i + 1, text }))
  const near = new Set<number>()
  for (const n of told) for (let i = n - around; i <= n + around; i++) near.add(i)
  const shown: Shown[] = []
  let gap = 0
  lines.forEach((text, i) => {
    if (near.has(i + 1)) {
      if (gap > 0) shown.push({ left: gap, from: i + 1 - gap })
      gap = 0
      shown.push({ n: i + 1, text })
    } else gap++
  })
  if (gap > 0) shown.push({ left: gap, from: lines.length + 1 - gap })
  return shown
}

export const lineId = (source: number, line: number): string => `line-${source + 1}-${line}`
