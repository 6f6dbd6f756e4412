import { type Io, json } from '../io.ts'
import { appFor } from '../machines.ts'
import { showMove } from '../views/hosts-move.ts'
import { type Flags, fleetIfThere, hostsUsage } from './hosts-flags.ts'

/** Plans the move of everything that asks one host to another. Nothing is changed. 1: something stands against it. */
export async function migrate(names: readonly string[], flags: Flags, io: Io): Promise<number> {
  const [from, to, ...more] = names
  if (from === undefined || to === undefined || more.length > 0)
    throw hostsUsage('hosts migrate wants two hosts: the old and the new one.', 'slmctl hosts migrate kms1 kms3')
  const app = await appFor(flags, io)
  const store = await fleetIfThere(flags, io)
  try {
    const move = await (await app.kmsHosts([])).move(from, to, store)
    if (flags.json === true) io.out(json({ schema: 'slmctl.hosts-migrate/1', ...move }))
    else showMove(move, io)
    if (move.unaskedDomains.length > 0) return 2
    return move.blockers.length > 0 ? 1 : 0
  } finally {
    await store?.close()
    await app.close()
  }
}
