import * as z from 'zod'

/** A host name: labels of letters, digits and hyphens. An address is allowed too, as KMS hosts may be known by one. */
const label = '[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?'
/** A host name, or an address: KMS hosts may be known by one. */
const hostName = z
  .string()
  .regex(
    new RegExp(`^(?=.*[A-Za-z])${label}(?:\\.${label})*\\.?$|^(?:\\d{1,3}\\.){3}\\d{1,3}$|^[0-9a-fA-F]*:[0-9a-fA-F:.]+$`),
    'expected a host name such as kms1.corp.example',
  )
const domainName = z.string().regex(new RegExp(`^${label}(?:\\.${label})*\\.?$`), 'expected a DNS domain such as corp.example')
const network = z
  .string()
  .regex(
    /^(?:\d{1,3}\.){3}\d{1,3}\/\d{1,2}$|^[0-9a-fA-F:]*:[0-9a-fA-F:.]*\/\d{1,3}$/,
    'expected a network such as 10.0.0.0/8 or 2001:db8::/32',
  )
const port = z.int().min(1).max(65_535)

/** The site file, first part: organisation, domains, networks, KMS hosts, cloud platforms. */
export const siteSchema = z
  .strictObject({
    organisation: z.string().optional().describe('Name of the organisation, for people.'),
    domains: z.array(domainName).default([]).describe('DNS domains that may publish our KMS hosts.'),
    networks: z.array(network).default([]).describe('Networks in which our KMS hosts may stand.'),
    kms: z
      .strictObject({
        hosts: z
          .array(
            z.union([
              hostName,
              z.strictObject({
                name: hostName,
                port: port.default(1688),
                priority: z.int().min(0).max(65_535).optional(),
                weight: z.int().min(0).max(65_535).optional(),
              }),
            ]),
          )
          .default([])
          .describe('Our KMS hosts: a name, or name, port, priority and weight.'),
      })
      .optional(),
    platforms: z
      .array(z.enum(['azure', 'aws', 'google', 'oracle']))
      .default([])
      .describe('Clouds whose own KMS is right for machines there.'),
  })
  .describe('The slmctl site file.')
