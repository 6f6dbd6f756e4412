import { productOfActivationId } from '../catalogue.ts'
import type { ActivationObject } from '../directory.ts'

/** An object that the directory showed, or that machines of the fleet name. */
export type FoundObject = {
  readonly name: string
  readonly distinguishedName: string
  /** Null: the directory did not show it; machines name it. */
  readonly object: ActivationObject | null
  /** The host key that it was made with, as far as the catalogue knows its ID. */
  readonly hostKey: string | null
  /** Whether the site file counts it as ours; null: its name tells no domain. */
  readonly ours: boolean | null
  /** Machines of the fleet that it activated; null without a store. */
  readonly machines: number | null
}

/** Machines of the fleet that name an object, by what they call it in lower case. */
export type ObjectUsers = ReadonlyMap<string, { readonly name: string; readonly machines: number }>

/**
 * Objects that the directory of a domain showed, joined with the machines that name them (by DN, display name or name), and then
 * those of the same forest that machines name and the directory did not show.
 */
export function foundObjects(
  domain: string,
  shown: readonly ActivationObject[],
  users: ObjectUsers | null,
  isOurs: (distinguishedName: string) => boolean | null,
): readonly FoundObject[] {
  const left = new Map(users ?? [])
  const objects = shown.map((object): FoundObject => {
    const { distinguishedName, displayName, name, hostKeyActivationId } = object
    const names = [...new Set([distinguishedName, displayName, name].flatMap((n) => n?.toLowerCase() ?? []))]
    const machines = users && names.reduce((sum, n) => sum + (left.get(n)?.machines ?? 0), 0)
    for (const n of names) left.delete(n)
    return {
      ...{ name: displayName ?? name, distinguishedName, object },
      hostKey: (hostKeyActivationId && productOfActivationId(hostKeyActivationId)?.product) || null,
      ...{ ours: isOurs(distinguishedName), machines },
    }
  })
  const others = [...left.values()].filter((o) => ofForest(o.name, domain))
  return [
    ...objects,
    ...others.map(({ name, machines }): FoundObject => {
      const short = /^CN=([^,]+)/i.exec(name)?.[1] ?? name
      return { name: short, distinguishedName: name, object: null, hostKey: null, ours: isOurs(name), machines }
    }),
  ]
}

/** An object stands in the root domain of its forest: the domain that was asked is this one or below it. */
function ofForest(distinguishedName: string, domain: string): boolean {
  const root = [...distinguishedName.matchAll(/DC=([^,]+)/gi)].map((m) => m[1]!.toLowerCase()).join('.')
  const asked = domain.toLowerCase().replace(/\.$/, '')
  return root === '' || asked === root || asked.endsWith(`.${root}`)
}
