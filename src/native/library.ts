import type koffi from 'koffi'

/** The library that calls foreign functions, from its package. */
export async function loadKoffi(): Promise<typeof koffi> {
  const { default: library } = await import('koffi')
  return library
}
