/** Writes docs/*.schema.json from src/schemas.ts; a test fails when they are out of step. */
import { writeFileSync } from 'node:fs'
import { published, z } from '../src/schemas.ts'
import { siteSchema } from '../src/site.ts'

export function schemaFiles(): Record<string, string> {
  const files: Record<string, string> = {}
  for (const [name, schema] of Object.entries({ ...published, site: siteSchema })) {
    files[`docs/${name}.schema.json`] =
      `${JSON.stringify({ $id: `slmctl.${name}/1`, ...z.toJSONSchema(schema, { io: name === 'site' ? 'input' : 'output' }) }, null, 2)}\n`
  }
  return files
}

if (import.meta.main) for (const [file, text] of Object.entries(schemaFiles())) writeFileSync(file, text)
