/**
 * How often somebody may try to sign in: some tries are free, then each further one has to wait longer. Nobody is locked out for
 * long, as anybody could do that to a colleague. Memory is bounded: the oldest are forgotten first.
 */
export type Rate = {
  /** Milliseconds to wait before the next try; 0: now. */
  readonly wait: (key: string, now: number) => number
  /** One more try, before it is known whether it is right: several at once count each. */
  readonly count: (key: string, now: number) => void
  /** It was right: `all` forgets what was tried before, else this one try is taken back. */
  readonly right: (key: string, all: boolean) => void
}

type Limit = {
  /** Tries without waiting. */
  readonly free: number
  readonly firstMs: number
  readonly mostMs: number
  readonly forgetMs: number
  readonly most: number
}
type Tried = { count: number; until: number; at: number }

export function rate({ free, firstMs, mostMs, forgetMs, most }: Limit): Rate {
  const tried = new Map<string, Tried>()
  const known = (key: string, now: number) => {
    const found = tried.get(key)
    if (found && Math.abs(now - found.at) < forgetMs) return found
    tried.delete(key)
    return null
  }
  return {
    // A clock that was set back makes nobody wait for it.
    wait: (key, now) => Math.min(mostMs, Math.max(0, (known(key, now)?.until ?? 0) - now)),
    count: (key, now) => {
      const count = (known(key, now)?.count ?? 0) + 1
      tried.delete(key)
      const over = count - free
      tried.set(key, { count, at: now, until: over < 0 ? 0 : now + Math.min(mostMs, firstMs * 2 ** Math.min(over, 20)) })
      if (tried.size > most) tried.delete(tried.keys().next().value!)
    },
    right: (key, all) => {
      const found = tried.get(key)
      if (!found) return
      if (all || found.count <= 1) tried.delete(key)
      else {
        found.count--
        found.until = 0
      }
    },
  }
}

const minute = 60_000
/** By name and address: guessing one password. Whoever does it makes nobody wait who comes from elsewhere. */
export const nameLimit: Limit = { free: 5, firstMs: 1000, mostMs: minute / 2, forgetMs: 15 * minute, most: 20_000 }
/** By name, from wherever: guessing one password from many addresses. One address alone does not come so far. */
export const everywhereLimit: Limit = { ...nameLimit, free: 100 }
/** By address: guessing many names. People behind one address share it. */
export const addressLimit: Limit = { free: 30, firstMs: 1000, mostMs: minute, forgetMs: 15 * minute, most: 20_000 }

/** Sign-ins of one account that were right: each is a session and a line of the trail. A tab that asks anew every hour comes nowhere near. */
export const enteredLimit: Limit = { free: 100, firstMs: 1000, mostMs: minute, forgetMs: 60 * minute, most: 20_000 }

/** Who has a whole IPv6 network has all addresses of it. */
export function addressKey(address: string): string {
  if (!address.includes(':') || address.startsWith('::ffff:')) return address
  const [head = '', tail] = address.split('::')
  const groups = head.split(':').filter((g) => g !== '')
  const after = tail === undefined ? [] : tail.split(':').filter((g) => g !== '')
  while (tail !== undefined && groups.length + after.length < 8) groups.push('0')
  return `${[...groups, ...after].slice(0, 4).join(':')}::/64`
}
