/**
 * Why WMI did not do it. `hresult`: COM or WMI says so, `code` is its own; `slow`: the time was over; `too-large`: more than was
 * allowed for.
 */
export class WmiError extends Error {
  readonly what: 'hresult' | 'slow' | 'too-large'
  /** HRESULT, unsigned; 0 where there is none. */
  readonly code: number
  /** A method was begun: it may have been carried out. */
  readonly begun: boolean
  constructor(what: WmiError['what'], message: string, code = 0, begun = false) {
    super(message)
    this.what = what
    this.code = code
    this.begun = begun
  }
}

/** A call that failed, as HRESULTs say it: by the highest bit. */
export const failed = (hresult: number): boolean => hresult >= 0x8000_0000

export function check(hresult: number, doing: string): void {
  if (failed(hresult)) throw new WmiError('hresult', doing, hresult)
}
