/** Activation objects of Active Directory: read from the directory, held against the site file and the fleet. */
import { isOurObject } from '../activation.ts'
import { type FoundObject, foundObjects, type ObjectUsers } from '../hosts.ts'
import type { Site } from '../model.ts'
import type { Store } from '../store.ts'
import { type DirectorySource, withDirectory } from './directories.ts'

/** `shown`: how many the directory showed. None is not "there are none": who may not read them sees none. */
export type ObjectsFound = {
  readonly domain: string
  readonly server: string
  readonly shown: number
  readonly objects: readonly FoundObject[]
}

export async function objectsIn(from: DirectorySource, site: Site, store: Store | null, now: number): Promise<ObjectsFound> {
  const { server, shown } = await withDirectory(from, site, async (directory) => ({
    server: directory.server,
    shown: await directory.activationObjects(),
  }))
  const users = store ? await usersByObject(store, now) : null
  return {
    domain: from.domain,
    server,
    shown: shown.length,
    objects: foundObjects(from.domain, shown, users, (dn) => isOurObject(dn, site)),
  }
}

/** Machines by the object that activated them, as they name it. One with Windows and Office of the same object is counted once. */
async function usersByObject(store: Store, now: number): Promise<ObjectUsers> {
  const found = new Map<string, { readonly name: string; readonly machines: number }>()
  for (const { object, machines } of await store.usersOfObjects({ now, days: 30 })) {
    const known = found.get(object.toLowerCase())
    found.set(object.toLowerCase(), { name: known?.name ?? object, machines: Math.max(known?.machines ?? 0, machines) })
  }
  return found
}
