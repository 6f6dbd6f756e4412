import type { SourceId } from './sources.ts'

/** Keys that Windows installs by itself, known by their last five characters: they say nothing about how a licence was got. */
export type DefaultKeyRow = { readonly partialKey: string; readonly edition: string; readonly source: readonly SourceId[] }

export const defaultKeys = [
  { partialKey: '8HVX7', edition: 'Windows 10/11 Home', source: ['WindowsEdition.json', 'table-of-generic-keys-by-edition-in-a-program'] },
  {
    partialKey: 'WXCHW',
    edition: 'Windows 10/11 Home N',
    source: ['WindowsEdition.json', 'table-of-generic-keys-by-edition-in-a-program'],
  },
  {
    partialKey: '6F4BT',
    edition: 'Windows 10/11 Home Single Language',
    source: ['WindowsEdition.json', 'table-of-generic-keys-by-edition-in-a-program'],
  },
  {
    partialKey: '8TYMD',
    edition: 'Windows 10/11 Home China (Country Specific)',
    source: ['table-of-generic-keys-by-edition-in-a-program'],
  },
  { partialKey: '3V66T', edition: 'Windows 10/11 Pro', source: ['WindowsEdition.json', 'table-of-generic-keys-by-edition-in-a-program'] },
  { partialKey: 'PKCKT', edition: 'Windows 10/11 Pro N', source: ['WindowsEdition.json', 'table-of-generic-keys-by-edition-in-a-program'] },
  {
    partialKey: 'MHBPB',
    edition: 'Windows 10/11 Pro Education',
    source: ['WindowsEdition.json', 'table-of-generic-keys-by-edition-in-a-program'],
  },
  {
    partialKey: 'QPF8P',
    edition: 'Windows 10/11 Pro Education N',
    source: ['WindowsEdition.json', 'table-of-generic-keys-by-edition-in-a-program'],
  },
  {
    partialKey: '2YV77',
    edition: 'Windows 10/11 Pro for Workstations',
    source: ['WindowsEdition.json', 'table-of-generic-keys-by-edition-in-a-program'],
  },
  {
    partialKey: 'WT2RQ',
    edition: 'Windows 10/11 Pro N for Workstations',
    source: ['WindowsEdition.json', 'table-of-generic-keys-by-edition-in-a-program'],
  },
  { partialKey: '7CFBY', edition: 'Windows 10/11 Education', source: ['WindowsEdition.json'] },
  { partialKey: 'DRR8H', edition: 'Windows 10/11 Education N', source: ['WindowsEdition.json'] },
  { partialKey: '8HV2C', edition: 'Windows 10/11 Enterprise', source: ['WindowsEdition.json'] },
  { partialKey: 'X766F', edition: 'Windows 10/11 Enterprise N', source: ['WindowsEdition.json'] },
  { partialKey: 'CKFFD', edition: 'Windows 10/11 IoT Enterprise', source: ['table-of-generic-keys-by-edition-in-a-program'] },
  { partialKey: 'YY74H', edition: 'Windows 10/11 IoT Enterprise LTSC 2021', source: ['table-of-generic-keys-by-edition-in-a-program'] },
  {
    partialKey: 'HQ2MJ',
    edition: 'Windows 10/11 IoT Enterprise LTSC Subscription',
    source: ['table-of-generic-keys-by-edition-in-a-program'],
  },
  { partialKey: 'VMJ2C', edition: 'Windows 10/11 S', source: ['table-of-generic-keys-by-edition-in-a-program'] },
  { partialKey: 'DJ4F6', edition: 'Windows 10/11 S N', source: ['table-of-generic-keys-by-edition-in-a-program'] },
  { partialKey: 'BHDCD', edition: 'Windows 10/11 SE', source: ['table-of-generic-keys-by-edition-in-a-program'] },
  { partialKey: 'T6R4W', edition: 'Windows 10/11 SE N', source: ['table-of-generic-keys-by-edition-in-a-program'] },
  { partialKey: 'KD72Y', edition: 'Windows 10/11 Team', source: ['table-of-generic-keys-by-edition-in-a-program'] },
] as const satisfies readonly DefaultKeyRow[]
