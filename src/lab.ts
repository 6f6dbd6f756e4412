/**
 * A lab: simulated Windows machines behind a real WinRM port, made from scenarios and a seed. They report what Windows reports,
 * over simulated time, and what was asked of them can be looked at afterwards. Nothing in it is, sends or answers an activation
 * exchange, and it listens on this computer only.
 */
export type { CallRecord, FaultForm, MethodFailure } from './lab/answer.ts'
export type { Cell, CimType, Instance } from './lab/classes.ts'
export type { Fault, FaultKind } from './lab/faults.ts'
export { confirmationFor } from './lab/licensing.ts'
export type { HostOption, NetworkOption, Serves } from './lab/network.ts'
export type { CallCount, CallCounts, Lab, LabMachine, LabOptions, LabTable, MachineOption, MachineState } from './lab/option.ts'
export { obey, type Told } from './lab/orders.ts'
export type { Absence, Shares } from './lab/roster.ts'
export { type ScenarioId, scenarioList } from './lab/scenarios/table.ts'
export type { Account, Counters } from './lab/server.ts'
export { startLab, usualAccounts } from './lab/start.ts'
