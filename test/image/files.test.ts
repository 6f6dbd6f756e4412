import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { architectures, type ImageWish, imageFiles } from '../../src/image.ts'
import { ProblemError, type Site } from '../../src/model.ts'
import { readSite } from '../../src/site.ts'
import { officeAttributes, unattend } from './documented.ts'
import { type Node, parsed } from './xml.ts'

const { site } = readSite('university.yaml', readFileSync('test/cases/sites/university.yaml', 'utf8'))

function wish(products: readonly string[], more: Partial<ImageWish> = {}, office: Partial<ImageWish['office']> = {}): ImageWish {
  return {
    products,
    site: site!,
    architecture: 'amd64',
    autoActivation: true,
    ...more,
    office: {
      bits: '64',
      languages: [],
      exclude: [],
      removeRetail: [],
      removeMsi: false,
      closeApps: false,
      source: null,
      ...office,
    },
  }
}

/** The file whose path ends so; a missing one fails the test. */
function file(answer: ReturnType<typeof imageFiles>, end: string): string {
  const found = answer.files.find((f) => f.path.endsWith(end))
  assert.ok(found, `no ${end} among ${answer.files.map((f) => f.path).join(', ')}`)
  return found.text
}

function refusal(w: ImageWish): { readonly code: string; readonly summary: string; readonly next: readonly string[] } {
  try {
    imageFiles(w)
  } catch (error) {
    assert.ok(error instanceof ProblemError, String(error))
    assert.equal(error.problems.length, 1)
    assert.ok(error.problems[0]!.next.length > 0)
    return error.problems[0]!
  }
  return assert.fail(`not refused: ${w.products.join()}`)
}

/** Every setting of an answer file, held against the reference; its components against how Windows identifies its own. */
function checkedAnswerFile(xml: string, architecture: string): Map<string, string> {
  const { root } = parsed(xml)
  assert.equal(root.path, 'unattend')
  assert.deepEqual(root.attributes, { xmlns: 'urn:schemas-microsoft-com:unattend' })
  const found = new Map<string, string>()
  for (const settings of root.children) {
    assert.equal(settings.path, 'unattend/settings')
    assert.deepEqual(Object.keys(settings.attributes), ['pass'])
    for (const component of settings.children) {
      const { name, ...rest } = component.attributes
      assert.deepEqual(rest, {
        processorArchitecture: architecture,
        publicKeyToken: '31bf3856ad364e35',
        language: 'neutral',
        versionScope: 'nonSxS',
      })
      const leaf = (node: Node): void => {
        if (node.children.length > 0) {
          for (const child of node.children) leaf(child)
          return
        }
        const id = `${settings.attributes.pass} ${name} ${node.path.replace('unattend/settings/component/', '')}`
        assert.ok(id in unattend, `${id} is not in the reference`)
        assert.deepEqual(node.attributes, {})
        assert.match(node.text, unattend[id]!, id)
        assert.ok(!found.has(id), `${id} stands twice`)
        found.set(id, node.text)
      }
      for (const child of component.children) leaf(child)
    }
  }
  return found
}

function checkedConfiguration(xml: string): readonly Node[] {
  const { root, all } = parsed(xml)
  assert.equal(root.path, 'Configuration')
  for (const node of all) {
    const allowed = officeAttributes[node.path]
    assert.ok(allowed, `${node.path} is not in the reference`)
    assert.equal(node.text.trim(), '')
    for (const [name, value] of Object.entries(node.attributes)) {
      assert.ok(name in allowed, `${node.path} has no attribute ${name}`)
      assert.match(value, allowed[name]!, `${node.path} ${name}`)
    }
  }
  return all
}

/** The last five characters of published keys, as Microsoft's pages print them. */
const lastFive = {
  'Windows 11 Enterprise': '2YT43',
  'Windows 11 Enterprise LTSC 2024': 'J462D',
  'Windows Server 2025 Datacenter': 'YP6DF',
  'Windows Server 2022 Standard': 'VMK7H',
  'Windows 10 Pro': 'T83GX',
} as const

test('answer file: every element stands in the reference, with the published key, for every processor', () => {
  for (const [product, last] of Object.entries(lastFive)) {
    for (const architecture of architectures) {
      if (architecture === 'x86' && !product.startsWith('Windows 10')) continue
      for (const autoActivation of [true, false]) {
        const found = checkedAnswerFile(file(imageFiles(wish([product], { architecture, autoActivation })), 'unattend.xml'), architecture)
        assert.deepEqual([...found.keys()].toSorted(), Object.keys(unattend).toSorted())
        assert.ok(found.get('specialize Microsoft-Windows-Shell-Setup ProductKey')!.endsWith(last), product)
        assert.equal(
          found.get('windowsPE Microsoft-Windows-Setup UserData/ProductKey/Key'),
          found.get('specialize Microsoft-Windows-Shell-Setup ProductKey'),
        )
        assert.equal(found.get('specialize Microsoft-Windows-Security-SPP-UX SkipAutoActivation'), String(!autoActivation))
      }
    }
  }
})

test('answer file: nothing rearms and nothing keeps Windows from resetting its licensing state', () => {
  const xml = file(imageFiles(wish(['Windows 11 Enterprise'])), 'unattend.xml')
  assert.doesNotMatch(xml, /rearm|generalize/i)
})

test('Office: every element, attribute and value stands in the reference; each product with its own published key', () => {
  for (const [products, channel, ids] of [
    [
      ['Office LTSC 2024 ProPlus', 'Visio LTSC 2024 Professional', 'Project Std 2024'],
      'PerpetualVL2024',
      'ProPlus2024Volume VisioPro2024Volume ProjectStd2024Volume',
    ],
    [['Office 2021 Standard', 'Word 2021'], 'PerpetualVL2021', 'Standard2021Volume Word2021Volume'],
    [['Office 2019 ProPlus', 'Skype for Business 2019'], 'PerpetualVL2019', 'ProPlus2019Volume SkypeforBusiness2019Volume'],
  ] as const) {
    const xml = file(
      imageFiles(
        wish(
          products,
          {},
          { languages: ['de-DE', 'matchos'], exclude: ['lync', 'Access'], removeRetail: ['proplus2021retail'], removeMsi: true },
        ),
      ),
      'configuration.xml',
    )
    const nodes = checkedConfiguration(xml)
    const at = (path: string) => nodes.filter((n) => n.path === `Configuration/${path}`)
    assert.deepEqual(at('Add')[0]!.attributes, { OfficeClientEdition: '64', Channel: channel })
    assert.equal(at('Updates')[0]!.attributes.Channel, channel)
    const added = at('Add/Product')
    assert.equal(added.map((n) => n.attributes.ID).join(' '), ids)
    assert.equal(new Set(added.map((n) => n.attributes.PIDKEY)).size, products.length)
    for (const product of added) {
      const languages = product.children.filter((c) => c.path.endsWith('/Language')).map((c) => c.attributes)
      assert.deepEqual(languages, [{ ID: 'de-de' }, { ID: 'MatchOS', Fallback: 'en-us' }])
      const left = product.children.filter((c) => c.path.endsWith('/ExcludeApp')).map((c) => c.attributes.ID)
      assert.deepEqual(left, /^(?:ProPlus|Standard)/.test(product.attributes.ID!) ? ['Lync', 'Access'] : [])
    }
    assert.deepEqual(
      at('Remove/Product').map((n) => n.attributes.ID),
      ['ProPlus2021Retail'],
    )
    assert.equal(at('RemoveMSI').length, 1)
    assert.deepEqual(
      at('Property').map((n) => `${n.attributes.Name}=${n.attributes.Value}`),
      ['AUTOACTIVATE=1', 'FORCEAPPSHUTDOWN=FALSE'],
    )
  }
})

test('Office: what is not wished is not written', () => {
  const nodes = checkedConfiguration(file(imageFiles(wish(['Office LTSC 2024 ProPlus'], { autoActivation: false })), 'configuration.xml'))
  assert.deepEqual(
    nodes.map((n) => n.path.replace('Configuration', '')).filter((p) => /Remove|Exclude/.test(p)),
    [],
  )
  assert.ok(nodes.some((n) => n.attributes.Name === 'AUTOACTIVATE' && n.attributes.Value === '0'))
  assert.deepEqual(nodes.find((n) => n.path.endsWith('Language'))!.attributes, { ID: 'MatchOS', Fallback: 'en-us' })
})

test('every product of the client key table that setup can have gives files with its own key, and the others are refused', async () => {
  const { clientKeys } = await import('../../src/catalogue.ts')
  let written = 0
  for (const row of clientKeys as readonly {
    product: string
    edition: string
    family: string
    channel: string
    key: string
    listing: string
  }[]) {
    const name = `${row.product} ${row.edition}`
    try {
      const answer = imageFiles(wish([name]))
      assert.deepEqual(
        answer.products.map((p) => p.key),
        [row.key],
        name,
      )
      if (row.family === 'office') checkedConfiguration(file(answer, 'configuration.xml'))
      else checkedAnswerFile(file(answer, 'unattend.xml'), 'amd64')
      written++
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error
      const { code } = error.problems[0]!
      const old = row.channel === 'legacy' || row.product.startsWith('Office 2016')
      assert.ok(old || row.listing !== 'current', `${name}: ${code} ${error.message}`)
    }
  }
  assert.ok(written > 90, String(written))
})

test('products: words that mean several, none, or no volume edition are refused, with what was meant', () => {
  for (const [products, code, next] of [
    [['Windows 11'], 'PRODUCT_AMBIGUOUS', /"Windows 11 Pro"/],
    [['Visio 2024'], 'PRODUCT_AMBIGUOUS', /Visio LTSC Standard 2024/],
    [['Windows 11 Enterprize'], 'PRODUCT_UNKNOWN', /"Windows 11 Enterprise"/],
    [['Windows Server 2022 Essentials'], 'PRODUCT_UNKNOWN', /Windows Server 2022 Standard/],
    [['Windows 11 Home'], 'NOT_VOLUME_ACTIVATABLE', /volume editions only/],
    [['Microsoft 365 Apps'], 'NOT_VOLUME_ACTIVATABLE', /volume editions only/],
    [['Windows 7 Enterprise'], 'PRODUCT_NOT_FOR_IMAGE', /slmctl keys/],
    [['Office 2016 ProPlus'], 'PRODUCT_NOT_FOR_IMAGE', /LTSC 2024/],
    [['Visio Professional 2016'], 'PRODUCT_NOT_FOR_IMAGE', /LTSC 2024/],
    [['Windows 11 Pro', 'Windows Server 2025 Standard'], 'PRODUCTS_CONFLICT', /one image/],
    [['Office 2021 ProPlus', 'Visio Professional 2024'], 'PRODUCTS_CONFLICT', /Visio LTSC Professional 2024/],
    [['Office 2024 ProPlus', 'Office 2024 Standard'], 'PRODUCTS_CONFLICT', /bought/],
    // A row that comes and goes in Microsoft's table is never chosen.
    [['Windows Server 2012 Single Language'], 'PRODUCT_UNKNOWN', /Windows Server 2012 Standard/],
    [['!!'], 'PRODUCT_UNKNOWN', /slmctl keys/],
  ] as const) {
    const p = refusal(wish(products))
    assert.equal(p.code, code, products.join())
    assert.match(p.next.join('\n'), next)
  }
  // The same product twice is one product.
  assert.equal(imageFiles(wish(['Windows 11 Enterprise', 'win 11 ent'])).products.length, 1)
  assert.equal(imageFiles(wish(['Windows 11 Enterprise LTSC 2024'])).products[0]!.name, 'Windows 11 Enterprise LTSC 2024')
  assert.equal(imageFiles(wish(['Windows 11 IoT Enterprise LTSC 2024'])).products[0]!.name, 'Windows IoT Enterprise LTSC 2024')
})

test('flags: what Microsoft does not have, or what takes a subscription away, is refused', () => {
  const office = ['Office LTSC 2024 ProPlus']
  for (const [w, code] of [
    [wish(office, {}, { languages: ['xx-yy'] }), 'USAGE'],
    [wish(['Visio Professional 2024'], {}, { languages: ['en-gb'] }), 'LANGUAGE_NOT_FOR_PRODUCT'],
    [wish(['Office 2019 ProPlus'], {}, { languages: ['fr-ca'] }), 'LANGUAGE_NOT_FOR_PRODUCT'],
    [wish(office, {}, { exclude: ['Paint'] }), 'USAGE'],
    [wish(['Visio Professional 2024'], {}, { exclude: ['Access'] }), 'USAGE'],
    [wish(office, {}, { removeRetail: ['O365ProPlusRetail'] }), 'SUBSCRIPTION_STAYS'],
    [wish(office, {}, { removeRetail: ['VisioProRetail'] }), 'SUBSCRIPTION_STAYS'],
    [wish(office, {}, { removeRetail: ['ProPlus2021Volume'] }), 'USAGE'],
    [wish(office, {}, { source: '\\\\s\\x\u0000' }), 'USAGE'],
    [wish(office, { architecture: 'arm64' }, { bits: '32' }), 'USAGE'],
    [wish(['Windows 11 Pro'], { architecture: 'x86' }), 'USAGE'],
  ] as const)
    assert.equal(refusal(w).code, code, JSON.stringify(w.office))
  checkedConfiguration(file(imageFiles(wish(office, {}, { languages: ['en-gb', 'ca-es-valencia'] })), 'configuration.xml'))
})

test('a site file without hosts and domains, or one that cannot tell what is inside, is refused', () => {
  const bare = { ...site!, kmsHosts: [], domains: [] }
  assert.equal(refusal(wish(['Office LTSC 2024 ProPlus'], { site: bare })).code, 'NO_KMS_HOST')
  assert.equal(refusal(wish(['Windows 11 Enterprise'], { site: { ...site!, networks: [] } })).code, 'SITE_TOO_LITTLE')
  assert.equal(refusal(wish(['Windows 11 Enterprise'], { site: { ...site!, domains: [] } })).code, 'SITE_TOO_LITTLE')
})

/** Texts that try to end an element, a quote, a line or a command. */
const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc
    .array(
      fc.constantFrom(
        '&',
        '"',
        "'",
        '%',
        '^',
        '<',
        '>',
        '|',
        '!',
        '\r\n',
        '\n',
        '\u0000',
        '\u2028',
        '\ud800',
        ']]>',
        '-->',
        '%COMSPEC%',
        '& del *',
        ': ',
        '- ',
        '# ',
        'x',
        ' ',
      ),
      { maxLength: 20 },
    )
    .map((parts) => parts.join('')),
)

test('whatever stands in names, the files stay well-formed, the script the same, and the copy says the same', () => {
  const plainScript = file(imageFiles(wish(['Windows 11 Enterprise'])), 'SetupComplete.cmd')
  fc.assert(
    fc.property(hostile, hostile, hostile, hostile, (organisation, product, source, typed) => {
      const named: Site = {
        ...site!,
        organisation,
        wishes: [{ product, by: 'kms', year: null, key: null, instead: false }],
        forests: [
          { name: 'corp.example', domains: ['corp.example'], activationObjects: [`CN=${product},DC=corp,DC=example`], credential: 'admin' },
        ],
      }
      const answer = imageFiles(wish(['Windows 11 Enterprise', 'Office LTSC 2024 ProPlus'], { site: named }))
      assert.equal(file(answer, 'SetupComplete.cmd'), plainScript)
      checkedAnswerFile(file(answer, 'unattend.xml'), 'amd64')
      const copy = file(answer, 'slmctl.yaml')
      assert.match(copy, /^[\x20-\x7e\r\n]*$/)
      const read = readSite('slmctl.yaml', copy)
      // An empty product or an object that is no name is refused by the schema, as it would be in the site file itself.
      if (read.site) {
        assert.equal(read.site.organisation, organisation)
        assert.equal(read.site.wishes[0]!.product, product)
        assert.equal(read.site.forests[0]!.activationObjects[0], `CN=${product},DC=corp,DC=example`)
      } else assert.ok(product === '' || /[\n\r\u2028\u2029]/.test(product), JSON.stringify([product, read.problems]))
      for (const office of [{ source }, { languages: [typed] }, { exclude: [typed] }, { removeRetail: [typed] }]) {
        try {
          const nodes = checkedConfiguration(file(imageFiles(wish(['Office LTSC 2024 ProPlus'], {}, office)), 'configuration.xml'))
          if ('source' in office) assert.equal(nodes.find((n) => n.path === 'Configuration/Add')!.attributes.SourcePath, source)
        } catch (error) {
          if (!(error instanceof ProblemError)) throw error
        }
      }
      try {
        imageFiles(wish([typed]))
      } catch (error) {
        if (!(error instanceof ProblemError)) throw error
        assert.doesNotMatch(error.message, /[\u0000-\u001f]/)
      }
    }),
    { numRuns: 300 },
  )
})

test('the script: ASCII, lines of Windows, and nothing in it but what Windows itself sets', () => {
  const script = file(imageFiles(wish(['Windows Server 2025 Datacenter'])), 'SetupComplete.cmd')
  assert.match(script, /^(?:[\x20-\x7e]*\r\n)+$/)
  const variables = new Set([...script.replaceAll('%%', '').matchAll(/%([A-Za-z_]+)%/g)].map((m) => m[1]))
  assert.deepEqual([...variables].toSorted(), [
    ...['ComSpec', 'ERRORLEVEL', 'ProgramFiles', 'SLMCTL_DONE', 'SLMCTL_EXE', 'SLMCTL_LOG', 'SLMCTL_SITE', 'SLMCTL_WAITED', 'SystemRoot'],
  ])
  // Every way out says that all is well.
  const exits = script.split('\r\n').filter((l) => /^exit\b/.test(l))
  assert.ok(exits.length >= 4 && exits.every((l) => l === 'exit /b 0'))
  assert.equal(script.trimEnd().split('\r\n').at(-1), 'exit /b 0')
  assert.match(script, /"%SLMCTL_EXE%" apply \. --yes --inside-site --site "%SLMCTL_SITE%" <nul >>"%SLMCTL_LOG%" 2>&1\r\n/)
  // What is written through a redirection stands after the command: one before it is read by Windows' cmd only.
  assert.doesNotMatch(script, /^>/m)
  assert.doesNotMatch(script, /slmgr|rearm|cscript|powershell|setup\.exe|shutdown/i)
})

const full = readSite(
  'full.yaml',
  `organisation: "Müller & Söhne"
domains: [corp.example]
networks: [10.0.0.0/8, "2001:db8::/32"]
kms: { hosts: [kms1.corp.example, { name: kms2.corp.example, port: 1689, priority: 5, weight: 10 }] }
platforms: [azure]
dns: { servers: [10.0.0.53] }
forests: [{ name: corp.example, domains: [corp.example, ad.corp.example], activation-objects: ["CN=x,DC=corp,DC=example"], credential: hush-admin }]
credentials:
  hush-admin: { method: ntlm, user: CORP\\hush-user, password: { file: /hush/password } }
reach: { credential: hush-admin, transport: https }
groups:
  hush-group: { machines: [hush-pc.corp.example], wishes: [{ product: windows, by: mak, key: { env: HUSH_GROUP } }] }
wishes:
  - { product: Visio, by: mak, key: { env: HUSH_MAK } }
  - { product: office, by: kms }
  - { product: windows, by: kms, instead: true }
entitlements: [{ product: Windows, quantity: 500, agreement: HUSH-1234 }]
schedule: { repair: true }
plans: { signers: ["${'A'.repeat(43)}="] }
`,
)

test('the copy of the site file: what one machine needs, and no secret, machine, group or agreement', () => {
  assert.deepEqual(full.problems, [])
  const answer = imageFiles(wish(['Windows 11 Enterprise', 'Office LTSC 2024 ProPlus'], { site: full.site! }))
  for (const f of answer.files) assert.doesNotMatch(f.text, /hush/i, f.path)
  const copy = readSite('slmctl.yaml', file(answer, 'slmctl.yaml'))
  assert.deepEqual(copy.problems, [])
  assert.deepEqual(copy.site, {
    ...full.site!,
    forests: full.site!.forests.map((f) => ({ ...f, credential: null })),
    groups: [],
    entitlements: [],
    wishes: [
      // Left alone, not left out: the next wish is about Office as a whole.
      { product: 'Visio', by: 'leave', year: null, key: null, instead: false },
      { product: 'office', by: 'kms', year: null, key: null, instead: false },
      { product: 'windows', by: 'kms', year: null, key: null, instead: false },
    ],
  })
  assert.equal(copy.siteFile!.credentials.size, 0)
  assert.match(answer.remarks.join('\n'), /Visio needs a key \(mak\)/)
  assert.match(answer.remarks.join('\n'), /windows gives up a machine's own licence/)
  assert.match(file(answer, 'README.txt'), /Visio needs a key/)
})

test('README: names every file, fits a screen of 80, and is plain ASCII', () => {
  const named: Site = {
    ...full.site!,
    wishes: [...full.site!.wishes, { product: 'Wörd\r\n1. rm', by: 'mak', year: null, key: null, instead: true }],
  }
  const answer = imageFiles(wish(['Windows 11 Pro', 'Office LTSC 2024 ProPlus'], { site: named }))
  const text = file(answer, 'README.txt')
  assert.doesNotMatch(text, /^1\. rm/m)
  assert.match(text, /^(?:[\x20-\x7e]{0,80}\r\n)+$/)
  for (const name of ['unattend.xml', 'SetupComplete.cmd', 'slmctl.yaml', 'configuration.xml']) assert.ok(text.includes(name), name)
  assert.match(text.replaceAll(/\s+/g, ' '), /OEM product key, Windows Setup does not run SetupComplete\.cmd/)
  const office = imageFiles(wish(['Office LTSC 2024 ProPlus']))
  assert.deepEqual(
    office.files.map((f) => f.path),
    ['README.txt', 'Office/configuration.xml'],
  )
  assert.doesNotMatch(file(office, 'README.txt'), /unattend\.xml|SetupComplete/)
})

test('tables of setup: every row has a source, every ID stands once, every edition is one of the key table', async () => {
  const { clientKeys, officeProducts, officeRetailProducts, sources, unattendSettings } = await import('../../src/catalogue.ts')
  for (const row of [...officeProducts, ...officeRetailProducts, ...unattendSettings]) {
    assert.ok(row.source.length > 0)
    for (const id of row.source) assert.ok(id in sources, id)
  }
  for (const table of [officeProducts, officeRetailProducts]) assert.equal(new Set(table.map((r) => r.id)).size, table.length)
  const editions = new Set<string>(clientKeys.map((k) => k.edition))
  for (const row of officeProducts) {
    assert.ok(editions.has(row.edition), row.edition)
    // The release in the ID is the release of the edition.
    assert.equal(/\d{4}/.exec(row.id)![0], /\d{4}/.exec(row.edition)![0], row.id)
  }
})
