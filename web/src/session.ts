/** Who is signed in, and what the server says of itself before anybody is. */
import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import type { MeAnswer, SignInAnswer } from '../../src/schemas/api.ts'

export type Role = MeAnswer['role']
const order: readonly Role[] = ['viewer', 'operator', 'approver']

/** Where one signs out there, too. */
export type Elsewhere = { readonly label: string; readonly url: string }

export type Session = {
  /** Null: nobody. */
  readonly me: MeAnswer | null
  readonly server: SignInAnswer
  /** Somebody was signed in, and the server knows of it no longer. */
  readonly ended: boolean
  /** Somebody has signed out here, and is still signed in with the organisation's own sign-in. */
  readonly elsewhere: Elsewhere | null
  /** Asks anew who is signed in. */
  readonly refresh: () => Promise<void>
  readonly signOut: () => Promise<void>
}

export const SessionContext = createContext<Session>(null as unknown as Session)
export const useSession = (): Session => useContext(SessionContext)

/** Whether somebody with this role may do what needs `needed`. */
export const may = (me: MeAnswer | null, needed: Role): boolean => me !== null && order.indexOf(me.role) >= order.indexOf(needed)
export const useMay = (needed: Role): boolean => may(useSession().me, needed)
