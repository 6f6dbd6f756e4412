/** What slmctl says and does on the machine itself is what it says and does over WinRM; and what it does where something is wrong. */
import { createHash } from 'node:crypto'
import { scenarioList } from '../../../src/lab.ts'
import type { Wine } from '../wine.ts'
import { bothDoors } from './doors.ts'
import { wrongUses } from './wrong.ts'

export async function run(wine: Wine): Promise<void> {
  await bothDoors(wine, { cast: scenarioList.map(({ name }) => ({ scenario: name })) })
  await bothDoors(wine, { cast: settings })
  await bothDoors(wine, keys)
  await wrongUses(wine)
}

/** Every kind of argument that a method takes: texts, numbers, booleans, none. */
const settings = [
  ...[['--host-caching', 'off'], ['--lookup-domain', 'corp.example'], ['--activation-type', 'kms'], ['--renew']].map((flags) => ({
    scenario: 'win11-enterprise-office-2021' as const,
    title: `apply ${flags.join(' ')}`,
    flags,
  })),
  { scenario: 'wrong-host' as const, title: 'apply --use-dns', flags: ['--use-dns'] },
  { scenario: 'win10-education-kms' as const, title: 'apply --clear-key-from-registry', flags: ['--clear-key-from-registry'] },
]

/** A key of the test's own making, in the alphabet of real ones, and one that the machine does not take. */
const mak = ['MKMKM', 'KMKMK', 'MKMKM', 'KMKMK', 'WTRQV'].join('-')
const variable = 'SLMCTL_TEST_MAK'
const keys = {
  cast: [
    { scenario: 'win10-pro-grace' as const, title: 'a MAK by reference' },
    { scenario: 'win7-enterprise-kms' as const, title: 'a MAK that the machine does not take' },
  ],
  lab: { maks: { [createHash('sha256').update(mak).digest('hex')]: { licence: 'windows mak' } } },
  site: (text: string) =>
    `${text.slice(0, text.indexOf('\nwishes:'))}\nwishes:\n  - { product: windows, by: mak, key: { env: ${variable} } }\n`,
  env: { [variable]: mak },
}
