import { randomUUID } from 'node:crypto'
import type { ShellRequest, ShellResponse } from '../protocol/wsman.ts'
import type { Responder } from './answer.ts'
import { type Now, query } from './store.ts'
import { WqlError } from './wql.ts'

/**
 * A minimal remote shell: other tools ask through one. It knows one command, `wmiquery QUERY…`, which prints the rows of WQL
 * queries (separated by ` ; `) as `name=value` lines, and `echo`. Anything else ends with exit code 1 as an unknown command does.
 */
export class Shells {
  readonly #open = new Map<string, Map<string, { readonly stdout: Buffer; readonly stderr: Buffer; readonly exitCode: number }>>()

  answer(request: ShellRequest, responder: Responder, now: Now, to: string): ShellResponse | null {
    const relatesTo = request.messageId
    switch (request.action) {
      case 'Create': {
        const shellId = randomUUID().toUpperCase()
        if (this.#open.size >= 30) this.#open.delete(this.#open.keys().next().value!)
        this.#open.set(shellId, new Map())
        return { relatesTo, action: 'CreateResponse', to, shellId }
      }
      case 'Command': {
        const shell = this.#open.get(request.shellId)
        if (!shell) return null
        const commandId = randomUUID().toUpperCase()
        shell.set(commandId, run([request.command, ...request.arguments].join(' '), responder, now))
        return { relatesTo, action: 'CommandResponse', commandId }
      }
      case 'Receive': {
        const done = request.commandId === null ? undefined : this.#open.get(request.shellId)?.get(request.commandId)
        if (!done || request.commandId === null) return null
        return {
          relatesTo,
          action: 'ReceiveResponse',
          commandId: request.commandId,
          stdout: done.stdout,
          stderr: done.stderr,
          exitCode: done.exitCode,
        }
      }
      case 'Signal':
        if (request.commandId !== null) this.#open.get(request.shellId)?.delete(request.commandId)
        return { relatesTo, action: 'SignalResponse' }
      case 'Delete':
        this.#open.delete(request.shellId)
        return { relatesTo, action: 'DeleteResponse' }
    }
  }
}

/** PowerShell's `-EncodedCommand` (UTF-16LE in base64), which Ansible sends whatever it is asked to run. */
function plainCommand(line: string): string {
  const encoded = /-(?:EncodedCommand|enc|e)\s+([A-Za-z0-9+/=]+)/i.exec(line)?.[1]
  return encoded ? Buffer.from(encoded, 'base64').toString('utf16le') : line
}

function run(line: string, responder: Responder, now: Now): { stdout: Buffer; stderr: Buffer; exitCode: number } {
  const said = (text: string, exitCode = 0) => ({ stdout: Buffer.from(text), stderr: Buffer.alloc(0), exitCode })
  const command = plainCommand(line)
  const echo = /(?:^|[\s&;{'"])echo\s+(["']?)([^\r\n"']*)\1/i.exec(command)
  const asked = /wmiquery\s+([^\r\n]+)/i.exec(command)
  if (!asked)
    return echo
      ? said(`${echo[2]!.trim()}\r\n`)
      : { stdout: Buffer.alloc(0), stderr: Buffer.from('The command is not known to this lab.\r\n'), exitCode: 1 }
  let out = ''
  for (const text of asked[1]!.split(' ; ')) {
    try {
      const result = query(responder.machine, 'root/cimv2', text.trim().replace(/^"|"$/g, ''), now)
      if (!result) return { stdout: Buffer.from(out), stderr: Buffer.from('Invalid class.\r\n'), exitCode: 1 }
      for (const row of result.rows) {
        for (const [name, value] of Object.entries(row))
          out += `${name}=${value === null ? '' : typeof value === 'object' ? (Array.isArray(value) ? value.join(',') : (value as { datetime: string }).datetime) : String(value)}\r\n`
        out += '\r\n'
      }
    } catch (error) {
      if (!(error instanceof WqlError)) throw error
      return { stdout: Buffer.from(out), stderr: Buffer.from(`${error.message}\r\n`), exitCode: 1 }
    }
  }
  return said(out)
}
