import { WsmanError } from './fault.ts'
import type { Limits } from './messages.ts'
import { envelope } from './response.ts'
import { attribute, escapeXml, ns, type Tag, visit } from './xml.ts'

/**
 * The remote shell ([MS-WSMV] 2.2.4 and 3.1.4: Create, Command, Receive, Signal, Delete), at the server's end only: other clients
 * open one where slmctl asks WMI. Nothing of ours sends these.
 */
export type ShellRequest = { readonly messageId: string } & (
  | { readonly action: 'Create' }
  | { readonly action: 'Command'; readonly shellId: string; readonly command: string; readonly arguments: readonly string[] }
  | { readonly action: 'Receive'; readonly shellId: string; readonly commandId: string | null }
  | { readonly action: 'Signal'; readonly shellId: string; readonly commandId: string | null; readonly code: string }
  | { readonly action: 'Delete'; readonly shellId: string }
)

export type ShellResponse = { readonly relatesTo: string } & (
  | { readonly action: 'CreateResponse'; readonly to: string; readonly shellId: string }
  | { readonly action: 'CommandResponse'; readonly commandId: string }
  | {
      readonly action: 'ReceiveResponse'
      readonly commandId: string
      readonly stdout: Uint8Array
      readonly stderr: Uint8Array
      /** Null while the command runs. */
      readonly exitCode: number | null
    }
  | { readonly action: 'SignalResponse' }
  | { readonly action: 'DeleteResponse' }
)

const actions: ReadonlyMap<string, ShellRequest['action']> = new Map([
  [`${ns.x}/Create`, 'Create'],
  [`${ns.x}/Delete`, 'Delete'],
  [`${ns.rsp}/Command`, 'Command'],
  [`${ns.rsp}/Receive`, 'Receive'],
  [`${ns.rsp}/Signal`, 'Signal'],
])
const limits: Limits = { bytes: 1 << 20, depth: 20, elements: 2000, textLength: 1 << 18 }

/** Null where the message is no shell message; `decodeRequest` calls these `Other`. */
export function decodeShellRequest(xml: Uint8Array): ShellRequest | null {
  let action: ShellRequest['action'] | undefined
  let messageId = ''
  let shellId = ''
  let command = ''
  let commandId: string | null = null
  let code = ''
  const words: string[] = []
  visit(
    xml,
    {
      open: (tag: Tag) => {
        if (tag.uri === ns.rsp && (tag.local === 'DesiredStream' || tag.local === 'Signal'))
          commandId ??= attribute(tag, 'CommandId') ?? null
      },
      close: (tag: Tag, _depth: number, text: string | null) => {
        if (text === null) return
        if (tag.uri === ns.a && tag.local === 'Action') action ??= actions.get(text.trim())
        else if (tag.uri === ns.a && tag.local === 'MessageID') messageId ||= text.trim()
        else if (tag.local === 'Selector' && attribute(tag, 'Name')?.toLowerCase() === 'shellid') shellId ||= text.trim()
        else if (tag.uri === ns.rsp && tag.local === 'Command') command ||= text
        else if (tag.uri === ns.rsp && tag.local === 'Arguments') words.push(text)
        else if (tag.uri === ns.rsp && tag.local === 'Code') code ||= text.trim()
      },
    },
    limits,
  )
  switch (action) {
    case undefined:
      return null
    case 'Create':
      return { messageId, action }
    case 'Command':
      if (command === '') throw new WsmanError('a command without a command')
      return { messageId, action, shellId, command, arguments: words }
    case 'Receive':
      return { messageId, action, shellId, commandId }
    case 'Signal':
      return { messageId, action, shellId, commandId, code }
    case 'Delete':
      return { messageId, action, shellId }
  }
}

export function encodeShellResponse(response: ShellResponse): Buffer {
  const { relatesTo } = response
  switch (response.action) {
    case 'CreateResponse': {
      const id = escapeXml(response.shellId)
      const resource = `${ns.rsp}/cmd`
      return envelope(
        `${ns.x}/CreateResponse`,
        relatesTo,
        `<x:ResourceCreated><a:Address>${escapeXml(response.to)}</a:Address><a:ReferenceParameters><w:ResourceURI>${resource}</w:ResourceURI><w:SelectorSet><w:Selector Name="ShellId">${id}</w:Selector></w:SelectorSet></a:ReferenceParameters></x:ResourceCreated><rsp:Shell xmlns:rsp="${ns.rsp}"><rsp:ShellId>${id}</rsp:ShellId><rsp:ResourceUri>${resource}</rsp:ResourceUri></rsp:Shell>`,
      )
    }
    case 'CommandResponse':
      return envelope(
        `${ns.rsp}/CommandResponse`,
        relatesTo,
        `<rsp:CommandResponse xmlns:rsp="${ns.rsp}"><rsp:CommandId>${escapeXml(response.commandId)}</rsp:CommandId></rsp:CommandResponse>`,
      )
    case 'ReceiveResponse': {
      const id = escapeXml(response.commandId)
      const stream = (name: string, bytes: Uint8Array) =>
        `${bytes.length === 0 ? '' : `<rsp:Stream Name="${name}" CommandId="${id}">${Buffer.from(bytes).toString('base64')}</rsp:Stream>`}${response.exitCode === null ? '' : `<rsp:Stream Name="${name}" CommandId="${id}" End="true"></rsp:Stream>`}`
      const state =
        response.exitCode === null
          ? `<rsp:CommandState CommandId="${id}" State="${ns.rsp}/CommandState/Running"></rsp:CommandState>`
          : `<rsp:CommandState CommandId="${id}" State="${ns.rsp}/CommandState/Done"><rsp:ExitCode>${response.exitCode}</rsp:ExitCode></rsp:CommandState>`
      return envelope(
        `${ns.rsp}/ReceiveResponse`,
        relatesTo,
        `<rsp:ReceiveResponse xmlns:rsp="${ns.rsp}">${stream('stdout', response.stdout)}${stream('stderr', response.stderr)}${state}</rsp:ReceiveResponse>`,
      )
    }
    case 'SignalResponse':
      return envelope(`${ns.rsp}/SignalResponse`, relatesTo, `<rsp:SignalResponse xmlns:rsp="${ns.rsp}"/>`)
    case 'DeleteResponse':
      return envelope(`${ns.x}/DeleteResponse`, relatesTo, '')
  }
}
