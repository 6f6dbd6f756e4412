import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { visitKnown } from '../../src/protocol/wsman/known.ts'
import { defaultLimits, ns, read, type Tag, visit } from '../../src/protocol/wsman/xml.ts'
import { decodeResponse, encodeResponse, WsmanError } from '../../src/protocol/wsman.ts'

const attributesOf = (tag: Tag) =>
  Object.values(tag.attributes)
    .map((a) => `{${a.uri}}${a.local}=${a.value}`)
    .join()
/** Writes down all that a visitor is told. */
const listener = () => {
  const heard: string[] = []
  return {
    heard,
    open: (tag: Tag, depth: number) => heard.push(`${depth} {${tag.uri}}${tag.local} ${attributesOf(tag)}`),
    close: (tag: Tag, depth: number, text: string | null) => heard.push(`${depth} /{${tag.uri}}${tag.local} ${JSON.stringify(text)}`),
  }
}

/** What the quick way and saxes alone make of a text: what was heard, or that it is refused, and why. */
function both(text: string, limits = defaultLimits): readonly [string, string] {
  const told = (f: () => readonly string[]) => {
    try {
      return f().join('\n')
    } catch (error) {
      if (!(error instanceof WsmanError)) throw error
      return error.message
    }
  }
  const bytes = Buffer.from(text)
  const alone = listener()
  return [
    told(() => read(bytes, listener, limits).heard),
    told(() => {
      visit(bytes, alone, limits)
      return alone.heard
    }),
  ]
}

const isQuick = (text: string) => visitKnown(text, listener(), defaultLimits)

const answer = `<s:Envelope xmlns:s="${ns.s}" xmlns:p="urn:p"><s:Header/><s:Body><p:Row xmlns:xsi="${ns.xsi}"><p:A>1 > 0</p:A><p:B xsi:nil="true"/><p:A></p:A>\n\t<q:C xmlns:q="urn:q" q:d="a>b" e='&amp;'>ä 🙂</q:C></p:Row></s:Body></s:Envelope>`

test('the quick way and saxes tell the same of a message, the first time and again', () => {
  const plain = answer.replace('a>b', 'a').replace('&amp;', 'f')
  for (const text of [answer, plain, plain.replace('urn:p', 'urn:other'), plain, `<?xml version="1.0" encoding="utf-8"?>\n${plain}`]) {
    const [quick, alone] = both(text)
    assert.equal(quick, alone)
    assert.match(alone, /Row/)
    assert.equal(both(text)[0], alone)
  }
  assert.ok(isQuick(plain) && isQuick(`<?xml version="1.0"?>${plain}`), 'a plain message is not left to saxes')
})

test('the same tag below other tags has other names', () => {
  const row = (uri: string) => `<a xmlns:p="${uri}"><p:x>1</p:x></a>`
  for (const uri of ['urn:1', 'urn:2', 'urn:1']) {
    const reader = read(Buffer.from(row(uri)), listener)
    assert.equal(reader.heard[1], `2 {${uri}}x `)
  }
  // Bound in one message, and not in the next.
  assert.deepEqual(both('<a><p:x>1</p:x></a>'), Array(2).fill('a message that is not well-formed XML, or that was cut off'))
})

test('whatever is not plain is read by saxes, or refused as by saxes', () => {
  for (const text of [
    ...['', ' ', 'x', '<a', '<a>', '</a>', '<a></b>', '<a></a >', '<a ></a>', '<a/><a/>', '<a/>x', '<a/> ', ' <a/>', 'x<a/>', '\ufeff<a/>'],
    ...['<a><![CDATA[x]]></a>', '<a><!-- <b> --></a>', '<a><?b ?></a>', '<a>]]></a>', '<a>]]</a>', '<a>]</a>', '<!-- x --><a/>'],
    ...[
      '<a>\r\n</a>',
      '<a>\x01</a>',
      '<a>\uffff</a>',
      '<a>&lt;</a>',
      '<a>&x;</a>',
      '<a>&</a>',
      '<a>x<b/>y</a>',
      '<a b="1" b="2"/>',
      '<a b=1/>',
    ],
    ...[
      '<xmlns:a/>',
      '<a:b:c/>',
      '<:a/>',
      '<a:/>',
      '<a xmlns:b=""/>',
      '<a xmlns=""/>',
      '<a xmlns="urn:a"><b xmlns=""><c/></b><c/></a>',
      '<1/>',
    ],
    ...[
      '<?xml version="1.1"?><a>\x85</a>',
      '<?xml version="1.0" encoding="x?><a>"?><b/>',
      '<?xml version="1.0"?><?xml version="1.0"?><a/>',
      '<?a?><a/>',
    ],
  ])
    for (const again of [1, 2]) {
      const [quick, alone] = both(text)
      assert.equal(quick, alone, `${JSON.stringify(text)}, time ${again}`)
    }
})

test('limits hold on the quick way as with saxes', () => {
  const of = (depth: number) => '<a>'.repeat(depth) + '</a>'.repeat(depth)
  for (const [text, limits] of [
    [of(11), { ...defaultLimits, depth: 10 }],
    [`<a>${'<b/>'.repeat(10)}</a>`, { ...defaultLimits, elements: 10 }],
    [`<a>${'x'.repeat(11)}</a>`, { ...defaultLimits, textLength: 10 }],
    [`<a>${' '.repeat(11)}<b/></a>`, { ...defaultLimits, textLength: 10 }],
    [`<a b="${'x'.repeat(21)}"/>`, { ...defaultLimits, textLength: 10 }],
  ] as const) {
    for (const time of [1, 2]) {
      const [quick, alone] = both(text, limits)
      assert.equal(quick, alone, `time ${time}`)
      assert.match(quick, /too (?:deeply|many|long)/)
    }
    // As many as allowed.
    assert.doesNotMatch(both(text)[0], /too/)
  }
})

test('tags without end that are new each time: no memory is filled, and no time is lost', () => {
  const strange = (n: number) => `<a>${Array.from({ length: 300 }, (_, i) => `<b c="${n}-${i}"/>`).join('')}</a>`
  assert.equal(isQuick(strange(0)), false)
  const before = process.memoryUsage().heapUsed
  for (let n = 1; n < 300; n++) {
    const [quick, alone] = both(strange(n))
    assert.equal(quick, alone)
  }
  assert.ok(process.memoryUsage().heapUsed - before < 100e6)
  const [quick, alone] = both(answer)
  assert.equal(quick, alone)
})

test('a tag that names its machine: a fleet of faults is not kept, and what else is known stays known', () => {
  const fault = (n: number) =>
    `<s:Envelope xmlns:s="${ns.s}"><s:Body><s:Fault Machine="pc-${n}"><s:Text>x</s:Text></s:Fault></s:Body></s:Envelope>`
  const plain = `<s:Envelope xmlns:s="${ns.s}"><s:Body><x>1</x></s:Body></s:Envelope>`
  assert.ok(isQuick(fault(0)) && isQuick(plain))
  for (let n = 1; n < 5000; n++) isQuick(fault(n))
  assert.equal(isQuick(fault(5000)), false, 'it is left to saxes without being learnt')
  assert.ok(isQuick(fault(0)) && isQuick(plain), 'nothing was thrown away for it')
  const [quick, alone] = both(fault(5001))
  assert.equal(quick, alone)
})

test('any text is told as saxes tells it', () => {
  const part = fc.constantFrom(
    ...[
      '<a>',
      '</a>',
      '<b c="1">',
      '</b>',
      '<b/>',
      '<p:a xmlns:p="urn:1">',
      '<p:a xmlns:p="urn:2">',
      '</p:a>',
      '<p:b>',
      '</p:b>',
      '<p:b/>',
    ],
    ...[
      'x',
      ' ',
      '\n',
      '\r',
      '&lt;',
      '>',
      ']]>',
      ']]',
      '"',
      '<!---->',
      '<![CDATA[y]]>',
      '<?z?>',
      '<?xml version="1.0"?>',
      '\ud800',
      '\ufffe',
      'é',
    ],
  )
  const tree = fc.letrec<{ element: string; content: string }>((tie) => ({
    element: fc
      .tuple(fc.constantFrom('a', 'b', 'p:a', 'p:b'), fc.constantFrom('', ' xmlns:p="urn:1"', ' xmlns:p="urn:2"', ' c="1"'), tie('content'))
      .map(([name, attributes, content]) => `<${name}${attributes}>${content}</${name}>`),
    content: fc.oneof(
      { maxDepth: 5 },
      fc.constantFrom('', 'x', ' y\n', '>'),
      fc.array(tie('element'), { maxLength: 4 }).map((list) => list.join('')),
    ),
  })).element
  const cut = fc.tuple(tree, fc.nat(), fc.nat(10), part).map(([text, at, away, put]) => {
    const from = at % (text.length + 1)
    return text.slice(0, from) + (away > 5 ? put : '') + text.slice(from + away)
  })
  fc.assert(
    fc.property(
      fc.oneof(
        tree,
        tree.map((t) => `<a xmlns:p="urn:0">${t}</a>`),
        cut,
        fc.array(part, { maxLength: 12 }).map((l) => l.join('')),
      ),
      (text) => {
        const [quick, alone] = both(text)
        assert.equal(quick, alone)
      },
    ),
    { numRuns: 4000, seed: 6 },
  )
})

test('an answer that was seen before is read several times as fast as by saxes', () => {
  const row = { ID: 'x', Description: 'Windows(R) Operating System, VOLUME_KMSCLIENT channel', A: 1, B: null, C: 'text', D: true, E: 'y' }
  const xml = encodeResponse({
    action: 'PullResponse',
    relatesTo: 'uuid:1',
    shape: 'fragment',
    items: Array(4000).fill(row),
    context: null,
    end: true,
  })
  const pull = { action: 'Pull', messageId: 'uuid:1' } as Parameters<typeof decodeResponse<'Pull'>>[1]
  const nobody = { open: () => {}, close: () => {} }
  const ways = { quick: () => assert.equal(decodeResponse<'Pull'>(xml, pull).items.length, 4000), alone: () => visit(xml, nobody) }
  const best = { quick: Number.POSITIVE_INFINITY, alone: Number.POSITIVE_INFINITY }
  for (let i = 0; i < 6; i++)
    for (const way of ['quick', 'alone'] as const) {
      const started = process.cpuUsage()
      ways[way]()
      const used = process.cpuUsage(started)
      best[way] = Math.min(best[way], used.user + used.system)
    }
  // Four to six times here, although one makes rows of it and the other nothing.
  assert.ok(best.alone > 2 * best.quick, `${(best.alone / best.quick).toFixed(1)} times`)
})
