import sharp, { type Metadata, type Sharp } from 'sharp'
import { ApiError } from '../../errors.ts'
import type { Inspected } from './look.ts'

/** The largest that phones take as a rule (8192 × 6144); of an animation, all frames together. It bounds memory: about 200 MB where a picture has to be turned. */
const MAX_PIXELS = 51_000_000
/** Of an animation. Each costs time, however small. */
const MAX_FRAMES = 2000
const THUMBNAIL_SIDE = 320
/** Of one step. The helper itself is ended a little later. */
const SECONDS = 25

/** What reads and writes each format, and sharp's name of it. Quality and effort: what cannot be seen, at a second of CPU for twelve megapixels at most. */
const FORMATS: Readonly<Record<string, { loader: string, format: Metadata['format'], animated: boolean, write: (image: Sharp, metadata: Metadata) => Sharp }>> = {
  'image/jpeg': {
    loader: 'VipsForeignLoadJpegFile',
    format: 'jpeg',
    animated: false,
    write: (image, { chromaSubsampling }) => image.jpeg({ quality: 90, chromaSubsampling: chromaSubsampling === '4:2:0' ? '4:2:0' : '4:4:4' }),
  },
  'image/png': { loader: 'VipsForeignLoadPngFile', format: 'png', animated: false, write: image => image.png() },
  'image/gif': { loader: 'VipsForeignLoadNsgifFile', format: 'gif', animated: true, write: image => image.gif({ effort: 1, dither: 0 }) },
  'image/webp': { loader: 'VipsForeignLoadWebpFile', format: 'webp', animated: true, write: image => image.webp({ quality: 90, effort: 2 }) },
  'image/avif': { loader: 'VipsForeignLoadHeifFile', format: 'heif', animated: false, write: image => image.avif({ quality: 60, effort: 1 }) },
}

// Only these may ever be opened: libvips would also load SVG, PDF and its own formats, going by the bytes.
sharp.block({ operation: ['VipsForeignLoad'] })
sharp.unblock({ operation: Object.values(FORMATS).map(({ loader }) => loader) })
sharp.cache(false)
sharp.concurrency(1) // as many pictures at once as there are helpers: each by itself is not in a hurry

/**
 * Decodes a picture and writes its pixels anew, as sRGB, upright, without EXIF, GPS, XMP, comments, and whatever else stood before,
 * between and behind: what others get has no byte of the uploaded file in it. Animations stay (of APNG the first picture).
 */
export async function lookAtImage (path: string, { mimeType, cleanedPath, thumbnailPath }: { mimeType: string, cleanedPath: string, thumbnailPath: string }): Promise<Inspected> {
  const format = FORMATS[mimeType]
  if (!format) throw new Error(`no decoder for ${mimeType}`)
  const image = sharp(path, { limitInputPixels: MAX_PIXELS, failOn: 'error', sequentialRead: true, animated: format.animated })
  const metadata = await refusing(() => sharp(path, { limitInputPixels: false, failOn: 'error', animated: format.animated }).metadata())
  if (metadata.format !== format.format) throw new ApiError('MEDIA_TYPE_REFUSED')
  const frames = metadata.pages ?? 1
  if (metadata.width * metadata.height > MAX_PIXELS) throw new ApiError('TOO_LARGE', '', { details: { maxPixels: MAX_PIXELS } })
  if (format.animated && frames > MAX_FRAMES) throw new ApiError('TOO_LARGE', '', { details: { maxFrames: MAX_FRAMES } })
  // A film strip cannot be turned, and nothing that makes animations turns them by EXIF.
  const upright = frames > 1 ? image : image.autoOrient()
  const written = await refusing(() => format.write(upright, metadata).timeout({ seconds: SECONDS }).toFile(cleanedPath))
  await refusing(() => sharp(cleanedPath, { limitInputPixels: MAX_PIXELS })
    .resize(THUMBNAIL_SIDE, THUMBNAIL_SIDE, { fit: 'inside', withoutEnlargement: true }).webp().timeout({ seconds: SECONDS }).toFile(thumbnailPath))
  return {
    kind: 'image',
    mimeType,
    width: written.width,
    height: written.pageHeight ?? written.height,
    durationMs: null,
    codec: null,
    waveform: null,
    cleanedPath,
    thumbnailPath,
  }
}

/** What libvips says of a picture it cannot read is of no use to the client, but is kept for the log. */
async function refusing<Result> (step: () => Promise<Result>): Promise<Result> {
  try {
    return await step()
  } catch (error) {
    throw new ApiError('VALIDATION_FAILED', 'The picture is damaged, cut short, or cannot be read', { cause: error })
  }
}
