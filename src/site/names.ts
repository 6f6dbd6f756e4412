/** How machines and certificates are named. Needed without a site file, too, and therefore apart from its schema. */

/** A label of a host name: letters, digits and hyphens. */
export const label = '[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?'
export const namePattern = `^(?=.*[A-Za-z])${label}(?:\\.${label})*\\.?$|^(?:\\d{1,3}\\.){3}\\d{1,3}$|^[0-9a-fA-F]*:[0-9a-fA-F:.]+$`

export const machineNameMax = 253
const pattern = new RegExp(namePattern)
/** A host name or an address. */
export const isMachineName = (name: string): boolean => name.length <= machineNameMax && pattern.test(name)

/** SHA-256 in hexadecimal digits, with colons as openssl prints it or without. */
export const pinPattern = /^(?:[0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2}$/
