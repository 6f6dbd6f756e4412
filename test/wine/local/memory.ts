/** How much memory this process has to itself besides JavaScript's heap, in bytes, after what JavaScript let go of is gone. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { loadForeign } from '../../../src/native/foreign.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** psapi.h, PROCESS_MEMORY_COUNTERS: PagefileUsage is what the process has to itself (Wine leaves PrivateUsage of the longer one empty). */
const size = 72
const pagefileUsage = 56

export async function privateBytes(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    collect()
    await new Promise((go) => setTimeout(go, 20))
  }
  const foreign = await loadForeign()
  const arena = foreign.arena(size)
  try {
    const counters = arena.room(size)
    arena.at(counters).writeUInt32LE(size)
    if (foreign.func('kernel32.dll', 'K32GetProcessMemoryInfo', 'ppu').now(0xffff_ffff_ffff_ffffn, counters, size) === 0)
      throw new Error('Windows does not tell how much memory this process has')
    return Number(arena.at(counters).readBigUInt64LE(pagefileUsage)) - process.memoryUsage().heapTotal
  } finally {
    arena.free()
  }
}
