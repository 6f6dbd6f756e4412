import { kmsActivation } from './changes/activation.ts'
import type { Change } from './changes/change.ts'
import { clientKey } from './changes/client-key.ts'
import { kmsHost } from './changes/kms-host.ts'

/** Every change, in the order in which its steps are made: key, host, then activation. */
export const changes: readonly Change[] = [clientKey, kmsHost, kmsActivation]
