/** Machines in over the API: what is looked at is what is imported, recordings are judged as of then, and a directory is the site's own. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Worker } from 'node:worker_threads'
import { startLab } from '../../src/lab.ts'
import type { ProblemError } from '../../src/model.ts'
import { a, srv, startDns } from '../directory/server.ts'
import { type ApiStage, apiStage } from './api-stage.ts'
import { type Stage, stage } from './stage.ts'

type Import = {
  readonly dryRun: boolean
  readonly imports: readonly {
    readonly source: string
    readonly listed: number
    readonly added: readonly string[]
    readonly vanished: readonly string[]
    readonly notes: readonly string[]
    readonly fingerprint: string
  }[]
  readonly problems: readonly { readonly code: string; readonly summary: string; readonly file: string; readonly line: number | null }[]
}
const imports = '/api/v1/fleet/imports'

describe('machines in, over the API', () => {
  let on: ApiStage
  before(async () => {
    on = await apiStage()
  })
  after(() => on.close())
  const take = (body: unknown, path = '') => on.post<Import>(`${imports}${path}`, body, 'operator')
  const there = async (text: string) => (await on.get<{ count: number }>(`/api/v1/fleet/machines/count?text=${text}`)).count

  test('a table by the name of its file is the source that the command makes of it; lines, reasons and columns are told', async () => {
    const text = `name,objectguid,asset tag,"<img src=x>"\nin-1.corp.example,,7,x\nin 2,,8,x\nin-3.corp.example,no-guid,9,x\n`
    const shown = await take({ file: 'machines in.csv', text })
    assert.equal(shown.dryRun, true)
    const [one] = shown.imports
    assert.deepEqual([one!.source, one!.added], ['csv:machines in.csv', ['in-1.corp.example']])
    assert.deepEqual(one!.notes, ['columns that were not used: asset tag, <img src=x>'])
    assert.deepEqual(
      shown.problems.map((p) => [p.code, p.file, p.line]),
      [
        ['SOURCE_LINE', 'machines in.csv', 3],
        ['SOURCE_LINE', 'machines in.csv', 4],
      ],
    )
    assert.equal(await there('in-1'), 0, 'nothing was written')
    writeFileSync(join(on.directory, 'machines in.csv'), text)
    const command = await on.slmctl(
      'fleet',
      'import',
      join(on.directory, 'machines in.csv'),
      '--dry-run',
      '--json',
      '--store',
      join(on.directory, 'fleet.db'),
    )
    const told = JSON.parse(command.out) as Import
    const plain = (of: Import) => ({
      ...{ ...of, problems: of.problems.map(({ file: _, ...p }) => p) },
      imports: of.imports.map((i) => ({ ...i, at: 0 })),
    })
    assert.deepEqual(plain(told), plain(shown), 'the command says the same')
    const done = await take({ file: 'machines in.csv', text, dryRun: false, expect: one!.fingerprint })
    assert.equal(done.imports[0]!.fingerprint, one!.fingerprint)
    assert.equal(await there('in-1'), 1)
  })

  test('what is imported is what was shown: another difference is refused, and nothing is written', async () => {
    const list = { source: 'list:agreed', text: 'agreed-1.corp.example\nagreed-2.corp.example\n' }
    const expect = (await take(list)).imports[0]!.fingerprint
    await take({ source: 'list:other', text: 'agreed-1.corp.example\n', dryRun: false })
    for (const body of [
      { ...list, dryRun: false, expect },
      { ...list, text: 'agreed-3.corp.example\n', dryRun: false, expect },
    ]) {
      const said = await on.ask(imports, { body, as: 'operator' })
      assert.deepEqual([said.status, (said.json as { code: string }).code], [409, 'IMPORT_CHANGED'])
    }
    assert.equal(await there('agreed-'), 1)
    const anew = (await take(list)).imports[0]!.fingerprint
    assert.notEqual(anew, expect)
    await take({ ...list, dryRun: false, expect: anew })
    assert.equal(await there('agreed-'), 2)
    const site = await take({}, '/site')
    assert.equal((await on.ask(`${imports}/site`, { body: { dryRun: false, expect: 'another' }, as: 'operator' })).status, 409)
    await take({ dryRun: false, expect: site.imports[0]!.fingerprint }, '/site')
  })

  test('a text without any name is refused; another list under the same name is told by what would vanish', async () => {
    assert.equal((await on.ask(imports, { body: { text: 'x-1.corp.example' }, as: 'operator' })).status, 400)
    const many = Array.from({ length: 12 }, (_, i) => `berlin-${i}.corp.example`).join('\n')
    await take({ source: 'berlin', text: many, dryRun: false })
    const other = await take({ source: 'berlin', text: 'munich-1.corp.example' })
    assert.equal(other.imports[0]!.vanished.length, 12)
    assert.match(other.imports[0]!.notes.join(), /More has vanished than is listed/)
  })

  test('a long text, and one out of which many machines can come, is read in a thread; what is wrong with it is told all the same', async () => {
    const threads: unknown[] = []
    const note = (worker: unknown) => threads.push(worker)
    process.on('worker', note)
    try {
      const names = Array.from({ length: 1200 }, (_, i) => `long-${i}.corp.example`)
      for (const [text, listed, wrong, begun] of [
        ['short-1.corp.example\na b\n', 1, 1, 0],
        [`${names.join('\n')}\na b\n`, 1200, 1, 1],
        ['[web]\nlong-[0:1199].corp.example\na b[\n', 1200, 1, 2],
        [
          'all:\n  children:\n    one: &one\n      hosts:\n        long-1:\n        a b:\n    two:\n      children:\n        three: *one\n',
          1,
          1,
          3,
        ],
      ] as const) {
        const shown = await take({ source: 'long', text })
        assert.deepEqual([shown.imports[0]!.listed, shown.problems.length, threads.length], [listed, wrong, begun], text.slice(0, 30))
      }
      const said = await on.ask(imports, { body: { source: 'long', text: `${' '.repeat(20_000)}\n` }, as: 'operator' })
      assert.deepEqual([said.status, (said.json as { code: string }).code], [422, 'SOURCE_EMPTY'])
    } finally {
      process.off('worker', note)
    }
  })

  test('whoever goes away while a long text is read: nothing is written, and the trail says so', async () => {
    const begun = once(process, 'worker') as Promise<[Worker]>
    const gone = new AbortController()
    const body = JSON.stringify({ source: 'left', text: Array.from({ length: 200_000 }, (_, i) => `left-${i}`).join('\n'), dryRun: false })
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${on.tokens.operator}` }
    const sent = fetch(`http://${on.server.address}${imports}`, { method: 'POST', headers, body, signal: gone.signal })
    const [thread] = await begun
    const ended = once(thread, 'exit')
    gone.abort()
    await assert.rejects(sent)
    await ended
    for (let i = 0; i < 50; i++) {
      const { rows } = await on.store.trail({ what: 'POST /api/v1/fleet/imports' }, { limit: 5, after: null })
      const row = rows.find((r) => r.about === 'left')
      if (row) {
        assert.deepEqual([row.result, row.detail], ['refused', 'CALLER_LEFT'])
        break
      }
      assert.ok(i < 49, 'the trail says nothing')
      await new Promise((done) => setTimeout(done, 20))
    }
    assert.equal(await there('left-'), 0)
  })

  test('recordings: several at once, each as of when it was made; what is none is named, the others are taken', async () => {
    const file = join(on.directory, 'pc-4.json')
    await on.slmctl('status', 'pc-4.corp.example', '--record', file, '--keep-names')
    const text = readFileSync(file, 'utf8')
    const recording = JSON.parse(text) as { machines: { name: string; at: string; entries: { rows?: unknown[] }[] }[] }
    const as = (name: string, at = recording.machines[0]!.at) =>
      JSON.stringify({ ...recording, machines: [{ ...recording.machines[0]!, name, at }] })
    const rows = Array.from({ length: 501 }, () => ({}))
    const entries = recording.machines[0]!.entries.map((e) => (e.rows ? { ...e, rows } : e))
    const endless = JSON.stringify({ ...recording, machines: [{ ...recording.machines[0]!, name: 'rec-4.corp.example', entries }] })
    const ahead = new Date(Date.now() + 400 * 86_400_000).toISOString()
    const recordings = [
      { file: 'same.json', text: as('rec-1.corp.example') },
      { file: 'same.json', text: as('rec-2.corp.example') },
      { file: 'older.json', text: as('rec-2.corp.example', '2026-01-01T00:00:00Z') },
      { file: 'cut.json', text: text.slice(0, 3000) },
      { file: '<script>.json', text: '{"schema":"something/1"}' },
      { file: 'hidden.json', text: text.replace('"names":"kept"', '"names":"hidden"').replace('"names": "kept"', '"names": "hidden"') },
      { file: 'ahead.json', text: as('rec-3.corp.example', ahead) },
      { file: 'name.json', text: as('-rf *') },
      { file: 'deep.json', text: '['.repeat(100_000) },
      { file: 'endless.json', text: endless },
    ]
    const shown = await take({ recordings }, '/recordings')
    assert.deepEqual(shown.imports[0]!.added, ['rec-1.corp.example', 'rec-2.corp.example'])
    assert.equal(shown.imports[0]!.source, 'recordings')
    const codes = shown.problems.map((p) => [p.file, p.code])
    assert.deepEqual(codes, [
      ['cut.json', 'RECORDING_INVALID'],
      ['<script>.json', 'RECORDING_INVALID'],
      ['hidden.json', 'RECORDING_REDACTED'],
      ['ahead.json', 'RECORDING_FUTURE'],
      ['name.json', 'RECORDING_INVALID'],
      ['deep.json', 'RECORDING_INVALID'],
      ['endless.json', 'RECORDING_INVALID'],
    ])
    assert.equal(await there('rec-'), 0, 'nothing was written')
    await take({ recordings, dryRun: false, expect: shown.imports[0]!.fingerprint }, '/recordings')
    const taken = await on.get<{ rows: { name: string; verdict: string; seenAt: number }[] }>('/api/v1/fleet/machines?text=rec-')
    const asked = await on.get<{ rows: { verdict: string; headline: string }[] }>('/api/v1/fleet/machines?text=pc-4')
    for (const row of taken.rows) {
      assert.equal(row.verdict, asked.rows[0]!.verdict, 'judged by the site file, as the machine itself was')
      assert.equal(row.seenAt, Date.parse(recording.machines[0]!.at), row.name)
    }
    assert.equal(taken.rows.length, 2)
    const trail = await on.get<{ rows: { what: string; about: string }[] }>('/api/v1/trail?limit=1')
    assert.deepEqual(
      [trail.rows[0]!.what, trail.rows[0]!.about],
      ['POST /api/v1/fleet/imports/recordings', `recordings: ${recordings.length} files`],
    )
  })

  test('a recording of endlessly many rows is none, and is not looked at row by row', async () => {
    const entries = Array.from({ length: 45 }, () => ({ ask: { class: 'C', columns: ['a'] }, rows: Array(490).fill({}) }))
    const text = (some: typeof entries) =>
      JSON.stringify({
        schema: 'slmctl.recording/1',
        names: 'kept',
        machines: [{ name: 'rows-1', at: '2026-11-26T09:00:00Z', entries: some }],
      })
    const recordings = [
      { file: 'most.json', text: text(entries.slice(5)) },
      { file: 'more.json', text: text(entries) },
    ]
    const shown = await take({ recordings }, '/recordings')
    assert.deepEqual(shown.imports[0]!.added, ['rows-1'])
    assert.deepEqual(
      shown.problems.map((p) => [p.code, p.file]),
      [['RECORDING_INVALID', 'more.json']],
    )
    assert.match(shown.problems[0]!.summary, /more than 20000 rows/)
  })

  test('recordings are held to the size of a text, and to their number', async () => {
    const path = `${imports}/recordings`
    const large = await on.ask(path, { body: { recordings: [{ file: 'a.json', text: 'x'.repeat(5 * 1024 * 1024) }] }, as: 'operator' })
    assert.equal(large.status, 413)
    for (const body of [
      {},
      { recordings: [] },
      { recordings: Array(201).fill({ file: 'a', text: '{}' }) },
      { recordings: [{ file: '', text: '{}' }] },
    ])
      assert.equal((await on.ask(path, { body, as: 'operator' })).status, 400)
  })

  test('a directory that no forest of the site file has is not asked', async () => {
    for (const domain of ['elsewhere.example', '127.0.0.1', 'corp.example', '*', 'corp.example/'])
      await on.ask(`${imports}/directory`, { body: { domain }, as: 'operator' }).then((said) => {
        assert.deepEqual([said.status, (said.json as { code: string }).code], [422, 'DIRECTORY_NOT_OURS'], domain)
      })
  })
})

describe('a directory, over the API', () => {
  /** A server whose site file names the lab's directory and who signs in there. */
  async function withDirectory(
    credential: (user: string) => string,
    work: (on: Stage, take: (body: object) => ReturnType<Stage['ask']>, names: readonly string[]) => Promise<void>,
    change: (site: string) => string = (site) => site,
  ): Promise<void> {
    const lab = await startLab({ seed: 7, count: 30, directory: true })
    try {
      const { user, password } = lab.accounts[0]!
      const reader = `  - { name: corp.example, directory: reader }\n`
      const plain = lab.siteYaml().replace(/^credentials:\n/m, `credentials:\n  reader: ${credential(user)}\n`)
      const siteText = (
        /^forests:/m.test(plain) ? plain.replace(/^forests:\n/m, `forests:\n${reader}`) : `${plain}forests:\n${reader}`
      ).replace(/^reach: \{/m, 'reach: { ca: [lab-ca.pem],')
      const on = await stage({}, { siteText: change(siteText), clock: Date.now })
      try {
        writeFileSync(join(on.directory, 'lab.password'), `${password}\n`, { mode: 0o600 })
        writeFileSync(join(on.directory, 'lab-ca.pem'), lab.ca)
        const token = (await on.token(await on.person('operator'), 'operate')).value
        const names = lab.machines.map((m) => m.name).filter((name) => name.endsWith('.corp.example'))
        await work(on, (body) => on.ask(`${imports}/directory`, { body: { domain: 'corp.example', ...body }, token }), names)
      } finally {
        await on.close()
      }
    } finally {
      await lab.close()
    }
  }
  const basic = (user: string) => `{ method: basic, user: ${user}@corp.example, password: { file: lab.password } }`

  test('the computers are shown, then taken in; a filter makes nothing vanish, a part is a source of its own', async () => {
    await withDirectory(basic, async (on, take, names) => {
      const shown = (await take({})).json as Import
      const [one] = shown.imports
      assert.equal(one!.source, 'directory:corp.example')
      assert.ok(names.length > 10 && names.every((name) => one!.added.includes(name)), one!.added.join())
      assert.match(one!.notes.join(), /1 name of a cluster/)
      assert.equal(await on.store.count({}), 0, 'nothing was written')
      assert.equal((await take({ dryRun: false, expect: one!.fingerprint })).status, 200)
      assert.equal(await on.store.count({}), one!.listed)
      const some = (await take({ enabled: true, seenWithinDays: 30, system: 'Windows 11', dryRun: false })).json as Import
      assert.ok(some.imports[0]!.listed > 0 && some.imports[0]!.listed < one!.listed)
      assert.deepEqual(some.imports[0]!.vanished, [])
      const part = (await take({ system: 'Windows 11', group: 'elevens', dryRun: false })).json as Import
      assert.equal(part.imports[0]!.source, 'directory:corp.example#elevens')
      const hostile = (await take({ system: '*)(objectClass=*' })).json as Import
      assert.equal(hostile.imports[0]!.listed, 0, 'what is asked for is a value')
      for (const body of [{ unit: 'OU=None,DC=corp,DC=example' }, { inGroup: ')(|(cn=*' }]) {
        const said = await take(body)
        assert.match((said.json as { code: string }).code, /^DIRECTORY_(?:NOT_FOUND|REFUSED)$/)
      }
    })
  })

  test('a directory is read once at a time, and again when that has ended', async () => {
    await withDirectory(basic, async (_, take) => {
      const said = await Promise.all([take({}), take({}), take({ system: 'Windows 11' })])
      assert.deepEqual(said.map((s) => s.status).sort(), [200, 503, 503])
      assert.equal((said.find((s) => s.status === 503)!.json as { code: string }).code, 'DIRECTORY_BUSY')
      assert.equal((await take({ unit: 'OU=None,DC=corp,DC=example' })).status, 422)
      assert.equal((await take({})).status, 200)
    })
  })

  test('who signs in, and where, is the site file’s alone: a request that says it is refused', async () => {
    await withDirectory(basic, async (on, take) => {
      for (const more of [
        { server: '127.0.0.1' },
        { user: 'x' },
        { password: 'x' },
        { passwordFile: '/etc/passwd' },
        { ca: 'x' },
        { starttls: true },
      ])
        assert.equal((await take(more)).status, 400, JSON.stringify(more))
      assert.doesNotMatch(JSON.stringify(await on.store.trail({}, { limit: 50, after: null })), /passwd/)
    })
  })

  test('a domain controller that DNS names outside of the forest is not even connected to', async () => {
    const wire = createServer(() => {}).listen(0, '127.0.0.1')
    await once(wire, 'listening')
    const { port } = wire.address() as AddressInfo
    let connected = 0
    wire.on('connection', () => connected++)
    const dns = await startDns(({ name, type }) =>
      type === 'SRV' ? { answers: [srv(name, 'dc1.elsewhere.example', 0, 0, port)] } : { answers: [a(name, '127.0.0.1')] },
    )
    try {
      await withDirectory(
        basic,
        async (on, take) => {
          const said = await take({})
          assert.deepEqual([said.status, (said.json as { code: string }).code], [422, 'DIRECTORY_NOT_OURS'])
          assert.match((said.json as { title: string }).title, /dc1\.elsewhere\.example/)
          assert.equal(await on.store.count({}), 0)
        },
        (site) => site.replace(/servers: \[.*\]/, `servers: ["${dns.at}"]`),
      )
      assert.ok(dns.asked.length > 0)
      assert.equal(connected, 0)
    } finally {
      dns.close()
      wire.close()
    }
  })

  test('a credential that is none for a directory is said with its line when the site file is read', async () => {
    const ntlm = (user: string) => `{ method: ntlm, user: ${user}@corp.example, password: { file: lab.password } }`
    await assert.rejects(
      withDirectory(ntlm, async () => {}),
      (error: ProblemError) => {
        assert.match(error.problems[0]!.summary, /forests\.\d+\.directory: reader is by ntlm/)
        return error.problems[0]!.line !== null
      },
    )
  })
})
