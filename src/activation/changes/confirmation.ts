import type { MachineFacts } from '../facts/machine.ts'
import type { ProductFacts } from '../facts/product.ts'
import { change, type Level, levelOf, productOf, step } from './change.ts'

export type Confirmation = {
  readonly installationId: string
  readonly confirmationId: string
  readonly name: string
  readonly level: Level
}

/** The installation ID that a product shows now, digits only; null where it was not asked for or there is none. */
export function installationIdOf(product: ProductFacts): string | null {
  const shown = product.cells.get('OfflineInstallationId')?.value ?? ''
  const digits = shown.replace(/[\s-]/g, '')
  return /^\d+$/.test(digits) ? digits : null
}

const licensed = (facts: MachineFacts, level: Level) => productOf(facts, level.product)?.state === 'licensed'

/** A product is activated by telephone: the confirmation ID that was given for its installation ID is deposited. No host is asked. */
export const confirmation = change<Confirmation>({
  id: 'confirmation',
  about: 'A product is activated by the confirmation ID that was given for its installation ID',
  holds: (facts, { level }) => licensed(facts, level),
  steps: ({ installationId, confirmationId, name, level }, because) => [
    step(
      {
        change: 'confirmation',
        what: `deposit the confirmation ID of ${name} (…${confirmationId.slice(-6)})`,
        because,
        method: 'DepositOfflineConfirmationId',
        arguments: { InstallationId: installationId, ConfirmationId: confirmationId },
      },
      level,
    ),
  ],
  wanted: (s) => ({
    installationId: String(s.arguments.InstallationId),
    confirmationId: String(s.arguments.ConfirmationId),
    name: '',
    level: levelOf(s),
  }),
  seen: (facts, { level }) => {
    const p = productOf(facts, level.product)
    return p ? `It is ${p.state}.` : 'The entry is not on the machine.'
  },
})
