import type { SourceId } from './sources.ts'

/** A cloud platform's own KMS, for its own virtual machines only: a name to recognise, never one to set. */
export type PlatformRow = {
  readonly platform: 'azure' | 'aws' | 'google' | 'oracle'
  readonly host: string
  readonly source: readonly SourceId[]
}

/** The platforms by their providers’ names. */
export const platformNames: Readonly<Record<PlatformRow['platform'], string>> = {
  azure: 'Microsoft Azure',
  aws: 'Amazon Web Services',
  google: 'Google Cloud',
  oracle: 'Oracle Cloud',
}

export const platformHosts = [
  { platform: 'azure', host: 'azkms.core.windows.net', source: ['custom-routes-enable-kms-activation'] },
  { platform: 'azure', host: '20.118.99.224', source: ['custom-routes-enable-kms-activation'] },
  { platform: 'azure', host: '40.83.235.53', source: ['custom-routes-enable-kms-activation'] },
  { platform: 'azure', host: 'kms.core.windows.net', source: ['custom-routes-enable-kms-activation'] },
  { platform: 'azure', host: '23.102.135.246', source: ['custom-routes-enable-kms-activation'] },
  { platform: 'azure', host: 'kms.core.cloudapi.de', source: ['custom-routes-enable-kms-activation'] },
  { platform: 'azure', host: '51.4.143.248', source: ['custom-routes-enable-kms-activation'] },
  { platform: 'azure', host: 'kms.core.usgovcloudapi.net', source: ['custom-routes-enable-kms-activation'] },
  { platform: 'azure', host: '23.97.0.13', source: ['custom-routes-enable-kms-activation'] },
  { platform: 'azure', host: 'azkms.core.usgovcloudapi.net', source: ['custom-routes-enable-kms-activation'] },
  { platform: 'azure', host: '52.126.105.2', source: ['custom-routes-enable-kms-activation'] },
  { platform: 'azure', host: 'azkms.core.chinacloudapi.cn', source: ['custom-routes-enable-kms-activation'] },
  { platform: 'azure', host: '159.27.28.100', source: ['custom-routes-enable-kms-activation'] },
  { platform: 'azure', host: '163.228.64.161', source: ['custom-routes-enable-kms-activation'] },
  { platform: 'azure', host: 'kms.core.chinacloudapi.cn', source: ['custom-routes-enable-kms-activation'] },
  { platform: 'azure', host: '42.159.7.249', source: ['custom-routes-enable-kms-activation'] },
  { platform: 'aws', host: '169.254.169.250', source: ['common-messages'] },
  { platform: 'aws', host: '169.254.169.251', source: ['aws-user-guide-page-on-a-proxy-for-ssm-agent-or-ec2-on-windo', 'unnamed'] },
  { platform: 'aws', host: 'fd00:ec2::250', source: ['aws-user-guide-page-on-a-proxy-for-ssm-agent-or-ec2-on-windo'] },
  { platform: 'google', host: 'kms.windows.googlecloud.com', source: ['CreateRouteToWindowsActivationHost.java', 'unnamed'] },
  { platform: 'google', host: '35.190.247.13', source: ['CreateRouteToWindowsActivationHost.java', 'unnamed'] },
  { platform: 'oracle', host: '169.254.169.253', source: ['oracle-cloud-infrastructure-documentation-importing-custom-w'] },
] as const satisfies readonly PlatformRow[]
