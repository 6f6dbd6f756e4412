/** Where this server is: under which names it may be asked, and from which pages its changes may come. */
import type { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import type { ServerSettings } from '../app.ts'

export type Places = {
  /** A Host header that is ours: any other name is somebody's that points to our address (DNS rebinding). */
  readonly isOurs: (host: string | undefined, local: { readonly address: string; readonly port: number }) => boolean
  /** The origin of our pages, for who came by this Host header. */
  readonly originOf: (host: string, secure: boolean) => string
  /** Our own address, or the one of the site file: pages behind a proxy come from there. */
  readonly isOwnOrigin: (origin: string, host: string, secure: boolean) => boolean
}

const hostPattern = /^(\[[0-9a-fA-F:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(?::(\d{1,5}))?$/

export const isLoopback = (address: string): boolean => {
  const plain = bare(address)
  return plain === '::1' || plain === 'localhost' || (isIP(plain) === 4 && plain.startsWith('127.'))
}
/** An address, or a network that is not half the world: whoever is in it may say where a request came from. */
export function isProxy(text: string): boolean {
  const [address = '', bits] = text.split('/')
  const kind = isIP(address)
  const [least, most] = kind === 4 ? [16, 32] : [48, 128]
  return kind !== 0 && (bits === undefined || (Number(bits) >= least && Number(bits) <= most))
}

/** A request in clear over the network, to a server whose TLS is that of its proxies: who sends it goes past them. */
export const plainBeyond = ({ address, tls }: Pick<ServerSettings, 'address' | 'tls'>, protocol: string, from: string): boolean =>
  tls === null && protocol !== 'https' && !isLoopback(address) && !isLoopback(from)

const bare = (address: string) => address.replace(/^\[|\]$/g, '').replace(/^::ffff:/, '')

/** `certificate`: the one that is served now; its names are ours. */
export function places({ url, tls }: ServerSettings, certificate: () => X509Certificate | null): Places {
  const told = url === null ? null : new URL(url)
  const usual = (protocol: string) => (protocol === 'https:' ? '443' : '80')
  return {
    isOurs: (host, local) => {
      const [, name, port] = hostPattern.exec(host ?? '') ?? []
      if (name === undefined) return false
      const asked = bare(name).toLowerCase().replace(/\.$/, '')
      if (told && asked === bare(told.hostname) && (port ?? usual(told.protocol)) === (told.port || usual(told.protocol))) return true
      if (Number(port ?? (tls ? 443 : 80)) !== local.port) return false
      const here = bare(local.address)
      if (asked === here || (isLoopback(here) && isLoopback(asked))) return true
      const served = certificate()
      return served !== null && (isIP(asked) ? served.checkIP(asked) : served.checkHost(asked)) !== undefined
    },
    originOf: (host, secure) => new URL(`${secure ? 'https' : 'http'}://${host}`).origin,
    isOwnOrigin: (origin, host, secure) =>
      origin === told?.origin || (URL.canParse(`http://${host}`) && origin === new URL(`${secure ? 'https' : 'http'}://${host}`).origin),
  }
}
