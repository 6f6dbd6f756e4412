/**
 * `npm run build:web`: the pages of the dashboard as one file, dist/pages.json, which the server reads and the package and the single
 * file for Windows carry. Each file of the pages stands in it as it goes over the wire: compressed by brotli and gzip, with its ETag.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import { build, type Rolldown } from 'vite'

export type PackedFile = { readonly type: string; readonly br: string; readonly gzip: string; readonly etag: string }
export type Pages = { readonly files: Readonly<Record<string, PackedFile>> }

const types: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
}
/** The first page: the document, what it names, and the overview with what that needs. In kB of 1000 bytes, over the wire. */
const firstPageKb = 80

async function packed(name: string, content: Buffer): Promise<PackedFile> {
  const type = types[name.slice(name.lastIndexOf('.') + 1)]
  if (type === undefined) throw new Error(`${name}: nobody has said which media type that is`)
  const [br, gz] = await Promise.all([
    promisify(brotliCompress)(content, {
      params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: content.length },
    }),
    promisify(gzip)(content, { level: 9 }),
  ])
  const etag = `"${createHash('sha256').update(content).digest('base64url').slice(0, 22)}"`
  return { type, br: br.toString('base64'), gzip: gz.toString('base64'), etag }
}

const bytesOf = (file: PackedFile | undefined): number => (file === undefined ? 0 : Buffer.byteLength(file.br, 'base64'))

/** Builds the pages; says what each file weighs over the wire, and refuses a first page that is too heavy. */
export async function buildWeb(folder: string, say: (line: string) => void = console.log): Promise<void> {
  const built = (await build({ configFile: 'web/vite.config.ts', logLevel: 'warn', build: { write: false } })) as Rolldown.RolldownOutput
  const files: Record<string, PackedFile> = {}
  await Promise.all(
    built.output.map(async (file) => {
      const content = Buffer.from(file.type === 'chunk' ? file.code : file.source)
      files[`/${file.fileName}`] = await packed(file.fileName, content)
    }),
  )
  const sorted = Object.fromEntries(Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1)))
  for (const [name, file] of Object.entries(sorted)) say(`${String(bytesOf(file)).padStart(7)}  ${name}`)
  const first = firstPage(built.output).reduce((sum, name) => sum + bytesOf(files[`/${name}`]), 0)
  say(`${String(first).padStart(7)}  bytes for the first page (brotli; at most ${firstPageKb} kB)`)
  if (first > firstPageKb * 1000) throw new Error(`The first page weighs ${first} bytes; it may weigh ${firstPageKb * 1000}.`)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'pages.json'), JSON.stringify({ files: sorted } satisfies Pages))
}

/** The document, its style sheet and icon, the script it begins with, the overview, and whatever these import. */
function firstPage(output: Rolldown.RolldownOutput['output']): readonly string[] {
  const chunks = output.filter((file) => file.type === 'chunk')
  const wanted = new Set(output.filter((file) => file.type === 'asset').map((file) => file.fileName))
  const add = (name: string) => {
    if (wanted.has(name)) return
    wanted.add(name)
    for (const other of chunks.find((c) => c.fileName === name)?.imports ?? []) add(other)
  }
  for (const chunk of chunks) if (chunk.isEntry || chunk.facadeModuleId?.endsWith('/web/src/pages/overview.tsx')) add(chunk.fileName)
  return [...wanted]
}

if (import.meta.main) await buildWeb(process.argv[2] ?? 'dist')
