import type { SecurityContext } from '../negotiate.ts'
import { WsmanError } from './fault.ts'

/** [MS-WSMV] 2.2.9.1: encrypted bodies, `multipart/encrypted` with the signature before the data. */
const boundary = 'Encrypted Boundary'
const protocols = { spnego: 'application/HTTP-SPNEGO-session-encrypted', kerberos: 'application/HTTP-Kerberos-session-encrypted' } as const
/** NTLM's is 16 bytes, that of AES Kerberos 60; a longer one is nobody's. */
const longestSignature = 256

/** Seals a message for the wire, in the context's order. */
export function sealBody(context: SecurityContext, xml: Uint8Array): { readonly contentType: string; readonly body: Buffer } {
  const { signature, data } = context.seal(xml)
  const protocol = context.scheme === 'Kerberos' ? protocols.kerberos : protocols.spnego
  const head = `--${boundary}\r\n\tContent-Type: ${protocol}\r\n\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length=${xml.length}\r\n--${boundary}\r\n\tContent-Type: application/octet-stream\r\n`
  const tail = `--${boundary}--\r\n`
  const body = Buffer.allocUnsafe(head.length + 4 + signature.length + data.length + tail.length)
  let at = body.write(head, 'latin1')
  at = body.writeUInt32LE(signature.length, at)
  body.set(signature, at)
  body.set(data, at + signature.length)
  body.write(tail, at + signature.length + data.length, 'latin1')
  return { contentType: `multipart/encrypted;protocol="${protocol}";boundary="${boundary}"`, body }
}

/** True where a content type says that the body is sealed. */
export function isSealed(contentType: string): boolean {
  return /^\s*multipart\/encrypted\s*;/i.test(contentType)
}

/** Takes a sealed body apart, strictly and by position, and unseals it; NegotiateErrors of the context pass through. */
export function unsealBody(context: SecurityContext, contentType: string, body: Uint8Array): Uint8Array {
  const { boundary: mark } = parameters(contentType)
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  const { opening, closing } = boundariesOf(mark)
  let at = 0
  const line = (): string => {
    const end = bytes.indexOf('\r\n', at, 'latin1')
    if (end < 0 || end - at > 400) throw new WsmanError('a sealed body without its headers')
    const text = bytes.toString('latin1', at, end + 2)
    at = end + 2
    return text
  }
  if (!opening.test(line())) throw new WsmanError('a sealed body that does not begin with its boundary')
  let length: number | null = null
  for (let count = 0; ; count++) {
    const header = line()
    if (opening.test(header)) break
    if (count === 8) throw new WsmanError('a sealed body with too many headers')
    const original = /^\s*OriginalContent:/i.test(header) ? /;\s*Length=(\d{1,9})\s*$/i.exec(header) : null
    if (original) length = Number(original[1])
  }
  if (length === null) throw new WsmanError('a sealed body that does not say how long its content is')
  if (!/^\s*Content-Type:\s*application\/octet-stream\s*$/i.test(line())) throw new WsmanError('a sealed body without its second part')
  const tail = closing.exec(bytes.toString('latin1', Math.max(0, bytes.length - mark.length - 8)))
  if (!tail) throw new WsmanError('a sealed body that was cut off')
  const end = bytes.length - tail[0].length
  if (end - at < 4) throw new WsmanError('a sealed body without a signature')
  const signatureLength = bytes.readUInt32LE(at)
  at += 4
  if (signatureLength > longestSignature || at + signatureLength > end) throw new WsmanError('a sealed body with an impossible signature')
  const message = context.unseal({ signature: bytes.subarray(at, at + signatureLength), data: bytes.subarray(at + signatureLength, end) })
  if (message.length !== length) throw new WsmanError('a sealed body of another length than it says')
  return message
}

type Boundaries = { readonly mark: string; readonly opening: RegExp; readonly closing: RegExp }
let latest: Boundaries | null = null

/** What stands between the parts. A fleet has one boundary: the latest is kept. */
function boundariesOf(mark: string): Boundaries {
  if (latest?.mark === mark) return latest
  const plain = mark.replace(/[^A-Za-z0-9 ]/g, '\\$&')
  // Some servers put a blank before the boundary (seen in Exchange's endpoint by other clients).
  latest = { mark, opening: new RegExp(`^--[ ]?${plain}\r\n`), closing: new RegExp(`--[ ]?${plain}--(?:\r\n)?$`) }
  return latest
}

function parameters(contentType: string): { boundary: string } {
  if (contentType.length > 400 || !isSealed(contentType)) throw new WsmanError('the body is not sealed')
  const protocol = /;\s*protocol="?([^";]+)"?/i.exec(contentType)?.[1]?.trim().toLowerCase()
  if (protocol !== protocols.spnego.toLowerCase() && protocol !== protocols.kerberos.toLowerCase())
    throw new WsmanError('the body is sealed in a way that is not spoken here')
  const mark = /;\s*boundary="?([^";]{1,70})"?/i.exec(contentType)?.[1]
  if (mark === undefined) throw new WsmanError('a sealed body without a boundary')
  return { boundary: mark }
}
