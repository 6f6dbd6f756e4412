import type { Step } from '../../src/model.ts'

/** A step as a plan holds it, with what the test is about. */
export const step = (method: string, more: Partial<Step> = {}): Step => ({
  change: 'test',
  what: method,
  because: 'test',
  class: 'SoftwareLicensingService',
  key: null,
  method,
  arguments: {},
  product: null,
  host: null,
  secret: null,
  activates: method === 'Activate',
  ...more,
})
