import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { check, run, start } from '../checks.ts'
import type { Ground } from './ground.ts'

/** What is written on the wire between `f`'s begin and end. */
export async function captured(home: string, port: number, f: () => Promise<unknown>): Promise<Buffer> {
  const file = join(home, `capture-${port}-${Date.now()}.pcap`)
  const tcpdump = start('tcpdump', ['-i', 'lo', '--immediate-mode', '-U', '-B', '8192', '-s', '0', '-w', file, `tcp port ${port}`])
  let said = ''
  await new Promise<void>((resolve, reject) => {
    tcpdump.stderr!.on('data', (part: Buffer) => {
      said += part
      if (said.includes('listening on')) resolve()
    })
    tcpdump.once('close', () => reject(new Error(said)))
  })
  await f()
  await wait(400)
  tcpdump.kill('SIGINT')
  await once(tcpdump, 'close')
  assert.match(said, /\b0 packets dropped by kernel/)
  return readFileSync(file)
}

/** How a secret could stand in bytes: as it is, as Windows writes text, in base64 at any of its three offsets, escaped. */
export function traces(secret: string): readonly { readonly how: string; readonly bytes: Buffer }[] {
  const utf8 = Buffer.from(secret)
  const utf16 = Buffer.from(secret, 'utf16le')
  const base64 = (bytes: Buffer, form: string) =>
    [0, 1, 2].map((n) => {
      const text = Buffer.concat([Buffer.alloc(n), bytes]).toString('base64')
      // Characters that share a group of six bits with what stands before or behind are left out.
      return { how: `${form} in base64`, bytes: Buffer.from(text.slice(n === 0 ? 0 : n + 1, text.length - 4)) }
    })
  return [
    { how: 'UTF-8', bytes: utf8 },
    { how: 'UTF-16LE', bytes: utf16 },
    { how: 'hexadecimal', bytes: Buffer.from(utf8.toString('hex')) },
    ...base64(utf8, 'UTF-8'),
    ...base64(utf16, 'UTF-16LE'),
  ]
}

const soap = ['<s:Envelope', 'Envelope', 'SoftwareLicensing', 'PartialProductKey', 'XmlFragment', 'wmi/root/cimv2']

const holds = (bytes: Buffer, text: string) => bytes.includes(Buffer.from(text)) || bytes.includes(Buffer.from(text, 'utf16le'))

/** A capture of a run whose bodies were sealed. */
export function sealed(bytes: Buffer, password: string): void {
  assert.ok(holds(bytes, 'POST /wsman'), 'the capture is empty')
  assert.ok(holds(bytes, 'HTTP-SPNEGO-session-encrypted'))
  for (const word of soap) assert.ok(!holds(bytes, word), `${word} is in the capture`)
  for (const { how, bytes: trace } of traces(password)) assert.ok(!bytes.includes(trace), `the password is in the capture, as ${how}`)
}

/** Captures of sealed runs hold no SOAP and no password; the same capture of an open message does. */
export async function capturedRuns(ground: Ground): Promise<void> {
  const machine = ground.machine('win11-pro-notification')
  await check('capture: the control sees the SOAP of an open message', async () => {
    const bytes = await captured(ground.home, machine.httpPort, () =>
      run('curl', [
        '-sS',
        '--max-time',
        '10',
        '-H',
        'Content-Type: application/soap+xml;charset=UTF-8',
        '-d',
        ground.enumerate('SELECT PartialProductKey FROM SoftwareLicensingProduct'),
        '-u',
        `${ground.user}:${ground.password}`,
        '--basic',
        `http://127.0.0.1:${machine.httpPort}/wsman`,
      ]),
    )
    assert.ok(holds(bytes, 'Envelope') && holds(bytes, 'SoftwareLicensing'))
    assert.ok(
      traces(`${ground.user}:${ground.password}`).some(({ bytes: trace }) => bytes.includes(trace)),
      'Basic in clear was not seen',
    )
  })
  await check('capture: slmctl status, NTLM over HTTP: no SOAP, no password', async () => {
    const bytes = await captured(ground.home, machine.httpPort, async () => {
      const { stdout, stderr } = await ground.slmctl(['status', machine.name, '--site', ground.siteFile, '--json'])
      assert.match(stdout, /T83GX/, stderr)
    })
    sealed(bytes, ground.password)
  })
  await check('capture: slmctl apply, NTLM over HTTP: no SOAP, no password, no key', async () => {
    const other = ground.machine('win10-pro-grace')
    const bytes = await captured(ground.home, other.httpPort, async () => {
      const { stdout, stderr } = await ground.slmctl(['apply', other.name, '--site', ground.siteFile, '--yes', '--json'])
      assert.ok(ground.lab.calls(other.name).length > 0, `no call reached the machine: ${stdout}${stderr}`)
    })
    sealed(bytes, ground.password)
  })
  await check('capture: python3-winrm, NTLM over HTTP: no SOAP, no password', async () => {
    const bytes = await captured(ground.home, machine.httpPort, async () => {
      const [answer] = await ground.python(machine, [
        { do: 'enumerate', wql: 'SELECT PartialProductKey FROM SoftwareLicensingProduct WHERE PartialProductKey IS NOT NULL' },
      ])
      assert.ok(answer!.ok, JSON.stringify(answer))
    })
    sealed(bytes, ground.password)
  })
}
