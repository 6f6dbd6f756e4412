import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { foreignOwner, others, readAccessList } from '../../src/native/access.ts'
import { utf8 } from '../../src/native/credentials.ts'

const owner = 'S-1-5-21-1-2-3-1001'
const who = (list: string, what: 'read' | 'write' = 'read') => others(readAccessList(`O:${owner}${list}`), what)

test('an access list: who else may read or write', () => {
  assert.equal(who(`D:PAI(A;;FA;;;${owner})(A;;FA;;;SY)(A;;FA;;;BA)`), null)
  assert.equal(who('D:AI(A;ID;FA;;;BA)(A;ID;0x1200a9;;;BU)'), 'all users')
  assert.equal(who('D:AI(A;ID;FA;;;BA)(A;ID;0x1200a9;;;BU)', 'write'), null)
  assert.equal(who('D:(A;;FA;;;BA)(A;;0x1301bf;;;AU)', 'write'), 'everybody who is signed in')
  assert.equal(who('D:(A;;FR;;;S-1-5-21-9-9-9-1002)'), 'S-1-5-21-9-9-9-1002')
  assert.equal(who('D:(A;;CCDCLCSWRPWPDTLOCRRC;;;WD)'), 'everybody')
  // What is only handed on to files below says nothing about this one; what denies lets nobody in.
  assert.equal(who('D:(A;OICIIO;GA;;;WD)(D;;FA;;;BG)(A;;FA;;;SY)'), null)
  // Without a list everybody may do everything; an empty one lets nobody in.
  assert.equal(who(''), 'everybody')
  assert.equal(who('D:NO_ACCESS_CONTROL'), 'everybody')
  assert.equal(who('D:'), null)
  assert.equal(who('D:PAI(XA;;FR;;;BU;(x == 1))'), 'all users')
  // What comes after a conditional entry counts as well; what does not end may be anything.
  assert.equal(who('D:PAI(XD;;FR;;;BU;(x == ")" && (y == 2)))(A;;FR;;;WD)'), 'everybody')
  assert.equal(who('D:PAI(A;;FA;;;SY)(A;;FR'), 'everybody')
  assert.equal(who('D:(A;;XXYY;;;BU)'), 'all users')
})

test('a file of another user is not ours, however closed it is: an owner may open it again', () => {
  const owned = (by: string, me = owner) => foreignOwner(readAccessList(`O:${by}D:PAI(A;;FA;;;${me})`), me)
  for (const fine of [owner, 'BA', 'SY', 'LA', 'DA', 'S-1-5-18', 'S-1-5-32-544']) assert.equal(owned(fine), null, fine)
  assert.equal(owned('LS', 'S-1-5-19'), null)
  assert.equal(owned('NS', 'S-1-5-20'), null)
  for (const other of ['S-1-5-21-1-2-3-1002', 'BU', 'LS', 'NS', 'LG']) assert.equal(owned(other), other)
  assert.equal(foreignOwner(readAccessList('D:P'), owner), 'somebody')
})

test('a credential becomes UTF-8 without becoming a string', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      fc.pre(text.isWellFormed())
      assert.equal(utf8(Buffer.from(text, 'utf16le')).toString('utf8'), text)
    }),
  )
  for (const broken of ['\ud800', 'a\udc00b', '\ud800x']) assert.throws(() => utf8(Buffer.from(broken, 'utf16le')), /no text/)
  // A program that keeps UTF-8 there: half of its last character would be lost without a word.
  assert.throws(() => utf8(Buffer.from('seven77')), /no text in UTF-16/)
})
