/** Locks in a folder: one process at a time writes to a journal, and changes a machine. */
import { createHash, randomUUID } from 'node:crypto'
import { linkSync, mkdirSync, readFileSync, readlinkSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { ProblemError, problem } from '../model.ts'

/**
 * Keeps a machine for this process until it is let go, whoever else of this user has the same folder: two would plan and send the
 * same at the same time. Throws MACHINE_IN_USE. The folder is made where it is missing.
 */
export function holdMachine(folder: string, machine: string): () => void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const short = createHash('sha256').update(machine.toLowerCase().replace(/\.$/, '')).digest('hex').slice(0, 32)
  return lock(join(folder, `${short}.machine`), 'MACHINE_IN_USE', `${machine} is being changed by another slmctl.`)
}

/**
 * Where this process counts among processes: the computer and, on Linux, its boot and the namespace of process IDs (a container has
 * its own). Names of copied computers are the same, and so is the first namespace of all of them; a boot's ID is not.
 */
export function processHost(): string {
  let [boot, namespace] = ['', '']
  try {
    boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
    namespace = readlinkSync('/proc/self/ns/pid')
  } catch {}
  return `${hostname()} ${boot} ${namespace}`
}

/** Who holds a journal: the process, and when it began, so that a number which another process has now is not taken for it. */
export function holder(pid: number): string {
  let began = ''
  try {
    // proc_pid_stat(5): field 22 is the start time; the name in parentheses may hold blanks.
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    began = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {}
  return `${pid} ${began}`
}

/** Whether a holder of this host still runs. */
export function isAlive(held: string): boolean {
  const pid = Number(/^\d+/.exec(held)?.[0] ?? 0)
  if (pid === 0) return false
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  return holder(pid) === held || held.endsWith(' ')
}

/**
 * Only one process writes to a journal, or changes a machine. A lock whose process is gone (killed, crashed, power failure) is taken over. The lock
 * appears with its content at once, as a link; so nobody sees an empty one.
 */
export function lock(file: string, code: string, summary: string): () => void {
  const mine = `${file}.${randomUUID().slice(0, 8)}`
  const held = holder(process.pid)
  const inUse = () =>
    new ProblemError(problem(code, summary, [`Wait for it to end; if no slmctl runs any more, remove ${file} and try again.`]))
  writeFileSync(mine, held, { flag: 'wx', mode: 0o600 })
  try {
    for (let tries = 0; tries < 3; tries++) {
      try {
        linkSync(mine, file)
        return () => rmSync(file, { force: true })
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      }
      try {
        const other = readFileSync(file, 'utf8')
        if (isAlive(other)) throw inUse()
        // Two may find it at once: who moves a lock that is not the dead one's puts it back.
        const aside = `${mine}.gone`
        renameSync(file, aside)
        const moved = readFileSync(aside, 'utf8')
        if (moved !== other) linkSync(aside, file)
        rmSync(aside)
        if (moved !== other) throw inUse()
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      }
    }
    throw inUse()
  } finally {
    rmSync(mine, { force: true })
  }
}
