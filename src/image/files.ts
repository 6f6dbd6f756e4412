import { ProblemError, problem, type Site } from '../model.ts'
import { type OfficeWish, officeXml } from './office.ts'
import { chooseProducts, type ImageProduct, nameOf } from './products.ts'
import { readmeText } from './readme.ts'
import { setupCompleteCmd } from './setup-complete.ts'
import { siteCopy } from './site-copy.ts'
import { type Architecture, unattendXml } from './unattend.ts'

/** What an image is wished to have. */
export type ImageWish = {
  /** Products as people write them. */
  readonly products: readonly string[]
  readonly site: Site
  readonly architecture: Architecture
  /** False: Windows and Office do not try to activate by themselves. */
  readonly autoActivation: boolean
  readonly office: Omit<OfficeWish, 'autoActivation'>
}

/** A file to be written: its path below the folder, with slashes, and what it is for. */
export type ImageFile = { readonly path: string; readonly purpose: string; readonly text: string }

export type ImageFiles = {
  readonly products: readonly { readonly name: string; readonly application: 'windows' | 'office'; readonly key: string }[]
  /** In the order of doing. */
  readonly files: readonly ImageFile[]
  /** What an administrator should know of them. */
  readonly remarks: readonly string[]
}

/** The files of an image. Throws a ProblemError where the products or the site file do not allow them. */
export function imageFiles(wish: ImageWish): ImageFiles {
  const products = chooseProducts(wish.products)
  const windows = products.find((p) => p.office === null) ?? null
  const office = products.filter((p) => p.office !== null)
  const { site } = wish
  if (site.kmsHosts.length === 0 && site.domains.length === 0)
    throw new ProblemError(
      problem('NO_KMS_HOST', 'The site file names neither KMS hosts nor domains that publish them; a client key would find no host.', [
        'Name them: kms: {hosts: [kms1.corp.example]}, or domains: [corp.example]',
      ]),
    )
  const files: ImageFile[] = []
  const remarks: string[] = []
  if (windows) addWindows(windows, wish, files, remarks)
  if (office.length > 0) {
    if (wish.office.bits === '32' && wish.architecture === 'arm64')
      throw new ProblemError(problem('USAGE', 'Office of 32 bits is not for Arm processors.', ['Leave out --office-bits 32.']))
    if (wish.office.bits === '64' && wish.architecture === 'x86')
      throw new ProblemError(problem('USAGE', 'Windows for x86 runs Office of 32 bits only.', ['--office-bits 32']))
    files.push({
      path: 'Office/configuration.xml',
      purpose: 'for setup.exe of the Office Deployment Tool: adds the volume products with their client keys',
      text: officeXml(office, { ...wish.office, autoActivation: wish.autoActivation }),
    })
    if (wish.office.closeApps) remarks.push('Office setup closes open applications (--close-apps); what is not saved in them is lost.')
  }
  const readme: ImageFile = {
    path: 'README.txt',
    purpose: 'what to do with the files, in order',
    text: readmeText(
      products.map((p) => nameOf(p.row)),
      files,
      remarks,
    ),
  }
  return {
    products: products.map((p) => ({ name: nameOf(p.row), application: p.office ? 'office' : 'windows', key: p.row.key })),
    files: [readme, ...files],
    remarks,
  }
}

function addWindows(product: ImageProduct, wish: ImageWish, files: ImageFile[], remarks: string[]): void {
  const { site, architecture } = wish
  const name = nameOf(product.row)
  if (architecture === 'x86' && !/^Windows (?:10|IoT LTSC 2021)/.test(product.row.product))
    throw new ProblemError(problem('USAGE', `${name} does not exist for x86.`, ['--architecture amd64']))
  files.push({
    path: 'unattend.xml',
    purpose: 'part of the answer file: the client key for setup (windowsPE) and for activation (specialize)',
    text: unattendXml(product, wish),
  })
  if (!wish.autoActivation)
    remarks.push('Windows and Office do not activate by themselves (--no-auto-activation); slmctl apply does it, or the next check.')
  if (architecture === 'x86') {
    remarks.push('There is no slmctl.exe for x86, so nothing runs at the end of setup: the machine finds its KMS host by DNS.')
    return
  }
  // Whether a machine is ours is told by both; without them SetupComplete.cmd would never do anything.
  if (site.domains.length === 0 || site.networks.length === 0)
    throw new ProblemError(
      problem(
        'SITE_TOO_LITTLE',
        'On the machine slmctl acts only inside your domains and networks, and the site file does not name both.',
        ['Name them: domains: [corp.example]  networks: [10.0.0.0/8]'],
      ),
    )
  const copy = siteCopy(site)
  files.push(
    {
      path: '$OEM$/$$/Setup/Scripts/SetupComplete.cmd',
      purpose: 'runs slmctl at the end of setup, inside your domains and networks only',
      text: setupCompleteCmd(),
    },
    {
      path: '$OEM$/$1/Program Files/slmctl/slmctl.yaml',
      purpose: 'the site file as the machine needs it: no credentials, no keys; put slmctl.exe beside it',
      text: copy.text,
    },
  )
  remarks.push(...copy.remarks)
  if (product.row.family === 'windows-client' && !/Enterprise/.test(product.row.edition))
    remarks.push(
      'Where a machine has an OEM product key, Windows Setup does not run SetupComplete.cmd, but for Enterprise editions and servers. There: slmctl apply after setup.',
    )
}
