/** Writes docs/*.schema.json from src/schemas.ts; a test fails when they are out of step. */
import { writeFileSync } from 'node:fs'
import { published, z } from '../src/schemas.ts'
import { siteJsonSchema } from '../src/site.ts'

export function schemaFiles(): Record<string, string> {
  const files: Record<string, string> = {}
  const write = (name: string, schema: unknown) => {
    files[`docs/${name}.schema.json`] = `${JSON.stringify(schema, null, 2)}\n`
  }
  for (const [name, schema] of Object.entries(published))
    write(name, { $id: `slmctl.${name}/1`, ...z.toJSONSchema(schema, { io: 'output' }) })
  write('site', siteJsonSchema())
  return files
}

if (import.meta.main) for (const [file, text] of Object.entries(schemaFiles())) writeFileSync(file, text)
