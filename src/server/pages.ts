/** The pages of the dashboard: one file made by the build, held in memory and given out by its names, so that no path leads anywhere else. */
import { gunzipSync } from 'node:zlib'
import { packagedFile } from '../app.ts'
import { ProblemError, problem } from '../model.ts'

type PageFile = { readonly type: string; readonly br: Buffer; readonly gzip: Buffer; readonly etag: string; readonly immutable: boolean }
export type Pages = ReadonlyMap<string, PageFile>
export type PageAnswer = { readonly status: 200 | 304; readonly headers: Readonly<Record<string, string>>; readonly body: Buffer | null }

/** Reads pages.json; null: this slmctl was built without pages. */
export function readPages(bytes: Buffer | null = packagedFile('pages.json')): Pages | null {
  if (bytes === null) return null
  const { files } = JSON.parse(bytes.toString('utf8')) as {
    files: Record<string, { type: string; br: string; gzip: string; etag: string }>
  }
  return new Map(
    Object.entries(files).map(([path, { type, br, gzip, etag }]) => [
      path,
      {
        type: type.startsWith('text/') && !type.includes('charset') ? `${type}; charset=utf-8` : type,
        br: Buffer.from(br, 'base64'),
        gzip: Buffer.from(gzip, 'base64'),
        etag: etag.replace(/^(?:W\/)?"?|"$/g, ''),
        immutable: path.startsWith('/assets/'),
      },
    ]),
  )
}

/** The file of a path, or the shell where the path is one of the pages' own; null: there is none. */
export function pageOf(pages: Pages | null, path: string): PageFile | null {
  if (pages === null)
    throw new ProblemError(
      problem('PAGES_NOT_BUILT', 'The pages of the dashboard are not in this slmctl.', [
        'In a checkout: npm run build:web, then start it again.',
        'The API works without them: docs/guide/api.md',
      ]),
    )
  return pages.get(path) ?? (path.includes('.') && !pageOfHost.test(path) ? null : (pages.get('/index.html') ?? null))
}
/** The one page whose address has a name with dots in it. */
const pageOfHost = /^\/hosts\/[\w.:-]+\/\d{1,5}$/

/** Whether an Accept-Encoding takes a coding (RFC 9110, 12.5.3). */
export const takes = (accepted: string, coding: string): boolean =>
  new RegExp(`(?:^|,)\\s*${coding}\\s*(?:;\\s*q=(?!0(?:\\.0*)?\\s*(?:,|$))[^,]*)?(?:,|$)`, 'i').test(accepted)

/** The file as the browser takes it: brotli, gzip, or as it is. */
export function pageAnswer(file: PageFile, accepted: string, known: string | undefined): PageAnswer {
  const coding = takes(accepted, 'br') ? 'br' : takes(accepted, 'gzip') ? 'gzip' : null
  // Each coding is a representation of its own (RFC 9110, 8.8.3.3).
  const etag = `"${file.etag}-${coding ?? 'plain'}"`
  const headers = {
    'content-type': file.type,
    'cache-control': file.immutable ? 'public, max-age=31536000, immutable' : 'no-cache',
    vary: 'Accept-Encoding',
    etag,
    ...(coding ? { 'content-encoding': coding } : {}),
  }
  if (known?.split(',').some((one) => one.trim().replace(/^W\//, '') === etag)) return { status: 304, headers, body: null }
  return { status: 200, headers, body: coding === null ? gunzipSync(file.gzip) : file[coding] }
}
