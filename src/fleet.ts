/**
 * Where the machines of a fleet are written down, beside the directory: tables (CSV), inventories of Ansible, DNS zones, plain lists
 * and the groups of the site file. Text in, machines out, and each line that could not be read by its number. Nothing is looked up.
 */
export type { SourceKind, SourceReading } from './fleet/found.ts'
export { type FileKind, kindOf, readSource, type SourceOptions, siteMachines } from './fleet/read.ts'
