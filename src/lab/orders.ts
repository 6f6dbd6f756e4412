import type { Lab } from './option.ts'

/** What a running lab is told to do, one line each: for whoever shows something to others, and for programs that test. */
export type Told = {
  readonly ok: boolean
  /** One line for people. */
  readonly says: string
  /** The same for programs. */
  readonly value: Readonly<Record<string, unknown>>
}

const usage = [
  'advance 7d|12h|90m',
  'off NAME [refused|unknown|silent]',
  'on NAME',
  'host NAME up|down',
  'count',
  'calls [NAME]',
  'help',
] as const
const minutesOf = { d: 1440, h: 60, m: 1 } as const

const no = (says: string): Told => ({ ok: false, says, value: { error: says } })
const yes = (says: string, value: Told['value']): Told => ({ ok: true, says, value })
const many = (n: number, what: string) => `${n} ${what}${n === 1 ? '' : 's'}`

function advance(lab: Lab, words: readonly string[]): Told {
  const m = /^(\d{1,6})(d|h|m)$/.exec(words[0] ?? '')
  if (!m) return no('How far? For example: advance 7d')
  const minutes = Number(m[1]) * minutesOf[m[2] as keyof typeof minutesOf]
  lab.advance(minutes)
  return yes(`It is ${many(lab.minute(), 'minute')} after the beginning.`, { minute: lab.minute() })
}

/** The lab's own name for what somebody typed: a short name is enough where it is the only one. */
function nameIn(names: readonly string[], typed: string | undefined): string | null {
  const wanted = typed?.toLowerCase()
  if (!wanted) return null
  const whole = names.find((n) => n.toLowerCase() === wanted)
  if (whole !== undefined) return whole
  const short = names.filter((n) => n.toLowerCase().startsWith(`${wanted}.`))
  return short.length === 1 ? short[0]! : null
}

async function onOff(lab: Lab, word: 'on' | 'off', words: readonly string[]): Promise<Told> {
  const name = nameIn(
    lab.machines.map((m) => m.name),
    words[0],
  )
  if (name === null) return no(`The lab has no machine called ${words[0] ?? ''}.`)
  const how = words[1] ?? 'refused'
  if (how !== 'refused' && how !== 'unknown' && how !== 'silent') return no('In which way? refused, unknown or silent')
  try {
    await lab.absent(name, word === 'on' ? null : how)
  } catch (error) {
    return no((error as Error).message)
  }
  return yes(`${name} is ${word}.`, { machine: name, off: word === 'on' ? null : how })
}

async function host(lab: Lab, words: readonly string[]): Promise<Told> {
  const name = nameIn(lab.hosts, words[0])
  if (name === null) return no(`The lab has no KMS host called ${words[0] ?? ''}: ${lab.hosts.join(', ')}`)
  if (words[1] !== 'up' && words[1] !== 'down') return no('Up or down? For example: host kms1 down')
  lab.host(name, { up: words[1] === 'up' })
  // Where the host is a machine of the lab, it is switched as well.
  if (lab.machines.some((m) => m.name === name)) await lab.absent(name, words[1] === 'up' ? null : 'refused')
  return yes(`${name} is ${words[1]}.`, { host: name, up: words[1] === 'up' })
}

function calls(lab: Lab, words: readonly string[]): Told {
  const counts = lab.callCounts()
  if (words[0] !== undefined) {
    const name = nameIn(
      lab.machines.map((m) => m.name),
      words[0],
    )
    if (name === null) return no(`The lab has no machine called ${words[0]}.`)
    const of = counts.byMachine[name] ?? { calls: 0, repeated: 0, byMethod: {} }
    return yes(`${name}: ${many(of.calls, 'call')}, ${of.repeated} for what held already.`, { machine: name, ...of })
  }
  const { byMachine, ...shown } = counts
  const methods = Object.entries(counts.byMethod).map(([method, { calls: n }]) => `${method} ${n}`)
  return yes(
    `${many(counts.calls, 'call')} at ${many(Object.keys(byMachine).length, 'machine')}, ${counts.repeated} for what held already${methods.length > 0 ? `: ${methods.join(', ')}` : ''}.`,
    { ...shown, machines: Object.keys(byMachine).length },
  )
}

function count(lab: Lab): Told {
  const machines = lab.machines.length
  const off = lab.machines.reduce((n, m) => n + (lab.absence(m.name) === null ? 0 : 1), 0)
  const value = { machines, off, ready: lab.awake(), minute: lab.minute(), calls: lab.callCounts().calls }
  return yes(`${many(machines, 'machine')}, ${off} of them off, ${value.ready} ready; ${many(value.calls, 'call')} so far.`, value)
}

/** Does what a line says. Null for an empty line. */
export async function obey(lab: Lab, line: string): Promise<Told | null> {
  const [word, ...words] = line.trim().split(/\s+/) as [string, ...string[]]
  switch (word.toLowerCase()) {
    case '':
      return null
    case 'advance':
      return advance(lab, words)
    case 'on':
      return await onOff(lab, 'on', words)
    case 'off':
      return await onOff(lab, 'off', words)
    case 'host':
      return await host(lab, words)
    case 'count':
      return count(lab)
    case 'calls':
      return calls(lab, words)
    case 'help':
      return yes(usage.join('; '), { words: usage })
    default:
      return no(`${word.slice(0, 40)} is no word of a lab: ${usage.join('; ')}`)
  }
}
