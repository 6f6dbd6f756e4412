/** What happens to a file of SQLite when processes are killed, many write at once, and the disk is full or may not be written. */
import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openStore } from '../../src/store.ts'
import { finishTarget, found, noon } from './fixture.ts'

const folder = mkdtempSync(join(tmpdir(), 'slmctl-harm-'))
after(() => rmSync(folder, { recursive: true, force: true }))

/** A store with machines, and a process that writes about its part of them. */
async function begin(name: string, machines = 40): Promise<string> {
  const file = join(folder, `${name}.db`)
  const store = await openStore({ file }, { create: true })
  await store.importMachines(
    Array.from({ length: machines }, (_, i) => found(`pc-${i}`)),
    { source: 's', at: noon },
  )
  await store.close()
  return file
}
function work(file: string, part: number, of: number, count?: number) {
  const child = spawn(process.execPath, ['test/store/worker.ts', file, String(part), String(of), ...(count ? [String(count)] : [])], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  let complained = ''
  child.stdout.on('data', (text) => {
    said += text
  })
  child.stderr.on('data', (text) => {
    complained += text
  })
  const ended = new Promise<{ last: number; code: number | null; complained: string }>((done) =>
    child.once('close', (code) => done({ last: Number(said.trim().split('\n').at(-1)), code, complained })),
  )
  return { child, ended, said: () => said !== '' }
}

test('killed twenty times while it writes: nothing that was acknowledged is lost, and the file is sound', async () => {
  const file = await begin('killed')
  let acknowledged = 0
  for (let round = 0; round < 20; round++) {
    const { child, ended, said } = work(file, 0, 1)
    while (!said() && child.exitCode === null) await new Promise((done) => setTimeout(done, 10))
    await new Promise((done) => setTimeout(done, 15 + ((round * 37) % 150)))
    child.kill('SIGKILL')
    const { last, complained } = await ended
    assert.ok(last > acknowledged, `round ${round}: ${complained}`)
    acknowledged = last
    const store = await openStore({ file }, { create: false })
    await store.check()
    const [machine] = await store.find(1)
    const { rows } = await store.outcomes({ machine: 1 }, { limit: 1, after: null })
    // One more may have been written than was said.
    assert.ok(rows[0]!.endedAt === last || rows[0]!.endedAt === last + 1)
    assert.ok(machine!.seenAt === noon + rows[0]!.endedAt || machine!.seenAt === noon + rows[0]!.endedAt + 1)
    const { products } = await store.history(1, 1_000_000)
    assert.equal(products.length, machine!.seenAt! - noon)
    await store.close()
  }
  console.log(`${acknowledged} acknowledged writes, 20 kills`)
})

test('four processes write at once: every write is there once', async () => {
  const file = await begin('together')
  const each = 60
  const ended = await Promise.all([0, 1, 2, 3].map((part) => work(file, part, 4, each).ended))
  for (const { code, last, complained } of ended) assert.deepEqual([code, last], [0, each], complained)
  const store = await openStore({ file }, { create: false })
  await store.check()
  for (const id of await store.ids({})) assert.equal((await store.history(id, 1000)).products.length, each)
  await store.close()
})

test('a disk that is full: said, nothing lost, and it goes on when there is room', async (t) => {
  const small = join(folder, 'small')
  mkdirSync(small)
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'none', small]).status !== 0) {
    t.skip('needs the right to mount')
    return
  }
  try {
    const file = join(small, 'store.db')
    const store = await openStore({ file }, { create: true })
    const name = (n: number) => Array.from({ length: 200 }, (_, i) => found(`pc-${n}-${i}`, { distinguishedName: 'x'.repeat(500) }))
    let kept = 0
    let refused: unknown = null
    for (let n = 0; n < 100 && refused === null; n++)
      await store.importMachines(name(n), { source: 's', at: noon, partial: true }).then(
        () => kept++,
        (error: unknown) => {
          refused = error
        },
      )
    assert.match(String((refused as { problems?: { code: string }[] })?.problems?.[0]?.code), /^STORE_(?:FULL|DISK)$/, String(refused))
    assert.equal((await store.counts()).machines.listed, kept * 200)
    await store.check()
    await assert.rejects(
      store.backup(join(small, 'copy'), 'lines'),
      (e: { problems?: { code: string }[] }) => e.problems?.[0]?.code === 'STORE_FULL',
    )
    await assert.rejects(store.backup(join(small, 'copy')), (e: { problems?: { code: string }[] }) =>
      /^STORE_(?:FULL|DISK)$/.test(e.problems?.[0]?.code ?? ''),
    )
    execFileSync('mount', ['-o', 'remount,size=30m', small])
    await store.importMachines(name(kept), { source: 's', at: noon, partial: true })
    assert.equal((await store.counts()).machines.listed, (kept + 1) * 200)
    await store.close()
    const again = await openStore({ file }, { create: false })
    await again.check()
    await again.close()
  } finally {
    execFileSync('umount', ['-l', small])
  }
})

test('a disk that is full in the middle of a campaign: nothing is half, and it goes on', async (t) => {
  const small = join(folder, 'narrow')
  mkdirSync(small)
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'none', small]).status !== 0) {
    t.skip('needs the right to mount')
    return
  }
  try {
    const store = await openStore({ file: join(small, 'store.db') }, { create: true })
    await store.importMachines(
      Array.from({ length: 100 }, (_, i) => found(`pc-${i}`)),
      { source: 's', at: noon },
    )
    const campaign = await store.createCampaign({ key: 'k', kind: 'apply', name: 'k', settings: {}, at: noon })
    const targets = (await store.ids({})).map((machine, position) => ({ machine, site: '-', position }))
    await store.addTargets(campaign, targets, noon)
    await store.setCampaign(campaign, { state: 'running', because: null, at: noon })
    const wish = { campaign, site: '-', owner: 'w', limit: 10, now: noon, leaseMs: 60_000, mostAtOnce: null, upTo: null }
    const end = { state: 'done', result: 'ok', problemCode: null, outcome: null, at: noon } as const
    const codes: string[] = []
    const tried = async <T>(what: Promise<T>) =>
      what.catch((error: { problems?: { code: string }[] }) => {
        codes.push(error.problems?.[0]?.code ?? String(error))
        return null
      })
    let lines = 0
    let ended = 0
    const held = await store.claimTargets({ ...wish, limit: 90 })
    for (const [n, one] of held.entries()) {
      const body = String(n).repeat(40_000)
      const stand = await tried(store.appendJournal([0, 1].map((sequence) => ({ held: one, sequence, at: noon, body }))))
      if (stand === null) break
      lines += stand.filter(Boolean).length
      if (await tried(finishTarget(store, one, end))) ended++
    }
    assert.match(codes[0] ?? 'nothing was refused', /^STORE_(?:FULL|DISK)$/)
    const written = async () => {
      let n = 0
      for (const { machine } of targets) n += (await store.journal(campaign, machine)).length
      return n
    }
    const left = await store.left({ campaign, upTo: null, sites: null })
    assert.deepEqual([await written(), left.done, left.leased], [lines, ended, 90 - ended])
    await store.check()
    execFileSync('mount', ['-o', 'remount,size=30m', small])
    const rest = held.slice(ended)
    const said = await store.appendJournal(rest.map((h) => ({ held: h, sequence: 0, at: noon, body: 'x' })))
    const all = await store.endTargets(rest.map((h) => ({ held: h, end })))
    assert.ok(all.every(Boolean))
    assert.equal((await store.left({ campaign, upTo: null, sites: null })).done, 90)
    assert.equal(await written(), lines + said.filter(Boolean).length)
    assert.equal((await store.claimTargets(wish)).length, 10)
    await store.check()
    await store.close()
  } finally {
    execFileSync('umount', ['-l', small])
  }
})

test('a folder or a file that may not be written', () => {
  const locked = join(folder, 'locked')
  mkdirSync(locked)
  chmodSync(folder, 0o755)
  const script = `
    import { openStore } from '${join(process.cwd(), 'src/store.ts')}'
    for (const file of process.argv.slice(1)) {
      try {
        const store = await openStore({ file }, { create: true })
        await store.saveHosts([{ name: 'a', port: 1, sources: [] }], 1)
        console.log('written')
      } catch (error) { console.log(error.problems?.[0]?.code ?? error) }
    }`
  const file = join(folder, 'mine.db')
  execFileSync(process.execPath, ['--input-type=module', '-e', script, file])
  chmodSync(file, 0o444)
  const nobody = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {}
  chmodSync(locked, 0o555)
  // Root may write anywhere: somebody else tries.
  const out = spawnSync(
    process.execPath,
    ['--input-type=module', '-e', script, join(locked, 'store.db'), join(locked, 'deep', 'store.db'), file],
    {
      ...nobody,
      encoding: 'utf8',
    },
  )
  assert.deepEqual(out.stdout.trim().split('\n'), ['STORE_READ_ONLY', 'STORE_READ_ONLY', 'STORE_READ_ONLY'], out.stderr)
  const broken = join(folder, 'broken.db')
  writeFileSync(broken, 'SQLite format 3\0'.padEnd(8192, 'x'))
  if ('uid' in nobody) chownSync(broken, 65534, 65534)
  const bad = spawnSync(process.execPath, ['--input-type=module', '-e', script, broken], { encoding: 'utf8' })
  assert.match(bad.stdout, /STORE_(?:NOT_OURS|DAMAGED)/, bad.stderr)
})
