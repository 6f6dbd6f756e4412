/** One machine of a fleet, asked at this moment: what it is, what would change, and what was said on the way. Nothing is changed on it. */
import { type Judgement, unanswered } from '../activation.ts'
import { type Environment, planOne, readMachine, type Wished } from '../engine.ts'
import { type MachinePlan, maskKeys, type Problem, ProblemError, problem } from '../model.ts'
import type { ReachDescription } from '../site.ts'
import type { MachineCard, Store } from '../store.ts'
import type { Machine, Question, RegistryValue, WmiRow } from '../windows.ts'
import { said } from './campaigns.ts'
import { hostsSeen } from './kept-hosts.ts'

/** One machine of the answer of `status`. */
export type StatusEntry =
  | ({ readonly name: string; readonly ok: true } & Judgement)
  | { readonly name: string; readonly ok: false; readonly problem: Problem }

/** One question and what came of it, as people may read it: product keys masked, long answers cut. */
export type Exchange = { readonly what: string; readonly ms: number; readonly answer: string; readonly problem: string | null }

export type Conversation = {
  readonly machine: string
  readonly at: number
  /** Null: the way to it was not found. */
  readonly reach: {
    readonly address: string
    readonly port: number
    readonly transport: string
    readonly method: string
    readonly credential: string
  } | null
  readonly answered: boolean
  readonly problem: Problem | null
  readonly exchanges: readonly Exchange[]
}

/** What can be asked of one machine now. */
export type MachineNow = {
  /** Asks it, and keeps what it said, as a scan does. */
  readonly ask: () => Promise<StatusEntry>
  readonly plan: (wished: Wished) => Promise<{ readonly machines: readonly MachinePlan[]; readonly problems: readonly Problem[] }>
  /** Asks it, keeps what it said, and tells every question with its answer. */
  readonly converse: () => Promise<Conversation>
}

/** A machine of the fleet by its number or its whole name. Throws MACHINE_UNKNOWN. */
export async function machineBy(which: number | string, store: Store): Promise<MachineCard> {
  const [card] = await store.find(which)
  if (card) return card
  const called = typeof which === 'number' ? `with the number ${which}` : `called ${which.slice(0, 80)}`
  throw new ProblemError(problem('MACHINE_UNKNOWN', `The fleet has no machine ${called}.`, ['slmctl fleet list has them all.']))
}

/** `open` opens the machine, and tells how it is reached before it tries. */
export function machineNow(
  { id, name }: Pick<MachineCard, 'id' | 'name'>,
  store: Store,
  environment: Omit<Environment, 'open'>,
  open: (heard: (reach: ReachDescription) => void) => Promise<Machine>,
): MachineNow {
  const ask = async (from: () => Promise<Machine>): Promise<StatusEntry> => {
    const result = await readMachine(name, { ...environment, open: from }, { identity: true })
    const at = environment.clock().getTime()
    const why = result.ok ? unanswered(name, result.value.judged) : result.problem
    // A machine that was heard is kept as it is, one that was not with the reason: what it said before stays.
    if (why) await store.observe([{ machine: id, at, problem: why }])
    else if (result.ok) await store.observe([said(id, at, true, result.value.judged, result.value.identity)])
    return result.ok ? { name, ok: true, ...result.value.judged } : { name, ok: false, problem: result.problem }
  }
  return {
    ask: () => ask(() => open(() => {})),
    plan: async (wished) => {
      const seen = () => hostsSeen(store, environment.clock().getTime())
      const result = await planOne(name, { ...environment, hostsSeen: seen, open: () => open(() => {}) }, wished)
      return result.ok ? { machines: [result.value], problems: [] } : { machines: [], problems: [result.problem] }
    },
    converse: async () => {
      const at = environment.clock().getTime()
      const exchanges: Exchange[] = []
      let reach: Conversation['reach'] = null
      const entry = await ask(async () =>
        listening(
          await open(({ address, port, tls, credential }) => {
            reach = { address, port, transport: tls ? 'HTTPS' : 'HTTP', method: credential.method, credential: credential.name }
          }),
          (exchange) => exchanges.push(exchange),
        ),
      )
      const why = entry.ok ? unanswered(name, entry) : entry.problem
      return { machine: name, at, reach, answered: why === null, problem: why, exchanges }
    },
  }
}

/** Of one answer so much is shown; a machine with many products tells some ten thousand letters. */
const shownMax = 20_000

function shown(text: string): string {
  const masked = maskKeys(text)
  if (masked.length <= shownMax) return masked
  return `${masked.slice(0, shownMax).toWellFormed()}\n… ${masked.length - shownMax} more characters are not shown.`
}

/** The same machine, whose every question is heard with its answer. */
function listening(machine: Machine, hear: (exchange: Exchange) => void): Machine {
  const asked = async <T>(what: string, ask: () => Promise<T>, told: (answer: T) => string): Promise<T> => {
    const began = performance.now()
    const end = (answer: string, why: string | null) =>
      hear({ what: shown(what), ms: Math.round((performance.now() - began) * 10) / 10, answer: shown(answer), problem: why && shown(why) })
    try {
      const answer = await ask()
      end(told(answer), null)
      return answer
    } catch (error) {
      const [why] = error instanceof ProblemError ? error.problems : []
      end('', why ? `${why.summary} (${why.code})` : 'It failed, and did not say why.')
      throw error
    }
  }
  return {
    name: machine.name,
    ask: (question) => asked(questionInWords(question), () => machine.ask(question), rowsInWords),
    registry: (question) =>
      asked(
        `registry HKEY_LOCAL_MACHINE\\${question.key}: ${question.values?.join(', ') ?? 'all values'}`,
        () => machine.registry(question),
        valuesInWords,
      ),
    // Only questions are asked here; a call would carry secrets, which are shown nowhere.
    call: (call) =>
      asked(
        `call ${call.class}.${call.method}`,
        () => machine.call(call),
        ({ returnValue }) => `0x${returnValue.toString(16)}`,
      ),
    close: () => machine.close(),
  }
}

const questionInWords = ({ namespace, class: of, columns, where }: Question) =>
  `${namespace === undefined ? '' : `${namespace}: `}SELECT ${columns.join(', ')} FROM ${of}${where === undefined ? '' : ` WHERE ${where}`}`

const valueInWords = (value: WmiRow[string]) => (value === null ? 'NULL' : Array.isArray(value) ? value.join(', ') : String(value))

function rowsInWords(rows: readonly WmiRow[] | null): string {
  if (rows === null) return 'This Windows has no such class.'
  if (rows.length === 0) return 'No rows.'
  return rows
    .map((row) =>
      Object.entries(row)
        .map(([name, value]) => `${name} = ${valueInWords(value)}`)
        .join('\n'),
    )
    .join('\n\n')
}

function valuesInWords(values: Readonly<Record<string, RegistryValue>> | null): string {
  if (values === null) return 'There is no such key.'
  const pairs = Object.entries(values).map(([name, value]) => `${name} = ${Array.isArray(value) ? value.join(', ') : value}`)
  return pairs.length === 0 ? 'None of these values is there.' : pairs.join('\n')
}
