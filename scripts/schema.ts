/** Writes docs/*.schema.json from src/schemas.ts, and docs/openapi.json from the routes; a test fails when they are out of step. */
import { writeFileSync } from 'node:fs'
import { version } from '../src/cli/version.ts'
import { published, z } from '../src/schemas.ts'
import { openApi } from '../src/server/openapi.ts'
import { allRoutes } from '../src/server.ts'
import { siteJsonSchema } from '../src/site.ts'

export function schemaFiles(): Record<string, string> {
  const files: Record<string, string> = {}
  const write = (name: string, schema: unknown) => {
    files[`docs/${name}.schema.json`] = `${JSON.stringify(schema, null, 2)}\n`
  }
  for (const [name, schema] of Object.entries(published))
    write(name, { $id: `slmctl.${name}/1`, ...z.toJSONSchema(schema, { io: 'output' }) })
  write('site', siteJsonSchema())
  files['docs/openapi.json'] = `${JSON.stringify(openApi(allRoutes, version), null, 2)}\n`
  return files
}

if (import.meta.main) for (const [file, text] of Object.entries(schemaFiles())) writeFileSync(file, text)
