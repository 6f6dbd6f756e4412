/**
 * KMS hosts: which there are by the site file and by DNS, what answers at their port, what they say of themselves, and what
 * follows. A port is tried as far as the RPC bind and only at authorised addresses; nothing is asked of a KMS.
 */
export type { Outcome } from './hosts/attempts.ts'
export { type CheckedHost, compared, type HostRemark, judgeHost, summed } from './hosts/judge.ts'
export { type DomainAnswer, type KnownHost, knownHosts, meantHosts, type PublishedRecord, publishedIn } from './hosts/known.ts'
export { type PortAnswer, tryPort } from './hosts/port.ts'
export { type HostRequest, type HostRequests, requestsOf } from './hosts/requests.ts'
export { type HostGroup, type HostSaid, saidByHost } from './hosts/said.ts'
export { type LogRead, type Story, type StoryAttempt, type StoryEvent, storyOf } from './hosts/story.ts'
