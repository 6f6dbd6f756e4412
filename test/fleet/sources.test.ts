import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FileKind, kindOf, readSource, type SourceReading, siteMachines } from '../../src/fleet.ts'
import { ProblemError } from '../../src/model.ts'

const read = (name: string, text: string, kind?: FileKind, zone?: string): SourceReading =>
  readSource(name, Buffer.from(text), { ...(kind ? { kind } : {}), ...(zone ? { zone } : {}) })
const names = (reading: SourceReading) => reading.machines.map((m) => m.name)
const refusedLines = (reading: SourceReading) => reading.problems.map((p) => p.line)
const code = (f: () => unknown) => {
  try {
    f()
  } catch (error) {
    assert.ok(error instanceof ProblemError)
    return error.problems[0]!.code
  }
  return null
}

test('CSV: an export of Get-ADComputer, with all that it tells', () => {
  const reading = read(
    'computers.csv',
    [
      '#TYPE Microsoft.ActiveDirectory.Management.ADComputer',
      '"DistinguishedName","DNSHostName","Enabled","Name","ObjectClass","ObjectGUID","SamAccountName","OperatingSystem","OperatingSystemVersion","lastLogonTimestamp"',
      '"CN=WS1,OU=Büro,DC=corp,DC=example","WS1.Corp.Example.","True","WS1","computer","3F2504E0-4F89-11D3-9A0C-0305E82C3301","WS1$","Windows 11 Enterprise","10.0 (26100)","133765432100000000"',
      '"CN=WS2,DC=corp,DC=example",,"False","WS2","computer","{3f2504e0-4f89-11d3-9a0c-0305e82c3302}","WS2$",,,',
      '',
    ].join('\r\n'),
  )
  assert.deepEqual(reading.problems, [])
  assert.deepEqual(reading.machines[0], {
    name: 'ws1.corp.example',
    guid: '3f2504e0-4f89-11d3-9a0c-0305e82c3301',
    uuid: null,
    address: null,
    system: 'Windows 11 Enterprise',
    systemVersion: '10.0 (26100)',
    enabled: true,
    lastSeen: '2024-11-20T02:26:50.000Z',
    distinguishedName: 'CN=WS1,OU=Büro,DC=corp,DC=example',
    groups: [],
    pool: null,
  })
  assert.deepEqual(
    [reading.machines[1]!.name, reading.machines[1]!.enabled, reading.machines[1]!.guid],
    ['ws2', false, '3f2504e0-4f89-11d3-9a0c-0305e82c3302'],
  )
})

test('CSV: semicolons and a byte order mark, tabs, UTF-16, "sep=", one column without a heading', () => {
  const table =
    'Computername;IP-Address;Group;Pool;OS;UUID\r\nPC-1;10.0.0.5;Büro, Labor;VDI;Windows 10;4C4C4544-0042-3510-8051-B4C04F335931\r\n'
  const expected = read('a.csv', table).machines
  assert.deepEqual(
    [expected[0]!.name, expected[0]!.address, expected[0]!.groups, expected[0]!.pool, expected[0]!.system, expected[0]!.uuid],
    ['pc-1', '10.0.0.5', ['Büro', 'Labor'], 'VDI', 'Windows 10', '4c4c4544-0042-3510-8051-b4c04f335931'],
  )
  const wide = Buffer.from(table, 'utf16le')
  for (const bytes of [
    Buffer.from(`\ufeff${table}`),
    Buffer.concat([Buffer.of(0xff, 0xfe), wide]),
    wide,
    Buffer.concat([Buffer.of(0xfe, 0xff), Buffer.from(wide).swap16()]),
    Buffer.from(table, 'latin1'),
    Buffer.from(`sep=;\r\n${table}`),
  ])
    assert.deepEqual(readSource('a.csv', bytes).machines, expected)
  assert.deepEqual(names(read('a.csv', 'PC-1\nPC-2\n')), ['pc-1', 'pc-2'])
  // A quote inside of a cell that has none around it is a quote: an inch.
  assert.deepEqual(names(read('a.tsv', 'Device name\tScreen\nLT-1\t19" wide\n')), ['lt-1'])
  assert.deepEqual(names(read('a.csv', 'name,domain\nWS9,corp.example\nws8.corp.example,corp.example\nws7,CORP\n')), [
    'ws9.corp.example',
    'ws8.corp.example',
    'ws7',
  ])
  assert.equal(
    read('a.csv', "DN,objectGUID,name\nCN=X,X'e004253f894fd3119a0c0305e82c3301',X1\n").machines[0]!.guid,
    '3f2504e0-4f89-11d3-9a0c-0305e82c3301',
  )
})

test('CSV: a hundred thousand lines with one bad: it is named, the others are taken', () => {
  const lines = ['name,objectguid,os']
  for (let i = 0; i < 100_000; i++) lines.push(`WS${i}.corp.example,${String(i).padStart(8, '0')}-0000-4000-8000-000000000001,Windows 11`)
  for (const [bad, what] of [
    ['"WS,broken,Windows', /quotes/],
    ['ws 1,,Windows', /"ws 1" can be the name/],
    ['ws1,no-guid,Windows', /"no-guid" is no objectGUID/],
  ] as const) {
    const spoiled = [...lines]
    spoiled[77_777] = bad
    const started = process.cpuUsage()
    const reading = read('fleet.csv', spoiled.join('\r\n'))
    assert.ok(process.cpuUsage(started).user < 10_000_000)
    assert.equal(reading.machines.length, 99_999)
    assert.deepEqual(refusedLines(reading), [77_778])
    assert.match(reading.problems[0]!.summary, what)
    assert.equal(reading.notTaken, 1)
  }
})

test('CSV: quotes gone wrong among quoted lines cost their own line only', () => {
  const lines = Array.from({ length: 50 }, (_, i) => `"ws${i}","a ""b"" c"`)
  lines[20] = '"ws20","never closed'
  const reading = read('q.csv', `"name","remark"\n${lines.join('\n')}\n"ws50","two\nlines"\n"ws51","x"\n`)
  assert.deepEqual(refusedLines(reading), [22])
  assert.equal(reading.machines.length, 51)
  assert.deepEqual(names(reading).slice(-2), ['ws50', 'ws51'])
})

test('CSV: without a heading that names machines nothing is taken; more than 100 bad lines are counted', () => {
  const none = read('x.csv', 'Colour,Size\nred,1\n')
  assert.deepEqual([none.problems.map((p) => p.code), none.machines.length, none.notTaken], [['SOURCE_HEADING'], 0, 1])
  const bad = read('x.csv', `name,os\n${'a b,c\n'.repeat(1000)}good,x\n`)
  assert.deepEqual([bad.problems.length, bad.problems.at(-1)!.code, bad.notTaken, names(bad)], [101, 'SOURCE_MORE', 1000, ['good']])
  assert.match(bad.problems.at(-1)!.summary, /^900 more/)
})

test('names: upper case, dots at the end, letters beyond ASCII, addresses; what is no name is refused', () => {
  const reading = read(
    'names.txt',
    [
      ...['WS1.CORP.EXAMPLE.', 'Bücher-PC.corp.example', 'xn--bcher-pc-65a.corp.example', '10.0.0.7', '2001:DB8:0:0::7'],
      ...['\\\\FILES', 'ACCOUNT$', ' pc_7 # remark'],
    ].join('\n'),
  )
  assert.deepEqual(reading.problems, [])
  assert.deepEqual(names(reading), [
    ...['ws1.corp.example', 'xn--bcher-pc-65a.corp.example', '10.0.0.7', '2001:db8::7', 'files', 'account', 'pc_7'],
  ])
  assert.equal(reading.repeated, 1)
  const hostile = [
    ...["a';drop/**/table", '$(reboot)', '`id`', 'a|b', '-rf', '../etc', 'a..b', 'http://ws1', `${'x'.repeat(64)}.example`],
    ...['ws1\u0001', '*)(objectClass=*', '12345', '\u202eevil'],
  ]
  const bad = read('names.txt', hostile.join('\n'), 'list')
  assert.deepEqual(names(bad), [])
  assert.equal(bad.notTaken, hostile.length)
})

test('one name twice: agreeing lines are one machine, contradicting ones are told, two accounts of one name are two', () => {
  const same = read('a.csv', 'name,group,os\nws1,a,\nWS1.,b,Windows 11\n')
  assert.deepEqual(
    [same.machines.map((m) => [m.name, m.groups, m.system]), same.repeated, same.notTaken],
    [[['ws1', ['a', 'b'], 'Windows 11']], 1, 0],
  )
  const other = read('a.csv', 'name,address\nws1,10.0.0.1\nws2,10.0.0.2\nws1,10.0.0.3\n')
  assert.deepEqual([other.problems[0]!.code, other.problems[0]!.line, other.machines.length], ['SOURCE_DUPLICATE', 4, 2])
  assert.match(other.problems[0]!.summary, /line 2 as well, with an address that differs/)
  const ids = [1, 2].map((n) => `3f2504e0-4f89-11d3-9a0c-0305e82c330${n}`)
  assert.equal(read('a.csv', `name,objectguid\nws1,${ids[0]}\nws1,${ids[1]}\n`).machines.length, 2)
  const moved = read('a.csv', `name,objectguid\nws1,${ids[0]}\nws9,${ids[0]}\n`)
  assert.deepEqual([moved.machines.length, moved.problems[0]!.line], [1, 3])
  // The UUID that boards have which were never given one is nobody's.
  assert.equal(
    read('a.csv', 'name,uuid\nws1,03000200-0400-0500-0006-000700080009\nws2,03000200-0400-0500-0006-000700080009\n').machines.length,
    2,
  )
})

test('list: remarks, hosts files, lines that are none', () => {
  const reading = read('hosts', '# all\n127.0.0.1 localhost\n10.0.0.1\tws1.corp.example ws1\nws2 ; old\nws3,\nws4 and ws5\n// end\n')
  assert.deepEqual(
    reading.machines.map((m) => [m.name, m.address]),
    [
      ['ws1.corp.example', '10.0.0.1'],
      ['ws2', null],
      ['ws3', null],
    ],
  )
  assert.deepEqual([refusedLines(reading), reading.passedOver], [[6], 1])
})

test('Ansible, INI: groups, children, ranges, variables, remarks', () => {
  const reading = read(
    'inventory',
    [
      'lonely.corp.example',
      'localhost ansible_connection=local',
      '[web]   # front',
      'web[01:03].corp.example ansible_user="an admin" # three',
      'alias ansible_host=10.0.0.9 ansible_port=5986',
      'db-[a:c]-[0:10:5]',
      '[win:children]',
      'web',
      'sql',
      '[sql]',
      "WEB01.corp.example ansible_host='10.1.1.1'",
      '[win:vars]',
      'ansible_connection=winrm',
      'ansible_host=ignored',
      '[site:children]',
      'win',
      '[win:children]',
      'site',
      '[sql]',
      'bad"quote',
      'broken[5:1]',
      'templated ansible_host={{inventory_hostname}}',
    ].join('\n'),
  )
  const by = new Map(reading.machines.map((m) => [m.name, m]))
  assert.deepEqual(by.get('lonely.corp.example')!.groups, [])
  assert.deepEqual(
    [...by.keys()].filter((n) => n.startsWith('web')),
    ['web01.corp.example', 'web02.corp.example', 'web03.corp.example'],
  )
  assert.deepEqual(by.get('web01.corp.example')!.groups.toSorted(), ['site', 'sql', 'web', 'win'])
  assert.equal(by.get('web01.corp.example')!.address, '10.1.1.1')
  assert.equal(by.get('alias')!.address, '10.0.0.9')
  assert.deepEqual([...by.keys()].filter((n) => n.startsWith('db-')).length, 9)
  assert.ok(by.has('db-c-10'))
  assert.deepEqual([refusedLines(reading), reading.passedOver], [[20, 21, 22], 1])
  assert.ok(by.has('templated'))
})

test('Ansible, YAML: the same, and the JSON of dynamic inventories', () => {
  const text = `
all:
  hosts:
    lonely.corp.example:
  children:
    web:
      hosts:
        web[01:03].corp.example:
        alias: &host
          ansible_host: 10.0.0.9
        other: *host
    win:
      vars: {ansible_connection: winrm}
      children:
        web:
        sql:
          hosts: {SQL1.corp.example: }
    wrong:
      host: x
      hosts:
        listed.corp.example:
        "bad name":
`
  const reading = read('inventory.yml', text)
  const by = new Map(reading.machines.map((m) => [m.name, m]))
  assert.deepEqual([...by.keys()].toSorted(), [
    ...['alias', 'listed.corp.example', 'lonely.corp.example', 'other', 'sql1.corp.example'],
    ...['web01.corp.example', 'web02.corp.example', 'web03.corp.example'],
  ])
  assert.deepEqual(refusedLines(reading).toSorted(), [19, 22])
  assert.deepEqual(by.get('web02.corp.example')!.groups, ['web', 'win'])
  assert.deepEqual(by.get('sql1.corp.example')!.groups, ['sql', 'win'])
  assert.equal(by.get('other')!.address, '10.0.0.9')
  const json = JSON.stringify({
    _meta: { hostvars: { 'ws1.corp.example': { ansible_host: '10.0.0.1' } } },
    all: { children: ['ungrouped', 'win'] },
    win: { hosts: ['ws1.corp.example', 'ws2.corp.example'] },
    short: ['ws3'],
  })
  assert.deepEqual(
    read('list.json', json).machines.map((m) => [m.name, m.address, m.groups]),
    [
      ['ws1.corp.example', '10.0.0.1', ['win']],
      ['ws2.corp.example', null, ['win']],
      ['ws3', null, ['short']],
    ],
  )
})

test('Ansible, YAML: what is wrong is told with its line; aliases without end come to an end', () => {
  const wrong = read('i.yml', 'all:\n  hosts:\n    ok1:\n    "bad name":\n    ok2:\n  colour: red\n')
  assert.deepEqual(
    [names(wrong), refusedLines(wrong).toSorted()],
    [
      ['ok1', 'ok2'],
      [4, 6],
    ],
  )
  const broken = read('i.yml', 'all:\n  hosts:\n    a: [\n')
  assert.deepEqual([broken.problems[0]!.code, broken.machines.length], ['SOURCE_YAML', 0])
  const levels = Array.from(
    { length: 30 },
    (_, i) =>
      `g${i}: &g${i} {children: {${i === 0 ? 'x: {hosts: {h1: }}' : Array.from({ length: 9 }, (_, j) => `c${i}_${j}: *g${i - 1}`).join(', ')}}}`,
  )
  const started = performance.now()
  const bomb = read('bomb.yml', levels.join('\n'))
  assert.ok(performance.now() - started < 20_000)
  assert.equal(bomb.problems.at(-1)!.code, 'SOURCE_TOO_MANY')
})

test('zone: relative and absolute names, origins, continued records; what is no machine is passed over', () => {
  const reading = read(
    'zone.txt',
    [
      '$TTL 3600',
      '$ORIGIN corp.example.',
      '@ IN SOA dc1 hostmaster ( 1 ; serial',
      '   3600 600 ',
      '   86400 3600 )',
      ' IN NS dc1',
      '@ 600 IN A 10.0.0.1',
      'dc1 IN A 10.0.0.1',
      '    IN AAAA 2001:db8::1',
      'WS1 1200 A 10.0.0.5 ; desk',
      'ws2.other.example. IN 3600 A 10.0.0.6',
      '$ORIGIN lab',
      'ws3 A 10.0.0.7',
      '_ldap._tcp A 10.0.0.8',
      '* A 10.0.0.9',
      'www CNAME ws3',
      'note TXT "A 10.0.0.10 ; not a remark"',
      'ws4 A 10.0.0.999',
      'what is this',
      '$INCLUDE more.zone',
      'DomainDnsZones A 10.0.0.1',
    ].join('\n'),
  )
  assert.deepEqual(names(reading), ['dc1.corp.example', 'ws1.corp.example', 'ws2.other.example', 'ws3.lab.corp.example'])
  assert.ok(reading.machines.every((m) => m.address === null))
  assert.deepEqual([refusedLines(reading), reading.passedOver], [[18, 19, 20], 4])
})

test('zone: exports of the DNS server of Windows, and its tables', () => {
  const exported =
    ';\r\n;  Database file (null) for corp.example zone.\r\n;      Zone version:  12\r\n;\r\n\r\n@  IN  SOA dc1.corp.example. hostmaster.corp.example. (\r\n 12 ; serial number\r\n 900 ) ; refresh\r\n;\r\n;  Zone records\r\n;\r\n\r\n@ 600 A 10.0.0.1\r\nws1 [AGE:3679213]\t1200\tA\t10.0.0.5\r\n'
  assert.deepEqual(names(read('export.txt', exported.replace('[AGE:3679213]', '[Aging:3679213]'))), ['ws1.corp.example'])
  const records =
    'Returned records:\r\n@ [Aging:3679213] 600 A\t10.0.0.1\r\n\t\t 3600 NS\tdc1.corp.example.\r\nws1 [Aging:3679214] 1200 A\t10.0.0.5\r\n\t\t 1200 A\t10.0.0.6\r\nCommand completed successfully.\r\n'
  assert.deepEqual(names(read('records.txt', records, undefined, 'corp.example')), ['ws1.corp.example'])
  const table =
    'HostName                  RecordType Type       Timestamp            TimeToLive      RecordData\n--------                  ---------- ----       ---------            ----------      ----------\n@                         A          1          0                    00:10:00        10.0.0.1\nws1                       A          1          11/20/2026 8:00:0... 00:20:00        10.0.0.5\na-machine-with-a-long-... A          1          0                    00:20:00        10.0.0.6\n_ldap._tcp                SRV        33         0                    00:10:00        [0][100][389][dc1.corp.example.]\n'
  const reading = read('table.txt', table, undefined, 'corp.example')
  assert.deepEqual([names(reading), refusedLines(reading)], [['ws1.corp.example'], [5]])
  assert.deepEqual(names(read('corp.example.zone', 'ws1 A 10.0.0.1\n')), ['ws1.corp.example'])
})

test('what a file is: by its name, else by its first lines', () => {
  for (const [name, text, kind] of [
    ['a.yml', 'x', 'ansible-yaml'],
    ['hosts', '[web]\nws1\n', 'ansible-ini'],
    ['hosts', 'ws1 ansible_host=10.0.0.1\n', 'ansible-ini'],
    ['hosts', 'all:\n  hosts:\n    a:\n', 'ansible-yaml'],
    ['x', '; zone\n$ORIGIN corp.example.\n', 'zone'],
    ['db.corp.example', 'x', 'zone'],
    ['machines.txt', 'Name;OS\nws1;x\n', 'csv'],
    ['machines.txt', 'ws1\nws2\n', 'list'],
    ['machines.txt', '# ours\nws1\n', 'list'],
    ['machines.txt', 'ws1 ; desk\nws2\n', 'list'],
  ] as const)
    assert.equal(kindOf(name, text), kind, `${name}: ${text}`)
})

test('what cannot be read at all is refused with a next step', () => {
  assert.equal(
    code(() => readSource('big.csv', Buffer.alloc(33 * 1024 * 1024, 'a'))),
    'SOURCE_TOO_LARGE',
  )
  assert.equal(
    code(() => readSource('book.xlsx', Buffer.from('PK\u0003\u0004\u0000\u0000\u0001\u0000\u0000abc'))),
    'SOURCE_BINARY',
  )
  assert.equal(
    code(() => read('empty.csv', '\ufeff \r\n')),
    'SOURCE_EMPTY',
  )
})

test('the groups of the site file: a machine of several groups is one', () => {
  const reading = siteMachines({
    groups: [
      { name: 'office', machines: ['WS1.corp.example', '10.0.0.9'], wishes: [] },
      { name: 'lab', machines: ['ws1.corp.example.'], wishes: [] },
    ],
  })
  assert.deepEqual(
    reading.machines.map((m) => [m.name, m.groups]),
    [
      ['ws1.corp.example', ['office', 'lab']],
      ['10.0.0.9', ['office']],
    ],
  )
})

test('a machine is in no more than a thousand groups: lists that tell of one machine again and again end soon, and groups within groups', () => {
  const lines = (count: number) => `name,group\n${Array.from({ length: count }, (_, i) => `pc-1,g${i}`).join('\n')}`
  const [full, more] = [read('x.csv', lines(1000)), read('x.csv', lines(30_000))]
  assert.deepEqual([full.machines[0]!.groups.length, full.notTaken], [1000, 0])
  assert.deepEqual([more.machines[0]!.groups.length, more.notTaken, more.problems.length], [1000, 29_000, 101])
  assert.match(more.problems[0]!.summary, /^pc-1 would be in more than 1000 groups/)
  const chain = Array.from({ length: 2000 }, (_, i) => `[g${i}:children]\ng${i + 1}\n`).join('')
  const deep = read('hosts.ini', `${chain}[g2000]\n${Array.from({ length: 2000 }, (_, i) => `pc-${i}`).join('\n')}\n[g5]\nfew\n`)
  assert.deepEqual([names(deep), deep.notTaken], [['few'], 2000])
})
