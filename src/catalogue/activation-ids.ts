import type { SourceId } from './sources.ts'

/** An activation ID (SoftwareLicensingProduct.ID) whose product a Microsoft page or a real output names. */
export type ActivationIdRow = {
  readonly id: string
  readonly product: string
  readonly name: string | null
  readonly channel: string
  readonly partialKey: string | null
  readonly source: readonly SourceId[]
}

/** Activation IDs with their products: how an event that carries only an ID gets a name. */
export const activationIds = [] as const satisfies readonly ActivationIdRow[]
