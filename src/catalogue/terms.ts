import type { SourceId } from './sources.ts'

/** A word of the field, explained in a sentence or two of our own. */
export type TermRow = {
  readonly term: string
  readonly also: readonly string[]
  readonly means: string
  readonly source: readonly SourceId[]
}

/** What `slmctl explain WORD` answers. */
export const terms = [
  {
    term: 'KMS',
    also: ['key management service'],
    means:
      'A host inside the organisation that activates volume editions of Windows and Office for 180 days at a time. Clients ask it every 7 days, on TCP port 1688.',
    source: ['kms-activation-planning'],
  },
  {
    term: 'KMS host',
    also: ['kms server'],
    means:
      'The machine that holds the KMS host key. It activates clients once enough different machines have asked: 25 for client Windows, 5 for Windows Server and Office.',
    source: ['kms-create-host'],
  },
  {
    term: 'GVLK',
    also: ['client setup key', 'kms client key', 'generic volume license key'],
    means: 'The published key that makes a volume edition look for a KMS host. It activates nothing by itself and is not secret.',
    source: ['kms-client-activation-keys'],
  },
  {
    term: 'CSVLK',
    also: ['kms host key', 'customer specific volume license key'],
    means: 'The organisation’s own key for its KMS host or for Active Directory-based activation. It is secret.',
    source: ['kms-activation-planning'],
  },
  {
    term: 'MAK',
    also: ['multiple activation key'],
    means: 'A volume key that activates a fixed number of machines with Microsoft, each once and for good. It is secret.',
    source: ['kms-activation-planning'],
  },
  {
    term: 'CMID',
    also: ['client machine id'],
    means:
      'The number by which a KMS host tells machines apart. Copies of an image that was not generalised share one and are counted once.',
    source: ['activation-troubleshoot-kms-general'],
  },
  {
    term: 'activation threshold',
    also: ['threshold', 'count', 'current count'],
    means:
      'How many different machines must have asked a KMS host within 30 days before it activates: 25 for client Windows, 5 for Windows Server and for Office. Below it clients get 0xC004F038.',
    source: ['kms-activation-planning'],
  },
  {
    term: 'ADBA',
    also: ['active directory-based activation', 'ad-based activation', 'activation object'],
    means:
      'Activation by an object in the Active Directory forest. Domain members of Windows 8, Server 2012, Office 2013 and later activate by it without a KMS host; such activations never raise a KMS count.',
    source: ['kms-activation-planning'],
  },
  {
    term: 'AVMA',
    also: ['automatic vm activation', 'virtual machine activation'],
    means: 'Windows Server guests activated by their Hyper-V host, when that is an activated Datacenter edition.',
    source: ['kms-activation-planning'],
  },
  {
    term: 'notification',
    also: ['notification mode'],
    means: 'The licence state after a grace period has ended without activation: Windows works on and reminds the user.',
    source: ['softwarelicensingproduct'],
  },
  {
    term: 'grace',
    also: ['initial grace', 'oob grace', 'out-of-tolerance grace', 'additional grace', 'grace period'],
    means:
      'Time in which a product works without being activated: after installation (initial), after 180 days without renewal or a change of hardware (out of tolerance, which slmgr calls additional), or after a failed genuineness check.',
    source: ['softwarelicensingproduct'],
  },
  {
    term: 'rearm',
    also: ['rearm count'],
    means:
      'Sets the activation timers and the CMID back, a few times only. The right use is to generalise an image; it is no way to stay unactivated.',
    source: ['activation-slmgr-vbs-options'],
  },
  {
    term: 'activation ID',
    also: ['sku id', 'activationid'],
    means: 'The GUID of one licence on the machine (SoftwareLicensingProduct.ID). Events and slmgr name products by it.',
    source: ['softwarelicensingproduct'],
  },
  {
    term: 'partial product key',
    also: ['last five'],
    means: 'The last five characters of the installed key, all that Windows shows of it. Client setup keys can be recognised by them.',
    source: ['softwarelicensingproduct'],
  },
  {
    term: '_vlmcs._tcp',
    also: ['vlmcs', 'srv record', 'dns discovery'],
    means:
      'The DNS service record by which clients find KMS hosts: _vlmcs._tcp.<domain>, type SRV, port 1688. A host set by hand turns the lookup off.',
    source: ['common-troubleshooting-procedures-kms-dns'],
  },
  {
    term: 'ESU',
    also: ['extended security updates'],
    means:
      'An add-on licence for security updates after the end of support. It stands beside the Windows licence and says nothing about whether Windows is activated.',
    source: ['activation-slmgr-vbs-options'],
  },
  {
    term: 'host caching',
    also: ['kms host caching', 'cache'],
    means: 'A client remembers the host that last activated it and asks that one first; when it does not answer, discovery runs again.',
    source: ['activation-slmgr-vbs-options'],
  },
] as const satisfies readonly TermRow[]
