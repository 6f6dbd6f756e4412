/** Where a fact comes from: a repository's file at a revision, or a document by title. */
export type SourceRow = {
  readonly repo?: string
  readonly path?: string
  readonly title?: string
  readonly learnPath?: string
  readonly provenance?: string
  readonly commit?: string
  readonly pageDate?: string
  readonly note?: string
  readonly url?: string
  readonly msAssetId?: string
}

/** Every source that a row of the catalogue names. */
export const sources = {
  'kms-client-activation-keys': {
    repo: 'MicrosoftDocs/windowsserverdocs',
    path: 'WindowsServerDocs/get-started/kms-client-activation-keys.md',
    commit: '0539a6bfafe3d1feb446d7479837cc3bc7bffff4',
    pageDate: '2024-10-01',
  },
  gvlks: {
    repo: 'MicrosoftDocs/OfficeDocs-DeployOffice',
    path: 'office/volume-license-activation/gvlks.md',
    commit: '947f018871a61f93d0cef7f70bea1a8b6330802d',
    pageDate: '2024-09-18',
  },
  'use-the-office-deployment-tool-to-install-volume-licensed-editions-of-visio-2016': {
    repo: 'MicrosoftDocs/OfficeDocs-DeployOffice',
    path: 'microsoft-365-apps/deploy/use-the-office-deployment-tool-to-install-volume-licensed-editions-of-visio-2016.md',
    commit: '947f018871a61f93d0cef7f70bea1a8b6330802d',
    pageDate: '2024-05-28',
  },
  'windows-rs-identity': {
    repo: 'microsoft/windows-rs',
    path: 'crates/libs/sys/src/Windows/Win32/Security/Authentication/Identity/mod.rs',
  },
  'wmi-error-constants': { repo: 'MicrosoftDocs/win32', path: 'desktop-src/WmiSdk/wmi-error-constants.md' },
  'troubleshoot-activation-error-codes': {
    repo: 'MicrosoftDocs/SupportArticles-docs',
    path: 'support/windows-server/licensing-and-activation/troubleshoot-activation-error-codes.md',
  },
  'activation-error-codes': { repo: 'MicrosoftDocs/windowsserverdocs', path: 'WindowsServerDocs/get-started/activation-error-codes.md' },
  'troubleshoot-volume-activation-of-office': {
    repo: 'MicrosoftDocs/OfficeDocs-DeployOffice',
    path: 'office/volume-license-activation/troubleshoot-volume-activation-of-office.md',
  },
  'system-error-codes--0-499': { repo: 'MicrosoftDocs/win32', path: 'desktop-src/Debug/system-error-codes--0-499-.md' },
  'windows-not-genuine-error': {
    repo: 'MicrosoftDocs/SupportArticles-docs',
    path: 'support/windows-server/licensing-and-activation/windows-not-genuine-error.md',
  },
  'nf-slpublic-slinstallproofofpurchase': {
    repo: 'MicrosoftDocs/sdk-api',
    path: 'sdk-api-src/content/slpublic/nf-slpublic-slinstallproofofpurchase.md',
  },
  '0x8007000d-activate-machine': {
    repo: 'MicrosoftDocs/SupportArticles-docs',
    path: 'support/windows-server/licensing-and-activation/0x8007000d-activate-machine.md',
  },
  'nf-slpublic-slactivateproduct': { repo: 'MicrosoftDocs/sdk-api', path: 'sdk-api-src/content/slpublic/nf-slpublic-slactivateproduct.md' },
  'troubleshoot-adba-clients-not-activate': {
    repo: 'MicrosoftDocs/SupportArticles-docs',
    path: 'support/windows-server/licensing-and-activation/troubleshoot-adba-clients-not-activate.md',
  },
  'system-error-codes--1000-1299': { repo: 'MicrosoftDocs/win32', path: 'desktop-src/Debug/system-error-codes--1000-1299-.md' },
  'system-error-codes--1300-1699': { repo: 'MicrosoftDocs/win32', path: 'desktop-src/Debug/system-error-codes--1300-1699-.md' },
  'windows-vm-activation-error-0x800705b4': {
    repo: 'MicrosoftDocs/SupportArticles-docs',
    path: 'support/azure/virtual-machines/windows/windows-vm-activation-error-0x800705b4.md',
  },
  'system-error-codes--1700-3999': { repo: 'MicrosoftDocs/win32', path: 'desktop-src/Debug/system-error-codes--1700-3999-.md' },
  'activation-event-8198-error-0xc0020017-0x8007139f-kms-contact-failure': {
    repo: 'MicrosoftDocs/SupportArticles-docs',
    path: 'support/windows-server/licensing-and-activation/activation-event-8198-error-0xc0020017-0x8007139f-kms-contact-failure.md',
  },
  'system-error-codes--4000-5999': { repo: 'MicrosoftDocs/win32', path: 'desktop-src/Debug/system-error-codes--4000-5999-.md' },
  'system-error-codes--9000-11999': { repo: 'MicrosoftDocs/win32', path: 'desktop-src/Debug/system-error-codes--9000-11999-.md' },
  'activation-error-0x8007232a-dns-server-failure': {
    repo: 'MicrosoftDocs/SupportArticles-docs',
    path: 'support/windows-server/licensing-and-activation/activation-error-0x8007232a-dns-server-failure.md',
  },
  'activation-error-0x8007232b-dns-name-does-not-exist': {
    repo: 'MicrosoftDocs/SupportArticles-docs',
    path: 'support/windows-server/licensing-and-activation/activation-error-0x8007232b-dns-name-does-not-exist.md',
  },
  'event-12293-error-0x800723-set-kms-host': {
    repo: 'MicrosoftDocs/SupportArticles-docs',
    path: 'support/windows-server/licensing-and-activation/event-12293-error-0x800723-set-kms-host.md',
  },
  'windows-activation-fails-with-error-0x8007267': {
    repo: 'MicrosoftDocs/SupportArticles-docs',
    path: 'support/windows-server/licensing-and-activation/windows-activation-fails-with-error-0x8007267.md',
  },
  'error-messages': { repo: 'MicrosoftDocs/win32', path: 'desktop-src/WinHttp/error-messages.md' },
  'event-id-8208-8200-900': {
    repo: 'MicrosoftDocs/SupportArticles-docs',
    path: 'support/windows-server/licensing-and-activation/event-id-8208-8200-900.md',
  },
  'com-error-codes-2': { repo: 'MicrosoftDocs/win32', path: 'desktop-src/com/com-error-codes-2.md' },
  'error-when-you-validate-copy-windows': {
    repo: 'MicrosoftDocs/SupportArticles-docs',
    path: 'support/windows-server/licensing-and-activation/error-when-you-validate-copy-windows.md',
  },
  'activation-error-0xc004c003-product-key-blocked': {
    repo: 'MicrosoftDocs/SupportArticles-docs',
    path: 'support/windows-server/licensing-and-activation/activation-error-0xc004c003-product-key-blocked.md',
  },
  'error-0xc004e002-during-activation': {
    repo: 'MicrosoftDocs/SupportArticles-docs',
    path: 'support/windows-server/licensing-and-activation/error-0xc004e002-during-activation.md',
  },
  'activation-error-0xc004c008-product-key-not-used': {
    repo: 'MicrosoftDocs/SupportArticles-docs',
    path: 'support/windows-server/licensing-and-activation/activation-error-0xc004c008-product-key-not-used.md',
  },
  'activation-failures-not-genuine-notifications-volume-licensed-kms-client': {
    repo: 'MicrosoftDocs/SupportArticles-docs',
    path: 'support/windows-client/licensing-and-activation/activation-failures-not-genuine-notifications-volume-licensed-kms-client.md',
  },
  'error-0xc004e015-sl-e-eul-consumption-failed-activate-windows': {
    repo: 'MicrosoftDocs/SupportArticles-docs',
    path: 'support/windows-server/licensing-and-activation/error-0xc004e015-sl-e-eul-consumption-failed-activate-windows.md',
  },
  'nf-slpublic-slgetlicensingstatusinformation': {
    repo: 'MicrosoftDocs/sdk-api',
    path: 'sdk-api-src/content/slpublic/nf-slpublic-slgetlicensingstatusinformation.md',
  },
  'event-id-12321-warning-token-based-activation-failed': {
    repo: 'MicrosoftDocs/SupportArticles-docs',
    path: 'support/windows-server/licensing-and-activation/event-id-12321-warning-token-based-activation-failed.md',
  },
  'nf-slpublic-slgetserviceinformation': {
    repo: 'MicrosoftDocs/sdk-api',
    path: 'sdk-api-src/content/slpublic/nf-slpublic-slgetserviceinformation.md',
  },
  'nf-slpublic-slconsumeright': { repo: 'MicrosoftDocs/sdk-api', path: 'sdk-api-src/content/slpublic/nf-slpublic-slconsumeright.md' },
  'error-0xc004f015-activate-windows-10': {
    repo: 'MicrosoftDocs/SupportArticles-docs',
    path: 'support/windows-server/licensing-and-activation/error-0xc004f015-activate-windows-10.md',
  },
  'nf-slpublic-slgetpkeyinformation': {
    repo: 'MicrosoftDocs/sdk-api',
    path: 'sdk-api-src/content/slpublic/nf-slpublic-slgetpkeyinformation.md',
  },
  'nf-slpublic-slinstalllicense': { repo: 'MicrosoftDocs/sdk-api', path: 'sdk-api-src/content/slpublic/nf-slpublic-slinstalllicense.md' },
  'cannot-activate-windows-from-oem': {
    repo: 'MicrosoftDocs/SupportArticles-docs',
    path: 'support/windows-client/licensing-and-activation/cannot-activate-windows-from-oem.md',
  },
  'activation-error-0xc004cf038-insufficient-kms-host-pool-count': {
    repo: 'MicrosoftDocs/SupportArticles-docs',
    path: 'support/windows-server/licensing-and-activation/activation-error-0xc004cf038-insufficient-kms-host-pool-count.md',
  },
  'activation-error-0xc004cf042-cant-use-specified-kms': {
    repo: 'MicrosoftDocs/SupportArticles-docs',
    path: 'support/windows-server/licensing-and-activation/activation-error-0xc004cf042-cant-use-specified-kms.md',
  },
  'nf-slpublic-sldepositofflineconfirmationid': {
    repo: 'MicrosoftDocs/sdk-api',
    path: 'sdk-api-src/content/slpublic/nf-slpublic-sldepositofflineconfirmationid.md',
  },
  '0xc004f063-when-activating-oem-version': {
    repo: 'MicrosoftDocs/SupportArticles-docs',
    path: 'support/windows-server/licensing-and-activation/0xc004f063-when-activating-oem-version.md',
  },
  'error-0xc004f074-activate-windows': {
    repo: 'MicrosoftDocs/SupportArticles-docs',
    path: 'support/windows-server/licensing-and-activation/error-0xc004f074-activate-windows.md',
  },
  'error-0xc004f06c-activate-windows': {
    repo: 'MicrosoftDocs/SupportArticles-docs',
    path: 'support/windows-server/licensing-and-activation/error-0xc004f06c-activate-windows.md',
  },
  'windows-vm-activation-error-0xc004fd01-0xc004fd02': {
    repo: 'MicrosoftDocs/SupportArticles-docs',
    path: 'support/azure/virtual-machines/windows/windows-vm-activation-error-0xc004fd01-0xc004fd02.md',
  },
  'slerror-h-message-text': { title: 'slerror.h, message text (Microsoft SDK header)', provenance: '' },
  unnamed: { provenance: 'community table' },
  'winerror-h-winhttp-h-corerror-h-of-mingw-w64': {
    title:
      'winerror.h, winhttp.h, corerror.h of mingw-w64 (Debian package mingw-w64-common 10.0.0-3): name and number; meaning is the general one',
  },
  'kms-activation-planning': { repo: 'MicrosoftDocs/windowsserverdocs', path: 'WindowsServerDocs/get-started/kms-activation-planning.md' },
  'kms-create-host': { repo: 'MicrosoftDocs/windowsserverdocs', path: 'WindowsServerDocs/get-started/kms-create-host.md' },
  'activate-office-by-using-kms': {
    repo: 'MicrosoftDocs/OfficeDocs-DeployOffice',
    path: 'office/volume-license-activation/activate-office-by-using-kms.md',
  },
  'configure-a-kms-host-computer-for-office': {
    repo: 'MicrosoftDocs/OfficeDocs-DeployOffice',
    path: 'office/volume-license-activation/configure-a-kms-host-computer-for-office.md',
  },
  'activation-troubleshoot-kms-general': {
    repo: 'MicrosoftDocs/windowsserverdocs',
    path: 'WindowsServerDocs/get-started/activation-troubleshoot-kms-general.md',
  },
  'activate-office-by-using-active-directory': {
    repo: 'MicrosoftDocs/OfficeDocs-DeployOffice',
    path: 'office/volume-license-activation/activate-office-by-using-active-directory.md',
  },
  'activation-slmgr-vbs-options': {
    repo: 'MicrosoftDocs/windowsserverdocs',
    path: 'WindowsServerDocs/get-started/activation-slmgr-vbs-options.md',
  },
  'registry-settings-for-volume-activation': {
    title: 'Registry Settings for Volume Activation (Windows Server 2012 R2 Volume Activation Technical Reference)',
    learnPath: '/previous-versions/windows/it-pro/windows-server-2012-r2-and-2012/dn502532(v=ws.11)',
    provenance: 'copy whose repository is not known; Microsoft front matter, and a Microsoft page links to the article',
  },
  'tools-to-manage-volume-activation-of-office': {
    repo: 'MicrosoftDocs/OfficeDocs-DeployOffice',
    path: 'office/volume-license-activation/tools-to-manage-volume-activation-of-office.md',
  },
  softwarelicensingservice: {
    repo: 'MicrosoftDocs/win32',
    path: 'desktop-src/SppWmi/softwarelicensingservice.md',
    commit: 'f0629c9a32dc4ccca05c94e16575cd5a2635586f',
  },
  'kms-activation-timing-and-discovery-for-volume-activation': {
    title: 'KMS Activation Timing and Discovery for Volume Activation (Windows Server 2012 R2 Volume Activation Technical Reference)',
    provenance: 'copy whose repository is not known; Microsoft front matter',
    msAssetId: '7ad47bc5-1560-4b97-a75a-73a1a3aaf5fa',
  },
  'rearm-an-office-installation-on-an-image-when-using-kms-to-activate': {
    repo: 'MicrosoftDocs/OfficeDocs-DeployOffice',
    path: 'office/volume-license-activation/rearm-an-office-installation-on-an-image-when-using-kms-to-activate.md',
  },
  'common-troubleshooting-procedures-kms-dns': {
    repo: 'MicrosoftDocs/windowsserverdocs',
    path: 'WindowsServerDocs/get-started/common-troubleshooting-procedures-kms-dns.md',
  },
  'activate-using-key-management-service-vamt': {
    repo: 'MicrosoftDocs/windows-itpro-docs',
    path: 'windows/deployment/volume-activation/activate-using-key-management-service-vamt.md',
  },
  'windows-event-log': {
    title: 'Windows Event Log (Volume Activation Technical Reference, Windows 7 and Server 2008 R2), table 11',
    url: 'https://learn.microsoft.com/en-us/previous-versions//ff793440(v=technet.10)',
  },
  'volume-activation-2-0-operations-guide': {
    title: 'Volume Activation 2.0 Operations Guide (Microsoft), pages 26 to 29',
    url: 'https://manualsdump.com/amp/en/manuals/130422/28',
  },
  'MessageFile-sppsvc.exe': {
    repo: 'libyal/winevt-kb',
    path: 'docs/sources/message-files/MessageFile-sppsvc.exe.md',
    commit: '5e51c65e83317e81eb68bca37a0fc56cc512eb1e',
  },
  'activation-troubleshoot-kms-issues': {
    repo: 'MicrosoftDocs/windowsserverdocs',
    path: 'WindowsServerDocs/get-started/activation-troubleshoot-kms-issues.md',
  },
  'field-positions-of-event-12290-as-a-powershell-user-reads-th': {
    title: 'field positions of event 12290 as a PowerShell user reads them',
    url: 'https://cnblogs.com/thescentedpath/p/kmseventlog.html',
  },
  'application-event-log-warning-id-1058': {
    repo: 'MicrosoftDocs/SupportArticles-docs',
    path: 'support/windows-server/licensing-and-activation/application-event-log-warning-id-1058.md',
  },
  softwarelicensingproduct: {
    repo: 'MicrosoftDocs/win32',
    path: 'desktop-src/SppWmi/softwarelicensingproduct.md',
    commit: 'f0629c9a32dc4ccca05c94e16575cd5a2635586f',
  },
  'wmi-properties-and-methods-for-volume-activation': {
    title: 'WMI Properties and Methods for Volume Activation (Windows Server 2012 R2 Volume Activation Technical Reference)',
    learnPath: '/previous-versions/windows/it-pro/windows-server-2012-r2-and-2012/dn502536(v=ws.11)',
    provenance: 'copy whose repository is not known; Microsoft front matter, and a Microsoft page links to the article',
  },
  'configure-dns-to-activate-office-by-using-kms': {
    repo: 'MicrosoftDocs/OfficeDocs-DeployOffice',
    path: 'office/volume-license-activation/configure-dns-to-activate-office-by-using-kms.md',
  },
  'kms-and-mak-activation-scenarios-for-volume-activation': {
    title: 'KMS and MAK Activation Scenarios for Volume Activation (Windows Server 2012 R2 Volume Activation Technical Reference)',
    provenance: 'copy whose repository is not known; Microsoft front matter',
    msAssetId: 'df66a0cc-b4bc-4b2f-be26-4ebdbc9ead41',
  },
  'configure-client-computers-vamt': {
    repo: 'MicrosoftDocs/windows-itpro-docs',
    path: 'windows/deployment/volume-activation/configure-client-computers-vamt.md',
  },
  'nf-sysinfoapi-getproductinfo': {
    repo: 'MicrosoftDocs/sdk-api',
    path: 'sdk-api-src/content/sysinfoapi/nf-sysinfoapi-getproductinfo.md',
    commit: '09192f3d77e2ca7ad4bc1665d2ed85755f4ed7be',
  },
  'win32-operatingsystem': {
    repo: 'MicrosoftDocs/win32',
    path: 'desktop-src/CIMWin32Prov/win32-operatingsystem.md',
    commit: '47e64c189dcb1c1a42c221380ccf0ec81cc82d4b',
  },
  'windows-server-release-info': {
    repo: 'MicrosoftDocs/windowsserverdocs',
    path: 'WindowsServerDocs/get-started/windows-server-release-info.md',
  },
  'Get-KmsLicenseInfo': { repo: 'MicrosoftDocs/windows-powershell-docs', path: 'docset/winserver2025-ps/OSLicense/Get-KmsLicenseInfo.md' },
  'acquiregenuineticket-softwarelicensingservice': {
    repo: 'MicrosoftDocs/win32',
    path: 'desktop-src/SppWmi/acquiregenuineticket-softwarelicensingservice.md',
    commit: 'f0629c9a32dc4ccca05c94e16575cd5a2635586f',
  },
  'clearkeymanagementservicelisteningport-softwarelicensingservice': {
    repo: 'MicrosoftDocs/win32',
    path: 'desktop-src/SppWmi/clearkeymanagementservicelisteningport-softwarelicensingservice.md',
    commit: 'f0629c9a32dc4ccca05c94e16575cd5a2635586f',
  },
  'clearkeymanagementservicemachine-softwarelicensingservice': {
    repo: 'MicrosoftDocs/win32',
    path: 'desktop-src/SppWmi/clearkeymanagementservicemachine-softwarelicensingservice.md',
    commit: 'f0629c9a32dc4ccca05c94e16575cd5a2635586f',
  },
  'clearkeymanagementserviceport-softwarelicensingservice': {
    repo: 'MicrosoftDocs/win32',
    path: 'desktop-src/SppWmi/clearkeymanagementserviceport-softwarelicensingservice.md',
    commit: 'f0629c9a32dc4ccca05c94e16575cd5a2635586f',
  },
  'clearproductkeyfromregistry-softwarelicensingservice': {
    repo: 'MicrosoftDocs/win32',
    path: 'desktop-src/SppWmi/clearproductkeyfromregistry-softwarelicensingservice.md',
    commit: 'f0629c9a32dc4ccca05c94e16575cd5a2635586f',
  },
  'disablekeymanagementserviceactivation-softwarelicensingservice': {
    repo: 'MicrosoftDocs/win32',
    path: 'desktop-src/SppWmi/disablekeymanagementserviceactivation-softwarelicensingservice.md',
    commit: 'f0629c9a32dc4ccca05c94e16575cd5a2635586f',
  },
  'disablekeymanagementservicednspublishing-softwarelicensingservice': {
    repo: 'MicrosoftDocs/win32',
    path: 'desktop-src/SppWmi/disablekeymanagementservicednspublishing-softwarelicensingservice.md',
    commit: 'f0629c9a32dc4ccca05c94e16575cd5a2635586f',
  },
  'disablekeymanagementservicehostcaching-softwarelicensingservice': {
    repo: 'MicrosoftDocs/win32',
    path: 'desktop-src/SppWmi/disablekeymanagementservicehostcaching-softwarelicensingservice.md',
    commit: 'f0629c9a32dc4ccca05c94e16575cd5a2635586f',
  },
  'enablekeymanagementservicelowpriority-softwarelicensingservice': {
    repo: 'MicrosoftDocs/win32',
    path: 'desktop-src/SppWmi/enablekeymanagementservicelowpriority-softwarelicensingservice.md',
    commit: 'f0629c9a32dc4ccca05c94e16575cd5a2635586f',
  },
  'installlicense-softwarelicensingservice': {
    repo: 'MicrosoftDocs/win32',
    path: 'desktop-src/SppWmi/installlicense-softwarelicensingservice.md',
    commit: 'f0629c9a32dc4ccca05c94e16575cd5a2635586f',
  },
  'installlicensepackage-softwarelicensingservice': {
    repo: 'MicrosoftDocs/win32',
    path: 'desktop-src/SppWmi/installlicensepackage-softwarelicensingservice.md',
    commit: 'f0629c9a32dc4ccca05c94e16575cd5a2635586f',
  },
  'installproductkey-softwarelicensingservice': {
    repo: 'MicrosoftDocs/win32',
    path: 'desktop-src/SppWmi/installproductkey-softwarelicensingservice.md',
    commit: 'f0629c9a32dc4ccca05c94e16575cd5a2635586f',
  },
  'rearmwindows-softwarelicensingservice': {
    repo: 'MicrosoftDocs/win32',
    path: 'desktop-src/SppWmi/rearmwindows-softwarelicensingservice.md',
    commit: 'f0629c9a32dc4ccca05c94e16575cd5a2635586f',
  },
  'refreshlicensestatus-softwarelicensingservice': {
    repo: 'MicrosoftDocs/win32',
    path: 'desktop-src/SppWmi/refreshlicensestatus-softwarelicensingservice.md',
    commit: 'f0629c9a32dc4ccca05c94e16575cd5a2635586f',
  },
  'setkeymanagementservicelisteningport-softwarelicensingservice': {
    repo: 'MicrosoftDocs/win32',
    path: 'desktop-src/SppWmi/setkeymanagementservicelisteningport-softwarelicensingservice.md',
    commit: 'f0629c9a32dc4ccca05c94e16575cd5a2635586f',
  },
  'setkeymanagementservicemachine-softwarelicensingservice': {
    repo: 'MicrosoftDocs/win32',
    path: 'desktop-src/SppWmi/setkeymanagementservicemachine-softwarelicensingservice.md',
    commit: 'f0629c9a32dc4ccca05c94e16575cd5a2635586f',
  },
  'setkeymanagementserviceport-softwarelicensingservice': {
    repo: 'MicrosoftDocs/win32',
    path: 'desktop-src/SppWmi/setkeymanagementserviceport-softwarelicensingservice.md',
    commit: 'f0629c9a32dc4ccca05c94e16575cd5a2635586f',
  },
  'setvlactivationinterval-softwarelicensingservice': {
    repo: 'MicrosoftDocs/win32',
    path: 'desktop-src/SppWmi/setvlactivationinterval-softwarelicensingservice.md',
    commit: 'f0629c9a32dc4ccca05c94e16575cd5a2635586f',
  },
  'setvlrenewalinterval-softwarelicensingservice': {
    repo: 'MicrosoftDocs/win32',
    path: 'desktop-src/SppWmi/setvlrenewalinterval-softwarelicensingservice.md',
    commit: 'f0629c9a32dc4ccca05c94e16575cd5a2635586f',
  },
  'Invoke-KmsLicense': { repo: 'MicrosoftDocs/windows-powershell-docs', path: 'docset/winserver2025-ps/OSLicense/Invoke-KmsLicense.md' },
  'activate-softwarelicensingproduct': {
    repo: 'MicrosoftDocs/win32',
    path: 'desktop-src/SppWmi/activate-softwarelicensingproduct.md',
    commit: 'f0629c9a32dc4ccca05c94e16575cd5a2635586f',
  },
  'clearkeymanagementservicemachine-softwarelicensingproduct': {
    repo: 'MicrosoftDocs/win32',
    path: 'desktop-src/SppWmi/clearkeymanagementservicemachine-softwarelicensingproduct.md',
    commit: 'f0629c9a32dc4ccca05c94e16575cd5a2635586f',
  },
  'clearkeymanagementserviceport-softwarelicensingproduct': {
    repo: 'MicrosoftDocs/win32',
    path: 'desktop-src/SppWmi/clearkeymanagementserviceport-softwarelicensingproduct.md',
    commit: 'f0629c9a32dc4ccca05c94e16575cd5a2635586f',
  },
  'depositofflineconfirmationid-softwarelicensingproduct': {
    repo: 'MicrosoftDocs/win32',
    path: 'desktop-src/SppWmi/depositofflineconfirmationid-softwarelicensingproduct.md',
    commit: 'f0629c9a32dc4ccca05c94e16575cd5a2635586f',
  },
  'deposittokenactivationresponse-softwarelicensingproduct': {
    repo: 'MicrosoftDocs/win32',
    path: 'desktop-src/SppWmi/deposittokenactivationresponse-softwarelicensingproduct.md',
    commit: 'f0629c9a32dc4ccca05c94e16575cd5a2635586f',
  },
  'generatetokenactivationchallenge-softwarelicensingproduct': {
    repo: 'MicrosoftDocs/win32',
    path: 'desktop-src/SppWmi/generatetokenactivationchallenge-softwarelicensingproduct.md',
    commit: 'f0629c9a32dc4ccca05c94e16575cd5a2635586f',
  },
  'getpolicyinformationdword-softwarelicensingproduct': {
    repo: 'MicrosoftDocs/win32',
    path: 'desktop-src/SppWmi/getpolicyinformationdword-softwarelicensingproduct.md',
    commit: 'f0629c9a32dc4ccca05c94e16575cd5a2635586f',
  },
  'getpolicyinformationstring-softwarelicensingproduct': {
    repo: 'MicrosoftDocs/win32',
    path: 'desktop-src/SppWmi/getpolicyinformationstring-softwarelicensingproduct.md',
    commit: 'f0629c9a32dc4ccca05c94e16575cd5a2635586f',
  },
  'gettokenactivationgrants-softwarelicensingproduct': {
    repo: 'MicrosoftDocs/win32',
    path: 'desktop-src/SppWmi/gettokenactivationgrants-softwarelicensingproduct.md',
    commit: 'f0629c9a32dc4ccca05c94e16575cd5a2635586f',
  },
  'setkeymanagementservicemachine-softwarelicensingproduct': {
    repo: 'MicrosoftDocs/win32',
    path: 'desktop-src/SppWmi/setkeymanagementservicemachine-softwarelicensingproduct.md',
    commit: 'f0629c9a32dc4ccca05c94e16575cd5a2635586f',
  },
  'setkeymanagementserviceport-softwarelicensingproduct': {
    repo: 'MicrosoftDocs/win32',
    path: 'desktop-src/SppWmi/setkeymanagementserviceport-softwarelicensingproduct.md',
    commit: 'f0629c9a32dc4ccca05c94e16575cd5a2635586f',
  },
  'uninstallproductkey-softwarelicensingproduct': {
    repo: 'MicrosoftDocs/win32',
    path: 'desktop-src/SppWmi/uninstallproductkey-softwarelicensingproduct.md',
    commit: 'f0629c9a32dc4ccca05c94e16575cd5a2635586f',
  },
  softwarelicensingtokenactivationlicense: {
    repo: 'MicrosoftDocs/win32',
    path: 'desktop-src/SppWmi/softwarelicensingtokenactivationlicense.md',
    commit: 'f0629c9a32dc4ccca05c94e16575cd5a2635586f',
  },
  'uninstall-softwarelicensingtokenactivationlicense': {
    repo: 'MicrosoftDocs/win32',
    path: 'desktop-src/SppWmi/uninstall-softwarelicensingtokenactivationlicense.md',
    commit: 'f0629c9a32dc4ccca05c94e16575cd5a2635586f',
  },
  'Invoke-OSLicense': { repo: 'MicrosoftDocs/windows-powershell-docs', path: 'docset/winserver2025-ps/OSLicense/Invoke-OSLicense.md' },
  'Get-OSLicenseInfo': { repo: 'MicrosoftDocs/windows-powershell-docs', path: 'docset/winserver2025-ps/OSLicense/Get-OSLicenseInfo.md' },
  'Set-KmsLicenseInfo': { repo: 'MicrosoftDocs/windows-powershell-docs', path: 'docset/winserver2025-ps/OSLicense/Set-KmsLicenseInfo.md' },
  'case-07': {
    title:
      'case 07 of the project (slmgr /dlv, Win 11 25H2; that Windows 10 shares the ID rests on the reading of case 24) ; public GitHub (same /dlv, unredacted)',
  },
  'case-10': { title: 'case 10 of the project (slmgr /ato + /dlv, build 17763) ; public GitHub' },
  'case-12': {
    title:
      'case 12 of the project ; https://github.com/alygcode/windows10esu/issues/3 (slmgr /dlv) ; Microsoft Learn windows/whats-new/enable-extended-security-updates as cited in public GitHub ; Greenbone vulnerability test "Microsoft Windows Extended Security Updates(ESU) Status Detection" (NASL, OID 1.3.6.1.4.1.25623.1.0.129018; GitHub',
  },
  'microsoft-learn-windows-whats-new-enable-extended-security-u': {
    title:
      'Microsoft Learn windows/whats-new/enable-extended-security-updates#install-and-activate-the-esu-key as cited in public GitHub; Greenbone vulnerability test "Microsoft Windows Extended Security Updates(ESU) Status Detection" (NASL, OID 1.3.6.1.4.1.25623.1.0.129018; GitHub',
  },
  'microsoft-techcommunity-how-to-get-extended-security-updates': {
    title:
      'Microsoft techcommunity "How to get Extended Security Updates for eligible Windows" ba-p/917807 as quoted in public GitHub (Configure-ESU.ps1)',
  },
  'microsoft-kb-4487266-activation-failures-and-not-genuine-not': {
    title:
      'Microsoft KB 4487266 "Activation failures and not genuine notifications around January 8, 2019, on volume-licensed Windows 7 KMS clients" (MicrosoftDocs support article, GitHub',
  },
  'case-17': { title: 'case 17 of the project (ospp /dstatus; channel printed RETAIL(Grace))' },
  'case-19': {
    title:
      'case 19 of the project (ospp /dstatus). NOTE: a Microsoft tools article prints the same ID as the Office LTSC 2024 *host* activation ID (the Office host table); real outputs show it is the client',
  },
  'case-21': {
    title:
      'case 21 of the project (slmgr /dlv, VOLUME_KMS channel, configextension=o16) ; Microsoft Learn Office KMS host article ; https://github.com/MicrosoftDocs/OfficeDocs-DeployOffice/issues/295',
  },
  'microsoft-learn-office-volume-activation-articles': {
    title: 'Microsoft Learn Office volume activation articles ; https://github.com/MicrosoftDocs/OfficeDocs-DeployOffice/issues/295',
  },
  'microsoft-learn-office-volume-activation-articles-2': {
    title: 'Microsoft Learn Office volume activation articles',
  },
  'microsoft-learn-office-kms-host-article': {
    title:
      'Microsoft Learn Office KMS host article (the tools article prints 8d368fc1... instead, which real outputs show to be the client)',
  },
  'case-26': {
    title: 'case 26 of the project (zh slmgr /ato, 0xC004F074 = KMS; the year 2016 rests on the reading of that case)',
  },
  'case-28': { title: 'case 28 of the project (ospp /dstatus) ; public GitHub' },
  'case-30-33': {
    title:
      'case 30 of the project and 33 (Get-CimInstance SoftwareLicensingProduct, OEM_DM; partial keys WFG6P / F6YP2 are unique to each machine) ; public GitHub',
  },
  'case-32': {
    title:
      'case 32 of the project (WMI list, GLPI agent fixture; the partial key printed there, WE9H9, was altered by GLPI, so none is given; Microsoft client key for this product in the key table ends WFG99)',
  },
  'case-38': { title: 'case 38 of the project (ospp /dstatus, TIMEBASED_SUB) ; public GitHub' },
  'case-29': {
    title: 'case 29 of the project (event 12288/12290; the product name rests on the reading of that case)',
  },
  'case-23': {
    title:
      'case 23 of the project (event 8198; the product name rests on the reading of that case) ; public GitHub (Technology Toolbox notes on "Windows Server 2012 Datacenter not activating")',
  },
  'public-output-1': {
    title: 'public GitHub (slmgr /dlv, Win 11 Pro 26100) ; event 8198 samples in public repositories',
  },
  'public-output-2': { title: 'public GitHub (slmgr /dlv, build 26100, TIMEBASED_EVAL)' },
  'public-output-3': { title: 'public GitHub (ospp /dstatus used as test fixture; channel printed RETAIL(Grace))' },
  'ocs-inventory-office-plugin-msofficekey-vbs': {
    title:
      'OCS Inventory office plugin, msofficekey.vbs (ospp /dstatus pasted as comment; GitHub; the same product in https://github.com/PluginsOCSInventory-NG/officepack/pull/69)',
  },
  'aws-sample-guide-convert-office-ltsc-64-bit-to-32-bit-on-ec2': {
    title: 'AWS sample guide "Convert Office LTSC 64-bit to 32-bit on EC2 Windows" (ospp /act against AWS License Manager; GitHub',
  },
  'public-output-4': { title: 'public GitHub (zh-TW ospp /act output, 0xC004C020)' },
  'public-output-5': { title: 'public GitHub (zh ospp /dstatus, four products)' },
  'public-output-6': { title: 'public GitHub (zh ospp /dstatus; channel printed RETAIL(Grace))' },
  'public-output-7': { title: 'public GitHub (zh ospp /dstatus)' },
  'https-github-com-microsoftdocs-officedocs-deployoffice-issue': {
    title:
      'https://github.com/MicrosoftDocs/OfficeDocs-DeployOffice/issues/946 (ospp /dstatus, TIMEBASED_SUB, LICENSED) ; public GitHub (test fixture, named SubscriptionSku)',
  },
  'https-github-com-microsoftdocs-officedocs-deployoffice-issue-2': {
    title:
      'https://github.com/MicrosoftDocs/OfficeDocs-DeployOffice/issues/295 "Updating Office Activation ID\'s" (KMS host article; the Microsoft writer points to the Office 2010/2013 articles for these) ; Nagios plugin check_kms.ps1, comment (GitHub',
  },
  'nagios-plugin-check-kms-ps1-comment': { title: 'Nagios plugin check_kms.ps1, comment (GitHub: "Windows 7 KMS"; single source' },
  'greenbone-vulnerability-test-microsoft-windows-extended-secu': {
    title:
      'Greenbone vulnerability test "Microsoft Windows Extended Security Updates(ESU) Status Detection" (NASL, OID 1.3.6.1.4.1.25623.1.0.129018; GitHub ; GitHub (script: "confirmed against Microsoft\'s Windows IT Pro Blog guidance")',
  },
  'greenbone-vulnerability-test-microsoft-windows-extended-secu-2': {
    title:
      'Greenbone vulnerability test "Microsoft Windows Extended Security Updates(ESU) Status Detection" (NASL, OID 1.3.6.1.4.1.25623.1.0.129018; GitHub; single source, meaning of em_server is inferred',
  },
  'jenkins96-github-io-getting-docker-logs-in-windows-container': {
    title:
      'jenkins96.github.io "Getting Docker Logs In Windows Container" (event 8198, hr 0x8007232B = KMS name not in DNS; GitHub; channel inferred from the code',
  },
  'custom-routes-enable-kms-activation': {
    repo: 'MicrosoftDocs/SupportArticles-docs',
    path: 'support/azure/virtual-machines/windows/custom-routes-enable-kms-activation.md',
    commit: '44ee0885cbd9caa70f60fbfb3ad33317f7bb2188',
  },
  'common-messages': {
    repo: 'awsdocs/amazon-ec2-user-guide-windows',
    path: 'doc_source/common-messages.md',
    commit: '0392b6991c7a361408ef95b5ce71b672b0c6965c',
  },
  'aws-user-guide-page-on-a-proxy-for-ssm-agent-or-ec2-on-windo': {
    title: 'AWS user guide page on a proxy for SSM Agent or EC2 on Windows (Chinese edition)',
    provenance: '; it tells to exempt metadata and licensing traffic',
  },
  'CreateRouteToWindowsActivationHost.java': {
    repo: 'GoogleCloudPlatform/java-docs-samples',
    path: 'compute/cloud-client/src/main/java/compute/windows/windowsinstances/CreateRouteToWindowsActivationHost.java',
  },
  'oracle-cloud-infrastructure-documentation-importing-custom-w': {
    title: 'Oracle Cloud Infrastructure documentation: importing custom Windows images',
    provenance: "; text is Oracle's",
  },
  'ifeo-check-of-a-licence-check-program': { title: 'IFEO check of a licence check program (Go, Vietnamese)', provenance: '' },
  'text-resources-of-a-licence-check-program': { title: 'text resources of a licence check program', provenance: '' },
  'registry-check-of-a-licence-audit-script': { title: 'registry check of a licence audit script', provenance: '' },
  'back-up-list-of-a-licence-clean-up-script': { title: 'back-up list of a licence clean-up script', provenance: '' },
  'microsoft-defender-signatures-of-the-family-hacktool-win32-a': {
    title: 'Microsoft Defender signatures of the family HackTool:Win32/AutoKMS made readable by defender2yara',
    provenance: '; repository not known, probably t-tani/defender2yara',
  },
  'yara-rule-written-to-find-and-clean-this-registry-service-na': {
    title: 'YARA rule written to find and clean this registry service name',
    provenance: '',
  },
  'HackTool_Win32_AutoKMS_NK_MTB.yar': {
    repo: 'roadwy/DefenderYara',
    path: 'HackTool/Win32/AutoKMS/HackTool_Win32_AutoKMS_NK_MTB.yar',
    provenance: 'Microsoft Defender signature made readable',
  },
  'microsoft-defender-signatures-of-hacktool-win32-kmsactivator': {
    title: 'Microsoft Defender signatures of HackTool:Win32/KMSActivator made readable by defender2yara',
    provenance: '',
  },
  'crack-detection-of-a-licence-audit-script': {
    title: 'crack detection of a licence audit script (PowerShell, Vietnamese)',
    provenance: '',
  },
  'forensic-part-of-a-licence-audit-script': { title: 'forensic part of a licence audit script (PowerShell)', provenance: '' },
  'licence-check-batch-file': { title: 'licence check batch file (English and Vietnamese)', provenance: '' },
  'threat-intelligence-record-that-lists-observables-of-a-troja': {
    title: 'threat intelligence record that lists observables of a Trojanised Software Execution case',
    provenance: '',
  },
  'HackTool_Win32_KMSActivator_G_MSR.yar': {
    repo: 'roadwy/DefenderYara',
    path: 'HackTool/Win32/KMSActivator/HackTool_Win32_KMSActivator_G_MSR.yar',
    provenance: 'Microsoft Defender signature made readable',
  },
  'licence-check-program': { title: 'licence check program (Python) with name lists', provenance: '' },
  'student-incident-analysis-of-a-compromised-windows-7-machine': {
    title: 'student incident analysis of a compromised Windows 7 machine (Spanish)',
    provenance: '',
  },
  'list-of-file-names-in-a-licence-audit-program': { title: 'list of file names in a licence audit program (C#)', provenance: '' },
  'path-check-of-a-licence-audit-script': { title: 'path check of a licence audit script', provenance: '' },
  'clean-up-part-of-a-support-script': { title: 'clean-up part of a support script (PowerShell, Spanish)', provenance: '' },
  'crack-detection-of-a-licence-audit-script-second-copy-with-m': {
    title: 'crack detection of a licence audit script, second copy with more paths',
    provenance: '',
  },
  'clean-up-script-that-ends-this-process': { title: 'clean-up script that ends this process', provenance: '' },
  'default-lists-of-a-licence-check-program': { title: 'default lists of a licence check program (Go, Vietnamese)', provenance: '' },
  'clean-up-part-of-a-support-script-2': { title: 'clean-up part of a support script (services)', provenance: '' },
  'licence-trace-check-script': { title: 'licence trace check script (PowerShell, Vietnamese)', provenance: '' },
  'task-check-of-a-licence-audit-script': { title: 'task check of a licence audit script', provenance: '' },
  'clean-up-script-that-records-evidence-before-it-removes-the': {
    title: 'clean-up script that records evidence before it removes the traces from one machine',
    provenance: '',
  },
  'licence-check-in-an-inventory-script': { title: 'licence check in an inventory script (PowerShell, Russian)', provenance: '' },
  'tool-path-analysis-of-a-licence-audit-program': { title: 'tool path analysis of a licence audit program (C#)', provenance: '' },
  'folder-check-of-a-licence-audit-script': { title: 'folder check of a licence audit script', provenance: '' },
  'HackTool_Win32_AutoKMS.yar': {
    repo: 'roadwy/DefenderYara',
    path: 'HackTool/Win32/AutoKMS/HackTool_Win32_AutoKMS.yar',
    provenance: 'Microsoft Defender signature made readable',
  },
  'HackTool_Win64_AutoKms_DZ_MTB.yar': {
    repo: 'roadwy/DefenderYara',
    path: 'HackTool/Win64/AutoKms/HackTool_Win64_AutoKms_DZ_MTB.yar',
    provenance: 'Microsoft Defender signature made readable',
  },
  'HackTool_BAT_AutoKms_PA2_MTB.yar': {
    repo: 'roadwy/DefenderYara',
    path: 'HackTool/BAT/AutoKms/HackTool_BAT_AutoKms_PA2_MTB.yar',
    provenance: 'Microsoft Defender signature made readable',
  },
  'HackTool_Win32_Keygen.yar': {
    repo: 'roadwy/DefenderYara',
    path: 'HackTool/Win32/Keygen/HackTool_Win32_Keygen.yar',
    provenance: 'Microsoft Defender signature made readable',
  },
  'documentation-of-a-scanner-connector-that-shows-comodo-s-nam': {
    title: "documentation of a scanner connector that shows Comodo's name Application.Win32.HackTool.HackKMS",
    provenance: '',
  },
  'mapping-table-of-a-malware-analysis-service': { title: 'mapping table of a malware analysis service', provenance: '' },
  'names-that-incident-reports-and-questions-of-administrators': {
    title: 'Names that incident reports and questions of administrators give to found activators; no single document',
  },
  'WindowsEdition.json': {
    repo: 'cschneegans/unattend-generator',
    path: 'resource/WindowsEdition.json',
    commit: '2878cf28006afdf36fa342fd2f579f4184f25a0e',
  },
  'office-update-channel-table': {
    title: 'tables of Click-to-Run update channels with their GUIDs in deployment scripts of several authors, which agree',
    provenance: '',
  },
  'ds-identify': {
    repo: 'canonical/cloud-init',
    path: 'tools/ds-identify',
    commit: 'b4ae0e1fb8a48a83ea325cf032eb1acb196ee31c',
  },
  'arc-esu-check': {
    title: 'check of the prerequisites of ESU on Windows Server 2012 R2, by an author of Azure Arc samples',
    provenance: '',
  },
  'windows-10-multisession-faq': { repo: 'MicrosoftDocs/azure-docs', path: 'articles/virtual-desktop/windows-10-multisession-faq.yml' },
  'windows-subscription-activation': {
    repo: 'MicrosoftDocs/windows-itpro-docs',
    path: 'windows/deployment/windows-subscription-activation.md',
    commit: '04d20d4700e1cbd009e7d4742b8a5b63e41b7fda',
    pageDate: '2024-02-27',
  },
  'upgrade-conversion-options': {
    repo: 'MicrosoftDocs/windowsserverdocs',
    path: 'WindowsServerDocs/get-started/upgrade-conversion-options.md',
    commit: '025e138206d3da226e5436f638f3d52e2a874034',
    pageDate: '2025-08-18',
  },
  vnextdiag: {
    repo: 'MicrosoftDocs/OfficeDocs-DeployOffice',
    path: 'microsoft-365-apps/licensing-activation/vnextdiag.md',
    commit: '37fdd796488fb76f8e7c28bcadb380394d3780ad',
    pageDate: '2024-03-15',
  },
  'overview-licensing-activation-microsoft-365-apps': {
    repo: 'MicrosoftDocs/OfficeDocs-DeployOffice',
    path: 'microsoft-365-apps/licensing-activation/overview-licensing-activation-microsoft-365-apps.md',
    commit: '00a4ca904cb3de09a0224457ecd91148ddd39f0a',
    pageDate: '2024-05-22',
  },
  'work-with-product-keys-and-activation': {
    repo: 'sfigg/commercialization-public',
    path: 'docset/manufacture/adk/work-with-product-keys-and-activation-auth-phases.md',
    commit: 'e9bd5b42010e6b9984610a5a5a0385f3a7183545',
    provenance: "; a copy of Microsoft's Windows manufacturing documentation",
  },
  'wmi-bindings-generated-by-microsoft': {
    repo: 'microsoft/wmi',
    path: 'server2019/root/cimv2/SoftwareLicensingProduct.go',
    provenance: 'generated from the class on a live system: names and types of parameters',
  },
  'table-of-generic-keys-by-edition-in-a-program': { title: 'table of generic keys by edition in a program (C#)', provenance: '' },
  'unattend-setup-productkey': {
    title: 'Unattend reference: Microsoft-Windows-Setup, UserData, ProductKey',
    url: 'https://learn.microsoft.com/windows-hardware/customize/desktop/unattend/microsoft-windows-setup-userdata-productkey',
  },
  'unattend-setup-willshowui': {
    title: 'Unattend reference: Microsoft-Windows-Setup, UserData, ProductKey, WillShowUI',
    url: 'https://learn.microsoft.com/windows-hardware/customize/desktop/unattend/microsoft-windows-setup-userdata-productkey-willshowui',
  },
  'unattend-useconfigurationset': {
    title: 'Unattend reference: Microsoft-Windows-Setup, UseConfigurationSet',
    url: 'https://learn.microsoft.com/windows-hardware/customize/desktop/unattend/microsoft-windows-setup-useconfigurationset',
  },
  'unattend-shell-setup-productkey': {
    title: 'Unattend reference: Microsoft-Windows-Shell-Setup, ProductKey',
    url: 'https://learn.microsoft.com/windows-hardware/customize/desktop/unattend/microsoft-windows-shell-setup-productkey',
  },
  'unattend-skipautoactivation': {
    title: 'Unattend reference: Microsoft-Windows-Security-SPP-UX, SkipAutoActivation',
    url: 'https://learn.microsoft.com/windows-hardware/customize/desktop/unattend/microsoft-windows-security-spp-ux-skipautoactivation',
  },
  'unattend-skiprearm': {
    title: 'Unattend reference: Microsoft-Windows-Security-SPP, SkipRearm',
    url: 'https://learn.microsoft.com/windows-hardware/customize/desktop/unattend/microsoft-windows-security-spp-skiprearm',
  },
  'office-deployment-tool-options': {
    repo: 'MicrosoftDocs/OfficeDocs-DeployOffice',
    path: 'microsoft-365-apps/deploy/office-deployment-tool-configuration-options.md',
    commit: '265df9df7e2f92611011304d0fdedcbf73e4982d',
    pageDate: '2024-09-18',
  },
  'deploy-office-ltsc-2024': {
    repo: 'MicrosoftDocs/OfficeDocs-DeployOffice',
    path: 'office/ltsc/2024/deploy.md',
    commit: 'beb51bd95b1cade66b85485dcfe67989f3ff59bc',
    pageDate: '2024-09-16',
  },
  'deploy-office-ltsc-2021': {
    repo: 'MicrosoftDocs/OfficeDocs-DeployOffice',
    path: 'office/ltsc/2021/deploy.md',
    commit: '032723de80ade79a674438d1a8454a1e195c473c',
    pageDate: '2024-03-11',
  },
  'office-2019-deploy': {
    repo: 'MicrosoftDocs/OfficeDocs-DeployOffice',
    path: 'office/2019/deploy.md',
    commit: '415db0253daa2e255fc509b60be1d24502b8adf2',
    pageDate: '2024-03-11',
  },
  'office-product-ids': {
    repo: 'MicrosoftDocs/OfficeDocs-Support',
    path: 'Microsoft365/admin/installation/product-ids-supported-office-deployment-click-to-run.md',
    commit: 'e802bb519f4555a25fd9eed17a456628a2afa077',
    pageDate: '2023-08-23',
  },
  'office-deployment-scripts': {
    title: 'product IDs of 2024 in option lists of deployment scripts of several authors, which agree',
    note: "Microsoft's list of product IDs is older in the copy that was read; its page about LTSC 2024 refers to that list for single apps.",
    provenance: '',
  },
  'office-languages': {
    repo: 'MicrosoftDocs/OfficeDocs-DeployOffice',
    path: 'microsoft-365-apps/deploy/overview-deploying-languages-microsoft-365-apps.md',
    commit: '151f82469ffe68236530570e9f36067ed39f230c',
    pageDate: '2024-03-14',
  },
} as const satisfies Readonly<Record<string, SourceRow>>

export type SourceId = keyof typeof sources
