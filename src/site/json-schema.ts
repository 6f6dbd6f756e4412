import * as z from 'zod'
import { siteSchema } from './schema.ts'

/** The JSON Schema of the site file, for editors: `docs/site.schema.json` is this. */
export function siteJsonSchema(): Record<string, unknown> {
  return { $id: 'slmctl.site/1', ...z.toJSONSchema(siteSchema, { io: 'input' }) }
}
