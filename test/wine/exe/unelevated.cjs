'use strict'
// Runs a program without an administrator's rights: with the token that User Account Control keeps beside an administrator's.
// node --experimental-ffi unelevated.cjs PROGRAM ARGUMENTS…; its output is this process's own.
const ffi = require('node:ffi')
const { functions: k } = ffi.dlopen('kernel32.dll', {
  GetCurrentProcess: { arguments: [], return: 'pointer' },
  GetStdHandle: { arguments: ['u32'], return: 'pointer' },
  WaitForSingleObject: { arguments: ['pointer', 'u32'], return: 'u32' },
  GetExitCodeProcess: { arguments: ['pointer', 'buffer'], return: 'i32' },
  GetLastError: { arguments: [], return: 'u32' },
  SetHandleInformation: { arguments: ['pointer', 'u32', 'u32'], return: 'i32' },
})
const { functions: a } = ffi.dlopen('advapi32.dll', {
  OpenProcessToken: { arguments: ['pointer', 'u32', 'buffer'], return: 'i32' },
  GetTokenInformation: { arguments: ['pointer', 'i32', 'buffer', 'u32', 'buffer'], return: 'i32' },
  DuplicateTokenEx: { arguments: ['pointer', 'u32', 'pointer', 'i32', 'i32', 'buffer'], return: 'i32' },
  CreateProcessAsUserW: {
    arguments: ['pointer', 'pointer', 'buffer', 'pointer', 'pointer', 'i32', 'u32', 'pointer', 'pointer', 'buffer', 'buffer'],
    return: 'i32',
  },
})
const must = (worked, what) => {
  if (!worked) throw new Error(`${what}: ${k.GetLastError()}`)
}
const [own, linked, primary, length] = [Buffer.alloc(8), Buffer.alloc(8), Buffer.alloc(8), Buffer.alloc(4)]
// TOKEN_QUERY | TOKEN_DUPLICATE; TokenLinkedToken; TOKEN_ALL_ACCESS, SecurityImpersonation, TokenPrimary.
must(a.OpenProcessToken(k.GetCurrentProcess(), 0xa, own), 'OpenProcessToken')
must(a.GetTokenInformation(own.readBigUInt64LE(), 19, linked, 8, length), 'TokenLinkedToken')
must(a.DuplicateTokenEx(linked.readBigUInt64LE(), 0xf01ff, 0n, 2, 1, primary), 'DuplicateTokenEx')
const elevated = Buffer.alloc(4)
must(a.GetTokenInformation(primary.readBigUInt64LE(), 20, elevated, 4, length), 'TokenElevation')
if (elevated.readUInt32LE() !== 0) throw new Error('the linked token is elevated, too')
// STARTUPINFOW: size, STARTF_USESTDHANDLES, the three handles.
const startup = Buffer.alloc(104)
startup.writeUInt32LE(104, 0)
startup.writeUInt32LE(0x100, 60)
for (const [i, id] of [-10, -11, -12].entries()) {
  const handle = k.GetStdHandle(id >>> 0)
  // HANDLE_FLAG_INHERIT.
  k.SetHandleInformation(handle, 1, 1)
  startup.writeBigUInt64LE(handle, 80 + 8 * i)
}
const information = Buffer.alloc(24)
const line = process.argv
  .slice(2)
  .map((word) => (/[\s"]/.test(word) ? `"${word}"` : word))
  .join(' ')
const wide = Buffer.from(`${line}\0`, 'utf16le')
must(a.CreateProcessAsUserW(primary.readBigUInt64LE(), 0n, wide, 0n, 0n, 1, 0, 0n, 0n, startup, information), 'CreateProcessAsUserW')
const child = information.readBigUInt64LE()
k.WaitForSingleObject(child, 0xffff_ffff)
const code = Buffer.alloc(4)
must(k.GetExitCodeProcess(child, code), 'GetExitCodeProcess')
process.exitCode = code.readUInt32LE()
