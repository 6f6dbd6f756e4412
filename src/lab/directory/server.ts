import { timingSafeEqual } from 'node:crypto'
import { createServer, type Socket } from 'node:net'
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls'
import {
  BadBer,
  berHead,
  type Controls,
  decodeBind,
  decodeControls,
  decodeExtended,
  decodeMessage,
  decodeSearch,
  encodeControls,
  encodeEntry,
  encodeMessage,
  encodeReference,
  encodeResult,
  type Message,
  Oid,
  Op,
  Result,
  type Search,
  Tag,
} from '../../protocol/ldap.ts'
import type { Issued } from '../certificate.ts'
import type { Account } from '../server.ts'
import { inScope, matches } from './search.ts'
import { type Leaf, sameDn, type Tree } from './tree.ts'

/** One domain controller of the lab, as far as it is asked by LDAP: LDAPS, and LDAP with StartTLS, at one port. */
export type LdapServer = {
  readonly domain: string
  readonly server: string
  readonly port: number
  readonly searches: () => number
  readonly close: () => Promise<void>
}

/** MaxPageSize of Active Directory as it comes: a search without pages ends here. */
const mostEntries = 1000
/** A request is a filter and a few names. */
const mostBytes = 1 << 20

type Session = { socket: Socket; rest: Buffer; user: string | null; readonly secure: boolean }

export async function openLdap(
  tree: Tree,
  accounts: readonly Account[],
  issued: Issued,
  address: string,
  port: number,
): Promise<LdapServer> {
  const secureContext = createSecureContext({ cert: issued.certificate, key: issued.key })
  const sockets = new Set<Socket>()
  let searches = 0
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.setNoDelay(true)
    socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy())
    // TLS begins with a record of kind 22 (RFC 8446 5.1), LDAP with a sequence.
    socket.once('data', (first: Buffer) => {
      socket.pause()
      socket.unshift(first)
      if (first[0] === 0x16) listen(secured(socket, secureContext), true)
      else listen(socket, false)
    })
  })

  function listen(socket: Socket, secure: boolean): void {
    const session: Session = { socket, rest: Buffer.alloc(0), user: null, secure }
    const take = (bytes: Buffer) => {
      session.rest = session.rest.length === 0 ? bytes : Buffer.concat([session.rest, bytes])
      try {
        for (let message = next(session); message; message = next(session)) if (!answer(session, message, take)) return
      } catch (error) {
        if (!(error instanceof BadBer)) throw error
        // RFC 4511 5.3: what cannot be read ends the connection.
        socket.end(encodeMessage(0, encodeResult(Op.extendedAnswer, Result.protocolError, 'no LDAP message')))
      }
    }
    socket.on('data', take)
    socket.resume()
  }

  /** Answers a message. False: the connection is no longer listened to in this way. */
  function answer(session: Session, message: Message, take: (bytes: Buffer) => void): boolean {
    const { socket } = session
    const say = (operation: Buffer, controls: Buffer | null = null) => socket.write(encodeMessage(message.id, operation, controls))
    switch (message.tag) {
      case Op.unbind:
        socket.end()
        return false
      case Op.abandon:
        return true
      case Op.bind:
        session.user = null
        say(bind(session, message.content))
        return true
      case Op.search:
        searches++
        for (const part of search(tree, session.user !== null, decodeSearch(message.content), decodeControls(message.controls)))
          say(part.operation, part.controls)
        return true
      case Op.extended: {
        if (decodeExtended(message.content) !== Oid.startTls || session.secure || session.rest.length > 0) {
          say(encodeResult(Op.extendedAnswer, Result.protocolError, 'not supported here'))
          return true
        }
        socket.off('data', take).pause()
        say(encodeResult(Op.extendedAnswer, Result.success))
        listen(secured(socket, secureContext), true)
        return false
      }
      default:
        // What would change the directory: every other operation's answer has the next tag (RFC 4511 4.6 to 4.10).
        say(encodeResult(message.tag + 1, Result.unwillingToPerform, 'The directory of a lab is for reading.'))
        return true
    }
  }

  function bind(session: Session, content: Buffer): Buffer {
    const said = (code: number, text = '') => encodeResult(Op.bindAnswer, code, text)
    const request = decodeBind(content)
    if (!('password' in request)) return said(7, 'Only simple binds are known here.')
    if (request.user === '' && request.password.length === 0) return said(Result.success)
    if (!session.secure)
      return said(
        Result.strongerAuthRequired,
        '00002028: LdapErr: DSID-0C090259, comment: The server requires binds to turn on integrity checking if SSL\\TLS are not already active on the connection',
      )
    const account = accounts.find((a) => namesOf(a, tree).includes(request.user.toLowerCase()))
    const wanted = Buffer.from(account?.password ?? '')
    if (!account || wanted.length !== request.password.length || !timingSafeEqual(wanted, request.password))
      return said(Result.invalidCredentials, '80090308: LdapErr: DSID-0C09050F, comment: AcceptSecurityContext error, data 52e, v4563')
    session.user = account.user
    return said(Result.success)
  }

  await new Promise<void>((done, failed) => {
    server.once('error', failed)
    server.listen({ port, host: address }, () => {
      server.removeListener('error', failed).on('error', () => {})
      done()
    })
  })
  return {
    domain: tree.domain,
    server: tree.server,
    port: (server.address() as { port: number }).port,
    searches: () => searches,
    close: () =>
      new Promise((done) => {
        server.close(() => done())
        for (const socket of sockets) socket.destroy()
      }),
  }
}

/** How somebody may be named in a simple bind ([MS-ADTS] 5.1.1.1.1): user@domain, DOMAIN\user. */
const namesOf = ({ user, domain }: Account, tree: Tree): readonly string[] =>
  domain === null
    ? []
    : [`${user}@${tree.domain}`, `${tree.domain.split('.')[0]}\\${user}`, `${domain}\\${user}`].map((n) => n.toLowerCase())

function secured(socket: Socket, secureContext: SecureContext): Socket {
  const tls = new TLSSocket(socket, { isServer: true, secureContext })
  tls.on('error', () => socket.destroy())
  return tls
}

/** The next whole message, without its head. */
function next(session: Session): Message | null {
  const head = berHead(session.rest, 0)
  if (head === null) return null
  if (head.tag !== Tag.sequence || head.length > mostBytes) throw new BadBer('no LDAP message')
  const end = head.head + head.length
  if (session.rest.length < end) return null
  const message = decodeMessage(session.rest.subarray(head.head, end))
  session.rest = session.rest.subarray(end)
  return message
}

type Part = { readonly operation: Buffer; readonly controls: Buffer | null }

/** The messages that answer a search: entries, what other servers hold, and the end. */
function* search(tree: Tree, known: boolean, asked: Search, controls: Controls): Generator<Part> {
  const end = (code: number, message = '', matched = '', last: Buffer | null = null): Part => ({
    operation: encodeResult(Op.searchDone, code, message, matched),
    controls: last,
  })
  const entry = (found: Leaf): Part => ({ operation: encodeEntry(found.dn, chosen(found, asked)), controls: null })
  if (controls.unknownCritical !== null) {
    yield end(Result.unavailableCriticalExtension, `${controls.unknownCritical} is not supported here.`)
    return
  }
  if (asked.base === '' && asked.scope === 'base') {
    const root = tree.rootDse()
    if (matches(asked.filter, withClass(root), tree)) yield entry(root)
    yield end(Result.success)
    return
  }
  if (!known) {
    yield end(
      Result.operationsError,
      '000004DC: LdapErr: DSID-0C090A5C, comment: In order to perform this operation a successful bind must be completed on the connection., data 0, v4563',
    )
    return
  }
  const base = sameDn(asked.base)
  const at = tree.find(asked.base)
  if (at < 0) {
    yield end(Result.noSuchObject, '0000208D: NameErr: DSID-03100245, problem 2001 (NO_OBJECT), data 0', nearest(tree, base))
    return
  }
  const { pages } = controls
  const most = Math.min(pages?.size || mostEntries, asked.sizeLimit || mostEntries, mostEntries)
  let given = 0
  // A cookie is the place to go on at: the tree does not change.
  let index = asked.scope === 'base' ? at : Number(pages?.cookie.toString('latin1') || 0)
  const last = asked.scope === 'base' ? at + 1 : tree.size
  if (!Number.isInteger(index) || index < 0) {
    yield end(Result.unwillingToPerform, 'The cookie is not of this directory.')
    return
  }
  for (; index < last; index++) {
    const found = tree.at(index)
    if (!inScope(found, base, asked.scope) || !matches(asked.filter, found, tree)) continue
    if (given >= most) break
    given++
    yield entry(found)
  }
  const more = index < last
  const cookie = Buffer.from(more ? String(index) : '')
  if (!more && !controls.domainScope && asked.scope === 'subtree' && base === sameDn(tree.dn))
    yield { operation: encodeReference([`ldap://DomainDnsZones.${tree.domain}/DC=DomainDnsZones,${tree.dn}`]), controls: null }
  if (more && !pages) yield end(Result.sizeLimitExceeded, '', '')
  else yield end(Result.success, '', '', pages ? encodeControls({ pages: { size: 0, cookie }, domainScope: false }, false) : null)
}

/** The root of all has no class of its own, but every filter on `objectClass=*` finds it. */
const withClass = (root: Leaf): Leaf => ({ ...root, get: (name) => (name === 'objectclass' ? ['top'] : root.get(name)) })

/** The longest end of a name that is there: what a client learns about a name that is not (RFC 4511 4.1.9, matchedDN). */
function nearest(tree: Tree, dn: string): string {
  for (let rest = dn; rest !== ''; rest = rest.slice(rest.indexOf(',') + 1 || rest.length)) {
    const at = tree.find(rest)
    if (at >= 0) return tree.at(at).dn
  }
  return ''
}

function* chosen(entry: Leaf, { attributes, typesOnly }: Search): Generator<readonly [string, readonly (string | Buffer)[]]> {
  const all = attributes.length === 0 || attributes.includes('*')
  for (const name of all ? entry.names() : attributes) {
    const values = entry.get(name.toLowerCase())
    if (values) yield [name, typesOnly ? [] : values]
  }
}
