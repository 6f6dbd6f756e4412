/**
 * Foreign functions: what the operating system does better than we could. Kerberos by GSS-API (Linux, macOS) and SSPI (Windows).
 * Nothing is loaded before the first call; what is missing is a NativeError `unavailable` that says what to install.
 */
export { type AccessList, accessList, foreignOwner, lets, others, type Use } from './native/access.ts'
export { genericCredential } from './native/credentials.ts'
export { NativeError } from './native/error.ts'
export { type GssEnd, type GssIdentity, gssAcceptor, gssInitiator } from './native/gssapi.ts'
export { writeOwnFile } from './native/own-file.ts'
export { packagedFile } from './native/packaged.ts'
export { readRegistryKey } from './native/registry.ts'
export { type SspiEnd, type SspiOptions, sspiInitiator } from './native/sspi.ts'
export { computerName, type FolderFor, isElevated, ownIdentifier, secureFolder } from './native/windows.ts'
export { callsGivenUp, type NativeRow, openWmi, type Wmi, type WmiArgument, type WmiBounds, WmiError } from './native/wmi.ts'
