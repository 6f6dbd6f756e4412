/** A text that is a recording of `status --record`. */
export const isRecording = (text: string): boolean => /^\ufeff?\s*\{\s*"schema"\s*:\s*"slmctl\.recording\/1"/.test(text.slice(0, 200))

/** `diagnose` of recordings is a file of its own, so that a pasted text is read without the rooms that know machines. */
export const loadRecorded = () => import('./commands/recorded.ts')
