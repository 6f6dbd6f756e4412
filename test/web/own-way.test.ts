import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ownWay } from '../../web/src/addresses.ts'

test('after signing in one stays on this server', () => {
  const way = (to: string | undefined) => ownWay(to, 'https://slmctl.corp.example')
  for (const to of [
    '//evil.example',
    '/\\evil.example',
    '/.//evil.example',
    '/x/..//evil.example',
    '/\t/evil.example',
    '/%2e//evil.example',
  ])
    assert.equal(way(to), '/', String(to))
  for (const to of ['https://evil.example', 'javascript:alert(1)', '/sign-in?to=/', '/api/v1/sign-in/openid', undefined, ''])
    assert.equal(way(to), '/', String(to))
  assert.equal(way('/machines?group=a%2Fb&sort=-seen'), '/machines?group=a%2Fb&sort=-seen')
})
