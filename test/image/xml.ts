import assert from 'node:assert/strict'
import { SaxesParser } from 'saxes'

export type Node = {
  readonly path: string
  readonly attributes: Readonly<Record<string, string>>
  text: string
  readonly children: Node[]
}

/** A document as an independent reader of XML sees it; one that is not well-formed fails the test. */
export function parsed(xml: string): { readonly root: Node; readonly all: readonly Node[] } {
  const parser = new SaxesParser({ xmlns: false })
  const all: Node[] = []
  const open: Node[] = []
  parser.on('error', (error) => assert.fail(`${error.message}\n${xml}`))
  parser.on('opentag', (tag) => {
    const parent = open.at(-1)
    const node: Node = {
      path: parent ? `${parent.path}/${tag.name}` : tag.name,
      attributes: { ...(tag.attributes as Record<string, string>) },
      text: '',
      children: [],
    }
    parent?.children.push(node)
    all.push(node)
    open.push(node)
  })
  parser.on('text', (text) => {
    const at = open.at(-1)
    if (at) at.text += text
  })
  parser.on('closetag', () => void open.pop())
  parser.write(xml).close()
  return { root: all[0]!, all }
}
