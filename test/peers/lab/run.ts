/**
 * Foreign clients against the lab: python3-winrm, Ansible, Dell's wsl, curl, ldapsearch; what it serves held against Microsoft's documents;
 * and the negative proof: broken seals, captures, core files. Words after the name choose groups.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { add, afterwards, check, folder, main, run, skip } from '../checks.ts'
import { ansibleAgainstLab } from './ansible.ts'
import { capturedRuns } from './capture.ts'
import { curlAgainstLab } from './curl.ts'
import { dumpOfLab } from './dump.ts'
import { openGround } from './ground.ts'
import { ldapsearchAgainstLab } from './ldapsearch.ts'
import { nothingLeftInMemory } from './memory.ts'
import { pythonAgainstLab } from './python.ts'
import { tamperedConnections } from './tamper.ts'
import { wslAgainstLab } from './wsl.ts'

const groups = {
  curl: curlAgainstLab,
  python: pythonAgainstLab,
  dump: dumpOfLab,
  ldapsearch: ldapsearchAgainstLab,
  wsl: wslAgainstLab,
  ansible: ansibleAgainstLab,
  tamper: tamperedConnections,
  capture: capturedRuns,
  memory: nothingLeftInMemory,
} as const
const programs = ['python3', 'curl', 'ansible', 'wslenum', 'uuidgen', 'xmllint', 'tcpdump', 'gcore', 'openssl', 'ldapsearch']

await main(async () => {
  const missing = programs.filter((name) => !['/usr/bin', '/usr/sbin', '/bin'].some((dir) => existsSync(join(dir, name))))
  if (process.platform !== 'linux' || process.getuid!() !== 0 || missing.length > 0)
    return skip('foreign clients against the lab', `needs Linux, root and ${missing.join(', ') || 'nothing more'}`)
  const chosen = process.argv.slice(2)
  const wanted = (name: string) => chosen.length === 0 || chosen.includes(name)
  if (Object.keys(groups).some(wanted)) {
    const ground = await openGround()
    for (const [name, group] of Object.entries(groups)) {
      if (!wanted(name)) continue
      const begin = performance.now()
      try {
        await group(ground)
      } catch (error) {
        await check(`${name}: the group runs to its end`, () => Promise.reject(error))
      }
      console.log(`        ${name}: ${((performance.now() - begin) / 1000).toFixed(1)} s`)
    }
  }
  if (wanted('kerberos')) await withDomain()
})

/** Kerberos needs a domain: the checks run inside the namespace of its controller, beside a lab of their own. */
async function withDomain(): Promise<void> {
  const here = import.meta.dirname
  const dir = join(folder('kerberos'), 'ad')
  const namespace = `slml${process.pid}`
  afterwards(() => run(join(here, '../ad-down.sh'), [dir, namespace]))
  const started = await check('a Samba domain controller starts', async () => {
    const { code, stderr } = await run(join(here, '../ad-up.sh'), [dir, namespace], { timeoutMs: 120_000 })
    if (code !== 0) throw new Error(stderr)
  })
  if (!started) return
  const env = { KRB5_CONFIG: `${dir}/krb5.conf`, KRB5CCNAME: `FILE:${dir}/tickets`, KRB5RCACHENAME: `file2:${dir}/replays` }
  const inside = await run('ip', ['netns', 'exec', namespace, process.execPath, join(here, 'kerberos.ts'), dir], {
    env,
    shown: true,
    timeoutMs: 120_000,
  })
  if (!add(inside.stdout.trimEnd().split('\n').at(-1))) await check('the checks run to their end', () => Promise.reject(inside.stderr))
}
