import sharp, { type Metadata, type Sharp } from 'sharp'
import { ApiError } from '../../errors.ts'
import type { Inspected } from './look.ts'

/** The largest that phones take as a rule (8192 × 6144); of an animation, all frames together. It bounds the memory of a helper: half a gigabyte (measured, of each format). */
const MAX_PIXELS = 51_000_000
/** Decoding takes twice as much of each. */
const MAX_AVIF_PIXELS = 25_000_000
/** Of an animation. Each costs time, however small. */
const MAX_FRAMES = 2000
const THUMBNAIL_SIDE = 320
/** Of one step. The helper itself is ended a little later. */
const SECONDS = 25

interface Format {
  /** libvips' name of what reads it, and sharp's of what it is then. */
  loader: string
  format: Metadata['format']
  animated: boolean
  maxPixels: number
  /** What is written: what cannot be told from the original by eye, at a second of CPU for twelve megapixels at most. */
  mimeType: string
  write: (image: Sharp, metadata: Metadata) => Sharp
}

const FORMATS: Readonly<Record<string, Format>> = {
  'image/jpeg': {
    loader: 'VipsForeignLoadJpegFile',
    format: 'jpeg',
    animated: false,
    maxPixels: MAX_PIXELS,
    mimeType: 'image/jpeg',
    write: (image, { chromaSubsampling }) => image.jpeg({ quality: 90, chromaSubsampling: chromaSubsampling === '4:2:0' ? '4:2:0' : '4:4:4' }),
  },
  'image/png': { loader: 'VipsForeignLoadPngFile', format: 'png', animated: false, maxPixels: MAX_PIXELS, mimeType: 'image/png', write: image => image.png() },
  'image/gif': { loader: 'VipsForeignLoadNsgifFile', format: 'gif', animated: true, maxPixels: MAX_PIXELS, mimeType: 'image/gif', write: image => image.gif({ effort: 1, dither: 0 }) },
  'image/webp': { loader: 'VipsForeignLoadWebpFile', format: 'webp', animated: true, maxPixels: MAX_PIXELS, mimeType: 'image/webp', write: webp },
  // Its encoder would take a gigabyte and many seconds.
  'image/avif': { loader: 'VipsForeignLoadHeifFile', format: 'heif', animated: false, maxPixels: MAX_AVIF_PIXELS, mimeType: 'image/webp', write: webp },
}

function webp (image: Sharp): Sharp {
  return image.webp({ quality: 90, effort: 2 })
}

// Only these may ever be opened: libvips would also load SVG, PDF and its own formats, going by the bytes.
sharp.block({ operation: ['VipsForeignLoad'] })
sharp.unblock({ operation: Object.values(FORMATS).map(({ loader }) => loader) })
sharp.cache(false)
sharp.concurrency(1) // as many pictures at once as there are helpers: each by itself is not in a hurry

/**
 * Decodes a picture and writes its pixels anew, as sRGB, upright, without EXIF, GPS, XMP, comments, and whatever else stood before,
 * between and behind: what others get has no byte of the uploaded file in it. Animations stay (of APNG the first picture); AVIF becomes WebP.
 */
export async function lookAtImage (path: string, { mimeType, cleanedPath, thumbnailPath }: { mimeType: string, cleanedPath: string, thumbnailPath: string }): Promise<Inspected> {
  const format = FORMATS[mimeType]
  if (!format) throw new Error(`no decoder for ${mimeType}`)
  const image = sharp(path, { limitInputPixels: format.maxPixels, failOn: 'error', sequentialRead: true, animated: format.animated })
  const metadata = await refusing(() => sharp(path, { limitInputPixels: false, failOn: 'error', animated: format.animated }).metadata())
  if (metadata.format !== format.format) throw new ApiError('MEDIA_TYPE_REFUSED')
  const frames = metadata.pages ?? 1
  if (metadata.width * metadata.height > format.maxPixels) throw new ApiError('TOO_LARGE', '', { details: { maxPixels: format.maxPixels } })
  if (format.animated && frames > MAX_FRAMES) throw new ApiError('TOO_LARGE', '', { details: { maxFrames: MAX_FRAMES } })
  // A film strip cannot be turned, and nothing that makes animations turns them by EXIF.
  const upright = frames > 1 ? image : image.autoOrient()
  const written = await refusing(() => format.write(upright, metadata).timeout({ seconds: SECONDS }).toFile(cleanedPath))
  await refusing(() => sharp(cleanedPath, { limitInputPixels: format.maxPixels })
    .resize(THUMBNAIL_SIDE, THUMBNAIL_SIDE, { fit: 'inside', withoutEnlargement: true }).webp().timeout({ seconds: SECONDS }).toFile(thumbnailPath))
  return {
    kind: 'image',
    mimeType: format.mimeType,
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
