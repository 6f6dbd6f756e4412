/**
 * Secrets are a type, not a string: passwords, private keys, MAK and KMS host keys. A Secret prints as •••, is kept masked in
 * memory outside the JavaScript heap, and is shown as bytes for the length of one call. References (environment, file with
 * strict mode, the system's keyring) are read late, when a machine is about to be reached.
 */
export { secretFromPrompt } from './secrets/prompt.ts'
export { checkSecretFile, describeReference, readSecret, type SecretReference } from './secrets/read.ts'
export { Secret } from './secrets/secret.ts'
export { writeSecretFile } from './secrets/write.ts'
