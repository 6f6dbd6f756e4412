import type { ImageFile } from './files.ts'

/** Lines of at most 78 characters, the first after `first`, the others below it. */
function lines(text: string, first = ''): string[] {
  const rest = ' '.repeat(first.length)
  const out: string[] = []
  let line = first
  let empty = true
  for (const word of text.split(' ')) {
    if (!empty && line.length + 1 + word.length > 78) {
      out.push(line)
      line = rest
      empty = true
    }
    line += empty ? word : ` ${word}`
    empty = false
  }
  return [...out, line]
}

/** README.txt: what each file is for and where it goes, in the order of doing. */
export function readmeText(products: readonly string[], files: readonly ImageFile[], remarks: readonly string[]): string {
  const has = (end: string) => files.some((f) => f.path.endsWith(end))
  const steps: string[] = []
  if (has('unattend.xml'))
    steps.push(
      'unattend.xml: merge it into your own answer file, or add your settings to it (languages, disks, account, licence terms). The client keys in it are the ones that Microsoft publishes; they activate nothing without your KMS host.',
    )
  if (has('SetupComplete.cmd'))
    steps.push(
      'slmctl.exe: put it into $OEM$\\$1\\Program Files\\slmctl, beside slmctl.yaml. Sign it, or check that it is the one you built.',
      'The folder $OEM$: put it beside the answer file (configuration set), or where your deployment tool takes it from. Windows Setup copies $$ to %WINDIR% and $1 to the system drive. An image that is captured already: copy the files to the same places in it, before it is generalized.',
      'At the end of setup Windows runs %WINDIR%\\Setup\\Scripts\\SetupComplete.cmd as the local system. It waits for slmctl for ten minutes at most and never lets setup fail. Its log is slmctl.log beside it (slmctl-late.log says that it was not waited for). On a machine outside the domains and networks in slmctl.yaml nothing is asked and nothing changed. If you have a SetupComplete.cmd of your own: give this one another name in the same folder and call it from yours.',
    )
  if (has('configuration.xml'))
    steps.push(
      'Office\\configuration.xml: put it beside setup.exe of the Office Deployment Tool (from Microsoft) and run as administrator: setup.exe /configure configuration.xml. slmctl runs no setup. Read the file first: it accepts the licence terms for you, and removes what you asked to be removed.',
    )
  steps.push('Afterwards, on a machine: slmctl status says what is activated, until when and by which host.')
  const text = [
    'Files for unattended setup, written by slmctl image',
    '',
    ...products.map((p) => `  ${p}`),
    '',
    ...steps.flatMap((s, i) => [...lines(s, `${i + 1}. `), '']),
    ...(remarks.length > 0 ? ['Note', '', ...remarks.flatMap((r) => lines(r, '- ')), ''] : []),
    ...(has('unattend.xml')
      ? [
          ...lines(
            'Not in the answer file, on purpose: SkipRearm. Windows resets the licensing state when an image is generalized, and that is right: every machine gets its own client ID.',
          ),
          '',
        ]
      : []),
  ]
  return text.join('\r\n')
}
