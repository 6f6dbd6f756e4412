/** Machines in, by the page: pasted, looked at, imported, found; recordings, the site file; refused, interrupted, hostile; by keys alone. */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Page } from 'playwright-core'
import { startLab } from '../../src/lab.ts'
import { openStore } from '../../src/store.ts'
import { check, folder, freePort } from '../peers/checks.ts'
import { settled, shifted, shot, tooWide, type Visitor, violations, visitor } from './browser.ts'
import { tabTo } from './keyboard.ts'
import { seen, type Table, table, tableCalled } from './reading.ts'
import { command, fleetJson, type Place, serve } from './served.ts'
import { accounts, nameOf, passwords, type Stage, signIn } from './stage.ts'

const at = '/machines/import'
const lookFor = 'Show what would change'

type Import = {
  readonly imports: readonly { readonly added: readonly string[]; readonly listed: number; readonly unchanged: number }[]
  readonly problems: readonly { readonly line: number | null; readonly summary: string; readonly code: string }[]
}

async function visiting(on: Stage, looks: Parameters<typeof visitor>[2], work: (visit: Visitor) => Promise<void>): Promise<void> {
  const visit = await visitor(on.browser, on.origin, { state: on.people.operator, ...looks })
  try {
    await work(visit)
    assert.deepEqual(visit.faults, [])
  } finally {
    await visit.context.close()
  }
}

/** Waits for what was looked at, or done. */
async function said(page: Page, title: 'What would change' | 'Taken'): Promise<void> {
  await page.getByRole('heading', { level: 2, name: title, exact: true }).waitFor()
  await settled(page)
}
async function look(page: Page): Promise<void> {
  await page.getByRole('button', { name: lookFor }).click()
  await said(page, 'What would change')
}
/** Runs in the page: files as somebody drops them there. */
function drop(files: readonly { readonly name: string; readonly text: string }[]): void {
  const all = globalThis as unknown as Record<string, new (...args: unknown[]) => never> & {
    document: { querySelector(at: string): { dispatchEvent(event: unknown): void } }
  }
  const dataTransfer = new all.DataTransfer!() as { items: { add(file: unknown): void } }
  for (const { name, text } of files) dataTransfer.items.add(new all.File!([text], name))
  all.document.querySelector('.give').dispatchEvent(new all.DragEvent!('drop', { bubbles: true, cancelable: true, dataTransfer }))
}
const machinesNow = async (on: Stage, text: string) => (await on.json<{ machines: { name: string }[] }>('list', '--text', text)).machines
const cellOf = (of: Table, what: RegExp) => of.rows.find((row) => what.test(row[0]!))

export async function imports(on: Stage): Promise<void> {
  const home = folder('imports')

  await check('import: pasted, looked at, a bad line found and corrected, imported, and found on the page of machines', async () => {
    await visiting(on, {}, async ({ page }) => {
      await page.goto('/machines')
      await settled(page)
      await page.getByRole('link', { name: 'Add machines' }).click()
      await page.waitForURL((url) => url.pathname === at)
      await settled(page)
      const text = 'name;group;Inventory number\nnew-01.corp.example;berlin;17\nnew 02;berlin;18\nnew-03.corp.example;berlin;19\n'
      const area = page.getByLabel('Paste a list, or drop files here')
      await area.fill(text)
      await page.getByRole('button', { name: lookFor }).click()
      assert.match(await seen(page.getByRole('alert')), /Give the list a name/)
      await page.getByLabel('What the source is called').fill('berlin list')
      await look(page)
      // The same as the command says of the same text.
      const file = join(home, 'berlin list')
      writeFileSync(file, text)
      const told = await on.json<Import>('import', file, '--source', 'berlin list', '--dry-run')
      const changes = await table(page, /^What would change/)
      assert.deepEqual(cellOf(changes, /^new/)!.slice(1), [String(told.imports[0]!.added.length), told.imports[0]!.added.join(', ')])
      const bad = await table(page, /^Not taken/)
      assert.deepEqual(
        bad.rows.map((row) => row[0]),
        told.problems.map((p) => `line ${p.line}`),
      )
      assert.ok(bad.rows[0]![1]!.startsWith(told.problems[0]!.summary))
      assert.match(await seen(page.locator('main')), /[Cc]olumns that were not used: Inventory number/)
      await shot(page, 'import-looked')
      assert.equal((await machinesNow(on, 'new-0')).length, 0, 'a look writes nothing')
      // The number of the line leads to it.
      await page.getByRole('button', { name: 'line 3' }).click()
      const marked = await page.evaluate<string>(
        'document.activeElement.value.slice(document.activeElement.selectionStart, document.activeElement.selectionEnd)',
      )
      assert.equal(marked, 'new 02;berlin;18')
      await page.keyboard.type('new-02.corp.example;berlin;18')
      // Another text is another look.
      assert.equal(await page.getByRole('heading', { level: 2, name: 'What would change' }).count(), 0)
      await look(page)
      assert.equal(await tableCalled(page, /^Not taken/), null)
      await page.getByRole('button', { name: 'Import 3 machines' }).click()
      await said(page, 'Taken')
      await shot(page, 'import-taken')
      assert.deepEqual(await violations(page), [])
      assert.equal((await machinesNow(on, 'new-0')).length, 3)
      await page.getByRole('link', { name: 'Look at these machines' }).click()
      await page.waitForURL((url) => url.pathname === '/machines' && url.searchParams.get('source') === 'berlin list')
      await settled(page)
      assert.deepEqual(
        (await table(page, /^Machines/)).rows.map((row) => row[0]!.split(' ')[0]),
        ['new-01.corp.example', 'new-02.corp.example', 'new-03.corp.example'],
      )
    })
  })

  for (const scheme of ['light', 'dark'] as const)
    for (const width of [1280, 400])
      await check(`import: a look at many machines, with lines that are wrong, ${scheme}, ${width} px`, async () => {
        await visiting(on, { scheme, width }, async ({ page }) => {
          await page.goto(at)
          await settled(page)
          assert.ok((await shifted(page)) < 0.02, 'the page shifts while it is loaded')
          assert.deepEqual(await violations(page), [], 'before anything')
          await shot(page, `import-begin-${scheme}-${width}`)
          const lines = Array.from({ length: 40 }, (_, i) => `a-machine-with-a-name-${i}.department-of-long-names.corp.example`)
          await page.getByLabel('Paste a list, or drop files here').fill(`${lines.join('\n')}\nno name at all\n`)
          await page.getByLabel('What the source is called').fill('many')
          await page.getByText('More about the list').click()
          await look(page)
          await page.getByText('and 32 more').click()
          await shot(page, `import-looked-${scheme}-${width}`)
          assert.deepEqual(await violations(page), [])
          assert.equal(await tooWide(page), 0, 'the page scrolls sideways')
        })
      })

  await check('import: by keys alone', async () => {
    await visiting(on, {}, async ({ page }) => {
      const { keyboard: keys } = page
      await page.goto(at)
      await settled(page)
      await tabTo(page, /^Paste a list/)
      await keys.type('by-keys.corp.example')
      await tabTo(page, /^What the source is called/)
      await keys.type('keys')
      await keys.press('Enter')
      await said(page, 'What would change')
      await tabTo(page, /^Import 1 machine$/)
      await keys.press('Enter')
      await said(page, 'Taken')
      await tabTo(page, /^Look at these machines$/)
      await keys.press('Enter')
      await page.waitForURL((url) => url.searchParams.get('source') === 'keys')
    })
  })

  await check('import: a file has its own name, another list under it is told by what would vanish', async () => {
    await visiting(on, {}, async ({ page }) => {
      const file = join(home, 'office.csv')
      writeFileSync(file, `name\n${Array.from({ length: 12 }, (_, i) => `office-${i}.corp.example`).join('\n')}\n`)
      const give = async () => {
        await page.goto(at)
        await settled(page)
        await page.locator('input[type=file]').setInputFiles(file)
        await page.getByLabel('office.csv').waitFor()
        await look(page)
      }
      await give()
      assert.match(await seen(page.locator('main')), /csv:office\.csv/)
      await page.getByRole('button', { name: 'Import 12 machines' }).click()
      await said(page, 'Taken')
      writeFileSync(file, 'name\nhome-1.corp.example\n')
      await give()
      assert.equal(cellOf(await table(page, /^What would change/), /^vanished/)![1], '12')
      assert.match(await seen(page.locator('main')), /More has vanished than is listed/)
      await shot(page, 'import-vanished')
    })
  })

  await check('import: what machines recorded of themselves, several at once, judged as of then', async () => {
    const recorded = join(home, 'recorded.json')
    const { err, code } = await command(on, ['status', 'pc-law-01.corp.example', '--record', recorded, '--keep-names', '--site', on.site])
    assert.ok(code === 0 || code === 1, err)
    const text = readFileSync(recorded, 'utf8')
    const files = ['rec-a', 'rec-b'].map((name) => {
      const recording = JSON.parse(text) as { machines: { name: string; entries: { ask?: { class: string } }[] }[] }
      const [machine] = recording.machines
      // Two boards: who has the same one is the same machine.
      const entries = machine!.entries.filter((e) => e.ask?.class !== 'Win32_ComputerSystemProduct')
      writeFileSync(
        join(home, `${name}.json`),
        JSON.stringify({ ...recording, machines: [{ ...machine, name: `${name}.corp.example`, entries }] }),
      )
      return join(home, `${name}.json`)
    })
    writeFileSync(join(home, 'cut.json'), text.slice(0, 2000))
    await visiting(on, {}, async ({ page }) => {
      await page.goto(at)
      await settled(page)
      const dropped = [...files, join(home, 'cut.json')].map((file) => ({ name: basename(file), text: readFileSync(file, 'utf8') }))
      await page.evaluate(drop, dropped)
      await page.getByText('3 recordings').waitFor()
      await look(page)
      assert.deepEqual(cellOf(await table(page, /^What would change/), /^new/)!.slice(1), ['2', 'rec-a.corp.example, rec-b.corp.example'])
      assert.equal((await table(page, /^Not taken/)).rows[0]![0], 'cut.json')
      await shot(page, 'import-recordings')
      await page.getByRole('button', { name: 'Import 2 machines' }).click()
      await said(page, 'Taken')
    })
    const { machines } = await on.json<{ machines: { name: string; verdict: string | null }[] }>('list', '--text', 'rec-')
    const { machines: asked } = await on.json<{ machines: { verdict: string | null }[] }>('list', '--text', 'pc-law-01')
    assert.deepEqual(
      machines.map((m) => [m.name, m.verdict]),
      [
        ['rec-a.corp.example', asked[0]!.verdict],
        ['rec-b.corp.example', asked[0]!.verdict],
      ],
    )
  })

  await check(
    'import: the site file’s machines as the command counts them; a directory that it does not name is said to be so',
    async () => {
      await visiting(on, {}, async ({ page }) => {
        await page.goto(at)
        await settled(page)
        await page.getByLabel('The site file').check()
        await page.waitForURL((url) => url.searchParams.get('from') === 'site')
        await look(page)
        const told = await on.json<Import>('import', '--site-groups', '--dry-run')
        assert.match(await seen(page.locator('main')), new RegExp(`site: ${told.imports[0]!.listed} machines`))
        await page.goto(`${at}?from=directory`)
        await settled(page)
        assert.match(await seen(page.locator('main')), /names no directory|Choose one/)
        await shot(page, 'import-directory')
        assert.deepEqual(await violations(page), [])
      })
    },
  )

  await check('import: computers of a directory that the site file lets the server read', () => ofDirectory(on))

  await check('import: nothing is lost: the server refuses, the fleet changed meanwhile, the session ended', async () => {
    await visiting(on, {}, async ({ page, meant }) => {
      meant.push(/503|409|401/)
      const area = page.getByLabel('Paste a list, or drop files here')
      await page.goto(at)
      await settled(page)
      await area.fill('lost-1.corp.example\nlost-2.corp.example\n')
      await page.getByLabel('What the source is called').fill('lost')
      const problem = { type: 'x', title: 'The store is busy.', status: 503, code: 'STORE_BUSY', next: ['Try again in a minute.'] }
      const answer = { status: 503, contentType: 'application/problem+json', body: JSON.stringify(problem) }
      await page.route('**/api/v1/fleet/imports', (route) => route.fulfill(answer))
      await page.getByRole('button', { name: lookFor }).click()
      await page.getByText('STORE_BUSY').waitFor()
      await shot(page, 'import-refused')
      assert.equal(await area.inputValue(), 'lost-1.corp.example\nlost-2.corp.example\n')
      await page.unroute('**/api/v1/fleet/imports')
      await page.getByRole('button', { name: 'Try again' }).click()
      await said(page, 'What would change')
      // Somebody else takes in one of them.
      const file = join(home, 'other.txt')
      writeFileSync(file, 'lost-1.corp.example\n')
      await on.json('import', file)
      await page.getByRole('button', { name: 'Import 2 machines' }).click()
      await page.getByText('IMPORT_CHANGED').waitFor()
      assert.equal((await machinesNow(on, 'lost-')).length, 1, 'nothing else was written')
      await page.context().clearCookies()
      await page.getByRole('button', { name: 'Try again' }).click()
      await page.getByLabel('Password').waitFor()
      await page.getByLabel('Name').fill(nameOf('operator'))
      await page.getByLabel('Password').fill(passwords.operator)
      await page.getByRole('button', { name: 'Sign in' }).click()
      await area.waitFor()
      assert.equal(await area.inputValue(), 'lost-1.corp.example\nlost-2.corp.example\n')
      await look(page)
      assert.equal(cellOf(await table(page, /^What would change/), /^new/)![2], 'lost-2.corp.example')
    })
  })

  await check('import: hostile names, headings and file names stay text', async () => {
    await visiting(on, {}, async ({ page }) => {
      const image = `<img src=x onerror="globalThis.harmed='image'">`
      const file = join(home, `<svg onload=harmed()>.csv`)
      writeFileSync(file, `name;group;${image}\n${image};a;b\ngood.corp.example;"${image.replaceAll('"', '""')}";c\n`)
      await page.goto(at)
      await settled(page)
      await page.locator('input[type=file]').setInputFiles(file)
      await look(page)
      const main = await seen(page.locator('main'))
      assert.match(main, /[Cc]olumns that were not used: <img src=x/)
      assert.match(main, /can be the name of no machine/)
      assert.match(main, /csv:<svg onload/)
      await page.getByRole('button', { name: 'Import 1 machine' }).click()
      await said(page, 'Taken')
      assert.equal(await page.evaluate('globalThis.harmed'), undefined)
      assert.equal(await page.evaluate(`document.querySelectorAll('main img, main [onload], main [onerror]').length`), 0)
      await shot(page, 'import-hostile')
    })
  })

  await check('import: a viewer sees no way to it, and at its address who may', async () => {
    await visiting(on, { state: on.people.viewer }, async ({ page }) => {
      await page.goto('/machines')
      await settled(page)
      assert.equal(await page.getByRole('link', { name: 'Add machines' }).count(), 0)
      await page.goto(at)
      await settled(page)
      assert.match(await seen(page.locator('main')), /added by operators and approvers/)
      assert.equal(await page.locator('main textarea, main form').count(), 0)
      await shot(page, 'import-viewer')
      assert.deepEqual(await violations(page), [])
    })
  })
}

/** A server whose site file says as whom it may read the directory of a lab. */
async function ofDirectory(on: Stage): Promise<void> {
  const home = folder('directory')
  const state = join(home, 'state')
  mkdirSync(state, { recursive: true, mode: 0o700 })
  const lab = await startLab({ seed: 7, count: 30, directory: true })
  try {
    const { user, password } = lab.accounts[0]!
    const place: Place = { site: join(home, 'slmctl.yaml'), store: join(home, 'fleet.db'), state }
    writeFileSync(join(home, 'lab.password'), `${password}\n`, { mode: 0o600 })
    writeFileSync(join(home, 'lab-ca.pem'), lab.ca)
    writeFileSync(
      place.site,
      `domains: [corp.example]\nnetworks: [10.0.0.0/8]\ndns: { servers: [${JSON.stringify(`${lab.dns.address}:${lab.dns.port}`)}] }
forests: [{ name: corp.example, directory: reader }]\nreach: { ca: [lab-ca.pem] }
credentials: { reader: { method: basic, user: ${user}@corp.example, password: { file: lab.password } } }
server: { listen: "127.0.0.1:${await freePort()}" }\n`,
    )
    await (await openStore({ file: place.store }, { create: true })).close()
    await accounts(place)
    const served = await serve(place)
    const { context, page, faults } = await visitor(on.browser, served.origin, {
      state: await signIn(on.browser, served.origin, 'operator'),
    })
    try {
      await page.goto('/machines')
      await settled(page)
      // The empty state leads here.
      await page.locator('.state').getByRole('link', { name: 'Add machines' }).click()
      await page.getByLabel('A directory').check()
      await page.waitForURL((url) => url.searchParams.get('from') === 'directory')
      await settled(page)
      await page.getByRole('button', { name: lookFor }).click()
      assert.match(await seen(page.getByRole('alert')), /Choose a domain/)
      await page.getByLabel('Domain', { exact: true }).selectOption('corp.example')
      await page.getByLabel('Operating system has').fill('Windows 11')
      await page.getByLabel('Group', { exact: true }).fill('elevens')
      await look(page)
      const added = Number(cellOf(await table(page, /^What would change/), /^new/)![1])
      assert.ok(added > 0)
      assert.match(await seen(page.locator('main')), /directory:corp\.example#elevens/)
      await shot(page, 'import-directory-looked')
      assert.deepEqual(await violations(page), [])
      await page.getByRole('button', { name: /^Import \d+ machines?$/ }).click()
      await said(page, 'Taken')
      const { machines } = await fleetJson<{ machines: { system: string }[] }>(place, 'list', '--group', 'elevens')
      assert.equal(machines.length, added)
      assert.deepEqual(faults, [])
    } finally {
      await context.close()
      await served.stop()
    }
  } finally {
    await lab.close()
  }
}
