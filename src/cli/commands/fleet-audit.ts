/** Whose the activations of a fleet are, by what its machines answered last; `slmctl audit` asks them now. */
import { auditRemarks } from '../../activation.ts'
import { fleetAudit, remarkGroups, auditRemarks as remarksOf, rowsOf, type Store } from '../../app.ts'
import { remarkedOrigins } from '../../model.ts'
import { type Io, json, showProblem } from '../io.ts'
import { showAudit } from '../views/audit.ts'
import { type Flags, usage } from './fleet-filter.ts'
import { withSite } from './fleet-today.ts'

/** More than anybody reads at once. */
const groupsShown = 50

/** Exit codes as `slmctl audit`: 2 machines that never answered, 1 something to look at. */
export async function audit(words: readonly string[], flags: Flags, store: Store, io: Io): Promise<number> {
  if (words.length > 0) throw usage('fleet audit takes no words: it is about the whole fleet.', `slmctl audit ${words[0]}: asks it now`)
  return await withSite(flags, io, async ({ site }) => {
    const { audit } = await fleetAudit(store, site, Date.now())
    if (flags.json === true) await print(audit, store, io)
    else {
      const { rows, next } = await remarkGroups(store, remarkedOrigins, { limit: groupsShown, after: null })
      showAudit(audit, site !== null, io, { rows, more: next !== null })
      for (const p of audit.problems) showProblem(p, io)
    }
    return audit.problems.length > 0 ? 2 : auditRemarks(audit) ? 1 : 0
  })
}

/** Remarks come page by page: those of a fleet are never in memory as a whole. */
async function print(audit: Awaited<ReturnType<typeof fleetAudit>>['audit'], store: Store, io: Io): Promise<void> {
  const { remarks: _, problems, ...counts } = audit
  io.out(`${json(counts).replace(/\n\}\n$/, '')},\n  "remarks": [`)
  let n = 0
  for await (const { id: _id, ...remark } of rowsOf((after) => remarksOf(store, remarkedOrigins, { limit: 1000, after })))
    io.out(`${n++ === 0 ? '' : ','}\n    ${JSON.stringify(remark)}`)
  io.out(`\n  ],\n  "problems": ${JSON.stringify(problems)}\n}\n`)
}
