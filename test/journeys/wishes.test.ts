import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { Plan } from '../../src/model.ts'
import { methods, type Stage, stage } from './lab.ts'

type Applied = {
  machines: { name: string; result: string; problem: { code: string } | null; after: { verdict: string; headline: string } | null }[]
}
const pc = 'pc-1.corp.example'
/** Keys of the test's own making, in the alphabet of real ones. */
const mak = ['MKMKM', 'KMKMK', 'MKMKM', 'KMKMK', 'WTRQV'].join('-')
const hash = createHash('sha256').update(mak).digest('hex')

/** The wishes of the lab's site file, others in their place. */
const wishing =
  (wishes: string, more = '') =>
  (site: string) =>
    `${site.slice(0, site.indexOf('\nwishes:'))}\nwishes:\n${wishes}${more}`

async function applied(s: Stage): Promise<Applied['machines'][number]> {
  return (JSON.parse((await s.slmctl('apply', pc, '--yes', '--json')).out) as Applied).machines[0]!
}

/** Everything that slmctl wrote to disk. */
const written = (s: Stage) =>
  globSync(`${s.directory}/**/*`)
    .filter((f) => !f.endsWith('.key') && !f.endsWith('journal'))
    .map((f) => readFileSync(f, 'latin1'))
    .join('\n')

describe('a MAK by reference', () => {
  const site = wishing('  - { product: windows, by: mak, key: { file: windows.key } }\n')
  test('is installed and activated; the key itself is nowhere but in its file; a second apply does nothing', async () => {
    const s = await stage(
      { machines: [{ name: pc, scenario: 'win10-pro-grace' }], maks: { [hash]: { licence: 'windows mak' } } },
      'http',
      site,
    )
    try {
      writeFileSync(join(s.directory, 'windows.key'), `${mak}\n`, { mode: 0o600 })
      const shown = await s.slmctl('plan', pc)
      assert.match(shown.out, /windows\.key/)
      const outcome = await applied(s)
      assert.equal(outcome.result, 'changed', JSON.stringify(outcome))
      assert.deepEqual(methods(s.lab, pc), ['InstallProductKey', 'Activate'])
      assert.equal(outcome.after?.verdict, 'ok')
      assert.equal(written(s).includes(mak), false)
      assert.equal(shown.out.includes(mak), false)
      assert.match((await s.slmctl('apply', pc, '--yes')).out, /^Nothing to change/m)
      assert.equal(methods(s.lab, pc).length, 2)
    } finally {
      await s.close()
    }
  })
  test('that others may read is not used; nothing is sent', async () => {
    const s = await stage(
      { machines: [{ name: pc, scenario: 'win10-pro-grace' }], maks: { [hash]: { licence: 'windows mak' } } },
      'http',
      site,
    )
    try {
      writeFileSync(join(s.directory, 'windows.key'), mak, { mode: 0o644 })
      const outcome = await applied(s)
      assert.equal(outcome.problem?.code, 'SECRET_FILE_OPEN', JSON.stringify(outcome))
      assert.deepEqual(methods(s.lab, pc), [])
    } finally {
      await s.close()
    }
  })
  test('that the machine does not take: said with its code, stopped there', async () => {
    const s = await stage({ machines: [{ name: pc, scenario: 'win10-pro-grace' }] }, 'http', site)
    try {
      writeFileSync(join(s.directory, 'windows.key'), mak, { mode: 0o600 })
      const outcome = await applied(s)
      assert.equal(outcome.result, 'failed')
      assert.equal(methods(s.lab, pc).includes('Activate'), false)
    } finally {
      await s.close()
    }
  })
})

describe('a machine’s own licence', () => {
  const machines = [{ name: pc, scenario: 'win10-pro-oem' }] as const
  test('is left alone, also where the site wishes KMS', async () => {
    const s = await stage({ machines })
    try {
      assert.match((await s.slmctl('apply', pc, '--yes')).out, /^Nothing to change: 1 of 1/m)
    } finally {
      await s.close()
    }
  })
  test('is given up only where the site wishes it and lists what was bought; the plan says what and the way back', async () => {
    const entitled = '\nentitlements:\n  - { product: Windows 10 Pro, quantity: 10, agreement: "EA 1" }\n'
    const s = await stage({ machines }, 'http', wishing('  - { product: windows, by: kms, instead: true }\n', entitled))
    try {
      const plan = JSON.parse((await s.slmctl('plan', pc, '--json')).out) as Plan
      const install = plan.machines[0]!.steps.find((x) => x.method === 'InstallProductKey')!
      assert.match(install.because, /EA 1/)
      assert.match(install.because, /Given up: its own OEM licence/)
      assert.match(install.because, /way back/)
      const outcome = await applied(s)
      assert.equal(outcome.result, 'changed', JSON.stringify(outcome))
      assert.equal(outcome.after?.verdict, 'ok')
      assert.match((await s.slmctl('apply', pc, '--yes')).out, /^Nothing to change/m)
    } finally {
      await s.close()
    }
  })
  test('an entitlement for something else does not cover it', async () => {
    const other = '\nentitlements:\n  - { product: Windows Server 2022, quantity: 10 }\n'
    const s = await stage({ machines }, 'http', wishing('  - { product: windows, by: kms, instead: true }\n', other))
    try {
      const ran = await s.slmctl('apply', pc, '--yes')
      assert.notEqual(ran.code, 0)
      assert.equal(s.lab.calls(pc).length, 0)
    } finally {
      await s.close()
    }
  })
})

test('ESU of a year: the key by reference, the add-on activated, Windows left as it is', async () => {
  const s = await stage(
    { machines: [{ name: pc, scenario: 'win10-before-esu' }], maks: { [hash]: { licence: 'esu-win10-1' } } },
    'http',
    wishing('  - { product: windows, by: kms }\n  - { product: Windows 10, by: esu, year: 1, key: { file: esu.key } }\n'),
  )
  try {
    writeFileSync(join(s.directory, 'esu.key'), mak, { mode: 0o600 })
    const outcome = await applied(s)
    assert.equal(outcome.result, 'changed', JSON.stringify(outcome))
    assert.deepEqual(methods(s.lab, pc), ['InstallProductKey', 'Activate'])
    assert.equal(written(s).includes(mak), false)
    assert.match((await s.slmctl('apply', pc, '--yes')).out, /^Nothing to change/m)
  } finally {
    await s.close()
  }
})

test('a client certificate in place of a password', async () => {
  const s = await stage({ machines: [{ name: pc, scenario: 'win10-education-kms' }], clientCertificates: true }, 'https', (site) =>
    site
      .replace('credentials:\n', 'credentials:\n  cert: { method: certificate, certificate: me.pem, key: { file: me.key } }\n')
      .replace('credential: lab, timeout', 'credential: cert, timeout'),
  )
  try {
    const mine = s.lab.clientCertificate(s.lab.accounts[0]!.user)
    writeFileSync(join(s.directory, 'me.pem'), mine.certificate)
    writeFileSync(join(s.directory, 'me.key'), mine.key, { mode: 0o600 })
    const ran = await s.slmctl('status', pc)
    assert.equal(ran.code, 0, ran.err + ran.out)
    assert.equal(s.lab.requests(pc).refusedLogons, 0)
  } finally {
    await s.close()
  }
})

test('a workgroup machine: an ordinary local administrator is refused, and remote token filtering is named', async () => {
  const name = 'kiosk-1'
  const accounts = [
    { user: 'slmctl', password: 'Lab-Passw0rd!', domain: 'CORP' },
    { user: 'helper', password: 'Lab-Passw0rd!', domain: null },
  ]
  const s = await stage({ machines: [{ name, scenario: 'workgroup-token-filter' }], accounts }, 'http', (site) =>
    site.replace('user: Administrator', 'user: helper'),
  )
  try {
    const ran = await s.slmctl('status', name)
    assert.equal(ran.code, 2)
    assert.match(ran.err, /LocalAccountTokenFilterPolicy|[Rr]emote token\s+filtering/)
  } finally {
    await s.close()
  }
})
