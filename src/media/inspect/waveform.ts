import { EncodedPacketSink, type InputAudioTrack } from 'mediabunny'
import { OpusDecoder } from 'opus-decoder'

export const WAVEFORM_PEAKS = 64
/** A voice message that is longer has none: it would be a minute of decoding, or a few bytes that claim to be hours. */
const MAX_SECONDS = 30 * 60
/** Stretches of sound of which the loudest sample is kept. When all are used they are made twice as long. */
const STRETCHES = 4096
const FIRST_STRETCH = 32
const OPUS_RATE = 48_000

/** Gives the sound of a packet, a channel at a time, from -1 to 1. */
type Decode = (packet: Uint8Array) => Float32Array[]

/**
 * 64 whole numbers, the loudest sample in each 64th of the time: 0 is silence, 100 is full scale.
 * @returns null where it cannot be decoded here: anything but PCM and Opus (so AAC, MP3, FLAC, Vorbis), more than two channels of Opus, half an hour and more
 */
export async function waveform (track: InputAudioTrack): Promise<number[] | null> {
  const codec = await track.getCodec()
  const sampleRate = codec === 'opus' ? OPUS_RATE : await track.getSampleRate()
  const channels = await track.getNumberOfChannels()
  const pcm = codec === null ? undefined : PCM[codec]
  if (pcm) return peaksOf(track, MAX_SECONDS * sampleRate, packet => [samples(packet, pcm, channels)])
  if (codec !== 'opus' || channels > 2) return null
  const decoder = new OpusDecoder({ channels })
  await decoder.ready
  try {
    return await peaksOf(track, MAX_SECONDS * sampleRate, packet => decoder.decodeFrame(packet).channelData)
  } finally {
    decoder.free()
  }
}

async function peaksOf (track: InputAudioTrack, maxSamples: number, decode: Decode): Promise<number[] | null> {
  const peaks = new Peaks()
  for await (const { data } of new EncodedPacketSink(track).packets()) {
    const channels = decode(data)
    if (peaks.count > maxSamples) return null
    peaks.add(channels)
  }
  return peaks.count === 0 ? null : peaks.spread(WAVEFORM_PEAKS)
}

/** The loudness over a time whose length is not known before its end, in memory that does not grow with it. */
class Peaks {
  count = 0
  readonly #stretches = new Float32Array(STRETCHES)
  #length = FIRST_STRETCH

  add (channels: Float32Array[]): void {
    const samples = channels[0]?.length ?? 0
    for (let index = 0; index < samples; index++) {
      if (this.count === this.#length * STRETCHES) this.#halve()
      const stretch = Math.floor(this.count / this.#length)
      for (const channel of channels) {
        const loudness = Math.abs(channel[index]!)
        if (loudness > this.#stretches[stretch]!) this.#stretches[stretch] = loudness
      }
      this.count++
    }
  }

  spread (parts: number): number[] {
    const used = Math.ceil(this.count / this.#length)
    return Array.from({ length: parts }, (_, part) => {
      const from = Math.floor(part * used / parts)
      const to = Math.max(from + 1, Math.floor((part + 1) * used / parts))
      return Math.round(100 * Math.min(1, Math.max(...this.#stretches.subarray(from, to))))
    })
  }

  #halve (): void {
    for (let index = 0; index < STRETCHES; index += 2) {
      this.#stretches[index / 2] = Math.max(this.#stretches[index]!, this.#stretches[index + 1]!)
    }
    this.#stretches.fill(0, STRETCHES / 2)
    this.#length *= 2
  }
}

interface Pcm { bytes: number, read: (view: DataView, at: number) => number }

const PCM: Readonly<Partial<Record<string, Pcm>>> = {
  'pcm-u8': { bytes: 1, read: (view, at) => (view.getUint8(at) - 128) / 128 },
  'pcm-s8': { bytes: 1, read: (view, at) => view.getInt8(at) / 128 },
  'pcm-s16': { bytes: 2, read: (view, at) => view.getInt16(at, true) / 2 ** 15 },
  'pcm-s16be': { bytes: 2, read: (view, at) => view.getInt16(at) / 2 ** 15 },
  // The two bytes above the lowest say enough.
  'pcm-s24': { bytes: 3, read: (view, at) => view.getInt16(at + 1, true) / 2 ** 15 },
  'pcm-s24be': { bytes: 3, read: (view, at) => view.getInt16(at) / 2 ** 15 },
  'pcm-s32': { bytes: 4, read: (view, at) => view.getInt32(at, true) / 2 ** 31 },
  'pcm-s32be': { bytes: 4, read: (view, at) => view.getInt32(at) / 2 ** 31 },
  'pcm-f32': { bytes: 4, read: (view, at) => view.getFloat32(at, true) },
  'pcm-f32be': { bytes: 4, read: (view, at) => view.getFloat32(at) },
}

/** Of each moment the loudest of its channels. */
function samples (packet: Uint8Array, { bytes, read }: Pcm, channels: number): Float32Array {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength)
  return Float32Array.from({ length: Math.floor(packet.byteLength / (bytes * channels)) }, (_, moment) => {
    let loudest = 0
    for (let channel = 0; channel < channels; channel++) {
      loudest = Math.max(loudest, Math.abs(read(view, (moment * channels + channel) * bytes)) || 0)
    }
    return loudest
  })
}
