/** `diagnose` of recordings is a file of its own, so that a pasted text is read without the rooms that know machines. */
export const loadRecorded = () => import('./commands/recorded.ts')
