import assert from 'node:assert/strict'
import { test } from 'node:test'
import { insideSite } from '../../src/addresses.ts'

const site = { domains: ['corp.example'], networks: ['10.0.0.0/8', '2001:db8::/32'] }

test('inside: own domain and own network, both', () => {
  for (const machine of [
    { domain: 'corp.example', addresses: ['10.1.2.3'] },
    { domain: 'AD.Corp.Example.', addresses: ['fe80::1%12', '127.0.0.1', '192.168.1.7', '10.1.2.3'] },
    { domain: 'corp.example', addresses: ['2001:db8:1::5'] },
    { domain: 'corp.example', addresses: ['::ffff:10.1.2.3'] },
  ])
    assert.deepEqual(insideSite(site, machine), { inside: true }, JSON.stringify(machine))
})

test('outside: with a reason, and what is not known is not inside', () => {
  for (const [machine, because] of [
    [{ domain: 'corp.example', addresses: ['192.168.1.7'] }, /no address .*192\.168\.1\.7/],
    [{ domain: 'other.example', addresses: ['10.1.2.3'] }, /other\.example, is none/],
    [{ domain: 'evilcorp.example', addresses: ['10.1.2.3'] }, /is none/],
    [{ domain: 'corp.example.evil.test', addresses: ['10.1.2.3'] }, /is none/],
    [{ domain: null, addresses: ['10.1.2.3'] }, /no domain/],
    [{ domain: ' ', addresses: ['10.1.2.3'] }, /no domain/],
    [{ domain: 'corp.example', addresses: null }, /could not be read/],
    [{ domain: 'corp.example', addresses: [] }, /no network address/],
    [{ domain: 'corp.example', addresses: ['127.0.0.1', 'fe80::1', '169.254.3.4'] }, /no network address/],
    [{ domain: 'corp.example', addresses: ['10.1.2', 'x', '11.0.0.1'] }, /no address/],
  ] as const) {
    const standing = insideSite(site, machine)
    assert.ok(!standing.inside, JSON.stringify(machine))
    assert.match(standing.because, because)
  }
  // A site that declares less than both cannot say of any machine that it is inside.
  for (const less of [
    { domains: [], networks: site.networks },
    { domains: site.domains, networks: [] },
  ])
    assert.equal(insideSite(less, { domain: 'corp.example', addresses: ['10.1.2.3'] }).inside, false)
})
