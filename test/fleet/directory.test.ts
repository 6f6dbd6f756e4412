/** `fleet import --directory` against the lab's directory: found by DNS, over verified TLS, with whatever somebody types. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { type Ran, type Stage, stage } from '../journeys/lab.ts'

async function fleet(count: number, then: (s: Stage, run: (...argv: string[]) => Promise<Ran>) => Promise<void>): Promise<void> {
  const s = await stage({ count, directory: true })
  try {
    await then(s, (...argv) => s.slmctl('fleet', ...argv, '--store', join(s.directory, 'fleet.db')))
  } finally {
    await s.close()
  }
}
const signIn = (s: Stage) => [
  ...['--directory', 'corp.example', '--user', `${s.lab.accounts[0]!.user}@corp.example`],
  ...['--password-file', join(s.directory, 'lab.password'), '--ca', join(s.directory, 'lab-ca.pem')],
]
const listed = (out: string) => Number(/ {2}(\d+) machines?/.exec(out)![1])

describe('machines of a directory', () => {
  test('taken in by identity, clusters passed over, again without a difference; a filter makes nothing vanish', async () => {
    await fleet(60, async (s, run) => {
      for (const tls of [[], ['--starttls']]) {
        const ran = await run('import', ...signIn(s), ...tls)
        assert.equal(ran.code, 0, ran.err)
        assert.match(ran.out, /^directory:corp\.example/)
        assert.match(ran.out, tls.length === 0 ? /new / : /unchanged/)
        assert.match(ran.out, /1 name of a cluster/)
      }
      const all = JSON.parse((await run('list', '--json')).out) as { machines: { name: string }[] }
      const mine = s.lab.machines.filter((m) => m.name.endsWith('.corp.example')).map((m) => m.name)
      const names = new Set(all.machines.map((m) => m.name))
      assert.ok(mine.length > 30 && mine.every((name) => names.has(name)))
      const some = await run('import', ...signIn(s), '--enabled', '--seen-within', '30', '--system', 'Windows 11')
      assert.ok(listed(some.out) > 0 && listed(some.out) < names.size, some.out)
      assert.doesNotMatch(some.out, /vanished/)
      assert.equal((JSON.parse((await run('list', '--json')).out) as { machines: unknown[] }).machines.length, names.size)
      // A part of it as a group, under a name of its own.
      const group = await run('import', ...signIn(s), '--system', 'Windows 11', '--group', 'elevens')
      assert.match(group.out, /^directory:corp\.example#elevens/)
      assert.doesNotMatch((await run('import', ...signIn(s))).out, / changed|vanished/)
      const elevens = JSON.parse((await run('list', '--group', 'elevens', '--json')).out) as { machines: unknown[] }
      assert.equal(elevens.machines.length, listed(group.out))
      const [{ machines }] = [
        JSON.parse((await run('show', mine[0]!, '--json')).out) as { machines: { guid: string; sources: unknown[] }[] },
      ]
      assert.match(machines[0]!.guid, /^[0-9a-f-]{36}$/)
    })
  })

  test('what somebody types is a value: it finds nothing or is refused, and never more than was meant', async () => {
    await fleet(20, async (s, run) => {
      const hostile = [
        '*',
        '*)(objectClass=*',
        ')(|(cn=*',
        '\\2a',
        'CN=*',
        'x)(userAccountControl:1.2.840.113556.1.4.803:=2',
        'a\u0000b',
        "' or 1=1",
      ]
      for (const bad of hostile) {
        const system = await run('import', ...signIn(s), `--system=${bad}`, '--dry-run')
        assert.equal(system.code, 0, `${bad}: ${system.err}`)
        assert.equal(listed(system.out), 0, bad)
        for (const flag of ['--in-group', '--unit']) {
          const ran = await run('import', ...signIn(s), `${flag}=${bad}`)
          assert.equal(ran.code, 2, `${flag} ${bad}: ${ran.out}`)
          assert.match(ran.err, /DIRECTORY_(?:NOT_FOUND|REFUSED)/, `${flag} ${bad}`)
        }
        const user = await run('import', ...signIn(s).with(3, bad))
        assert.equal(user.code, 2)
        assert.match(user.err, /DIRECTORY_(?:LOGON_FAILED|REFUSED)/, bad)
        const domain = await run('import', ...signIn(s).with(1, bad))
        assert.equal(domain.code, 2)
        assert.match(domain.err, /NAME|DNS|DIRECTORY/, bad)
      }
      assert.match((await run('list')).out, /no machines yet/)
    })
  })
})
