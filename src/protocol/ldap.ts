/**
 * LDAP (RFC 4511) as far as searching goes: BER, filters, and the messages of a bind, a search by pages and StartTLS. Encode and
 * decode, both sides; nothing here opens a connection or knows what a directory holds.
 */
export { BadBer, BerReader, ber, berBoolean, berHead, berInteger, berText, Tag } from './ldap/ber.ts'
export { decodeFilter, encodeFilter, type Filter, filterText, Rule } from './ldap/filter.ts'
export {
  type Attributes,
  type BindRequest,
  type Controls,
  decodeBind,
  decodeControls,
  decodeEntry,
  decodeExtended,
  decodeMessage,
  decodeSearch,
  type Entry,
  encodeControls,
  encodeEntry,
  encodeExtended,
  encodeMessage,
  encodeReference,
  encodeResult,
  encodeSearch,
  type Message,
  Oid,
  Op,
  Result,
  type Scope,
  type Search,
} from './ldap/messages.ts'
