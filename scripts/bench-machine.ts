import { cpus } from 'node:os'

/** On what a benchmark ran: the last line of each says so. */
export const machine = () => ({
  node: process.version,
  platform: `${process.platform}-${process.arch}`,
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
})
