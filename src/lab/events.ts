import type { Instance } from './classes.ts'
import { type Machine, serviceOf } from './machine.ts'
import { hostCalled, type Request } from './network.ts'
import { applicationIds } from './scenarios/products.ts'
import { datetime, type Now } from './store.ts'

/**
 * What the licensing services write into the logs of Windows: requests and answers on both sides (12288, 12289, 12290), why a try
 * failed (8198), activation by Active Directory (12308), the state that was found (1003). Data lines as in cases 22, 23, 29 and 36.
 */
type Written = { readonly ms: number; readonly id: number; readonly type: 'Information' | 'Error'; readonly strings: readonly string[] }

const hex = (code: number) => `0x${(code >>> 0).toString(16).toUpperCase().padStart(8, '0')}`
const two = (n: number) => String(n).padStart(2, '0')
/** Times in the data of events are UTC, to the minute, by the client's clock. */
function dataTime(ms: number, padded: boolean): string {
  const at = new Date(ms)
  const [month, day] = [at.getUTCMonth() + 1, at.getUTCDate()]
  return `${at.getUTCFullYear()}/${padded ? two(month) : month}/${padded ? two(day) : day} ${two(at.getUTCHours())}:${two(at.getUTCMinutes())}`
}
const momentOf = (r: Request, now: Now) => now.clockMs - (now.minute - r.minute) * 60_000

const messages: Readonly<Record<number, string>> = {
  12288: 'The client has sent an activation request to the key management service machine.\r\nInfo:\r\n%1',
  12289: 'The client has processed an activation response from the key management service machine.\r\nInfo:\r\n%1',
  12290: 'An activation request has been processed.\r\nInfo:\r\n%1',
  8198: 'License Activation (slui.exe) failed with the following error code:\r\n%1\r\nCommand-line arguments:\r\n%2',
  12308: 'Active Directory activation has been successful.\r\nSKU ID: %1\r\nActivation object: %2\r\n%3',
  1003: 'The Software Protection service has completed licensing status check.\r\nApplication Id=%1\r\nLicensing Status=%2',
}

/** What a machine wrote of its own tries into the log Application. */
function ownEvents(machine: Machine, now: Now): Written[] {
  const before = machine.network.past?.of(machine.name) ?? []
  const written: Written[] = []
  for (const r of [...before, ...machine.requests]) {
    const ms = momentOf(r, now) + r.clockMinutes * 60_000
    const time = dataTime(ms, true)
    const add = (after: number, id: number, type: Written['type'], ...strings: string[]) =>
      written.push({ ms: ms + after * 1000, id, type, strings })
    if (r.host !== null) {
      const data = [hex(r.code), hex(0), `${r.host}:${r.port}`, r.cmid, time, 0, r.status, r.minutesLeft, r.licence.activationId]
      add(0, 12_288, 'Information', [...data, r.licence.threshold].join(', '))
      if (r.hostCode === 0)
        add(1, 12_289, 'Information', [hex(r.code), hex(0), r.activated ? 1 : 0, 0, r.count, 120, 10_080, time].join(', '))
    }
    if (r.object) add(0, 12_308, 'Information', r.licence.activationId, r.object.name, r.object.dn)
    if (r.final !== 0) {
      const rule = 'RuleId=eeba1977-569e-4571-b639-7623d8bfecc0;Action=AutoActivate'
      const about = `AppId=${applicationIds[r.licence.app]};SkuId=${r.licence.activationId};NotificationInterval=1440;Trigger=TimerEvent`
      add(2, 8198, 'Error', `hr=${hex(r.final)}`, `${rule};${about}`)
    }
  }
  return [...written, ...found(machine, now)].sort((a, b) => a.ms - b.ms)
}

/** The check of its licences that the service made last: one event for each application that has a key. */
function found(machine: Machine, now: Now): Written[] {
  const keyed = machine.products.filter((p) => p.key !== null)
  return [...new Set(keyed.map((p) => p.licence.app))].map((app): Written => {
    const of = keyed.filter((p) => p.licence.app === app)
    const lines = of.map((p, i) => {
      const left = p.endsAt === null ? 0 : Math.max(0, Math.ceil(p.endsAt - now.minute))
      const reason = p.status === 'licensed' ? 0 : p.reason
      return `${i + 1}: ${p.licence.activationId}, 1, ${p.status === 'licensed' ? 1 : 0} [(0 [${hex(reason)}, ${p.status === 'licensed' ? 1 : 0}, 0], [(?)(?)( 1 ${hex(reason)} 30 0 msft:rm/algorithm/volume/1.0 ${hex(0)} ${left})(?)(?)(?)])(1 )(2 )]`
    })
    // Some minutes ago: it checks whenever it starts, and stops when it has nothing to do.
    const ms = now.clockMs + (machine.clockMinutes - serviceOf(machine, of[0]!).activationInterval / 4) * 60_000
    return { ms, id: 1003, type: 'Information', strings: [applicationIds[app], `\r\n${lines.join('\r\n')}\r\n`] }
  })
}

/** A log keeps so many requests of before the lab; Windows' own is bounded, too. */
const mostBefore = 2000

/** One event for each request that a KMS host handled. */
function hostEvents(machine: Machine, now: Now): Written[] {
  const host = hostCalled(machine.network, machine.name)
  if (!host) return []
  const before = machine.network.past?.at(host.name, mostBefore) ?? []
  return [...before, ...host.log].map((r) => {
    const ms = momentOf(r, now)
    const time = dataTime(ms + r.clockMinutes * 60_000, false)
    const data = [hex(r.hostCode ?? 0), r.licence.threshold, r.client, r.cmid, time, r.virtual ? 1 : 0, r.status, r.minutesLeft]
    return {
      ms: ms + (machine.clockMinutes + host.clockMinutes) * 60_000,
      id: 12_290,
      type: 'Information',
      strings: [[...data, r.licence.activationId].join(',')],
    }
  })
}

/** The rows of Win32_NTLogEvent. */
export function logRows(machine: Machine, now: Now): Instance[] {
  const rows = (log: string, written: readonly Written[]) =>
    written.map(({ ms, id, type, strings }, i): Instance => {
      const at = datetime(ms)
      return {
        Logfile: log,
        RecordNumber: i + 1,
        CategoryString: null,
        ComputerName: machine.name,
        Message: messages[id]!.replace(/%(\d)/g, (_, n: string) => strings[Number(n) - 1] ?? ''),
        SourceName: 'Microsoft-Windows-Security-SPP',
        Type: type,
        User: null,
        Category: 0,
        EventCode: id,
        // Qualifiers stand above the number: 0x4000 tells, 0xC000 is an error.
        EventIdentifier: ((type === 'Error' ? 0xc0000000 : 0x40000000) | id) >>> 0,
        TimeGenerated: at,
        TimeWritten: at,
        InsertionStrings: strings,
      }
    })
  return [...rows('Application', ownEvents(machine, now)), ...rows('Key Management Service', hostEvents(machine, now))]
}
