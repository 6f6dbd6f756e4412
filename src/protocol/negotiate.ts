/**
 * Proving who one is over HTTP, and sealing what follows: NTLMv2 ([MS-NLMP]) and SPNEGO (RFC 4178, [MS-SPNG]) written here;
 * Kerberos by the system's GSS-API, SSPI on Windows. Every way gives a SecurityContext: `step` until `complete`, then `seal` and
 * `unseal` in the order of the wire. Nothing weaker than NTLMv2 with 128 bit, signed and sealed, is ever agreed to.
 */
export { channelBindings } from './negotiate/bindings.ts'
export { NegotiateError, type PasswordSource, type Sealed, type SecurityContext } from './negotiate/context.ts'
export { type GssAccept, type GssCredential, type GssInitiate, gssAccept, gssInitiate } from './negotiate/gss.ts'
export { authorization, type Challenge, challenges } from './negotiate/http.ts'
export { ntHash } from './negotiate/ntlm/keys.ts'
export { type NtlmAccept, ntlmAccept } from './negotiate/ntlm-accept.ts'
export { type NtlmInitiate, ntlmInitiate } from './negotiate/ntlm-initiate.ts'
export { type SspiInitiate, sspiInitiate } from './negotiate/sspi.ts'
