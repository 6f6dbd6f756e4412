import { hmacMd5 } from './keys.ts'
import { type ClientChallenge, encodeClientChallenge } from './messages.ts'

/** What NTLMv2 answers to a challenge, and the key that both ends derive from it: [MS-NLMP] 3.3.2 ComputeResponse, 3.4.5.1 KXKEY. */
export type Response = { readonly lmResponse: Buffer; readonly ntResponse: Buffer; readonly keyExchangeKey: Buffer }

export function respond(responseKey: Uint8Array, serverChallenge: Uint8Array, client: ClientChallenge): Response {
  const temp = encodeClientChallenge(client)
  const proof = proofOf(responseKey, serverChallenge, temp)
  return {
    lmResponse: Buffer.concat([hmacMd5(responseKey, serverChallenge, client.challenge), client.challenge]),
    ntResponse: Buffer.concat([proof, temp]),
    keyExchangeKey: hmacMd5(responseKey, proof),
  }
}

/** NTProofStr: only who has the password can make it. `temp` is what stands behind it in the response. */
export const proofOf = (responseKey: Uint8Array, serverChallenge: Uint8Array, temp: Uint8Array): Buffer =>
  hmacMd5(responseKey, serverChallenge, temp)
