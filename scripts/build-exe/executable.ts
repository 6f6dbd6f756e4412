/** Windows' Node, made ready to carry slmctl: what administrators see of it, and where it may load libraries from. */
import { NtExecutable, NtExecutableResource } from 'pe-library'
import { Resource } from 'resedit'

/** MAKELANGID(LANG_ENGLISH, SUBLANG_ENGLISH_US), and UTF-16. */
const language = { lang: 1033, codepage: 1200 } as const
/** LoadLibraryEx: LOAD_LIBRARY_SEARCH_SYSTEM32. */
const searchSystem32 = 0x800
/** Index of the data directories of PE32+. */
const certificates = 4
const loadConfiguration = 10

/**
 * The same program with other properties (product, version, file name), without the signature that no longer fits, and with
 * libraries taken from System32 alone: DependentLoadFlags, what /DEPENDENTLOADFLAG of Microsoft's linker writes. Without it Windows
 * looks for dbghelp.dll and others beside the file first, which may be a folder of downloads.
 */
export function prepared(node: Buffer, about: { readonly version: string; readonly fileName: string; readonly comments: string }): Buffer {
  const executable = NtExecutable.from(node, { ignoreCert: true })
  const resources = NtExecutableResource.from(executable)
  const [info] = Resource.VersionInfo.fromEntries(resources.entries)
  if (!info) throw new Error('this node.exe has no version resource')
  const [major = 0, minor = 0, patch = 0] = about.version.split('.').map(Number)
  info.setFileVersion(major, minor, patch, 0, language.lang)
  info.setProductVersion(major, minor, patch, 0, language.lang)
  info.removeStringValue(language, 'CompanyName')
  info.setStringValues(language, {
    Comments: about.comments,
    FileDescription: 'slmctl: volume licences of Windows and Office',
    FileVersion: about.version,
    InternalName: 'slmctl',
    LegalCopyright: 'slmctl: MIT licence. Contains Node.js, Koffi and others, each under its own licence.',
    OriginalFilename: about.fileName,
    ProductName: 'slmctl',
    ProductVersion: about.version,
  })
  info.outputToResourceEntries(resources.entries)
  resources.outputResource(executable)
  const made = Buffer.from(executable.generate())
  fromSystem32Only(made)
  return made
}

/** Where the data directories of a PE32+ file begin, and a relative address as a place in the file. */
function layout(file: Buffer): { directories: number; at: (address: number) => number } {
  const header = file.readUInt32LE(0x3c)
  const [sections, optionalSize] = [file.readUInt16LE(header + 6), file.readUInt16LE(header + 20)]
  const optional = header + 24
  if (file.readUInt32LE(header) !== 0x4550 || file.readUInt16LE(optional) !== 0x20b) throw new Error('this is no 64-bit Windows program')
  const at = (address: number) => {
    for (let n = 0; n < sections; n++) {
      const section = optional + optionalSize + 40 * n
      const [begin, size, place] = [file.readUInt32LE(section + 12), file.readUInt32LE(section + 16), file.readUInt32LE(section + 20)]
      if (address >= begin && address < begin + size) return place + address - begin
    }
    throw new Error('an address lies in no section')
  }
  return { directories: optional + 112, at }
}

/** IMAGE_LOAD_CONFIG_DIRECTORY64.DependentLoadFlags: 16 bits at offset 78, zero where the linker was not told. */
const dependentLoadFlags = 78

function fromSystem32Only(file: Buffer): void {
  const { directories, at } = layout(file)
  const address = file.readUInt32LE(directories + 8 * loadConfiguration)
  if (address === 0) throw new Error('this node.exe has no load configuration')
  const place = at(address)
  if (file.readUInt32LE(place) < dependentLoadFlags + 2) throw new Error('the load configuration of this node.exe is too old')
  if (file.readUInt16LE(place + dependentLoadFlags) !== 0) throw new Error('this node.exe says already where it loads from: look again')
  file.writeUInt16LE(searchSystem32, place + dependentLoadFlags)
}

/** What the finished file must be, whoever wrote which part of it: unsigned, and bound to System32. */
export function checkExecutable(file: Buffer): void {
  const { directories, at } = layout(file)
  if (file.readUInt32LE(directories + 8 * certificates) !== 0) throw new Error('it carries a signature that cannot fit')
  const place = at(file.readUInt32LE(directories + 8 * loadConfiguration))
  if (file.readUInt16LE(place + dependentLoadFlags) !== searchSystem32) throw new Error('it would load libraries from its own folder')
}
