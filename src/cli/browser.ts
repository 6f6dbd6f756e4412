/** The browser of whoever sits at this computer. */
import { spawn } from 'node:child_process'

/** By which program a system opens an address; null where there is nobody to look. */
function opener(platform: NodeJS.Platform, env: NodeJS.ProcessEnv): readonly [string, ...string[]] | null {
  if (platform === 'win32') return ['rundll32.exe', 'url.dll,FileProtocolHandler']
  if (platform === 'darwin') return ['open']
  return env.DISPLAY || env.WAYLAND_DISPLAY ? ['xdg-open'] : null
}

/** Opens an address and does not wait. Where there is no browser nothing happens: the address is printed anyway. */
export function openBrowser(url: string): void {
  const by = opener(process.platform, process.env)
  if (by === null) return
  const [program, ...words] = by
  const child = spawn(program, [...words, url], { detached: true, stdio: 'ignore', windowsHide: true })
  child.once('error', () => {})
  child.unref()
}
