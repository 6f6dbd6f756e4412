import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { check, run } from '../checks.ts'
import type { Ground } from './ground.ts'

const identify = `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:wsmid="http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"><s:Header/><s:Body><wsmid:Identify/></s:Body></s:Envelope>`

/** curl: what HTTP itself says before and after authentication. */
export async function curlAgainstLab(ground: Ground): Promise<void> {
  const machine = ground.machine('win10-enterprise-office-2019')
  const http = `http://127.0.0.1:${machine.httpPort}/wsman`
  const https = `https://127.0.0.1:${machine.httpsPort}/wsman`
  const soap = ['-H', 'Content-Type: application/soap+xml;charset=UTF-8']
  const query = ground.enumerate('SELECT Version FROM SoftwareLicensingService')
  const curl = async (args: readonly string[], env: Readonly<Record<string, string>> = {}) => {
    const { code, stdout, stderr } = await run('curl', ['-sS', '--max-time', '15', '-i', ...args], { env })
    // With several exchanges on one connection, the last answer counts.
    const answers = stdout.split(/(?=^HTTP\/1\.1 \d)/m).filter((part) => part.startsWith('HTTP/'))
    const last = answers.at(-1) ?? ''
    const [head = '', ...rest] = last.split('\r\n\r\n')
    return { code, stderr, answers, status: Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1]), head, body: rest.join('\r\n\r\n') }
  }
  const offers = (head: string) => [...head.matchAll(/^WWW-Authenticate: *(.*?)\r?$/gim)].map((m) => m[1]!)

  await check('curl: Identify is answered without a logon', async () => {
    const answer = await curl([...soap, '-H', 'WSMANIDENTIFY: unauthenticated', '-d', identify, http])
    assert.equal(answer.status, 200, answer.head)
    assert.match(answer.body, /<wsmid:IdentifyResponse/)
    assert.match(answer.body, /<wsmid:ProtocolVersion>http:\/\/schemas\.dmtf\.org\/wbem\/wsman\/1\/wsman\.xsd<\/wsmid:ProtocolVersion>/)
    assert.match(answer.body, /Microsoft Corporation/)
  })
  await check('curl: without credentials 401, offering Negotiate over HTTP and no Basic', async () => {
    const answer = await curl([...soap, '-d', '<x/>', http])
    assert.equal(answer.status, 401)
    const offered = offers(answer.head)
    assert.ok(
      offered.some((o) => /^Negotiate$/i.test(o)),
      answer.head,
    )
    assert.ok(!offered.some((o) => /^Basic/i.test(o)), answer.head)
  })
  await check('curl: without credentials 401 over HTTPS, offering Negotiate and Basic', async () => {
    const answer = await curl(['--cacert', ground.caFile, ...soap, '-d', '<x/>', https])
    assert.equal(answer.status, 401)
    const offered = offers(answer.head)
    assert.ok(offered.some((o) => /^Negotiate$/i.test(o)) && offered.some((o) => /^Basic realm=/i.test(o)), answer.head)
  })
  await check('curl: the certificate is not trusted without the lab’s authority', async () => {
    const answer = await curl([...soap, '-d', '<x/>', https])
    assert.equal(answer.code, 60, answer.stderr)
  })
  await check('curl: Basic over HTTPS enumerates', async () => {
    const answer = await curl(['--cacert', ground.caFile, '-u', `${ground.user}:${ground.password}`, ...soap, '-d', query, https])
    assert.equal(answer.status, 200, answer.head)
    assert.match(answer.body, /<Version>10\.0\.\d+\.\d+<\/Version>/)
  })
  await check('curl: Basic with a wrong password is 401', async () => {
    const answer = await curl(['--cacert', ground.caFile, '-u', `${ground.user}:wrong`, ...soap, '-d', query, https])
    assert.equal(answer.status, 401)
  })
  await check('curl: Basic over HTTP is 401, with the right password too', async () => {
    const answer = await curl(['-u', `${ground.user}:${ground.password}`, '--basic', ...soap, '-d', query, http])
    assert.equal(answer.status, 401)
  })
  await check('curl --negotiate: NTLM that asks for no seal and names no channel is refused, with the right password too', async () => {
    const file = join(ground.home, 'ntlm-users')
    writeFileSync(file, `CORP:${ground.user}:${ground.password}\n`, { mode: 0o600 })
    const before = ground.lab.requests(machine.name).refusedLogons
    const answer = await curl(['--cacert', ground.caFile, '--negotiate', '-u', ':', ...soap, '-d', query, https], {
      NTLM_USER_FILE: file,
      KRB5_CONFIG: '/dev/null',
      KRB5CCNAME: 'FILE:/nonexistent',
    })
    assert.equal(answer.status, 401, answer.head)
    assert.equal(ground.lab.requests(machine.name).refusedLogons, before + 1, 'curl did not try')
  })
}
