import { ProblemError, problem } from '../model.ts'
import type { Machine } from '../windows.ts'

/** Refusals after which a credential is not tried any more. Directories lock an account after five to ten. */
const most = 2

type State = { proved: boolean; refused: number; trying: number; waiting: (() => void)[] }

/**
 * Keeps a wrong password from locking the account: until a credential was accepted by some machine, only two machines try it at
 * once, and after two refusals nobody else does. A credential that was accepted once is right; then a refusal is that machine's.
 */
export class Logons {
  readonly #states = new Map<string, State>()

  #state(credential: string): State {
    let state = this.#states.get(credential)
    if (!state) {
      state = { proved: false, refused: 0, trying: 0, waiting: [] }
      this.#states.set(credential, state)
    }
    return state
  }

  /** Waits for the turn to try a credential; throws CREDENTIAL_REFUSED where it was refused often enough. */
  async #turn(credential: string): Promise<void> {
    const state = this.#state(credential)
    while (!state.proved && state.refused < most && state.trying >= most - state.refused)
      await new Promise<void>((resolve) => state.waiting.push(resolve))
    if (!state.proved && state.refused >= most)
      throw new ProblemError(
        problem(
          'CREDENTIAL_REFUSED',
          `The credential ${credential} was refused by ${state.refused} machines; the others were not tried, so that the account is not locked.`,
          ['Check user and password, then try one machine: slmctl status NAME'],
        ),
      )
    state.trying++
  }

  /**
   * A machine, watched: it takes its turn when it is about to show the credential, so that one that is off keeps nobody waiting;
   * the end of the logon, or its first answer, tells whether the credential was accepted.
   */
  watch(credential: string, open: (hooks: { beforeLogon: () => Promise<void>; afterLogon: () => void }) => Machine): Machine {
    const state = this.#state(credential)
    let turn: 'none' | 'taken' | 'over' = 'none'
    const settle = (how: 'accepted' | 'refused' | 'unknown') => {
      if (turn === 'taken') {
        state.trying--
        if (how === 'accepted') state.proved = true
        if (how === 'refused') state.refused++
        for (const go of state.waiting.splice(0)) go()
      }
      turn = 'over'
    }
    const machine = open({
      beforeLogon: async () => {
        if (turn !== 'none') return
        await this.#turn(credential)
        turn = 'taken'
      },
      afterLogon: () => settle('accepted'),
    })
    const watched = async <T>(work: Promise<T>): Promise<T> => {
      try {
        const value = await work
        settle('accepted')
        return value
      } catch (error) {
        const code = error instanceof ProblemError ? error.problems[0]?.code : undefined
        settle(code === 'WINRM_LOGON_FAILED' ? 'refused' : code === 'WINRM_FAULT' || code === 'WINRM_NOT_FOUND' ? 'accepted' : 'unknown')
        throw error
      }
    }
    return {
      name: machine.name,
      ask: (question) => watched(machine.ask(question)),
      call: (call) => watched(machine.call(call)),
      registry: (question) => watched(machine.registry(question)),
      close: async () => {
        // Operations stand in a queue: after this one none waits for its turn any more.
        await machine.close()
        settle('unknown')
      },
    }
  }
}
