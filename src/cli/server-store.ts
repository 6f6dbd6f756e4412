/** What the commands about the server's people share: the store, the flags of a word, the trail of what they change. */
import { userInfo } from 'node:os'
import { type App, openFleet, type Store } from '../app.ts'
import { ProblemError, problem } from '../model.ts'
import type { CommandWord } from './commands.ts'
import type { Io } from './io.ts'
import { appFor } from './machines.ts'

export type Flags = Readonly<Record<string, string | boolean | undefined>>
export const usage = (summary: string, ...next: string[]) => new ProblemError(problem('USAGE', summary, next))
const general = ['store', 'site', 'json', 'help']

/** Refuses a word that there is not, and a flag that the word does not look at. */
export function onlyOf(command: string, words: Readonly<Record<string, CommandWord>>, word: string | undefined, flags: Flags): void {
  if (word === undefined || !Object.hasOwn(words, word))
    throw usage(
      word === undefined ? `What about ${command} is wanted?` : `${command} ${word}: there is no such word.`,
      ...Object.values(words).map((w) => `slmctl ${w.usage}`),
    )
  const wrong = Object.keys(flags).find((f) => !general.includes(f) && !words[word]!.options.some((o) => o.flag === `--${f}`))
  if (wrong !== undefined) throw usage(`${command} ${word} does not take --${wrong}.`, `slmctl ${command} ${word} --help`)
}

type With = {
  readonly store: Store
  readonly secret: App['secret']
  /** Appends a change to the trail: who was signed in to this computer, and what about. */
  readonly note: (what: string, about: string) => Promise<void>
}

/** Opens the fleet that flags or the site file mean. `create`: it is made where there is none, as accounts may come first. */
export async function withStore(flags: Flags, io: Io, work: (parts: With) => Promise<number>, create = false): Promise<number> {
  const app = await appFor({ site: flags.site }, io)
  const store = await openFleet((flags.store as string | undefined) ?? app.siteFile?.server?.store ?? null, create)
  const note = (what: string, about: string) =>
    store.appendTrail({ at: Date.now(), who: userInfo().username, by: 'command', from: '-', what, about, result: 'done', detail: null })
  try {
    return await work({ store, secret: app.secret, note })
  } finally {
    await store.close()
    await app.close()
  }
}
