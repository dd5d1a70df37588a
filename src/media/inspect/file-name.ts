import { isExtension, mediaType } from './types.ts'

/** Bytes of UTF-8: file systems take 255, and whoever downloads it twice wants to add " (1)". */
const MAX_BYTES = 200
/** Nothing behind this can matter, and what is in front of it is soon gone through. */
const MAX_LOOKED_AT = 4096
/** Windows opens these as devices, whatever the extension. */
const RESERVED = /^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])$/i
/** Controls, line ends, and what is not seen but changes what is (bidi overrides, tags, byte order marks). Two joiners stay: Persian and emoji need them. */
const UNSEEN = /[\p{Cc}\p{Zl}\p{Zp}]|(?![\u200c\u200d])\p{Cf}/gu
const SEEN = /[\p{L}\p{N}\p{P}\p{S}]/u
/** Not in names of Windows; quotes and brackets would also end an attribute or a header somewhere. */
const FORBIDDEN = /[<>:"|?*]/g

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' })

/**
 * What a file is called, to be shown and to be saved under: Unicode as it was, but one segment of a path, without anything
 * unseen, at most 200 bytes, with an extension that the type has. Where nothing is left it is `file`. Never a path in the store.
 */
export function displayName (given: string | undefined, mimeType: string): string {
  const extensions = mediaType(mimeType)?.extensions ?? ['bin']
  const plain = (given ?? '').slice(-MAX_LOOKED_AT).toWellFormed()
    .split(/[/\\]/).at(-1)!
    .normalize('NFC')
    .replace(UNSEEN, '')
    .replace(FORBIDDEN, '_')
    .replace(/\s+/gu, ' ')
  const name = trim(plain)
  const [, stem = name, extension = ''] = /^(.+)\.([^. ]{1,10})$/u.exec(name) ?? []
  if (extensions.includes(extension.toLowerCase())) return defused(stem, extension)
  // An extension that other files have is a wrong one; anything else behind a dot is part of the name.
  return defused(isExtension(extension.toLowerCase()) ? stem : name, extensions[0]!)
}

function defused (stem: string, extension: string): string {
  const kept = trim(shortened(trim(stem), MAX_BYTES - extension.length - 2))
  const short = SEEN.test(kept) ? kept : 'file'
  const device = short.split('.')[0]!.trimEnd()
  return `${RESERVED.test(device) ? '_' : ''}${short}.${extension}`
}

/** Dots and spaces at the ends hide files, or are dropped by Windows. */
function trim (name: string): string {
  return name.replace(/^[. ]+/, '').replace(/[. ]+$/, '')
}

/** As many whole characters as there is room for. */
function shortened (text: string, maxBytes: number): string {
  if (Buffer.byteLength(text) <= maxBytes) return text
  let bytes = 0
  for (const { index, segment } of graphemes.segment(text)) {
    bytes += Buffer.byteLength(segment)
    if (bytes > maxBytes) return text.slice(0, index)
  }
  return text
}
