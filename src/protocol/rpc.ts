/**
 * DCE/RPC over TCP as far as the bind: [C706] chapter 12 and [MS-RPCE]. Both ends of the bind, and nothing behind it: a request
 * cannot be written with what is here.
 */
export {
  type BindAnswer,
  bindPdu,
  decodeBind,
  decodeBindAnswer,
  encodeBind,
  encodeBindAnswer,
  type Interface,
  maxFragmentBytes,
  NotRpc,
} from './rpc/bind.ts'
