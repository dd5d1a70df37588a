export type MediaKind = 'image' | 'video' | 'audio' | 'voice' | 'file'

interface MediaType {
  kind: 'image' | 'video' | 'audio' | 'file'
  /** The first is given to names that have none of them. */
  extensions: [string, ...string[]]
}

/**
 * What is taken: all else is refused. Left out on purpose: what a browser would execute (HTML, SVG, XML), programs and
 * packages of them, documents with macros, and pictures that could not be rid of the place where they were taken (HEIC, TIFF, raw, Photoshop).
 */
const TYPES: ReadonlyMap<string, MediaType> = new Map(Object.entries<MediaType>({
  'image/jpeg': { kind: 'image', extensions: ['jpg', 'jpeg', 'jpe', 'jfif'] },
  'image/png': { kind: 'image', extensions: ['png'] },
  'image/gif': { kind: 'image', extensions: ['gif'] },
  'image/webp': { kind: 'image', extensions: ['webp'] },
  'image/avif': { kind: 'image', extensions: ['avif'] },

  'video/mp4': { kind: 'video', extensions: ['mp4', 'm4v'] },
  'video/quicktime': { kind: 'video', extensions: ['mov', 'qt'] },
  'video/webm': { kind: 'video', extensions: ['webm'] },
  'video/x-matroska': { kind: 'video', extensions: ['mkv'] },
  'video/3gpp': { kind: 'video', extensions: ['3gp', '3gpp'] },
  'video/3gpp2': { kind: 'video', extensions: ['3g2', '3gpp2'] },

  'audio/mp4': { kind: 'audio', extensions: ['m4a', 'mp4', 'm4b', 'mov'] },
  'audio/webm': { kind: 'audio', extensions: ['weba', 'webm'] },
  'audio/x-matroska': { kind: 'audio', extensions: ['mka', 'mkv'] },
  'audio/3gpp': { kind: 'audio', extensions: ['3gp', '3gpp'] },
  'audio/3gpp2': { kind: 'audio', extensions: ['3g2', '3gpp2'] },
  'audio/mpeg': { kind: 'audio', extensions: ['mp3'] },
  'audio/aac': { kind: 'audio', extensions: ['aac'] },
  'audio/ogg': { kind: 'audio', extensions: ['ogg', 'oga', 'opus'] },
  'audio/wav': { kind: 'audio', extensions: ['wav', 'wave'] },
  'audio/flac': { kind: 'audio', extensions: ['flac'] },

  'text/plain': { kind: 'file', extensions: ['txt', 'text', 'log', 'md', 'csv', 'tsv', 'json', 'yaml', 'yml', 'toml', 'srt', 'diff', 'patch'] },
  'text/vcard': { kind: 'file', extensions: ['vcf'] },
  'text/calendar': { kind: 'file', extensions: ['ics'] },
  'application/pdf': { kind: 'file', extensions: ['pdf'] },
  'application/rtf': { kind: 'file', extensions: ['rtf'] },
  'application/epub+zip': { kind: 'file', extensions: ['epub'] },
  // The old formats of Office, one container for them all.
  'application/x-cfb': { kind: 'file', extensions: ['cfb', 'doc', 'xls', 'ppt', 'msg'] },
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document': { kind: 'file', extensions: ['docx'] },
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet': { kind: 'file', extensions: ['xlsx'] },
  'application/vnd.openxmlformats-officedocument.presentationml.presentation': { kind: 'file', extensions: ['pptx'] },
  'application/vnd.oasis.opendocument.text': { kind: 'file', extensions: ['odt'] },
  'application/vnd.oasis.opendocument.spreadsheet': { kind: 'file', extensions: ['ods'] },
  'application/vnd.oasis.opendocument.presentation': { kind: 'file', extensions: ['odp'] },
  'application/zip': { kind: 'file', extensions: ['zip'] },
  'application/gzip': { kind: 'file', extensions: ['gz', 'tgz'] },
  'application/x-tar': { kind: 'file', extensions: ['tar'] },
  'application/x-7z-compressed': { kind: 'file', extensions: ['7z'] },
  'application/x-rar-compressed': { kind: 'file', extensions: ['rar'] },
  'application/x-bzip2': { kind: 'file', extensions: ['bz2'] },
  'application/x-xz': { kind: 'file', extensions: ['xz'] },
  'application/zstd': { kind: 'file', extensions: ['zst'] },
}))

/** What file-type calls otherwise than it is called above. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  'image/apng': 'image/png',
  'video/x-m4v': 'video/mp4',
  'video/matroska': 'video/x-matroska',
  'audio/x-m4a': 'audio/mp4',
  'audio/ogg; codecs=opus': 'audio/ogg',
}

const EXTENSIONS: ReadonlySet<string> = new Set([...TYPES.values()].flatMap(({ extensions }) => extensions))

/** @returns undefined: files of this type are refused */
export function mediaType (mimeType: string): (MediaType & { mimeType: string }) | undefined {
  const name = OTHER_NAMES[mimeType] ?? mimeType
  const type = TYPES.get(name)
  return type && { ...type, mimeType: name }
}

/** Whether an extension (lower case, no dot) is that of any type taken. */
export function isExtension (extension: string): boolean {
  return EXTENSIONS.has(extension)
}

/** Whether a browser may show or play it in a page: pictures, films and sound. All else, known or not, is a download. */
export function isInline (mimeType: string): boolean {
  const type = TYPES.get(mimeType)
  return type !== undefined && type.kind !== 'file'
}
