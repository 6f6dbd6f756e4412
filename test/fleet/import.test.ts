import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { ran } from '../support/ran.ts'
import { type Fleet, withFleet } from './command.ts'

const names = async (fleet: Fleet, ...filter: string[]) =>
  (JSON.parse((await fleet.run('list', ...filter, '--json')).out) as { machines: { name: string; address: string | null }[] }).machines

const guid = (n: number) => `3f2504e0-4f89-11d3-9a0c-${String(n).padStart(12, '0')}`

describe('machines in', () => {
  test('one bad line among twenty thousand: it is named, the others are taken, and nothing vanishes because of it', async () => {
    await withFleet(async (fleet) => {
      const file = fleet.file('fleet.csv')
      const lines = Array.from({ length: 20_000 }, (_, i) => `ws-${i}.corp.example;${guid(i)};Windows 11`)
      writeFileSync(file, `\ufeffName;objectGUID;OS\r\n${lines.join('\r\n')}\r\n`)
      const first = await fleet.run('import', file)
      assert.equal(first.code, 0, first.err)
      assert.match(first.out, /20000 machines\n +20000 new/)
      // Page by page: each machine is one row, and none is there twice.
      const rows = (await fleet.run('list', '--csv')).out.split('\n').map((row) => row.split(',')[0]!)
      assert.deepEqual([rows.length, new Set(rows).size], [20_002, 20_002])
      lines[12_345] = 'ws 12345;no-guid;Windows 11'
      writeFileSync(file, `\ufeffName;objectGUID;OS\r\n${lines.join('\r\n')}\r\n`)
      const bad = await fleet.run('import', file)
      assert.equal(bad.code, 2)
      assert.match(bad.err, /fleet\.csv:12347: "no-guid" is no/)
      assert.match(bad.out, /19999 machines\n +19999 unchanged\n/)
      assert.match(bad.out, /Taken, but for what is named above\./)
      // It is not in the list, but the list was not read to its end.
      assert.equal((await names(fleet, '--text', 'ws-12345.')).length, 1)
      lines.splice(12_345, 1)
      writeFileSync(file, `\ufeffName;objectGUID;OS\r\n${lines.join('\r\n')}\r\n`)
      assert.match((await fleet.run('import', file)).out, /1 vanished +ws-12345\.corp\.example/)
    })
  })

  test('one machine under two names, two machines under one, a name in any spelling, an address that changed', async () => {
    await withFleet(async (fleet) => {
      const file = fleet.file('fleet.csv')
      const take = async (...rows: string[]) => {
        writeFileSync(file, `name,objectguid,address,group\n${rows.join('\n')}\n`)
        const ran = await fleet.run('import', file)
        return { ...ran, out: ran.out.replaceAll(/ +/g, ' ') }
      }
      const first = await take(`PC-1.Corp.Example.,${guid(1)},10.0.0.1,a`, `Bücher-PC.corp.example,${guid(2)},,a`, 'pc-3,,10.0.0.3,')
      assert.match(first.out, / 3 new pc-1\.corp\.example, xn--bcher-pc-65a\.corp\.example, pc-3/)
      // The same spelt otherwise; one with another address.
      const again = await take(
        `pc-1.corp.example,${guid(1).toUpperCase()},10.0.0.9,a`,
        `xn--bcher-pc-65a.corp.example,{${guid(2)}},,a`,
        'PC-3,,,',
      )
      assert.match(again.out, / 1 changed pc-1\.corp\.example \(address\)\n 2 unchanged/)
      assert.deepEqual(
        (await names(fleet)).map((m) => [m.name, m.address]),
        [
          ['pc-1.corp.example', '10.0.0.9'],
          // What a list does not tell is no contradiction.
          ['pc-3', '10.0.0.3'],
          ['xn--bcher-pc-65a.corp.example', null],
        ],
      )
      for (const spelt of ['bücher-pc.corp.example', 'BÜCHER-PC.CORP.EXAMPLE.', 'xn--bcher-pc-65a.corp.example', 'Bücher-PC'])
        assert.match((await fleet.run('show', spelt)).out, /^xn--bcher-pc-65a\.corp\.example/, spelt)
      // One identity under two names is told; the first line holds.
      const twice = await take(`pc-1.corp.example,${guid(1)},,`, `pc-9.corp.example,${guid(1)},,`, 'pc-3,,,')
      assert.equal(twice.code, 2)
      assert.match(
        twice.err.replaceAll(/\s+/g, ' '),
        /fleet\.csv:3: pc-9\.corp\.example stands in line 2 as well, with a name that differs/,
      )
      // Its identity with another name alone: it was renamed, and its history stays.
      const renamed = await take(`pc-7.corp.example,${guid(1)},,a`, `bücher-pc.corp.example,${guid(2)},,a`, 'pc-3,,,')
      assert.match(renamed.out, / 1 renamed pc-1\.corp\.example → pc-7\.corp\.example/)
      // Another identity under the name: another machine, and the former one has vanished.
      const replaced = await take(`pc-7.corp.example,${guid(8)},,a`, `bücher-pc.corp.example,${guid(2)},,a`, 'pc-3,,,')
      assert.match(replaced.out, / 1 new pc-7\.corp\.example\n 1 replaced pc-7\.corp\.example/)
      assert.equal((await names(fleet, '--vanished')).length, 1)
    })
  })

  test('a table as spreadsheets and PowerShell write it: UTF-16, quoted line breaks, an umlaut in a group', async () => {
    await withFleet(async (fleet) => {
      const text = '"Name"\t"Group"\t"Remark"\r\n"pc-1"\t"Büro"\t"two\r\nlines"\r\n"pc-2"\t"Büro"\t"a ""b"""\r\n'
      writeFileSync(fleet.file('wide.csv'), Buffer.concat([Buffer.of(0xff, 0xfe), Buffer.from(text, 'utf16le')]))
      const ran = await fleet.run('import', fleet.file('wide.csv'))
      assert.equal(ran.code, 0, ran.err)
      assert.deepEqual(
        (await names(fleet, '--group', 'Büro')).map((m) => m.name),
        ['pc-1', 'pc-2'],
      )
    })
  })

  test('a list may be a group or a pool as a whole: a pool is known by name, whatever account a machine was made with', async () => {
    await withFleet(async (fleet) => {
      const take = async (...rows: string[]) => {
        writeFileSync(fleet.file('vdi.csv'), `name,objectguid,group\n${rows.join('\n')}\n`)
        return (await fleet.run('import', fleet.file('vdi.csv'), '--pool', 'vdi', '--group', 'berlin')).out.replaceAll(/ +/g, ' ')
      }
      assert.match(await take(`vdi-1,${guid(1)},a`, `vdi-2,${guid(2)},`), / 2 new/)
      for (const filter of [
        ['--pool', 'vdi'],
        ['--group', 'berlin'],
      ])
        assert.equal((await names(fleet, ...filter)).length, 2)
      assert.equal((await names(fleet, '--group', 'a')).length, 1)
      // Made anew over night: the same machines of the pool, not two more.
      assert.doesNotMatch(await take(`vdi-1,${guid(11)},a`, `vdi-2,${guid(12)},`), / new|replaced|vanished/)
    })
  })

  test('two lists under one name would make each other vanish: refused in one run, told where it looks so', async () => {
    await withFleet(async (fleet) => {
      mkdirSync(fleet.file('berlin'))
      mkdirSync(fleet.file('munich'))
      const [berlin, munich] = [fleet.file('berlin/pcs.csv'), fleet.file('munich/pcs.csv')]
      writeFileSync(berlin, `name\n${Array.from({ length: 20 }, (_, i) => `b${i}.example`).join('\n')}\n`)
      writeFileSync(munich, 'name\nm1.example\n')
      const both = await fleet.run('import', berlin, munich)
      assert.equal(both.code, 2)
      assert.match(both.err, /Two sources would both be called csv:pcs\.csv/)
      assert.equal((await names(fleet)).length, 20)
      assert.match(
        (await fleet.run('import', munich, '--dry-run')).out.replaceAll(/\s+/g, ' '),
        /20 vanished .*give each its own name \(--source NAME\)/,
      )
      const apart = await fleet.run('import', munich, '--source', 'munich')
      assert.doesNotMatch(apart.out, /vanished/)
      assert.equal((await names(fleet)).length, 21)
      assert.equal((await names(fleet, '--source', 'munich')).length, 1)
    })
  })
})

describe('a look at an import', () => {
  test('leaves nothing behind where there was no store, neither a file nor its folder; nor does one that fails', async (t) => {
    await withFleet(async ({ file, folder }) => {
      // A place of its own for what is there for a moment only: others look at an import at the same time.
      const names = ['TMPDIR', 'TEMP', 'TMP'] as const
      const before = names.map((name) => [name, process.env[name]] as const)
      t.after(() => {
        for (const [name, value] of before)
          if (value === undefined) delete process.env[name]
          else process.env[name] = value
      })
      mkdirSync(file('moment'))
      for (const name of names) process.env[name] = file('moment')
      writeFileSync(file('pcs.csv'), 'name\npc-1\n')
      writeFileSync(file('empty.csv'), '')
      const store = file('deep/fleet.db')
      const look = await ran(['fleet', 'import', file('pcs.csv'), '--dry-run', '--store', store])
      assert.equal(look.code, 0, look.err)
      assert.match(look.out, /1 new +pc-1/)
      assert.equal((await ran(['fleet', 'import', file('empty.csv'), '--dry-run', '--store', store])).code, 2)
      assert.deepEqual(readdirSync(folder).toSorted(), ['empty.csv', 'moment', 'pcs.csv'])
      assert.deepEqual(readdirSync(file('moment')), [])
      assert.equal((await ran(['fleet', 'import', file('pcs.csv'), '--store', store])).code, 0)
      // Where there is one, it is what is looked at.
      assert.match((await ran(['fleet', 'import', file('pcs.csv'), '--dry-run', '--store', store])).out, /1 unchanged/)
    })
  })

  test('columns of a table that were not used are said, by their headings as they stand; what is used is not', async () => {
    await withFleet(async (fleet) => {
      const many = Array.from({ length: 9 }, (_, i) => `Remark ${i}`)
      writeFileSync(fleet.file('pcs.csv'), `Name;objectGUID;cn;${many.join(';')};\u001b[31mred\npc-1;;other;\n`)
      const look = (await fleet.run('import', fleet.file('pcs.csv'), '--dry-run')).out
      const said = look.replaceAll(/\s+/g, ' ')
      assert.match(said, /- columns that were not used: cn, Remark 0, Remark 1, Remark 2, Remark 3 and 6 more/)
      assert.ok(!look.includes('\u001b[31m'))
      writeFileSync(fleet.file('good.csv'), 'dNSHostName;Name;objectGUID;os;enabled\npc-1.example;pc-1;;Windows 11;true\n')
      assert.doesNotMatch((await fleet.run('import', fleet.file('good.csv'), '--dry-run')).out, /not used/)
    })
  })
})

describe('what is typed or imported is a value, and nothing else', () => {
  const hostile = [
    ...["'; drop table machine; --", "' or '1'='1", '" or ""="', '1); delete from machine; --', '%', '_', '\\', "x' union select 1,2,3 --"],
    ...['*)(objectClass=*', 'a\u0000b', '\ud800', '\u0024{jndi:x}', '$(id)', '`id`', '-- ', '/*', '@@version', 'pg_sleep(1)', "E'\\047'"],
  ]

  test('filters and names: each finds nothing, changes nothing, and is answered in a moment', async () => {
    await withFleet(async (fleet) => {
      writeFileSync(fleet.file('pcs.csv'), 'name,group\npc-1,office\npc-2,office\n')
      await fleet.run('import', fleet.file('pcs.csv'))
      const texts = ['--group', '--pool', '--source', '--text', '--host', '--product', '--problem']
      for (const bad of hostile) {
        for (const flag of texts) {
          const ran = await fleet.run('list', `${flag}=${bad}`, '--json')
          // That no name has such a character is an answer, too.
          if (bad.includes('\0')) {
            assert.match(ran.err, /no name has a character U\+0000/, flag)
            continue
          }
          assert.equal(ran.code, 0, `${flag} ${bad}: ${ran.err}`)
          assert.deepEqual((JSON.parse(ran.out) as { machines: unknown[] }).machines, [], `${flag} ${bad}`)
        }
        for (const word of ['status', 'expiring'])
          assert.equal((await fleet.run(word, `--group=${bad}`)).code === 2, bad.includes('\0'), word)
        for (const word of ['show', 'history']) assert.match((await fleet.run(word, '--', bad)).err, /no machine called/)
        for (const flag of ['--verdict', '--origin', '--state', '--error', '--cause', '--days', '--limit', '--not-seen-for'])
          assert.equal((await fleet.run('list', `${flag}=${bad}`)).code, 2, `${flag} ${bad}`)
      }
      assert.equal((await names(fleet)).length, 2)
      assert.equal((await fleet.run('compact')).code, 0)
    })
  })

  test('names, groups, pools and sources of a list: names are refused, the others are kept as they stand and found by that', async () => {
    await withFleet(async (fleet) => {
      const cell = (text: string) => `"${text.replaceAll('"', '""')}"`
      const bad = hostile.filter((h) => h.isWellFormed() && !h.includes('\0'))
      // What separates groups is no part of one.
      const kept = bad.filter((h) => !/[,;|]/.test(h)).map((h) => h.trim())
      writeFileSync(
        fleet.file('pcs.csv'),
        ['name,group,pool', ...kept.map((h, i) => `pc-${i},${cell(h)},${cell(h)}`), ...bad.map((h) => `${cell(`${h} x`)},,`)].join('\n'),
      )
      const ran = await fleet.run('import', fleet.file('pcs.csv'), '--source', hostile[0]!)
      assert.equal(ran.code, 2)
      const said = ran.err.replaceAll(/\s+/g, ' ')
      assert.match(said, /can be the name of no machine/)
      assert.equal([...said.matchAll(/pcs\.csv:\d+/g)].length, 10)
      assert.match(said, /more are not shown here: --json has all of them/)
      for (const [i, h] of kept.entries())
        for (const flag of ['--group', '--pool']) {
          const found = await names(fleet, `${flag}=${h}`)
          assert.deepEqual(
            found.map((m) => m.name),
            [`pc-${i}`],
            `${flag} ${h}`,
          )
        }
      assert.equal((await names(fleet, '--source', hostile[0]!)).length, kept.length)
      assert.equal((await names(fleet)).length, kept.length)
    })
  })
})
