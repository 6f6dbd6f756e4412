import { type Io, json, note, wrap } from '../io.ts'
import { type Flags, usage, withStore } from '../server-store.ts'

/** `slmctl trail`: who changed what through the server and its commands; nothing here changes or deletes a row. */
export async function run(words: readonly string[], flags: Flags, io: Io): Promise<number> {
  if (words.length > 0) throw usage('trail takes no words.', 'slmctl trail --who NAME')
  const limit = flags.limit === undefined ? 100 : Number(flags.limit)
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000) throw usage(`--limit ${flags.limit}: expected 1 to 1000.`, '--limit 100')
  return await withStore(flags, io, async ({ store }) => {
    const text = (name: string) => (flags[name] === undefined ? {} : { [name]: String(flags[name]) })
    const { rows } = await store.trail({ ...text('who'), ...text('what') }, { limit, after: null })
    const check = flags.check === true ? await store.checkTrail() : null
    if (flags.json === true) {
      const shown = rows.map(({ id, at, who, by, from, what, about, result }) => ({ id, at, who, by, from, what, about, result }))
      io.out(json({ schema: 'slmctl.trail/1', rows: shown, check }))
    } else if (check === null) {
      for (const r of rows) {
        const when = `${new Date(r.at).toISOString().slice(0, 19).replace('T', ' ')} UTC`
        const whose = r.who === '-' ? 'nobody' : r.who
        const result = r.result === 'done' ? '' : io.paint('yellow', ` ${r.result}`)
        io.out(
          wrap(
            `${when} ${whose} (${r.by}${r.from === '-' ? '' : `, ${r.from}`}) ${r.what}${result}${r.about === '' ? '' : `: ${r.about}`}`,
            io.columns,
            '',
            '  ',
          ),
        )
      }
      if (rows.length === 0) io.out('Nothing is in the trail.\n')
    }
    if (check === null) return 0
    if (check.broken === null) {
      if (flags.json !== true) io.out(`${check.rows} ${check.rows === 1 ? 'row' : 'rows'}, each as it was written.\n`)
      return 0
    }
    note(`the trail was changed from outside: row ${check.broken} is not as it was written, or one is missing there.`, io)
    return 1
  })
}
