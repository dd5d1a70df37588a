import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import t, { type Test } from 'tap'
import { Helpers } from '../../src/media/inspect/helpers.ts'
import { inspect, type Inspected } from '../../src/media/inspect/inspect.ts'
import { isInline } from '../../src/media/inspect/types.ts'
import { animation, m4a, noise, opus, pngClaiming, video, wav, wavHeader, zip } from './samples.ts'

const workDir = mkdtempSync(join(tmpdir(), 'parley-inspect-'))
t.teardown(() => rmSync(workDir, { recursive: true }))
let files = 0

async function look (bytes: Buffer | string, options: { isVoice?: boolean } = {}): Promise<Inspected> {
  const path = join(workDir, `upload-${++files}`)
  writeFileSync(path, bytes)
  return await inspect(path, { fileName: 'misleading.html', isVoice: false, workDir, ...options })
}

async function refuses (t: Test, bytes: Buffer | string, code: string, options: { isVoice?: boolean } = {}): Promise<void> {
  await t.rejects(look(bytes, options), { code })
  t.notOk(readdirSync(workDir).some(name => name.startsWith(`upload-${files}.`)), 'nothing of it is left')
}

const nothing = { width: null, height: null, durationMs: null, codec: null, waveform: null, cleanedPath: undefined, thumbnailPath: undefined }

t.test('a picture gets upright, small, and free of where and when it was taken', async t => {
  const exif = { IFD0: { Copyright: 'somebody', Make: 'PhoneMaker' }, IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '51/1 30/1 0/1' } }
  const uploaded = await noise(600, 400).withExif(exif).withXmp('<x:xmpmeta xmlns:x="adobe:ns:meta/"/>').withMetadata({ orientation: 6 }).jpeg().toBuffer()
  t.ok(uploaded.includes('PhoneMaker') && uploaded.includes('xmpmeta'))
  const found = await look(uploaded)
  t.match(found, { kind: 'image', mimeType: 'image/jpeg', width: 400, height: 600, durationMs: null, codec: null, waveform: null })
  const cleaned = await sharp(found.cleanedPath).metadata()
  t.match(cleaned, { width: 400, height: 600, orientation: undefined, exif: undefined, xmp: undefined })
  t.notOk(/PhoneMaker|somebody|xmpmeta|Exif/.test(readFileSync(found.cleanedPath!, 'latin1')))
  t.match(await sharp(found.thumbnailPath).metadata(), { format: 'webp', width: 213, height: 320, exif: undefined })
})

t.test('colours of a wider space are told in sRGB', async t => {
  const uploaded = await sharp({ create: { width: 40, height: 40, channels: 3, background: '#20c040' } }).withIccProfile('p3').png().toBuffer()
  t.ok((await sharp(uploaded).metadata()).icc)
  const found = await look(uploaded)
  t.notOk((await sharp(found.cleanedPath).metadata()).icc)
  const [red, green, blue] = await sharp(found.cleanedPath).raw().toBuffer()
  for (const [value, expected] of [[red!, 0x20], [green!, 0xc0], [blue!, 0x40]] as const) t.ok(Math.abs(value - expected) <= 2, `${value} is about ${expected}`)
})

for (const format of ['jpeg', 'png', 'gif', 'webp', 'avif'] as const) {
  t.test(`${format}: whole, cut short, and with something behind it`, async t => {
    const uploaded = await noise(64, 48).toFormat(format).toBuffer()
    t.match(await look(uploaded), { kind: 'image', mimeType: `image/${format === 'avif' ? 'webp' : format}`, width: 64, height: 48 })
    for (const length of [40, uploaded.length >> 1, uploaded.length - 20]) await refuses(t, uploaded.subarray(0, length), 'VALIDATION_FAILED')
    const found = await look(Buffer.concat([uploaded, Buffer.from('<script>alert(1)</script>PK\x03\x04')]))
    t.notOk(readFileSync(found.cleanedPath!).includes('<script>'))
  })
}

t.test('animations stay animated, and the thumbnail is their first picture', async t => {
  for (const format of ['gif', 'webp'] as const) {
    const found = await look(await animation(60, 30, 5).toFormat(format, { loop: 3, delay: [70, 80, 90, 70, 70] }).toBuffer())
    t.match(found, { mimeType: `image/${format}`, width: 60, height: 30 })
    t.match(await sharp(found.cleanedPath, { animated: true }).metadata(), { pages: 5, pageHeight: 30, loop: 3, delay: [70, 80, 90, 70, 70] })
    t.match(await sharp(found.thumbnailPath, { animated: true }).metadata(), { format: 'webp', height: 30 })
    t.ok((await sharp(found.thumbnailPath).raw().toBuffer())[0]! > 230, 'red, as the first is')
  }
})

t.test('a GIF that is also a script loses the script', async t => {
  const gif = await noise(8, 8).gif().toBuffer()
  const comment = Buffer.concat([Buffer.from([0x21, 0xfe, 26]), Buffer.from('*/=1;alert(document.cookie)'.slice(0, 26)), Buffer.from([0])])
  const found = await look(Buffer.concat([gif.subarray(0, -1), comment, gif.subarray(-1)]))
  t.notOk(readFileSync(found.cleanedPath!).includes('alert'))
})

t.test('too many pixels are refused before they are made', async t => {
  const png = await noise(8, 8).png().toBuffer()
  await refuses(t, pngClaiming(png, 10_000, 10_000), 'TOO_LARGE')
  await refuses(t, pngClaiming(png, 2_000_000_000, 2_000_000_000), 'VALIDATION_FAILED')
  await refuses(t, await animation(1, 1, 2001).gif({ effort: 1 }).toBuffer(), 'TOO_LARGE')
})

t.test('what a browser could execute, what nobody knows, and what is empty', async t => {
  await refuses(t, '', 'VALIDATION_FAILED')
  for (const text of [
    '<!DOCTYPE html><p>hello', '  \n\t<html>', '\ufeff<script>alert(1)</script>', '<!-- --><b>', ' '.repeat(262_143) + '<html>', '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', '<a href="javascript:alert(1)">',
  ]) {
    await refuses(t, text, 'MEDIA_TYPE_REFUSED')
    await t.rejects(look(Buffer.from(`\ufeff${text}`, 'utf16le')), 'nor in another encoding')
  }
  for (const bytes of [Buffer.from('MZ' + '\0'.repeat(200)), Buffer.from('\x7fELF\x02\x01\x01' + '\0'.repeat(80)), Buffer.from([1, 2, 3, 4, 5]), Buffer.from('latin-1: \xe4\xf6', 'latin1'), Buffer.from('a\0b'), Buffer.from('half a letter: \xc3', 'latin1')]) {
    await refuses(t, bytes, 'MEDIA_TYPE_REFUSED')
  }
})

t.test('text is text, however long, and never inline', async t => {
  const text = { kind: 'file', mimeType: 'text/plain', ...nothing }
  t.match(await look('a < b, and <b> later\n'), text)
  t.match(await look('äöü 你好 🙂\n'.repeat(50_000)), text, 'letters that lie across two chunks')
  t.match(await look('\ufeffhello'), text)
  t.notOk(isInline('text/plain'))
})

t.test('documents and archives are kept as they are, never unpacked, never inline', async t => {
  for (const [bytes, mimeType] of [
    [Buffer.from('%PDF-1.7\n1 0 obj\n<< /JavaScript (alert) >>\n'), 'application/pdf'],
    [zip({ name: '../../etc/passwd', zeros: 20_000_000 }), 'application/zip'],
  ] as const) {
    t.match(await look(bytes), { kind: 'file', mimeType, ...nothing })
    t.notOk(isInline(mimeType))
  }
  for (const mimeType of ['text/html', 'image/svg+xml', 'application/xml', 'text/xml', 'application/xhtml+xml', 'application/octet-stream', 'constructor']) t.notOk(isInline(mimeType))
  await refuses(t, zip({ name: 'META-INF/MANIFEST.MF', zeros: 10 }), 'MEDIA_TYPE_REFUSED')
})

t.test('sound: how long, of what, and whether it is a voice message', async t => {
  const tone = wav(2, 8000, second => 0.5 * Math.sin(second * 2000))
  t.match(await look(tone), { kind: 'audio', mimeType: 'audio/wav', ...nothing, durationMs: 2000, codec: 'pcm-s16' })
  t.match(await look(tone, { isVoice: true }), { kind: 'voice', waveform: Array(64).fill(50) })
  t.match(await look(await m4a(1), { isVoice: true }), { kind: 'voice', mimeType: 'audio/mp4', codec: 'aac', durationMs: 1000, waveform: null })
  t.match(await look(await opus('webm', 0.5, 0.5)), { kind: 'audio', mimeType: 'audio/webm', codec: 'opus', durationMs: 980, waveform: null })
  await refuses(t, await noise(10, 10).png().toBuffer(), 'MEDIA_TYPE_REFUSED', { isVoice: true })
  await refuses(t, 'hello', 'MEDIA_TYPE_REFUSED', { isVoice: true })
  await refuses(t, await video('mp4', { width: 64, height: 64 }), 'MEDIA_TYPE_REFUSED', { isVoice: true })
})

t.test('the waveform of a voice message', async t => {
  const louder = (second: number) => second < 4 ? Math.floor(second) / 4 * Math.cos(second * 3000) : 0
  const { waveform } = await look(wav(8, 16_000, () => 0, louder), { isVoice: true })
  const expected = (index: number) => index < 32 ? 25 * Math.floor(index / 8) : 0
  t.equal(waveform!.length, 64)
  waveform!.forEach((peak, index) => t.ok(Math.abs(peak - expected(index)) <= 1, `peak ${index}: ${peak} is about ${expected(index)}`))
  for (const container of ['ogg', 'webm'] as const) {
    const { durationMs, mimeType, waveform } = await look(await opus(container, 3, 1), { isVoice: true })
    t.match({ durationMs, mimeType }, { durationMs: container === 'ogg' ? 4000 : 3980, mimeType: `audio/${container}` }) // WebM does not tell how long the last packet is
    t.ok(waveform!.slice(0, 47).every(peak => peak > 5) && waveform!.slice(50).every(peak => peak === 0), `loud, then silent: ${waveform}`)
  }
  t.equal((await look(wav(0.002, 8000, () => 1), { isVoice: true })).waveform!.length, 64, 'of sixteen samples, too')
})

t.test('a recording that says it is longer than it is', async t => {
  const found = await look(Buffer.concat([wavHeader(4_000_000_000, 8000, 1), Buffer.alloc(16_000, 1)]), { isVoice: true })
  t.match(found.waveform, Array(64).fill(1))
})

t.test('film: its size as it is to be shown', async t => {
  t.match(await look(await video('mp4', { width: 640, height: 360 })), { kind: 'video', mimeType: 'video/mp4', ...nothing, width: 640, height: 360, durationMs: 1000, codec: 'vp9' })
  t.match(await look(await video('mp4', { width: 640, height: 360, rotation: 90 })), { width: 360, height: 640 })
  const webm = await video('webm', { width: 320, height: 200 })
  t.match(await look(webm), { kind: 'video', mimeType: 'video/webm', width: 320, height: 200, durationMs: 900 })
  await refuses(t, webm.subarray(0, 60), 'VALIDATION_FAILED')
  await refuses(t, (await video('mp4', { width: 64, height: 64 })).subarray(0, 200), 'VALIDATION_FAILED')
})

t.test('films and recordings of phones lose their notes, and nothing moves', async t => {
  const box = (type: string, ...content: Buffer[]) => {
    const head = Buffer.alloc(8)
    head.writeUInt32BE(8 + content.reduce((sum, { length }) => sum + length, 0))
    head.write(type, 4, 'latin1')
    return Buffer.concat([head, ...content])
  }
  const PLACE = '+48.8577+002.295/'
  const udta = box('udta', box('\u00a9xyz', Buffer.from(`\0\x11\x15\xc7${PLACE}`, 'latin1')), box('loci', Buffer.from(PLACE)))
  const numbers = (...values: number[]) => Buffer.concat(values.map(value => { const bytes = Buffer.alloc(4); bytes.writeUInt32BE(value); return bytes }))
  const keys = box('keys', numbers(0, 1), box('mdta', Buffer.from('com.apple.quicktime.location.ISO6709')))
  const meta = box('meta', box('hdlr', numbers(0, 0), Buffer.from('mdta'), numbers(0, 0, 0)), keys, box('ilst', box('\0\0\0\x01', box('data', numbers(1, 0), Buffer.from(PLACE)))))
  const xmp = box('uuid', Buffer.from('be7acfcb97a942e89c71999491e3afac', 'hex'), Buffer.from(`<x:xmpmeta>${PLACE}`))
  const other = box('uuid', Buffer.alloc(16, 1), Buffer.from('kept'))
  for (const [name, plain, kind] of [['film', await video('mp4', { width: 64, height: 48 }), 'video'], ['sound', await m4a(1), 'audio']] as const) {
    // Behind the last track, where phones put them: what is in front of it does not move. Its own length and that of the track grow.
    const moov = plain.indexOf('moov') - 4
    const moovEnd = moov + plain.readUInt32BE(moov)
    const trak = plain.indexOf('trak', moov) - 4
    const trakEnd = trak + plain.readUInt32BE(trak)
    t.ok(plain.indexOf('mdat') < moov, `${name}: the sample keeps its frames in front`)
    const noted = Buffer.concat([plain.subarray(0, trakEnd), udta, plain.subarray(trakEnd, moovEnd), udta, meta, plain.subarray(moovEnd), xmp, other])
    noted.writeUInt32BE(trakEnd - trak + udta.length, trak)
    noted.writeUInt32BE(moovEnd - moov + 2 * udta.length + meta.length, moov)
    t.ok(noted.includes(PLACE) && noted.includes('location.ISO6709'))
    const found = await look(noted)
    t.match(found, { kind, ...(kind === 'video' && { width: 64, height: 48 }) }, name)
    const served = readFileSync(found.cleanedPath!)
    t.notOk(/48\.8577|location|xmpmeta|loci|xyz/.test(served.toString('latin1')), `${name}: nothing of them is left`)
    t.equal(served.length, noted.length)
    t.ok(served.includes('kept'), 'boxes of others are left alone')
    const again = await look(served)
    t.match(again, { kind, durationMs: found.durationMs, cleanedPath: undefined }, 'it plays as before, and there is nothing more to blank')
    t.match(await look(plain), { kind, cleanedPath: undefined }, `${name}: without notes it stays as it is`)
  }
})

t.test('many at once, each by itself', async t => {
  const png = await noise(200, 200).png().toBuffer()
  const results = await Promise.allSettled(Array.from({ length: 20 }, (_, index) => look(index % 2 === 0 ? png : png.subarray(0, 5000))))
  t.strictSame(results.map(({ status }) => status), Array.from({ length: 20 }, (_, index) => index % 2 === 0 ? 'fulfilled' : 'rejected'))
})

t.test('a file that does not come to an end, and one that its reader dies of', async t => {
  const fifo = join(workDir, 'fifo')
  execFileSync('mkfifo', [fifo])
  const made = { cleanedPath: join(workDir, 'cleaned'), thumbnailPath: join(workDir, 'thumbnail'), isVoice: false }
  const helpers = new Helpers()
  const others = children()
  const stuck = helpers.look({ path: fifo, ...made }, 500)
  const [stuckHelper] = children().filter(pid => !others.includes(pid))
  await t.rejects(stuck, { code: 'VALIDATION_FAILED', cause: /after 500 ms/ })
  while (children().includes(stuckHelper!)) await new Promise(resolve => setTimeout(resolve, 5)) // it has been killed
  const path = join(workDir, 'text')
  writeFileSync(path, 'hello')
  t.match(await helpers.look({ path, ...made }), { found: { mimeType: 'text/plain' } })

  const before = children()
  const patient = new Helpers()
  const looking = patient.look({ path: fifo, ...made })
  const [helper] = children().filter(pid => !before.includes(pid))
  process.kill(helper!, 'SIGSEGV')
  await t.rejects(looking, { code: 'VALIDATION_FAILED', cause: /SIGSEGV/ })
  t.match(await patient.look({ path, ...made }), { found: { mimeType: 'text/plain' } })
})

t.test('who would wait too long is told so', async t => {
  const path = join(workDir, 'text')
  writeFileSync(path, 'hello')
  const results = await Promise.allSettled(Array.from({ length: 100 }, () => inspect(path, { fileName: '', isVoice: false, workDir })))
  const refused = results.flatMap(result => result.status === 'rejected' ? [result.reason] : [])
  t.ok(refused.length > 0 && refused.every(({ code, retryable }) => code === 'OVERLOADED' && retryable))
  t.ok(results.length - refused.length >= 64)
})

function children (): number[] {
  const lines = execFileSync('ps', ['-o', 'pid=,args=', '--ppid', String(process.pid)], { encoding: 'utf8' }).split('\n')
  return lines.filter(line => line.includes('helper.ts')).map(line => Number.parseInt(line))
}
