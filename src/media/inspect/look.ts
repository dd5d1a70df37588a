import { fileTypeFromFile } from 'file-type'
import { ApiError } from '../../errors.ts'
import { textOf } from './text.ts'
import { mediaType, type MediaKind } from './types.ts'

/** The last two: where to write what is made of it. */
export interface Look { path: string, isVoice: boolean, cleanedPath: string, thumbnailPath: string }

/** What the bytes of a file are. Sizes in pixels, upright. */
export interface Inspected {
  kind: MediaKind
  mimeType: string
  width: number | null
  height: number | null
  durationMs: number | null
  /** Of film that of the picture: `avc`, `vp9`, `aac`, `opus`, `pcm-s16` … */
  codec: string | null
  /** 64 whole numbers from 0, silence, to 100, full scale. Voice messages only. */
  waveform: number[] | null
  /** The file to serve (orientation applied, EXIF and GPS gone): another one, or the uploaded one where something in it has been blanked; undefined where its bytes stay as they are. */
  cleanedPath: string | undefined
  /** WebP, at most 320 px a side; undefined: none can be made. */
  thumbnailPath: string | undefined
}

/**
 * Finds out by the bytes alone what a file is, and makes of it what others may get. Runs in a process of its own (helper.ts):
 * whatever a file does to its reader it does there.
 * @throws {ApiError} MEDIA_TYPE_REFUSED, TOO_LARGE, VALIDATION_FAILED
 */
export async function look ({ path, isVoice, cleanedPath, thumbnailPath }: Look): Promise<Inspected> {
  const type = mediaType((await fileTypeFromFile(path))?.mime ?? await typeOfText(path))
  if (!type || (isVoice && (type.kind === 'image' || type.kind === 'file'))) throw new ApiError('MEDIA_TYPE_REFUSED')
  const { kind, mimeType } = type
  // Neither is needed for the other, and a helper that reads text loads no decoder.
  if (kind === 'image') {
    const { lookAtImage } = await import('./images.ts')
    return await lookAtImage(path, { mimeType, cleanedPath, thumbnailPath })
  }
  if (kind === 'video' || kind === 'audio') {
    const { lookAtTracks } = await import('./tracks.ts')
    return await lookAtTracks(path, { mimeType, isVoice })
  }
  return { kind, mimeType, width: null, height: null, durationMs: null, codec: null, waveform: null, cleanedPath: undefined, thumbnailPath: undefined }
}

async function typeOfText (path: string): Promise<string> {
  return await textOf(path) === 'text' ? 'text/plain' : ''
}
