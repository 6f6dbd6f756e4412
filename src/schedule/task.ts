/**
 * The task as Windows' Task Scheduler takes it: [MS-TSCH] 2.5. Order and places are the schema's; `test/schedule/task.xsd` holds it.
 */

/** Well-known SIDs, which are the same in every language. */
export const accounts = {
  /** The least that Windows has: few rights here, nobody to the network. Looking needs no more. */
  check: { sid: 'S-1-5-19', name: 'LOCAL SERVICE' },
  /** Licensing methods want an administrator; of the accounts that need no password only this one is. */
  repair: { sid: 'S-1-5-18', name: 'SYSTEM' },
} as const

export type TaskWords = {
  readonly does: 'check' | 'repair'
  readonly command: string
  readonly arguments: string
  readonly folder: string
  /** Local time of the first run. */
  readonly start: Date
}

/** Runs are spread over the working day: 09:00 and up to so much later. */
export const firstHour = 9
const randomDelay = 'PT8H'
/** KMS clients renew every seven days; so often is looked. */
const everyDays = 7
/** A machine is asked in seconds, an activation waits for hosts for some minutes. */
const timeLimit = 'PT30M'

export function taskXml({ does, command, arguments: given, folder, start }: TaskWords): string {
  const what =
    does === 'repair'
      ? 'Looks every seven days whether this machine is licensed as the site file wishes, and applies what is wished.'
      : 'Looks every seven days whether this machine is licensed as the site file wishes. Changes nothing.'
  return [
    '<?xml version="1.0" encoding="UTF-16"?>',
    '<Task version="1.3" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">',
    '  <RegistrationInfo>',
    '    <Author>slmctl</Author>',
    `    <Description>${what}</Description>`,
    '  </RegistrationInfo>',
    '  <Triggers>',
    '    <CalendarTrigger>',
    '      <Enabled>true</Enabled>',
    `      <StartBoundary>${localTime(start)}</StartBoundary>`,
    `      <RandomDelay>${randomDelay}</RandomDelay>`,
    '      <ScheduleByDay>',
    `        <DaysInterval>${everyDays}</DaysInterval>`,
    '      </ScheduleByDay>',
    '    </CalendarTrigger>',
    '  </Triggers>',
    '  <Principals>',
    '    <Principal id="Author">',
    `      <UserId>${accounts[does].sid}</UserId>`,
    '      <RunLevel>LeastPrivilege</RunLevel>',
    '    </Principal>',
    '  </Principals>',
    '  <Settings>',
    '    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>',
    '    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>',
    '    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>',
    '    <AllowHardTerminate>true</AllowHardTerminate>',
    '    <StartWhenAvailable>true</StartWhenAvailable>',
    '    <RunOnlyIfNetworkAvailable>true</RunOnlyIfNetworkAvailable>',
    '    <AllowStartOnDemand>true</AllowStartOnDemand>',
    '    <Enabled>true</Enabled>',
    // Service accounts have no window; a task that hides in the list would be one that nobody can explain.
    '    <Hidden>false</Hidden>',
    '    <RunOnlyIfIdle>false</RunOnlyIfIdle>',
    '    <WakeToRun>false</WakeToRun>',
    `    <ExecutionTimeLimit>${timeLimit}</ExecutionTimeLimit>`,
    '    <Priority>7</Priority>',
    '  </Settings>',
    '  <Actions Context="Author">',
    '    <Exec>',
    `      <Command>${escaped(command)}</Command>`,
    `      <Arguments>${escaped(given)}</Arguments>`,
    `      <WorkingDirectory>${escaped(folder)}</WorkingDirectory>`,
    '    </Exec>',
    '  </Actions>',
    '</Task>',
    '',
  ].join('\r\n')
}

/** Without a zone: the same hour on the clock on the wall, in summer and winter. */
function localTime(at: Date): string {
  const two = (n: number) => String(n).padStart(2, '0')
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}:00`
}

/** The first run: tomorrow, when the working day begins. */
export function firstRun(now: Date): Date {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1, firstHour)
}

/** An argument as the C runtime of Windows takes it apart again. Paths hold no quotation marks; a backslash at the end would eat one. */
export const quoted = (path: string) => `"${path.replace(/(\\+)$/, '$1$1')}"`

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/** What a registered task says of itself, by element; null where it says nothing. */
export function readTask(xml: string): { readonly command: string | null; readonly account: string | null } | null {
  if (!/<Task[\s>]/.test(xml)) return null
  const one = (name: string) => {
    const text = new RegExp(`<${name}>([^<]{1,1000})</${name}>`).exec(xml)?.[1] ?? null
    return text?.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&').trim() ?? null
  }
  return { command: one('Command'), account: one('UserId') }
}
