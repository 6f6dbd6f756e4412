import { errorByCode } from '../../catalogue.ts'

const hexCode = /\b(?:0x([0-9a-f]{8})(?![0-9a-f])|((?:C004|4004F|8007|8004|C002)[0-9a-f]{3,4})(?![0-9a-f-]))/gi
const decimalCode = /(?<![\d-]|\d[.,:/])(-\d{9,10}|[1-4]\d{9})(?![\d-]|[.,:/]\d)/g
/** A cheap look before the patterns: most lines carry no code at all. */
const mayHaveCode = /0x[0-9a-f]{8}|\b[C48]00[247][0-9a-f]{4}|\d{9}/i

/**
 * The result codes in a line, as unsigned numbers: hexadecimal with or without `0x`, decimal with or without a sign.
 * A bare number is a code only where the catalogue knows it; flags and success (`0x00000000`) are none.
 */
export function codesIn(text: string): { code: number; text: string }[] {
  if (!mayHaveCode.test(text)) return []
  const found: { code: number; text: string }[] = []
  for (const m of text.matchAll(hexCode)) {
    const digits = m[1] ?? m[2]!
    if (digits.length !== 8) continue
    const code = Number.parseInt(digits, 16)
    if (isResult(code) && (m[1] !== undefined || errorByCode(code))) found.push({ code, text: m[0] })
  }
  for (const m of text.matchAll(decimalCode)) {
    const n = Number(m[1])
    const code = n < 0 ? n + 4_294_967_296 : n
    if (code > 0 && errorByCode(code)) found.push({ code, text: m[1]! })
  }
  return found
}

/** A failure (severity bit) of any facility, or one of the licensing service's own success codes (0x4004Fxxx). */
function isResult(code: number): boolean {
  return (code >= 0x80000000 && code < 0xffff0000) || (code >= 0x4004f000 && code <= 0x4004ffff) || errorByCode(code) !== null
}
