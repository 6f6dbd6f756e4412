import { WsmanError } from './fault.ts'
import type { Row } from './messages.ts'
import { attribute, ns, type Tag } from './xml.ts'

/**
 * Properties of one instance, a fragment of it, or the parameters of a method (DSP0227 section 7): each child element is a value,
 * `xsi:nil` is NULL, repeated elements are an array, a CIM date and time stands in an element of its own. An embedded object is
 * flattened to `Outer.Inner`.
 */
export class RowReader {
  #row: Record<string, string | null | (string | null)[]> = {}
  readonly #path: string[] = []
  #pathLength = 0

  /** An element below the row, at any depth. */
  open(tag: Tag): void {
    this.#path.push(tag.local)
    this.#pathLength += tag.local.length + 1
    // Each value within an object gets the whole path as its name: a name of a megabyte around a hundred thousand values would take hours.
    if (this.#pathLength > longestPath) throw new WsmanError('a name in a message is too long')
  }

  close(tag: Tag, text: string | null): void {
    if (text !== null) {
      const nil = text === '' && isNil(tag)
      if (this.#path.length > 1 && (tag.uri === ns.cim || (tag.uri === '' && wrappers.has(tag.local)))) {
        // cim:Datetime and its like, without a namespace in a fragment: the value of the element around it.
        const inner = this.#path.pop()!
        this.#add(nil ? null : text.trim())
        this.#path.push(inner)
      } else this.#add(nil ? null : text)
    }
    this.#pathLength -= this.#path.pop()!.length + 1
  }

  #add(value: string | null): void {
    const name = this.#path.length === 1 ? this.#path[0]! : this.#path.join('.')
    if (!Object.hasOwn(this.#row, name)) {
      // A property called __proto__ would change the object instead of filling it.
      if (name !== '__proto__') this.#row[name] = value
      return
    }
    const before = this.#row[name]!
    if (Array.isArray(before)) before.push(value)
    else this.#row[name] = [before, value]
  }

  take(): Row {
    const row = this.#row
    this.#row = {}
    this.#path.length = 0
    this.#pathLength = 0
    return row
  }
}

/** Names of WMI have at most 256 characters, and objects are not nested deeply. */
const longestPath = 1024

/** DSP0230 5.3: elements that hold a date, a time or a span. */
const wrappers: ReadonlySet<string> = new Set(['Datetime', 'Date', 'Time', 'Interval'])

function isNil(tag: Tag): boolean {
  const value = attribute(tag, 'nil', ns.xsi)
  return value === 'true' || value === '1'
}
