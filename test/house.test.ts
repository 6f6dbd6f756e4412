import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { test } from 'node:test'

/**
 * The stairs: a room may import the doors of the rooms listed after it, and nothing else. `type:x` means `import type` only.
 * New rooms (store, server, …) come with the work that needs them.
 */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  model: [],
  catalogue: ['model'],
  addresses: ['model'],
  activation: ['model', 'catalogue', 'addresses'],
  files: [],
  secrets: ['model', 'native'],
  native: [],
  'protocol/negotiate': ['native'],
  'protocol/wsman': ['protocol/negotiate'],
  windows: ['model', 'native', 'secrets', 'protocol/negotiate', 'protocol/wsman'],
  directory: ['model', 'addresses', 'secrets', 'protocol/negotiate', 'protocol/ldap'],
  site: ['model', 'catalogue', 'addresses', 'secrets', 'type:directory'],
  store: ['model'],
  fleet: ['model', 'addresses'],
  'protocol/rpc': [],
  'protocol/ldap': [],
  campaigns: ['model', 'type:store'],
  hosts: ['model', 'addresses', 'catalogue', 'protocol/rpc', 'type:activation', 'type:directory'],
  engine: ['model', 'addresses', 'catalogue', 'activation', 'secrets', 'type:directory', 'type:windows'],
  lab: ['protocol/negotiate', 'protocol/wsman', 'protocol/ldap'],
  schedule: ['model', 'native'],
  image: ['model', 'addresses', 'catalogue'],
  offline: ['model', 'secrets', 'activation', 'type:windows'],
  support: ['model'],
  alerts: ['model'],
  app: [
    'model',
    'files',
    'addresses',
    'site',
    'secrets',
    'directory',
    'native',
    'windows',
    'activation',
    'engine',
    'fleet',
    'store',
    'campaigns',
    'hosts',
    'offline',
    'support',
    'alerts',
  ],
  schemas: ['type:model'],
  server: ['model', 'catalogue', 'activation', 'fleet', 'image', 'schemas', 'app'],
  cli: [
    ...[
      'model',
      'files',
      'catalogue',
      'addresses',
      'activation',
      'site',
      'schemas',
      'app',
      'lab',
      'directory',
      'schedule',
      'image',
      'offline',
    ],
    ...['support', 'server', 'type:engine', 'type:hosts', 'type:windows'],
  ],
}
/** What a room may use from outside the project. `activation` and `catalogue` are pure: no file, no network, no process. */
const mayUse: Readonly<Record<string, readonly string[]>> = {
  model: [],
  catalogue: [],
  addresses: ['ipaddr.js', 'node:url'],
  activation: [],
  files: ['node:fs'],
  secrets: ['node:child_process', 'node:crypto', 'node:fs', 'node:fs/promises', 'node:tty', 'node:util'],
  native: [
    'koffi',
    'koffi/indirect',
    'node:crypto',
    'node:ffi',
    'node:fs',
    'node:module',
    'node:os',
    'node:path',
    'node:process',
    'node:sea',
  ],
  'protocol/negotiate': ['node:crypto'],
  'protocol/wsman': ['node:crypto', 'saxes'],
  windows: ['node:crypto', 'node:http', 'node:https', 'node:net', 'node:timers/promises', 'node:tls'],
  directory: ['dns-packet', 'node:crypto', 'node:dgram', 'node:dns', 'node:dns/promises', 'node:net', 'node:tls'],
  store: ['kysely', 'kysely/migration', 'node:crypto', 'node:fs', 'node:path', 'node:sqlite', 'node:worker_threads', 'pg'],
  fleet: ['node:net', 'yaml'],
  'protocol/rpc': [],
  'protocol/ldap': [],
  campaigns: ['node:crypto'],
  hosts: ['node:net'],
  site: ['ipaddr.js', 'node:fs', 'node:fs/promises', 'node:os', 'node:path', 'tldts', 'yaml', 'zod'],
  engine: ['node:crypto', 'node:fs', 'node:os', 'node:path'],
  lab: [
    'dns-packet',
    'node:crypto',
    'node:dgram',
    'node:fs',
    'node:http',
    'node:https',
    'node:net',
    'node:os',
    'node:path',
    'node:tls',
    'node:url',
  ],
  schedule: ['node:child_process', 'node:crypto', 'node:fs', 'node:os', 'node:path'],
  image: [],
  offline: ['node:crypto', 'node:fs', 'node:os', 'node:path'],
  support: ['fflate', 'node:fs', 'node:os', 'node:path'],
  alerts: ['node:crypto', 'node:http', 'node:https', 'nodemailer'],
  app: ['node:crypto', 'node:fs', 'node:net', 'node:os', 'node:path'],
  schemas: ['zod'],
  server: [
    ...['fastify', 'node:crypto', 'node:fs', 'node:net', 'node:os', 'node:path'],
    ...['node:stream', 'node:tls', 'node:url', 'node:worker_threads', 'node:zlib', 'openid-client'],
  ],
  // A browser is opened, and the demonstration asks its own dashboard.
  cli: [
    ...['node:child_process', 'node:fs', 'node:http', 'node:os', 'node:path', 'node:readline', 'node:readline/promises', 'node:url'],
    'node:util',
  ],
}

const importLine = /^(?:import|export)\s+(type\s+)?[^'"]*?from\s+'([^']+)'|^import\s+'([^']+)'|\bimport\('([^']+)'\)/gm
const productKey = /(?<![A-Z0-9-])(?!XXXXX-)(?:[2-46-9BCDFGHJKMNPQRTVWXY]{5}-){4}[2-46-9BCDFGHJKMNPQRTVWXY]{5}(?![A-Z0-9-])/
const emptyNames = /(^|\/)(utils?|helpers?|common|misc|shared|base|manager|service)\.ts$/

/** The protocol rooms stand in a corridor: each is a room of its own. */
function roomOf(file: string): string {
  const parts = file
    .replace(/^src\//, '')
    .replace(/\.ts$/, '')
    .split('/')
  return parts.slice(0, parts[0] === 'protocol' ? 2 : 1).join('/')
}

function remarks(files: readonly string[], read: (file: string) => string): string[] {
  const found: string[] = []
  for (const file of files.filter((f) => !f.endsWith('.test.ts'))) {
    const room = roomOf(file)
    const allowed = mayImport[room]
    if (!allowed) found.push(`${file}: no room called ${room}`)
    if (emptyNames.test(file)) found.push(`${file}: the name says nothing about what is inside`)
    const text = read(file)
    if (productKey.test(text) && file !== 'src/catalogue/keys.ts') found.push(`${file}: a product key outside the catalogue`)
    for (const [, typeOnly, ...paths] of text.matchAll(importLine)) {
      const path = paths.find(Boolean)!
      if (!path.startsWith('.')) {
        if (!mayUse[room]?.includes(path)) found.push(`${file}: ${room} may not use ${path}`)
        continue
      }
      const target = posix.normalize(posix.join(posix.dirname(file), path))
      const other = roomOf(target)
      if (other === room) continue
      if (target !== `src/${other}.ts`) found.push(`${file}: goes past the door of ${other}`)
      if (!allowed?.includes(other) && !(typeOnly && allowed?.includes(`type:${other}`)))
        found.push(`${file}: ${room} may not import ${other}`)
    }
    if ((room === 'activation' || room === 'catalogue') && /\bDate\.now\(|new Date\(\)|process\.|\bfetch\(/.test(text))
      found.push(`${file}: ${room} reads no clock, process or network`)
  }
  return found
}

test('every import goes down the stairs and through a door', () => {
  const files = globSync('src/**/*.ts')
    .map((f) => f.replaceAll('\\', '/'))
    .sort()
  assert.deepEqual(
    remarks(files, (f) => readFileSync(f, 'utf8')),
    [],
  )
})

test('the check itself sees what it should', () => {
  const sample = ['BCDFG', 'BCDFG', 'BCDFG', 'BCDFG', 'BCDFG'].join('-')
  const house: Record<string, string> = {
    'src/activation/rules/a.ts': "import { open } from '../../cli/io.ts'\nimport { get } from 'node:http'\nconst now = Date.now()\n",
    'src/catalogue/b.ts': "import { x } from '../site.ts'\nimport type { Y } from '../model.ts'\n",
    'src/schemas.ts': "import { x } from './model.ts'\n",
    'src/cli/utils.ts': `const sample = '${sample}'\n`,
    'src/attic/x.ts': '',
  }
  assert.deepEqual(
    remarks(Object.keys(house), (f) => house[f]!),
    [
      'src/activation/rules/a.ts: goes past the door of cli',
      'src/activation/rules/a.ts: activation may not import cli',
      'src/activation/rules/a.ts: activation may not use node:http',
      'src/activation/rules/a.ts: activation reads no clock, process or network',
      'src/catalogue/b.ts: catalogue may not import site',
      'src/schemas.ts: schemas may not import model',
      'src/cli/utils.ts: the name says nothing about what is inside',
      'src/cli/utils.ts: a product key outside the catalogue',
      'src/attic/x.ts: no room called attic',
    ],
  )
})

test('the promises: no activation exchange in the tree, and connections only where machines and DNS are asked', () => {
  const files = globSync('{src,bin,scripts,docs,examples}/**/*.{ts,cjs,md,json,yaml}').map((f) => f.replaceAll('\\', '/'))
  for (const file of files) {
    const text = readFileSync(file, 'utf8')
    // The interface by which a client asks a KMS host: nothing may speak it.
    assert.doesNotMatch(text, new RegExp(['51c82175', '844e', '4750', 'b0d8', 'ec255555bc06'].join('-'), 'i'), file)
    // Nothing but the rooms that mayUse names opens a connection; scripts measure and build.
    if (file.startsWith('src/')) assert.doesNotMatch(text, /\bfetch\(|\bnew WebSocket\(/, file)
  }
})

test('only published client keys: the catalogue has no other key, and the texts of the tree have none whole', () => {
  const published = new Set([...readFileSync('src/catalogue/keys.ts', 'utf8').matchAll(new RegExp(productKey, 'g'))].map((m) => m[0]))
  assert.ok(published.size > 130)
  for (const file of globSync('{test/cases,examples,docs}/**/*.{txt,json,md}')) {
    for (const m of readFileSync(file, 'utf8').matchAll(new RegExp(productKey, 'g')))
      assert.ok(published.has(m[0]), `${file} shows a key that Microsoft does not publish`)
  }
})
