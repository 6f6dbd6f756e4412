/** Keeps the beginning and the end of what comes, so that no run makes an archive that nobody can send. */
export class Bounded {
  readonly #first: string[] = []
  readonly #last: string[] = []
  readonly #each: number
  #firstSize = 0
  #lastSize = 0
  #left = 0

  /** `most` characters in all: half of them for the beginning, half for the end. */
  constructor(most: number) {
    this.#each = most / 2
  }

  add(text: string): void {
    if (this.#last.length === 0 && this.#firstSize + text.length <= this.#each) {
      this.#first.push(text)
      this.#firstSize += text.length
      return
    }
    // Cut between lines: half a name or half a key would not be recognised as one.
    const from = text.length > this.#each ? text.indexOf('\n', text.length - this.#each) : -1
    const piece = text.length <= this.#each ? text : from < 0 ? '' : text.slice(from + 1)
    this.#left += text.length - piece.length
    this.#last.push(piece)
    this.#lastSize += piece.length
    // Thrown away in portions: one by one would be slow for a long list.
    if (this.#lastSize <= 2 * this.#each) return
    let drop = 0
    while (this.#lastSize > this.#each) {
      this.#lastSize -= this.#last[drop]!.length
      this.#left += this.#last[drop]!.length
      drop++
    }
    this.#last.splice(0, drop)
  }

  text(): string {
    const gap = this.#left > 0 ? `\n[… ${this.#left} characters are left out here …]\n` : ''
    return `${this.#first.join('')}${gap}${this.#last.join('')}`
  }
}
