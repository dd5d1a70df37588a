import { ADTS, FilePathSource, FLAC, Input, MATROSKA, MP3, MP4, OGG, QTFF, WAVE, WEBM } from 'mediabunny'
import { ApiError } from '../../errors.ts'
import type { Inspected } from './look.ts'
import { blankNotes } from './notes.ts'
import { mediaType } from './types.ts'
import { waveform } from './waveform.ts'

/** Playlists are not among them: they would make the reader open other files and addresses. */
const CONTAINERS = [MP4, QTFF, WEBM, MATROSKA, OGG, WAVE, MP3, ADTS, FLAC]
/** What has no picture in it is sound, whatever its container is called. */
const SOUND_OF: Readonly<Record<string, string>> = {
  'video/mp4': 'audio/mp4',
  'video/quicktime': 'audio/mp4',
  'video/webm': 'audio/webm',
  'video/x-matroska': 'audio/x-matroska',
  'video/3gpp': 'audio/3gpp',
  'video/3gpp2': 'audio/3gpp2',
}
/** What notes.ts can read. */
const WITH_NOTES: ReadonlySet<string> = new Set(['video/mp4', 'video/quicktime', 'video/3gpp', 'video/3gpp2', 'audio/mp4', 'audio/3gpp', 'audio/3gpp2'])
const MAX_CACHE_BYTES = 4 * 1024 * 1024
/** The columns are integers, and these come from the file. */
const MAX_SIDE = 65_535
const MAX_DURATION_MS = 2_147_483_647

/** Reads the container of sound or film: what is in it, how long and how large it is. Of the MP4 family the notes are blanked in the file itself; else its bytes stay as they are. Only a voice message is decoded, for its waveform. */
export async function lookAtTracks (path: string, { mimeType, isVoice }: { mimeType: string, isVoice: boolean }): Promise<Inspected> {
  const input = new Input({
    formats: CONTAINERS,
    // A failed read rejects what waits for it; one that nobody waits for is of no account.
    source: new FilePathSource(path, { maxCacheSize: MAX_CACHE_BYTES, handleUnhandledError: () => {} }),
  })
  try {
    const video = await input.getPrimaryVideoTrack()
    const audio = await input.getPrimaryAudioTrack()
    const duration = Math.round(1000 * await input.computeDuration())
    if ((!video && !audio) || !(duration > 0)) throw new Error('There is nothing to play in it')
    const type = mediaType(video ? mimeType : SOUND_OF[mimeType] ?? mimeType)
    if (!type || (isVoice && type.kind !== 'audio')) throw new ApiError('MEDIA_TYPE_REFUSED')
    return {
      kind: isVoice ? 'voice' : type.kind,
      mimeType: type.mimeType,
      width: video ? within(MAX_SIDE, await video.getDisplayWidth()) : null,
      height: video ? within(MAX_SIDE, await video.getDisplayHeight()) : null,
      durationMs: within(MAX_DURATION_MS, duration),
      codec: await (video ?? audio)!.getCodec(),
      waveform: isVoice && audio ? await waveform(audio) : null,
      cleanedPath: WITH_NOTES.has(type.mimeType) && await blankNotes(path) ? path : undefined,
      thumbnailPath: undefined,
    }
  } catch (error) {
    if (error instanceof ApiError) throw error
    throw new ApiError('VALIDATION_FAILED', 'The recording is damaged, cut short, or cannot be read', { cause: error })
  } finally {
    input.dispose()
  }
}

function within (maximum: number, value: number): number | null {
  return Number.isInteger(value) && value > 0 && value <= maximum ? value : null
}
