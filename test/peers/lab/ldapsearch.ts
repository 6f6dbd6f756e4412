import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { startLab } from '../../../src/lab.ts'
import { afterwards, check, run, skip } from '../checks.ts'
import type { Ground } from './ground.ts'

/** OpenLDAP's ldapsearch against the lab's directory: LDAPS and StartTLS, pages, filters, limits, what is refused. */
export async function ldapsearchAgainstLab(ground: Ground): Promise<void> {
  if (!existsSync('/usr/bin/ldapsearch')) return skip('ldapsearch against the lab', 'needs ldap-utils')
  const lab = await startLab({ seed: 'peers', count: 2500, spread: true, directory: true })
  afterwards(() => lab.close())
  const { address, port } = lab.directories.find((d) => d.domain === 'corp.example')!
  const ca = `${ground.home}/directory-ca.pem`
  writeFileSync(ca, lab.ca)
  const [{ user, password }] = lab.accounts as [(typeof lab.accounts)[number]]
  const signedIn = ['-x', '-D', `${user}@corp.example`, '-w', password]
  const domain = ['-b', 'DC=corp,DC=example']
  const search = async (scheme: 'ldap' | 'ldaps', ...args: readonly string[]) => {
    const env = { LDAPTLS_CACERT: ca, LDAPTLS_REQCERT: 'demand' }
    const { code, stdout, stderr } = await run('/usr/bin/ldapsearch', ['-LLL', '-H', `${scheme}://${address}:${port}`, ...args], { env })
    return { code, stderr, out: stdout, names: [...stdout.matchAll(/^dn: CN=([^,]+),/gm)].map((m) => m[1]!) }
  }
  const pages = ['-E', 'pr=300/noprompt']
  const clients = lab.machines.filter((m) => m.name.endsWith('.corp.example'))

  await check('ldapsearch: whoever asks is told which directory it is, and no more', async () => {
    const root = await search('ldap', '-x', '-s', 'base', '-b', '', '(objectClass=*)')
    assert.match(root.out, /^defaultNamingContext: DC=corp,DC=example$/m)
    assert.equal((await search('ldap', '-x', ...domain)).code, 1)
  })
  await check('ldapsearch: a password in clear is refused, a wrong one as well', async () => {
    assert.equal((await search('ldap', ...signedIn, ...domain)).code, 8)
    assert.equal((await search('ldaps', '-x', '-D', `${user}@corp.example`, '-w', 'wrong', ...domain)).code, 49)
  })
  for (const [scheme, tls] of [
    ['ldaps', []],
    ['ldap', ['-ZZ']],
  ] as const)
    await check(`ldapsearch over ${scheme}${tls.length > 0 ? ' with StartTLS' : ''}: every machine of the domain, by pages`, async () => {
      const { code, names } = await search(scheme, ...tls, ...signedIn, ...domain, ...pages, '(objectCategory=computer)', 'cn')
      assert.equal(code, 0)
      const found = new Set(names)
      assert.equal(found.size, names.length)
      assert.ok(clients.every((m) => found.has(m.name.split('.')[0]!.toUpperCase())))
    })
  await check('ldapsearch: filters of every kind find what they mean', async () => {
    const count = async (filter: string) => (await search('ldaps', ...signedIn, ...domain, ...pages, filter, 'cn')).names.length
    const all = await count('(objectCategory=computer)')
    const off = await count('(userAccountControl:1.2.840.113556.1.4.803:=2)')
    assert.ok(off > 0)
    assert.equal(await count('(&(objectCategory=computer)(!(userAccountControl:1.2.840.113556.1.4.803:=2)))'), all - off)
    const server = clients.filter((m) => m.system.includes('Server 2022')).length
    assert.equal(await count('(operatingSystem=Windows*2022*)'), server)
    assert.equal(await count('(|(cn=pc-0001)(sAMAccountName=PC-0002$))'), 2)
    const [early, late] = [await count('(lastLogonTimestamp<=133000000000000000)'), await count('(lastLogonTimestamp>=1)')]
    assert.ok(early < late && late <= all)
    const berlin = clients.filter((m) => lab.placeOf(m.name) === 'berlin').length
    const everyone = 'CN=Managed Computers,OU=Groups,DC=corp,DC=example'
    assert.equal(await count('(memberOf=CN=Computers Berlin,OU=Groups,DC=corp,DC=example)'), berlin)
    assert.equal(await count(`(&(objectClass=computer)(memberOf:1.2.840.113556.1.4.1941:=${everyone}))`), clients.length)
  })
  await check('ldapsearch: limits, an unknown base, a control that is not known', async () => {
    const many = await search('ldaps', ...signedIn, ...domain, '(objectCategory=computer)', 'cn')
    assert.deepEqual([many.code, many.names.length], [4, 1000])
    assert.deepEqual((await search('ldaps', ...signedIn, ...domain, '-z', '5', '(objectCategory=computer)')).names.length, 5)
    assert.equal((await search('ldaps', ...signedIn, '-b', 'OU=Paris,DC=corp,DC=example')).code, 32)
    assert.equal((await search('ldaps', ...signedIn, ...domain, '-E', '!sss=cn', '(cn=pc-0001)')).code, 12)
  })
  await check('ldapmodify: a lab is for reading', async () => {
    const { code } = await run('/usr/bin/ldapmodify', ['-H', `ldaps://${address}:${port}`, ...signedIn], {
      env: { LDAPTLS_CACERT: ca },
      input: 'dn: CN=PC-0001,OU=Clients,OU=Berlin,DC=corp,DC=example\nchangetype: modify\nreplace: description\ndescription: x\n\n',
    })
    assert.equal(code, 53)
  })
}
