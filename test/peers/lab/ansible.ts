import assert from 'node:assert/strict'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { check, run } from '../checks.ts'
import type { Ground } from './ground.ts'

/** Ansible's raw over its winrm connection: NTLM, sealed, a remote shell with its command, its output and its end. */
export async function ansibleAgainstLab(ground: Ground): Promise<void> {
  const names = ['win10-enterprise-office-2019', 'win11-enterprise-office-2024-visio', 'win7-enterprise-kms'] as const
  const machines = names.map((name) => ground.machine(name))
  const inventory = join(ground.home, 'inventory.json')
  const hosts = Object.fromEntries(machines.map((m) => [m.name, { ansible_host: '127.0.0.1', ansible_port: m.httpPort }]))
  const vars = {
    ansible_connection: 'winrm',
    ansible_winrm_scheme: 'http',
    ansible_winrm_transport: 'ntlm',
    ansible_winrm_message_encryption: 'always',
    ansible_user: ground.user,
    ansible_password: ground.password,
  }
  writeFileSync(inventory, JSON.stringify({ all: { hosts, vars } }))
  chmodSync(inventory, 0o600)
  const env = {
    ...ground.pythonEnv,
    HOME: ground.home,
    ANSIBLE_LOCALHOST_WARNING: 'False',
    ANSIBLE_NOCOLOR: '1',
    ANSIBLE_DEPRECATION_WARNINGS: 'False',
  }
  const raw = (command: string, ...more: string[]) =>
    run('/usr/bin/ansible', ['all', '-i', inventory, '-f', '3', '-m', 'raw', '-a', command, ...more], { env, timeoutMs: 60_000 })

  await check('ansible raw: a query in the remote shell, on three machines, prints their rows', async () => {
    const { code, stdout, stderr } = await raw(
      ground.shellQuery('SELECT PartialProductKey, LicenseStatus FROM SoftwareLicensingProduct WHERE PartialProductKey IS NOT NULL'),
    )
    assert.equal(code, 0, stdout + stderr)
    for (const [i, machine] of machines.entries()) {
      const part = stdout.split(/^(?=\S+ \| )/m).find((p) => p.startsWith(machine.name)) ?? ''
      assert.ok(part.includes('| CHANGED | rc=0 >>'), stdout)
      for (const key of [['2YT43', '6MWKP'], ['2YT43', 'GCVGB', 'YY89G', '76HF4'], ['HVTHH']][i]!) assert.ok(part.includes(key), part)
    }
  })
  await check('ansible raw: a command that the lab does not know ends with an error', async () => {
    const { code, stdout } = await raw('format c:')
    assert.notEqual(code, 0)
    assert.match(stdout, /FAILED|non-zero/)
  })
  await check('ansible raw: a wrong password is unreachable, not an empty answer', async () => {
    const { code, stdout } = await raw(ground.shellQuery('SELECT Version FROM SoftwareLicensingService'), '-e', 'ansible_password=wrong')
    assert.equal(code, 4, stdout)
    assert.equal(stdout.match(/UNREACHABLE!/g)?.length, 3, stdout)
  })
}
