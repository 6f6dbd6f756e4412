import type { Secret } from './secret.ts'

/** Where a secret is: never the secret itself. */
export type SecretReference =
  | { readonly env: string }
  /** A file that only its owner may read. */
  | { readonly file: string }
  /** The system's keyring: service and account. */
  | { readonly keyring: { readonly service: string; readonly account: string } }

/** Reads a secret from its reference; throws a ProblemError (SECRET_…) that names the reference, never the content. */
export function readSecret(_reference: SecretReference): Promise<Secret> {
  throw new Error('to be written')
}
