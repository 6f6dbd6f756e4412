/**
 * The certificate that the server shows: read and checked at the start, and read anew while it runs, as somebody renews it every few
 * weeks or months and nobody thinks of the server then.
 *
 * The files are read at an interval and compared by content. A watch of the file system says nothing on network drives and loses the
 * name where a link is swapped (certbot's live/, cert-manager's ..data); times of change are kept by copies and set back by restores.
 */
import { createHash, createPrivateKey, X509Certificate } from 'node:crypto'
import { promises } from 'node:fs'
import type { App, ServerSettings } from '../app.ts'
import { ProblemError, printable, problem } from '../model.ts'

/** Certificate and key as TLS takes them. Whoever has given them to TLS wipes the key. */
export type Tls = { readonly cert: Buffer; readonly key: Buffer }
type Files = NonNullable<ServerSettings['tls']>
type Pair = Tls & {
  /** What the two files hold, as a hash: whether they are others than before. */
  readonly mark: string
}

const dayMs = 86_400_000
/** Fewer days than this are said at the start. An authority for machines renews at the latest a third of 47 days before the end. */
const soonDays = 14
const begins = '-----BEGIN CERTIFICATE-----'
const ends = '-----END CERTIFICATE-----'

const contentOf = (file: string): Promise<Buffer | null> => promises.readFile(file).catch(() => null)

async function pairOf(app: App, { certificate, key }: Files): Promise<Pair> {
  let cert: Buffer
  try {
    cert = await promises.readFile(certificate)
  } catch (error) {
    throw none(`${certificate} cannot be read (${(error as NodeJS.ErrnoException).code}).`)
  }
  const secret = await app.secret(key)
  try {
    return secret.use((bytes) => ({
      ...{ cert, key: Buffer.from(bytes) },
      mark: createHash('sha256').update(cert).update('\0').update(bytes).digest('hex'),
    }))
  } finally {
    secret.wipe()
  }
}

const none = (what: string) =>
  new ProblemError(
    problem('CERTIFICATE_FILE', what, [
      'server: {tls: {certificate, key}}: PEM files that belong together; the certificate first, then the authorities between. The key has no passphrase.',
    ]),
  )

/** The certificate of a pair that belongs together; `CERTIFICATE_FILE` where it does not, or is none. */
function checked({ cert, key }: Tls, { certificate }: Files): X509Certificate {
  const text = cert.toString('latin1')
  // Cut within a certificate of an authority between, the first would still be read.
  const whole = text.split(begins).length === text.split(ends).length
  let found: X509Certificate
  try {
    if (!whole) throw new Error('cut off')
    found = new X509Certificate(cert)
  } catch {
    throw none(`${certificate} cannot be read as a certificate.`)
  }
  let own: ReturnType<typeof createPrivateKey>
  try {
    own = createPrivateKey(key)
  } catch {
    throw none('The key cannot be read as a private key without a passphrase.')
  }
  if (!found.checkPrivateKey(own)) throw none(`${certificate} and the key do not belong together.`)
  return found
}

/** What browsers would refuse takes the place of nothing. */
function mustHold(found: X509Certificate, { certificate }: Files, now: number): void {
  if (endOf(found) <= now) throw none(`${certificate} has ended, on ${dayOf(endOf(found))}.`)
  if (found.validFromDate.getTime() > now) throw none(`${certificate} does not hold before ${found.validFromDate.toISOString()}.`)
}
const endOf = (certificate: X509Certificate) => certificate.validToDate.getTime()
const dayOf = (ms: number) => new Date(ms).toISOString().slice(0, 10)

export type Certificate = {
  /** What is served now. */
  readonly now: () => X509Certificate
  /** Milliseconds; until when it holds. */
  readonly endsAt: () => number
  /** For the server, once; its key is wiped by `begin`. */
  readonly tls: Tls
  /** From now on the files are looked at; `swap` gives new connections another one, and throws where TLS does not take it. */
  readonly begin: (swap: (tls: Tls) => void, everyMs: number) => void
  /** Somebody says that there is a new one: it is looked at now, and told what came of it. */
  readonly look: () => Promise<void>
  readonly end: () => void
}

/** Reads and checks the certificate of the site file; `CERTIFICATE_FILE`, or a Problem of secrets. One that has ended is served all the same, and told. */
export async function openCertificate(app: App, files: Files, clock: () => number, log: (line: string) => void): Promise<Certificate> {
  const first = await pairOf(app, files)
  let served = { mark: first.mark, cert: first.cert, certificate: checked(first, files) }
  let swap: (tls: Tls) => void = () => {}
  /** What was found at the look before. */
  let seen = served.mark
  let told = ''
  let timer: NodeJS.Timeout | null = null
  let looking: Promise<void> = Promise.resolve()

  const days = Math.floor((endOf(served.certificate) - clock()) / dayMs)
  if (days < 0) log(`the certificate ${files.certificate} ended on ${dayOf(endOf(served.certificate))}: browsers refuse it`)
  else if (days < soonDays)
    log(`the certificate ${files.certificate} ends on ${dayOf(endOf(served.certificate))}, in ${days} ${days === 1 ? 'day' : 'days'}`)

  /** Takes another pair, or says why not. Between key and certificate, or half of a file, is no news yet: it has to be there twice. */
  const take = async (asked: boolean): Promise<void> => {
    // A keyring may ask its user: it is read where the certificate is another one.
    if (!asked && !('file' in files.key) && (await contentOf(files.certificate))?.equals(served.cert)) return
    const found = await pairOf(app, files).catch((error: Error) => error)
    try {
      const mark = found instanceof Error ? found.message : found.mark
      const again = mark === seen
      seen = mark
      if (mark === served.mark) {
        told = ''
        if (asked) log(`the certificate is as it was, until ${dayOf(endOf(served.certificate))}`)
      } else if (again || asked) {
        if (found instanceof Error) throw found
        const certificate = checked(found, files)
        mustHold(certificate, files, clock())
        swap(found)
        served = { mark, cert: found.cert, certificate }
        told = ''
        log(`a new certificate is served, until ${dayOf(endOf(certificate))}`)
      }
    } catch (error) {
      const why = printable((error as Error).message)
      if (told !== why || asked)
        log(`the new certificate is not taken, that of before is served on, until ${dayOf(endOf(served.certificate))}: ${why}`)
      told = why
    } finally {
      if (!(found instanceof Error)) found.key.fill(0)
    }
  }
  let waiting = 0
  const look = (asked: boolean) => {
    // A drive that hangs is waited for once.
    if (!asked && waiting > 0) return looking
    waiting++
    looking = looking
      .then(() => take(asked))
      .finally(() => {
        waiting--
      })
    return looking
  }
  return {
    now: () => served.certificate,
    endsAt: () => endOf(served.certificate),
    tls: first,
    begin: (by, everyMs) => {
      swap = by
      first.key.fill(0)
      timer = setInterval(() => void look(false), everyMs)
      timer.unref()
    },
    look: () => look(true),
    end: () => {
      if (timer) clearInterval(timer)
    },
  }
}
