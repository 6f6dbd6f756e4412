/** Everything in a text that could be a key in disguise: as it is, in other letters, without dashes, in base64, in hexadecimal. */
export function shows(text: string, key: string): boolean {
  const plain = key.replaceAll('-', '')
  const forms = [key, plain].flatMap((k) => {
    const bytes = Buffer.from(k)
    const turned = [0, 1, 2].map((n) =>
      Buffer.concat([Buffer.alloc(n), bytes])
        .toString('base64')
        .slice(n === 0 ? 0 : 4, -4),
    )
    return [k, ...turned, bytes.toString('hex'), Buffer.from(k, 'utf16le').toString('base64').slice(0, -4)]
  })
  return forms.some((form) => text.toLowerCase().includes(form.toLowerCase()))
}
