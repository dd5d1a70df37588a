import { open, type FileHandle } from 'node:fs/promises'
import { ApiError } from '../../errors.ts'

/** Boxes that have others in them, among which notes can stand. */
const CONTAINERS: ReadonlySet<string> = new Set(['moov', 'trak', 'moof', 'traf'])
/** Notes: of the place (©xyz, loci, com.apple.quicktime.location…), the device, its owner; titles and covers, too. Nothing that is needed to play it. */
const NOTES: ReadonlySet<string> = new Set(['udta', 'meta'])
/** What XMP stands in: a box of the type `uuid`, and this behind it. */
const XMP = Buffer.from('be7acfcb97a942e89c71999491e3afac', 'hex')
/** Types, flags and lengths come first; 8 bytes more where the length needs them. */
const HEAD_BYTES = 8
const LONG_HEAD_BYTES = 16
/** More than an hour of film in fragments of a second has. Each is a read. */
const MAX_BOXES = 50_000
const ZEROS = Buffer.alloc(64 * 1024)

interface Box { type: string, start: number, content: number, end: number }

/**
 * Blanks what the makers of a film or recording in the MP4 family (QuickTime, 3GPP) have noted in it, where it stands: no byte moves, and what pointed to the
 * sound and the pictures still does. @returns whether there was anything
 */
export async function blankNotes (path: string): Promise<boolean> {
  const file = await open(path, 'r+')
  try {
    const { size } = await file.stat()
    return await blankIn(file, 0, size, { boxes: MAX_BOXES })
  } finally {
    await file.close()
  }
}

async function blankIn (file: FileHandle, from: number, to: number, left: { boxes: number }): Promise<boolean> {
  let isChanged = false
  for (let at = from; at + HEAD_BYTES <= to;) {
    if (--left.boxes < 0) throw new ApiError('VALIDATION_FAILED', 'The recording is in too many pieces')
    const box = await boxAt(file, at, to)
    if (!box) return isChanged
    if (NOTES.has(box.type) || (box.type === 'uuid' && await isXmp(file, box))) {
      await blank(file, box)
      isChanged = true
    } else if (CONTAINERS.has(box.type) && await blankIn(file, box.content, box.end, left)) {
      isChanged = true
    }
    at = box.end
  }
  return isChanged
}

/** undefined: what stands there is no box; nothing behind it is looked for by players either. */
async function boxAt (file: FileHandle, start: number, to: number): Promise<Box | undefined> {
  const head = Buffer.alloc(LONG_HEAD_BYTES)
  const { bytesRead } = await file.read(head, 0, LONG_HEAD_BYTES, start)
  const short = head.readUInt32BE(0)
  const isLong = short === 1
  if (bytesRead < (isLong ? LONG_HEAD_BYTES : HEAD_BYTES)) return undefined
  const length = short === 0 ? to - start : isLong ? Number(head.readBigUInt64BE(8)) : short
  const content = start + (isLong ? LONG_HEAD_BYTES : HEAD_BYTES)
  const end = start + length
  if (end < content) return undefined
  return { type: head.toString('latin1', 4, 8), start, content, end: Math.min(end, to) }
}

async function isXmp (file: FileHandle, { content }: Box): Promise<boolean> {
  const { buffer } = await file.read(Buffer.alloc(XMP.length), 0, XMP.length, content)
  return buffer.equals(XMP)
}

/** A box of the same length that says it is free space, and is. */
async function blank (file: FileHandle, { start, content, end }: Box): Promise<void> {
  await file.write('free', start + 4, 'latin1')
  for (let at = content; at < end;) {
    const { bytesWritten } = await file.write(ZEROS, 0, Math.min(ZEROS.length, end - at), at)
    at += bytesWritten
  }
}
