/**
 * What Windows itself is asked besides WMI: who the process is, what the computer is called, folders that others may not write.
 */
import { NativeError } from './error.ts'

const notHere = () => new NativeError('unavailable', 'This is a part of Windows.')

/** Whether the process has an administrator's rights now (TokenElevation). */
export async function isElevated(): Promise<boolean> {
  throw notHere()
}

/** The computer's full DNS name, or its short one where it has no suffix (GetComputerNameExW). */
export async function computerName(): Promise<string> {
  throw notHere()
}

/** Who may use a folder that slmctl makes: everybody may read and administrators write; administrators only; its owner only. */
export type FolderFor = 'administrators-write' | 'administrators-only' | 'owner-only'

/** Makes a folder, or takes one that is there into the same protection: owner and access list are set, nothing is inherited. */
export async function secureFolder(path: string, who: FolderFor): Promise<void> {
  void path
  void who
  throw notHere()
}
