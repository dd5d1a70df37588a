import { BufferTarget, EncodedAudioPacketSource, EncodedPacket, EncodedVideoPacketSource, Mp4OutputFormat, OggOutputFormat, Output, WebMOutputFormat, type AudioCodec } from 'mediabunny'
import { crc32, deflateRawSync } from 'node:zlib'
import sharp, { type Sharp } from 'sharp'

/** A picture of noise: nothing of it can be left out when it is compressed. */
export function noise (width: number, height: number): Sharp {
  return sharp({ create: { width, height, channels: 3, background: '#808080', noise: { type: 'gaussian', mean: 128, sigma: 40 } } })
}

/** Frames of one colour each, below each other, as sharp takes them. */
export function animation (width: number, height: number, frames: number): Sharp {
  const pixels = Buffer.alloc(width * height * frames * 3, Buffer.from([250, 20, 20]))
  for (let frame = 1; frame < frames; frame++) pixels.fill(frame * 20, frame * width * height * 3, (frame + 1) * width * height * 3)
  return sharp(pixels, { raw: { width, height: height * frames, channels: 3, pageHeight: height } })
}

/** 16 bits, as many channels as there are functions, each from the second to a value from -1 to 1. */
export function wav (seconds: number, sampleRate: number, ...channels: ((second: number) => number)[]): Buffer {
  const moments = Math.round(seconds * sampleRate)
  const data = Buffer.alloc(moments * channels.length * 2)
  for (let moment = 0; moment < moments; moment++) {
    channels.forEach((channel, index) => data.writeInt16LE(Math.round(32_767 * channel(moment / sampleRate)), (moment * channels.length + index) * 2))
  }
  return Buffer.concat([wavHeader(data.length, sampleRate, channels.length), data])
}

export function wavHeader (bytes: number, sampleRate: number, channels: number): Buffer {
  const header = Buffer.alloc(44)
  header.write('RIFF', 0)
  header.writeUInt32LE(36 + bytes, 4)
  header.write('WAVEfmt ', 8)
  header.writeUInt32LE(16, 16)
  header.writeUInt16LE(1, 20)
  header.writeUInt16LE(channels, 22)
  header.writeUInt32LE(sampleRate, 24)
  header.writeUInt32LE(sampleRate * channels * 2, 28)
  header.writeUInt16LE(channels * 2, 32)
  header.writeUInt16LE(16, 34)
  header.write('data', 36)
  header.writeUInt32LE(bytes, 40)
  return header
}

const PACKET_SECONDS = 0.02
/** Of 20 ms. Whatever stands behind its first byte, Opus makes a sound of it; the second is its silence. */
const OPUS_NOISE = Uint8Array.from({ length: 60 }, (_, index) => index === 0 ? 0xf8 : (index * 151 + 77) & 255)
const OPUS_SILENCE = Uint8Array.of(0xf8, 0xff, 0xfe)

/** Opus: first so many seconds of noise, then of silence. */
export async function opus (container: 'ogg' | 'webm', noisySeconds: number, silentSeconds: number): Promise<Buffer> {
  const head = Buffer.from('OpusHead\x01\x01\0\0\x80\xbb\0\0\0\0\0', 'latin1')
  const packets = Array.from({ length: Math.round((noisySeconds + silentSeconds) / PACKET_SECONDS) }, (_, index) => index * PACKET_SECONDS < noisySeconds ? OPUS_NOISE : OPUS_SILENCE)
  return await sound(container === 'ogg' ? new OggOutputFormat() : new WebMOutputFormat(), 'opus', { codec: 'opus', numberOfChannels: 1, sampleRate: 48_000, description: head }, packets)
}

/** MP4 with AAC that nobody could listen to. */
export async function m4a (seconds: number): Promise<Buffer> {
  const packets = Array.from({ length: Math.round(seconds / PACKET_SECONDS) }, () => OPUS_NOISE)
  return await sound(new Mp4OutputFormat({ fastStart: false }), 'aac', { codec: 'mp4a.40.2', numberOfChannels: 1, sampleRate: 48_000, description: Buffer.from([0x11, 0x88]) }, packets)
}

async function sound (format: OggOutputFormat | WebMOutputFormat | Mp4OutputFormat, codec: AudioCodec, decoderConfig: AudioDecoderConfig, packets: Uint8Array[]): Promise<Buffer> {
  const source = new EncodedAudioPacketSource(codec)
  const output = new Output({ format, target: new BufferTarget() })
  output.addAudioTrack(source)
  await output.start()
  for (const [index, packet] of packets.entries()) {
    await source.add(new EncodedPacket(packet, 'key', index * PACKET_SECONDS, PACKET_SECONDS), { decoderConfig })
  }
  await output.finalize()
  return Buffer.from(output.target.buffer!)
}

/** VP9 that nobody could look at, of ten frames a second. */
export async function video (container: 'mp4' | 'webm', { width, height, rotation = 0, frames = 10, frameBytes = 100 }: { width: number, height: number, rotation?: 0 | 90, frames?: number, frameBytes?: number }): Promise<Buffer> {
  const source = new EncodedVideoPacketSource('vp9')
  const output = new Output({ format: container === 'mp4' ? new Mp4OutputFormat({ fastStart: false }) : new WebMOutputFormat(), target: new BufferTarget() })
  output.addVideoTrack(source, rotation === 0 ? {} : { rotation })
  await output.start()
  for (let frame = 0; frame < frames; frame++) {
    await source.add(new EncodedPacket(new Uint8Array(frameBytes), frame === 0 ? 'key' : 'delta', frame / 10, 0.1), {
      decoderConfig: { codec: 'vp09.00.10.08', codedWidth: width, codedHeight: height, colorSpace: { primaries: 'bt709', transfer: 'bt709', matrix: 'bt709', fullRange: false } },
    })
  }
  await output.finalize()
  return Buffer.from(output.target.buffer!)
}

/** An archive of files that are nothing but zeros, each of so many bytes once unpacked. */
export function zip (...files: { name: string, zeros: number }[]): Buffer {
  const entries = files.map(({ name, zeros }) => {
    const content = Buffer.alloc(zeros)
    const packed = deflateRawSync(content)
    const header = Buffer.alloc(26)
    header.writeUInt16LE(20, 0)
    header.writeUInt16LE(8, 4)
    header.writeUInt32LE(crc32(content), 10)
    header.writeUInt32LE(packed.length, 14)
    header.writeUInt32LE(zeros, 18)
    header.writeUInt16LE(Buffer.byteLength(name), 22)
    return { name: Buffer.from(name), packed, header }
  })
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const { name, packed, header } of entries) {
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), header, name, packed])
    const tail = Buffer.alloc(14)
    tail.writeUInt32LE(offset, 10)
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\0'), header, tail, name]))
    parts.push(local)
    offset += local.length
  }
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06')
  end.writeUInt16LE(entries.length, 8)
  end.writeUInt16LE(entries.length, 10)
  end.writeUInt32LE(Buffer.concat(directory).length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...parts, ...directory, end])
}

/** A PNG that says it is of this size, with whatever pixels. */
export function pngClaiming (png: Buffer, width: number, height: number): Buffer {
  const claiming = Buffer.from(png)
  claiming.writeUInt32BE(width, 16)
  claiming.writeUInt32BE(height, 20)
  claiming.writeUInt32BE(crc32(claiming.subarray(12, 29)), 29)
  return claiming
}
