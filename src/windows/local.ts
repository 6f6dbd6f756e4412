import type { Machine } from './machine.ts'
import { trouble } from './problems.ts'

/** This computer itself: WMI in process (COM), the registry by advapi32. Windows only. */
export function openLocal(name: string): Machine {
  throw trouble('RECORDING_LACKS', name)
}
