/** Writes docs/*.schema.json from src/schemas.ts, and docs/openapi.json and the table of the guide from the routes; a test fails when they are out of step. */
import { readFileSync, writeFileSync } from 'node:fs'
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
  files[guide] = readFileSync(guide, 'utf8').replace(
    /(<!-- routes:.*-->\n)[\s\S]*(<!-- end of routes -->)/,
    (_, begin, end) => `${begin}${addresses()}${end}`,
  )
  return files
}

const guide = 'docs/guide/api.md'

/** The addresses of the API as a table of the guide. */
function addresses(): string {
  const rows = allRoutes.map(
    (r) => `| \`${r.method} ${r.path.replace('/api/v1', '')}\` | ${r.access === 'diagnose' ? 'viewer' : r.access} | ${r.summary} |\n`,
  )
  return `\n| address | for | does |\n| --- | --- | --- |\n${rows.join('')}\n`
}

if (import.meta.main) for (const [file, text] of Object.entries(schemaFiles())) writeFileSync(file, text)
