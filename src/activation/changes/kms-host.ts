import { isNamedHost } from '../../addresses.ts'
import { called } from '../rules/rule.ts'
import { answered, change, hasOfficeService, productClass, service } from './change.ts'

/** The host that the machine is told to use is one that the site file names, or DNS publishes it in our own domain. */
export const kmsHost = change(
  'kms-host',
  'The KMS host that a machine is told to use is one of the site’s own',
  (p, { site, origin }) =>
    p.channel !== 'kms-client' ||
    site.kmsHosts.length === 0 ||
    // Where a host answered, or the machine is the cause, nothing is gained by another host.
    (p.host.name === null && answered(p)) ||
    (p.host.found === 'override' && p.host.name !== null && isNamedHost(p.host.name, site)) ||
    (p.host.found !== 'override' && origin === 'own') ||
    (p.host.found === 'unknown' && p.state === 'licensed' && origin !== 'foreign' && origin !== 'suspect'),
  (p, { site }) => {
    const host = [...site.kmsHosts].sort((a, b) => (a.priority ?? 0) - (b.priority ?? 0))[0]
    if (!host) return []
    const because = p.host.name
      ? `${called(p)} uses ${p.host.name}, which the site file does not name.`
      : `${called(p)} has found no host of the site.`
    // Office shares the licensing service with Windows since Office 2013 on Windows 8; its setting is then the product's own.
    const own = p.application === 'office' && p.activationId !== null
    const where = hasOfficeService(p)
      ? { class: own ? 'OfficeSoftwareProtectionProduct' : 'OfficeSoftwareProtectionService', key: own ? { ID: p.activationId! } : null }
      : own
        ? { class: productClass, key: { ID: p.activationId! } }
        : { class: service, key: null }
    return [
      {
        change: 'kms-host',
        what: `use the KMS host ${host.name}`,
        because,
        ...where,
        method: 'SetKeyManagementServiceMachine',
        arguments: { MachineName: host.name },
      },
      ...(host.port !== (p.host.port ?? 1688)
        ? [
            {
              change: 'kms-host',
              what: `use port ${host.port}`,
              because: 'The site file gives the host this port.',
              ...where,
              method: 'SetKeyManagementServicePort',
              arguments: { PortNumber: host.port },
            },
          ]
        : []),
    ]
  },
)
