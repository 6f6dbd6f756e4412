/**
 * WS-Management as Windows speaks it: [MS-WSMV] over DSP0226 and DSP0227. Encode and decode, both sides; nothing here opens a
 * connection or knows what the classes mean.
 */
export { type FaultKind, WsmanError, WsmanFault } from './wsman/fault.ts'
export type * from './wsman/messages.ts'
export { decodeRequest, encodeRequest, messageId, resourceUri } from './wsman/request.ts'
export { decodeResponse, encodeItem, encodeResponse } from './wsman/response.ts'
export { isSealed, sealBody, unsealBody } from './wsman/sealed.ts'
export { decodeShellRequest, encodeShellResponse, type ShellRequest, type ShellResponse } from './wsman/shell.ts'
