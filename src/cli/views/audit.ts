import { total } from '../../activation.ts'
import type { RemarkGroup } from '../../app.ts'
import type { Audit, AuditRemark, Origin } from '../../model.ts'
import { type Io, wrap } from '../io.ts'
import { channels } from './diagnosis.ts'

const words: readonly (readonly [Origin, string])[] = [
  ['own', 'your own hosts, directory or keys'],
  ['platform', 'a cloud platform’s own KMS'],
  ['vendor', 'OEM, retail, subscription or evaluation'],
  ['cannot-tell', 'the facts do not decide'],
  ['suspect', 'something does not fit'],
  ['foreign', 'not yours'],
]
const paint = { foreign: 'red', suspect: 'yellow', 'cannot-tell': 'cyan' } as const
/** More than anybody reads; --json has all. */
const most = 50

/**
 * Whose activations in a few lines, what was bought against what is used, then what is not plainly in order: machine by machine, or of a
 * fleet by what its machines have in common. `more`: there are more groups than are given.
 */
export function showAudit(
  audit: Audit,
  site: boolean,
  io: Io,
  groups: { readonly rows: readonly RemarkGroup[]; readonly more: boolean } | null = null,
): void {
  const { asked, notAsked } = audit.machines
  const activated = audit.products.reduce((sum, row) => sum + total(row), 0)
  io.out(
    wrap(
      `${asked} ${asked === 1 ? 'machine' : 'machines'} asked, ${activated} activated ${activated === 1 ? 'product' : 'products'}, ${audit.notActivated} not activated${notAsked > 0 ? `; ${notAsked} could not be asked, what they hold is not known` : ''}.`,
      io.columns,
    ),
  )
  if (!site) io.out(wrap('Without a site file nobody can tell which hosts are yours: --site slmctl.yaml', io.columns))
  io.out('\n')
  for (const [origin, means] of words) {
    const n = audit.products.reduce((sum, row) => sum + row.count[origin], 0)
    if (n > 0) io.out(`${String(n).padStart(7)}  ${origin.padEnd(12)} ${io.paint('dim', means)}\n`)
    if (n > 0 && origin === 'own') showOwn(audit, io)
  }
  if (audit.products.length > 0) {
    io.out(`\n${io.paint('bold', 'Activated products')}\n`)
    for (const row of audit.products)
      io.out(wrap(`${row.product}, ${channels[row.channel]}`, io.columns, `${String(total(row)).padStart(7)}  `))
  }
  if (audit.entitlements.length > 0) {
    io.out(`\n${io.paint('bold', 'Bought and used')} (by volume activation)\n`)
    for (const e of audit.entitlements) {
      const over = e.used > e.quantity
      const line = wrap(
        `${e.product}: ${e.used} of ${e.quantity}${over ? `, ${e.used - e.quantity} too many` : ''}`,
        io.columns,
        '  ',
        '    ',
      )
      io.out(over ? io.paint('red', line) : line)
    }
    for (const u of audit.uncovered) io.out(wrap(`${u.product}: ${u.used} in use, no entitlement names it`, io.columns, '  ', '    '))
  }
  const remarks = audit.remarks.length
  if ((groups?.rows.length ?? remarks) > 0) io.out(`\n${io.paint('bold', 'Not plainly in order')}\n`)
  if (groups) {
    for (const group of groups.rows) showGroup(group, io)
    if (groups.more) io.out('\n(There is more: --json has every machine.)\n')
    return
  }
  for (const remark of audit.remarks.slice(0, most)) showRemark(remark, io)
  if (remarks > most) io.out(`\n(${remarks - most} more: --json has all)\n`)
}

/** Which of the own activations rest on more than the site file's word. */
function showOwn({ own }: Audit, io: Io): void {
  const sum = (some: Audit['own']) => some.reduce((total, o) => total + o.products, 0)
  const proved = own.filter((o) => o.provedAt !== null)
  const declared = sum(own) - sum(proved)
  for (const o of proved.slice(0, mostHosts))
    io.out(
      wrap(
        `${o.products} proved: ${o.host} showed a licensed host key on ${o.provedAt!.slice(0, 10)}`,
        io.columns,
        ' '.repeat(9),
        ' '.repeat(11),
      ),
    )
  if (declared > 0)
    io.out(
      wrap(
        `${declared} declared by the site file${own.some((o) => o.host !== null && o.provedAt === null) ? '; slmctl hosts check asks the hosts themselves' : ''}`,
        io.columns,
        ' '.repeat(9),
        ' '.repeat(11),
      ),
    )
}
const mostHosts = 10

function showRemark(r: AuditRemark, io: Io): void {
  io.out(`${io.paint('bold', r.machine)}  ${io.paint(paint[r.origin], r.origin)}\n`)
  io.out(wrap(`${r.product}: ${r.because}`, io.columns, '  ', '    '))
  showGrounds(r, io)
}

/** One remark for all machines that have it in common. */
function showGroup(g: RemarkGroup, io: Io): void {
  const machines = g.machines === 1 ? g.named[0]!.name : `${g.machines} machines`
  io.out(`${io.paint('bold', machines)}  ${io.paint(paint[g.origin], g.origin)}\n`)
  io.out(wrap(g.because, io.columns, '  '))
  const products = g.products.map((p) => (p.count === 1 && g.machines === 1 ? p.product : `${p.count} ${p.product}`))
  io.out(
    wrap(
      products.slice(0, 4).join(', ') + (products.length > 4 ? ` and ${products.length - 4} more products` : ''),
      io.columns,
      '  ',
      '    ',
    ),
  )
  if (g.machines > 1)
    io.out(
      wrap(
        `${g.named.map((m) => m.name).join(', ')}${g.machines > g.named.length ? ` and ${g.machines - g.named.length} more` : ''}: slmctl fleet list --remark ${g.remark}`,
        io.columns,
        '  ',
        '    ',
      ),
    )
  showGrounds(g, io)
}

function showGrounds(r: Pick<AuditRemark, 'evidence' | 'honest' | 'next'>, io: Io): void {
  for (const e of r.evidence.slice(0, 3)) io.out(io.paint('dim', wrap(`${e.text} (${e.means})`, io.columns, '    ', '      ')))
  if (r.honest) io.out(wrap(`An honest explanation: ${r.honest}`, io.columns, '    ', '      '))
  for (const next of r.next.slice(0, 3)) io.out(wrap(next, io.columns, '    → ', '      '))
}
