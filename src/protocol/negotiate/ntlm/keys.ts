/** The NT hash of a password ([MS-NLMP] 3.3.1 NTOWFv1: MD4 of its UTF-16): what `ntlmAccept` asks for. Wipe it when done. */
export function ntHash(_passwordUtf8: Uint8Array): Uint8Array {
  throw new Error('to be written')
}
