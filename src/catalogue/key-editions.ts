/** EditionID in a licence name → the edition's name in the client-key table. */
const keyEditions: Readonly<Record<string, readonly string[]>> = {
  Professional: ['Pro', 'Professional'],
  ProfessionalN: ['Pro N', 'Professional N'],
  ProfessionalWorkstation: ['Pro for Workstations'],
  ProfessionalWorkstationN: ['Pro for Workstations N'],
  ProfessionalEducation: ['Pro Education'],
  ProfessionalEducationN: ['Pro Education N'],
  Education: ['Education'],
  EducationN: ['Education N'],
  Enterprise: ['Enterprise'],
  EnterpriseN: ['Enterprise N'],
  EnterpriseG: ['Enterprise G'],
  EnterpriseGN: ['Enterprise G N'],
  EnterpriseS: ['Enterprise LTSC', 'Enterprise LTSB'],
  EnterpriseSN: ['Enterprise N LTSC', 'Enterprise N LTSB'],
  IoTEnterpriseS: ['IoT Enterprise LTSC'],
  Business: ['Business'],
  BusinessN: ['Business N'],
  ServerStandard: ['Standard'],
  ServerStandardCore: ['Standard'],
  ServerDatacenter: ['Datacenter'],
  ServerDatacenterCore: ['Datacenter'],
  ServerTurbine: ['Datacenter: Azure Edition'],
  ServerEnterprise: ['Enterprise'],
  ServerEssentials: ['Essentials'],
  ServerSolution: ['Essentials'],
  ServerWeb: ['Web'],
  ServerStandardV: ['Standard without Hyper-V'],
  ServerEnterpriseV: ['Enterprise without Hyper-V'],
  ServerDatacenterV: ['Datacenter without Hyper-V'],
  ServerHPC: ['HPC'],
}

/** The names that the client-key table has for an edition; empty where Microsoft publishes no client key for it. */
export function keyEditionNames(edition: string | null): readonly string[] {
  return edition ? (keyEditions[edition] ?? []) : []
}
