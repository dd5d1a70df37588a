// What strangers send: each file or request gets an error that says why, or is kept where it can do no harm; and nothing of it stays behind.
import { execFileSync } from 'node:child_process'
import { crc32, deflateSync } from 'node:zlib'
import { setTimeout as after } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { dataFolder } from '../helpers/process.ts'
import { createDatabase } from '../helpers/database.ts'
import { request } from '../helpers/live.ts'
import { download, filesOf } from '../helpers/media.ts'
import { makeGroup } from '../helpers/world.ts'
import { ServerProcess } from '../faults/helpers/server-process.ts'
import { postRaw, type RawRequest } from './raw-http.ts'
import { animation, m4a, noise, pngClaiming, video, wavHeader, zip } from './samples.ts'

const MAX_BYTES = 4_000_000
const dir = await dataFolder(t)
const server = await ServerProcess.start(t, { DATABASE_URL: await createDatabase(t), DATA_DIR: dir, JOBS: 'off', MEDIA_MAX_BYTES: `${MAX_BYTES}`, MEDIA_MAX_REQUEST_BYTES: `${3 * MAX_BYTES}` })
const chatId = await makeGroup(server, 'alice', ['bob'])
const BOUNDARY = 'between'

/** A part, its header as it is given. */
const part = (disposition: string, content: Buffer | string): Buffer =>
  Buffer.concat([Buffer.from(`--${BOUNDARY}\r\nContent-Disposition: form-data; ${disposition}\r\n\r\n`), Buffer.from(content), Buffer.from('\r\n')])
const field = (name: string, value: string) => part(`name="${name}"`, value)
const file = (content: Buffer | string, name = 'harmless.png') => part(`name="files"; filename="${name}"`, content)
const END = Buffer.from(`--${BOUNDARY}--\r\n`)

async function post (parts: Buffer[], more: Partial<RawRequest> = {}) {
  const body = Buffer.concat(parts)
  return postRaw(server.url, '/api/v1/chat/media', {
    body: [body],
    ...more,
    headers: { authorization: `Bearer ${server.token('alice')}`, 'content-type': `multipart/form-data; boundary=${BOUNDARY}`, 'content-length': `${body.length}`, ...more.headers },
  })
}

const sendFile = (content: Buffer | string, { name, voice }: { name?: string, voice?: boolean } = {}) =>
  post([field('chatId', chatId), ...(voice ? [field('voice', 'true')] : []), file(content, name), END])

interface Kept { id: string, url: string, fileName: string, mimeType: string, thumbnailUrl: string | null }

/** What was kept: taken away again, once it has been looked at. */
async function kept (t: Test, content: Buffer | string, options: { name?: string } = {}): Promise<{ attachment: Kept, bytes: Buffer, headers: Headers }> {
  const answer = await sendFile(content, options)
  t.equal(answer?.status, 201, answer?.body ?? 'no answer')
  const attachment = JSON.parse(answer!.body).data[0].attachment as Kept
  const { bytes, headers } = await download(server, attachment.url, { as: 'alice' })
  t.match(Object.fromEntries(headers), { 'x-content-type-options': 'nosniff', 'content-security-policy': /sandbox.*default-src 'none'/, 'content-type': attachment.mimeType })
  await request(server, 'alice', 'DELETE', `/media/${attachment.id}`)
  return { attachment, bytes, headers }
}

/** Of store and passing files together, folders among them, in KB. */
const diskUse = () => execFileSync('du', ['-sk', dir], { encoding: 'utf8' }).split('\t')[0]

/** In the store and in passing. What is taken away goes in the background. */
async function nothingIsLeft (t: Test, used?: string): Promise<void> {
  const isThere = async () => (await filesOf(dir)).length > 0 || diskUse() !== (used ?? diskUse())
  for (let tries = 0; tries < 100 && await isThere(); tries++) await after(50)
  t.strictSame(await filesOf(dir), [])
  t.equal(diskUse(), used ?? diskUse())
}

/** What the server's process has of the machine once garbage is collected, in MB. */
const memory = async () => (await server.weigh()).residentBytes / 1e6

const png = await noise(40, 30).png().toBuffer()
const jpeg = await noise(40, 30).jpeg().toBuffer()
const gif = await noise(40, 30).gif().toBuffer()
const SCRIPT = '<script>alert(document.cookie)</script>'
const SVG = '<svg xmlns="http://www.w3.org/2000/svg">' + SCRIPT + '</svg>'

/** A chunk of a PNG. */
function chunk (type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data])
  const length = Buffer.alloc(4)
  length.writeUInt32BE(data.length)
  const checksum = Buffer.alloc(4)
  checksum.writeUInt32BE(crc32(body))
  return Buffer.concat([length, body, checksum])
}

/** A whole PNG of black: 20,000 pixels a side in 400 KB. */
const bomb = () => {
  const side = 20_000
  const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0])
  header.writeUInt32BE(side, 0)
  header.writeUInt32BE(side, 4)
  return Buffer.concat([png.subarray(0, 8), chunk('IHDR', header), chunk('IDAT', deflateSync(Buffer.alloc(side * (side / 8 + 1)))), chunk('IEND', Buffer.alloc(0))])
}

/** Boxes of MP4: each says how long it is. */
const box = (type: string, content: Buffer | string, length?: number): Buffer => {
  const head = Buffer.alloc(8)
  head.writeUInt32BE(length ?? content.length + 8)
  head.write(type, 4)
  return Buffer.concat([head, Buffer.from(content)])
}
const FTYP = box('ftyp', 'isom\0\0\x02\0isomiso2mp41')

const REFUSED: [name: string, content: Buffer | string, code: string, options?: { name?: string, voice?: boolean }][] = [
  ['nothing at all', '', 'VALIDATION_FAILED'],
  ['SVG with a script', SVG, 'MEDIA_TYPE_REFUSED', { name: 'logo.svg' }],
  ['SVG with a script, as PNG', SVG, 'MEDIA_TYPE_REFUSED'],
  ['SVG behind an XML declaration', `<?xml version="1.0"?>\n${SVG}`, 'MEDIA_TYPE_REFUSED', { name: 'logo.svg' }],
  ['XML with external entities', '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>', 'MEDIA_TYPE_REFUSED', { name: 'a.xml' }],
  ['HTML as PNG', `<!DOCTYPE html>${SCRIPT}`, 'MEDIA_TYPE_REFUSED'],
  ['HTML behind white space', ' \t\r\n'.repeat(20_000) + `<html>${SCRIPT}`, 'MEDIA_TYPE_REFUSED', { name: 'notes.txt' }],
  ['HTML behind a byte order mark', '\ufeff<body onload=alert(1)>', 'MEDIA_TYPE_REFUSED', { name: 'notes.txt' }],
  ['HTML behind a comment', `<!-- GIF89a -->${SCRIPT}`, 'MEDIA_TYPE_REFUSED', { name: 'a.gif' }],
  ['a tag that no browser knows', '<x onclick=alert(1)>', 'MEDIA_TYPE_REFUSED'],
  ['HTML in another encoding', Buffer.from(`\ufeff<html>${SCRIPT}`, 'utf16le').swap16(), 'MEDIA_TYPE_REFUSED'],
  ['a program for Windows, as JPEG', Buffer.concat([Buffer.from('MZ\x90\0'), Buffer.alloc(500)]), 'MEDIA_TYPE_REFUSED', { name: 'photo.jpg' }],
  ['a program for Linux, as PDF', Buffer.concat([Buffer.from('\x7fELF\x02\x01\x01\0'), Buffer.alloc(500)]), 'MEDIA_TYPE_REFUSED', { name: 'invoice.pdf' }],
  ['a program for a Mac', Buffer.concat([Buffer.from('cffaedfe', 'hex'), Buffer.alloc(500)]), 'MEDIA_TYPE_REFUSED'],
  ['WebAssembly', Buffer.from('\0asm\x01\0\0\0'), 'MEDIA_TYPE_REFUSED'],
  ['a Java archive, as ZIP', zip({ name: 'META-INF/MANIFEST.MF', zeros: 10 }), 'MEDIA_TYPE_REFUSED', { name: 'a.zip' }],
  ['Flash', Buffer.concat([Buffer.from('FWS\x09'), Buffer.alloc(100)]), 'MEDIA_TYPE_REFUSED'],
  ['a shortcut', Buffer.concat([Buffer.from('4c0000000114020000000000c000000000000046', 'hex'), Buffer.alloc(100)]), 'MEDIA_TYPE_REFUSED', { name: 'photo.lnk' }],
  ['TIFF, which may say where it was taken', Buffer.concat([Buffer.from('II*\0\x08\0\0\0'), Buffer.alloc(100)]), 'MEDIA_TYPE_REFUSED', { name: 'photo.tif' }],
  ['HEIC, likewise', Buffer.concat([box('ftyp', 'heic\0\0\0\0mif1heic'), Buffer.alloc(100)]), 'MEDIA_TYPE_REFUSED', { name: 'photo.heic' }],
  ['PostScript', '%!PS-Adobe-3.0 EPSF-3.0\n(/etc/passwd) run', 'MEDIA_TYPE_REFUSED', { name: 'drawing.eps' }],
  ['text with NUL', 'hello\0world', 'MEDIA_TYPE_REFUSED', { name: 'a.txt' }],
  ['text that is not well-formed', Buffer.from('plain \xfc', 'latin1'), 'MEDIA_TYPE_REFUSED', { name: 'a.txt' }],
  ['no type that anybody knows', Buffer.from(Array.from({ length: 5000 }, (_, index) => (index * 197 + 13) & 255)), 'MEDIA_TYPE_REFUSED'],
  ['a picture as a voice message', png, 'MEDIA_TYPE_REFUSED', { voice: true }],

  ['JPEG, cut short', jpeg.subarray(0, jpeg.length >> 1), 'VALIDATION_FAILED'],
  ['PNG, cut short', png.subarray(0, png.length >> 1), 'VALIDATION_FAILED'],
  ['GIF, cut short', gif.subarray(0, gif.length >> 1), 'VALIDATION_FAILED'],
  ['WebP, cut short', (await noise(40, 30).webp().toBuffer()).subarray(0, 200), 'VALIDATION_FAILED'],
  ['AVIF, cut short', (await noise(40, 30).avif().toBuffer()).subarray(0, 300), 'VALIDATION_FAILED'],
  ['the head of a JPEG before a page', Buffer.from(`\xff\xd8\xff\xe0\0\x10JFIF\0${SCRIPT}`, 'latin1'), 'VALIDATION_FAILED'],
  ['the head of a GIF before a script', `GIF89a/*\0${'\0'.repeat(20)}*/=1;alert(1)//`, 'VALIDATION_FAILED', { name: 'a.gif' }],
  ['the head of a PNG before a page', Buffer.concat([png.subarray(0, 33), Buffer.from(SCRIPT)]), 'VALIDATION_FAILED'],
  ['a PNG whose chunk says it is 4 GB long', Buffer.concat([png.subarray(0, 33), Buffer.from('fffffff0', 'hex'), png.subarray(37)]), 'MEDIA_TYPE_REFUSED'],
  ['PNG: 400 million pixels in 50 KB', bomb(), 'TOO_LARGE'],
  ['PNG: says it has a hundred million pixels', pngClaiming(png, 10_000, 10_000), 'TOO_LARGE'],
  ['PNG: says it has more pixels than there can be', pngClaiming(png, 0x7fffffff, 0x7fffffff), 'VALIDATION_FAILED'],
  ['GIF: two thousand pictures and one', await animation(1, 1, 2001).gif({ effort: 1 }).toBuffer(), 'TOO_LARGE'],

  ['MP4 of nothing', FTYP, 'VALIDATION_FAILED'],
  ['MP4 whose box says it is 4 GB long', Buffer.concat([FTYP, box('moov', '', 0xfffffff0)]), 'VALIDATION_FAILED'],
  ['MP4 whose box has no length', Buffer.concat([FTYP, box('moov', Buffer.alloc(100), 1), Buffer.alloc(100)]), 'VALIDATION_FAILED'],
  ['MP4 of twenty thousand boxes in each other', Buffer.concat([FTYP, ...Array.from({ length: 20_000 }, (_, depth) => box('moov', '', 8 * (20_000 - depth)))]), 'VALIDATION_FAILED'],
  ['WebM, cut short', (await video('webm', { width: 64, height: 64 })).subarray(0, 60), 'VALIDATION_FAILED'],
  ['WAV of nothing', wavHeader(0, 8000, 1), 'VALIDATION_FAILED'],
  ['sound of thirty thousand channels', Buffer.concat([wavHeader(200, 8000, 30_000), Buffer.alloc(200)]), 'VALIDATION_FAILED', { voice: true }],
  ['the head of an MP3 before a page', Buffer.from(`ID3\x04\0\0\0\0\0\0${SCRIPT}`, 'latin1'), 'MEDIA_TYPE_REFUSED'],
]

let before = 0
t.test('what has to be loaded for any file is', async t => {
  for (const sample of [png, jpeg, gif, await m4a(1), 'text']) await kept(t, sample)
  for (const sample of [SVG, jpeg.subarray(0, 100), FTYP]) await sendFile(sample)
  await Promise.all(Array.from({ length: 20 }, () => sendFile(Buffer.alloc(MAX_BYTES + 1)))) // what many at once leave lying about
  await nothingIsLeft(t)
  before = await memory()
})

t.test('files that are refused', async t => {
  t.ok(REFUSED.length >= 45)
  const used = diskUse()
  for (const [name, content, code, options] of REFUSED) {
    const answer = await sendFile(content, options)
    t.match(answer, { status: { VALIDATION_FAILED: 400, TOO_LARGE: 413, MEDIA_TYPE_REFUSED: 415 }[code], code }, name)
  }
  await nothingIsLeft(t, used)
})

t.test('files that are kept, and harmless', async t => {
  const polyglot = async (content: Buffer, mimeType: string) => {
    const { attachment, bytes, headers } = await kept(t, content, { name: 'polyglot.html' })
    t.equal(attachment.mimeType, mimeType)
    t.match(attachment.fileName, /^polyglot\.html\.(png|jpg|gif)$/)
    t.notOk(bytes.includes('script') || bytes.includes('alert') || bytes.includes('PK\x03\x04'), 'there are pixels in it, and nothing else')
    t.match(headers.get('content-disposition'), /^inline/)
  }
  const comment = Buffer.concat([Buffer.from([0x21, 0xfe, 18]), Buffer.from('*/=1;alert("hi")//'), Buffer.from([0])])
  await polyglot(Buffer.concat([jpeg, Buffer.from(SCRIPT), zip({ name: 'a', zeros: 10 })]), 'image/jpeg')
  await polyglot(Buffer.concat([jpeg.subarray(0, 2), Buffer.from([0xff, 0xfe, 0, SCRIPT.length + 2]), Buffer.from(SCRIPT), jpeg.subarray(2)]), 'image/jpeg')
  await polyglot(Buffer.concat([gif.subarray(0, -1), comment, gif.subarray(-1), Buffer.from(SCRIPT)]), 'image/gif')
  await polyglot(Buffer.concat([png.subarray(0, 33), chunk('tEXt', Buffer.from(`Comment\0${SCRIPT}`)), png.subarray(33), Buffer.from(SCRIPT)]), 'image/png')

  for (const [content, mimeType] of [
    [zip({ name: '../../../../tmp/evil', zeros: 30_000_000 }, { name: 'CON', zeros: 30_000_000 }), 'application/zip'],
    ['%PDF-1.7\n1 0 obj <</S /JavaScript /JS (app.alert(1))>> endobj', 'application/pdf'],
    [`hello ${SCRIPT}`, 'text/plain'],
    ['=cmd|calc!A0,1', 'text/plain'],
  ] as const) {
    const { attachment, bytes, headers } = await kept(t, content)
    t.match(attachment, { kind: 'file', mimeType, thumbnailUrl: null })
    t.strictSame(bytes, Buffer.from(content), 'as it was')
    t.match(headers.get('content-disposition'), /^attachment/)
  }
  const film = await kept(t, Buffer.concat([await video('mp4', { width: 64, height: 64 }), box('free', SCRIPT)]), { name: 'film.html' })
  t.match(film.attachment, { mimeType: 'video/mp4', fileName: 'film.html.mp4' })
  await nothingIsLeft(t)
})

t.test('names that are meant to be something else', async t => {
  for (const [given, expected] of [
    ['../../../etc/passwd', 'passwd.txt'],
    ['..\\..\\boot.ini', 'boot.ini.txt'],
    ['/etc/cron.d/evil', 'evil.txt'],
    ['C:\\evil.txt', 'evil.txt'],
    ['CON', '_CON.txt'],
    ['nul.txt', '_nul.txt'],
    ['a\0b.txt', 'ab.txt'],
    ['harmless\u202etxt.exe', 'harmlesstxt.exe.txt'],
    ['x'.repeat(10_000), `${'x'.repeat(195)}.txt`],
    ['<img src=x onerror=alert(1)>.txt', '_img src=x onerror=alert(1)_.txt'],
    ['run.bat', 'run.bat.txt'],
    ['.', 'file.txt'],
    ['übung 写真 🙂.txt', 'übung 写真 🙂.txt'],
  ] as const) {
    const { attachment, headers } = await kept(t, 'hello', { name: given })
    t.equal(attachment.fileName, expected)
    t.match(headers.get('content-disposition'), /^attachment; filename="[ -~]*"; filename\*=UTF-8''[\w%.!#$&+^`|~-]+$/)
  }
  await nothingIsLeft(t)
})

t.test('requests that are not what they say', async t => {
  const used = diskUse()
  const chat = field('chatId', chatId)
  const many = (count: number, each: Buffer) => Array.from({ length: count }, () => each)
  const zeros = Buffer.alloc(65_536)
  const headersOnly = Buffer.from(`--${BOUNDARY}\r\n`)
  const cases: [name: string, answer: ReturnType<typeof post>, codes: (string | undefined)[]][] = [
    ['a file that is too large', post([chat, file(Buffer.alloc(MAX_BYTES + 1)), END]), ['TOO_LARGE']],
    ['a request that says it is too large', post([chat], { headers: { 'content-length': '999999999999' } }), ['TOO_LARGE']],
    ['a request that is too large, and does not say so', post([chat, file('').subarray(0, -2)], { headers: { 'content-length': undefined, 'transfer-encoding': 'chunked' }, body: [], endless: Buffer.concat([Buffer.from('10000\r\n'), zeros, Buffer.from('\r\n')]) }), ['TOO_LARGE']],
    ['a part without an end', post([chat, file(Buffer.alloc(100_000)).subarray(0, -2)]), ['VALIDATION_FAILED']],
    ['a part without an end, too large', post([chat, file(Buffer.alloc(2 * MAX_BYTES)).subarray(0, -2)]), ['VALIDATION_FAILED']],
    ['more than was announced, without an end', post([], { headers: { 'content-length': `${2 * MAX_BYTES}` }, body: [chat, file('').subarray(0, -2)], endless: zeros }), ['VALIDATION_FAILED', undefined]],
    ['no end boundary', post([chat, file('hello')]), ['VALIDATION_FAILED']],
    ['no end boundary, and broken off', post([chat, file('hello')], { headers: { 'content-length': '5000' }, hangUp: true }), ['VALIDATION_FAILED', undefined]],
    ['a Content-Length that is too short', post([chat, file('hello'), END], { headers: { 'content-length': '150' } }), ['VALIDATION_FAILED']],
    ['a Content-Length that is none', post([chat, file('hello'), END], { headers: { 'content-length': '-5' } }), ['VALIDATION_FAILED', undefined]],
    ['ten thousand files', post([chat, ...many(10_000, file('a')), END]), ['VALIDATION_FAILED']],
    ['ten thousand fields', post([...many(10_000, field('a', 'b')), END]), ['VALIDATION_FAILED']],
    ['ten thousand parts without a name', post([chat, ...many(10_000, Buffer.concat([headersOnly, Buffer.from('\r\na\r\n')])), END]), ['VALIDATION_FAILED']],
    ['eleven files', post([chat, ...many(11, file('a')), END]), ['VALIDATION_FAILED']],
    ['a header without an end', post([chat, headersOnly, Buffer.alloc(500_000, 'a'), END]), ['VALIDATION_FAILED']],
    ['a header of two thousand lines', post([chat, headersOnly, Buffer.from('x-a: b\r\n'.repeat(2000)), Buffer.from('\r\na\r\n'), END]), ['VALIDATION_FAILED']],
    ['a field that is too long', post([chat, field('voice', 'a'.repeat(2_000_000)), file('a'), END]), ['VALIDATION_FAILED']],
    ['a field by the name of what every object has', post([chat, field('__proto__', 'a'), file('a'), END]), ['VALIDATION_FAILED']],
    ['a chat that is an object', post([Buffer.from(`--${BOUNDARY}\r\nContent-Disposition: form-data; name="chatId"\r\nContent-Type: application/json\r\n\r\n{"a":1}\r\n`), file('a'), END]), ['VALIDATION_FAILED']],
    ['no boundary', post([chat, file('a'), END], { headers: { 'content-type': 'multipart/form-data' } }), ['VALIDATION_FAILED']],
    ['a boundary of ten thousand characters', post([chat, file('a'), END], { headers: { 'content-type': `multipart/form-data; boundary=${'a'.repeat(10_000)}` } }), ['VALIDATION_FAILED']],
    ['another boundary', post([chat, file('a'), END], { headers: { 'content-type': 'multipart/form-data; boundary=else' } }), ['VALIDATION_FAILED']],
    ['nothing at all', post([]), ['VALIDATION_FAILED']],
    ['an end, and nothing before it', post([END]), ['VALIDATION_FAILED']],
    ['no chat', post([file('a'), END]), ['VALIDATION_FAILED']],
    ['a chat that is none', post([field('chatId', '../../x'), file('a'), END]), ['VALIDATION_FAILED']],
    ['a chat that nobody is in', post([field('chatId', '00000000-0000-7000-8000-000000000000'), file('a'), END]), ['CHAT_NOT_FOUND']],
    ['a chat of others, told behind the file', post([file(Buffer.alloc(100_000, 'a')), field('chatId', '00000000-0000-7000-8000-000000000000'), END]), ['CHAT_NOT_FOUND']],
    ['no token', post([chat, file('a'), END], { headers: { authorization: '' } }), ['TOKEN_MISSING']],
  ]
  for (const [name, answer, codes] of cases) {
    const got = await answer
    t.ok(codes.includes(got?.code), `${name}: ${got?.status} ${got?.code}`)
    if (got) t.ok(got.status >= 400 && got.status < 500, `${name}: ${got.status}`)
  }
  await nothingIsLeft(t, used)
})

t.test('afterwards the server is what it was', async t => {
  await server.assertAlive()
  const after = await memory()
  t.ok(after - before < 30, `${Math.round(after)} MB, at first ${Math.round(before)} MB`)
})

t.test('parts, and then anything, without an end', async t => {
  const used = diskUse()
  const chunked = (bytes: Buffer) => Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')])
  const chat = field('chatId', chatId)
  const open = file('').subarray(0, -2)
  for (const [name, parts, code] of [
    ['a file', [chat, open], 'TOO_LARGE'],
    ['what is behind the last part', [chat, file('a'), END], 'TOO_LARGE'],
    ['a file of a stranger, who is not waited for', [field('chatId', '00000000-0000-7000-8000-000000000000'), open], 'CHAT_NOT_FOUND'],
  ] as const) {
    const answer = await post([], { headers: { 'content-length': undefined, 'transfer-encoding': 'chunked' }, body: parts.map(chunked), endless: chunked(Buffer.alloc(65_536)) })
    t.equal(answer?.code, code, name)
  }
  await nothingIsLeft(t, used)
  await server.assertAlive()
})
