import { activation } from './changes/activation.ts'
import type { Change } from './changes/change.ts'
import { confirmation } from './changes/confirmation.ts'
import { avmaKey, clearRegistryKey, clientKey, esuKey, mak, staleOfficeKey } from './changes/keys.ts'
import { activationType, foreignHost, hostCaching, kmsDns, kmsHost, kmsPort, lookupDomain } from './changes/kms-host.ts'

/**
 * Every change, in the order in which its steps are made: a host is settled before a client key is installed, as Windows asks its
 * host by itself as soon as it has one; activation comes last.
 */
export const changes: readonly Change<unknown>[] = [
  foreignHost,
  kmsDns,
  lookupDomain,
  hostCaching,
  kmsHost,
  kmsPort,
  activationType,
  staleOfficeKey,
  clientKey,
  mak,
  avmaKey,
  esuKey,
  activation,
  confirmation,
  clearRegistryKey,
]
