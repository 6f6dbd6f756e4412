/**
 * KMS hosts: which there are by the site file and by DNS, what answers at their port, what they say of themselves, who uses them,
 * and what follows: what is wrong, what is to be expected, how one takes the place of another. A port is tried as far as the RPC
 * bind and only at authorised addresses; nothing is asked of a KMS.
 */
export type { Outcome } from './hosts/attempts.ts'
export { changingClients, meansMachine, seenClients, usersByLog } from './hosts/clients.ts'
export { type CountPoint, countDays, type Fall, forecastOf, type GroupForecast, groupName, type Users } from './hosts/forecast.ts'
export { type CheckedHost, compared, type HostRemark, judgeHost, summed } from './hosts/judge.ts'
export { type DomainAnswer, type KnownHost, knownHosts, meansHost, meantHosts, type PublishedRecord, publishedIn } from './hosts/known.ts'
export { type HostUsers, type Move, type MoveStep, moveOf, type WarmUp } from './hosts/move.ts'
export { type FoundObject, foundObjects, type ObjectUsers } from './hosts/objects.ts'
export { type PortAnswer, tryPort } from './hosts/port.ts'
export { aboutDuplicate, type Duplicate, type HostRequest, type HostRequests, requestsOf, type SharedBy } from './hosts/requests.ts'
export { type HostGroup, type HostSaid, saidByHost } from './hosts/said.ts'
export { aboutServed, aboutUse, activates, releaseOf, type Served, tooOldFor } from './hosts/serves.ts'
export { type LogRead, type Story, type StoryAttempt, type StoryEvent, storyOf } from './hosts/story.ts'
