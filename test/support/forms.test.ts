import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import type { Site } from '../../src/model.ts'
import { type Support, support } from '../../src/support.ts'
import { redactor } from '../../src/windows.ts'
import { privateKey, unpacked } from './open.ts'

/** The same key, and the same names, in every shape that they come in: none of them is in an archive. */
const folder = mkdtempSync(join(tmpdir(), 'slmctl-forms-'))
after(() => rmSync(folder, { recursive: true }))
let n = 0

function archive(redacted: boolean, said: string, fill: (told: Support) => void = () => {}): Map<string, string> {
  const to = join(folder, `${n++}.zip`)
  const told = support({ to, hide: redacted ? redactor([]) : null, command: 'status', versions: {}, now: () => new Date() })
  fill(told)
  told.out(`said ${said} end\n`)
  told.err(`said ${said} end\n`)
  told.log(`said ${said} end`)
  told.problem({ code: 'X', summary: said, next: [said], file: null, line: null, column: null })
  told.facts(() => ({
    machines: [
      {
        name: 'pc-schmidt.emea.bigcorp.com',
        entries: [{ ask: { class: 'X', columns: ['A'] }, rows: [{ A: said, [redacted ? 'B' : said]: '' }] }],
      },
    ],
  }))
  assert.ok(told.finish(0)?.ok)
  return unpacked(to)
}

describe('a product key', () => {
  const groups = privateKey.split('-')
  const bare = groups.join('')
  const forms: Readonly<Record<string, string>> = {
    printed: privateKey,
    small: privateKey.toLowerCase(),
    bare,
    wrapped: `${privateKey.slice(0, 8)}\r\n   ${privateKey.slice(8)}`,
    'UTF-16 taken for eight bits': privateKey.split('').join('\0'),
    coloured: groups.join('\u001b[0m-'),
    'half coloured': `${privateKey.slice(0, 3)}\u001b[31m${privateKey.slice(3)}`,
    'full width': privateKey.replace(/[A-Z0-9]/g, (c) => String.fromCharCode(c.charCodeAt(0) + 0xfee0)),
    ...Object.fromEntries(
      [' ', '_', '.', ' | ', '\n', '\u200b', '\u00ad', '&#45;', '&#x2D;', '","', '\\u002d', '%2D', '\\n', '+', '=', '<wbr>'].map((by) => [
        `with ${JSON.stringify(by)}`,
        groups.join(by),
      ]),
    ),
  }
  for (const [name, form] of Object.entries(forms))
    test(name, () => {
      for (const [file, text] of archive(false, form)) {
        const flat = text.replace(/\\u001b\[\d*m|\\u[0-9a-f]{4}|&#?\w+;|%2d|<wbr>|\\[nr]|[^A-Za-z0-9]/gi, '').toUpperCase()
        assert.ok(!flat.includes(bare.slice(0, 10)) && !flat.includes(bare.slice(5, 15)), `${file}: ${text}`)
      }
    })
})

describe('names, in a redacted archive', () => {
  const host = { name: 'kms-berlin.emea.bigcorp.com', port: 1688, priority: null, weight: null }
  const site = {
    ...{ organisation: 'Müller & Söhne', domains: ['emea.bigcorp.com', 'münchen.example'], networks: ['10.77.0.0/16'], kmsHosts: [host] },
    ...{ dnsServers: ['10.77.0.53'], forests: [], entitlements: [], planSigners: [], wishes: [], platforms: [] },
    groups: [{ name: 'Vertrieb', machines: ['pc-schmidt.emea.bigcorp.com'], wishes: [] }],
  } as unknown as Site
  const forms: readonly (readonly [text: string, holds: RegExp])[] = [
    ['PC-SCHMIDT asked', /schmidt/i],
    ['\\\\PC-SCHMIDT\\C$', /schmidt/i],
    ['\\\\srv9.bigcorp.com\\share', /srv9|bigcorp/i],
    ['EMEA\\PC-SCHMIDT$', /schmidt|emea/i],
    ['BIGCORP\\admin', /bigcorp/i],
    ['looked in bigcorp.com', /bigcorp/i],
    ['_vlmcs._tcp.bigcorp.com', /bigcorp/i],
    ['CN=PC-SCHMIDT,OU=Clients,DC=emea,DC=bigcorp,DC=com', /schmidt|emea|bigcorp/i],
    ['LDAP://dc01.emea.bigcorp.com/DC=other,DC=bigcorp,DC=com', /dc01|emea|bigcorp/i],
    ['HTTP/pc-schmidt.emea.bigcorp.com@EMEA.BIGCORP.COM', /schmidt|emea|bigcorp/i],
    ['17.0.77.10.in-addr.arpa', /17\.0\.77\.10/],
    ['7.1.0.0.7.7.0.0.8.b.d.0.1.0.0.2.ip6.arpa', /7\.7\.0\.0\.8/],
    ['[2001:db8:77:0:0:0:0:17]:5985', /db8:77/i],
    ['fe80::77aa:17%eth0', /77aa/],
    ['::ffff:10.77.0.17', /10\.77\.0\.17/],
    ['S-1-5-21-1111111111-2222222222-3333333333-1001', /1111111111/],
    ['s-1-5-21-1111111111-2222222222-3333333333-1001', /1111111111/],
    ['S-1-12-1-1111111111-1222222222-1333333333-1444444444', /1444444444/],
    ['xn--mnchen-3ya.example', /mnchen/],
    ['kms.MÜNCHEN.example', /münchen/i],
    ['Müller & Söhne'.normalize('NFD'), /So\u0308hne|Söhne/],
    ['hans@EMEA.BIGCORP.COM', /hans|bigcorp/i],
  ]
  for (const [text, holds] of forms)
    test(text, () => {
      const found = archive(true, text, (told) => told.site(site))
      found.delete('CONTENTS.txt')
      for (const [file, content] of found) assert.doesNotMatch(content, holds, file)
    })
})
