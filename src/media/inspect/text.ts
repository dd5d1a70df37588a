import { createReadStream } from 'node:fs'

/** What WHATWG's "MIME Sniffing" calls binary data bytes: no text has them. */
// eslint-disable-next-line no-control-regex
const BINARY = /[\0-\x08\x0b\x0e-\x1a\x1c-\x1f]/
/** The beginning of anything that a browser could take for HTML, SVG or XML: a tag, a comment, a doctype, a processing instruction. */
const MARKUP = /^<[a-z!?/]/i

/**
 * Text has no magic number, so the whole file is looked at: it is text if it is well-formed UTF-8 without control
 * characters, and markup if its first visible characters begin a tag.
 */
export async function textOf (path: string): Promise<'text' | 'markup' | undefined> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let start = ''
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 256 * 1024 })) {
      const text = decoder.decode(chunk, { stream: true })
      if (BINARY.test(text)) return undefined
      if (start.length < 2) start = (start + text).trimStart().slice(0, 2)
      if (MARKUP.test(start)) return 'markup'
    }
    decoder.decode()
  } catch (error) {
    if (error instanceof TypeError) return undefined // not well-formed
    throw error
  }
  return 'text'
}
