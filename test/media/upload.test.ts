// Files on their way in and out.
import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import t from 'tap'
import { startParley } from '../helpers/parley.ts'
import { download, filesOf, picture, sweep, upload, uploadOne, uploadSlowly } from '../helpers/media.ts'
import { makeGroup } from '../helpers/world.ts'

const parley = await startParley(t)
const chatId = await makeGroup(parley, 'alice', ['bob'])

t.test('a text comes back as it went in', async t => {
  const attachment = await uploadOne(parley, 'alice', chatId, { name: 'notes.txt', bytes: 'hello' })
  t.match(attachment, { kind: 'file', fileName: 'notes.txt', size: 5, mimeType: 'text/plain', thumbnailUrl: null })
  const { status, bytes, headers } = await download(parley, attachment.url, { as: 'alice' })
  t.equal(status, 200)
  t.equal(String(bytes), 'hello')
  t.match(Object.fromEntries(headers), { 'content-type': 'text/plain', 'x-content-type-options': 'nosniff', 'content-security-policy': /sandbox/, 'content-disposition': 'attachment; filename="notes.txt"; filename*=UTF-8\'\'notes.txt' })
})

t.test('a picture has a thumbnail', async t => {
  const attachment = await uploadOne(parley, 'alice', chatId, { name: 'red.jpg', bytes: await picture('red') })
  t.match(attachment, { kind: 'image', width: 640, height: 480, mimeType: 'image/jpeg' })
  const { status, headers } = await download(parley, String(attachment.thumbnailUrl), { as: 'alice' })
  t.equal(status, 200)
  t.equal(headers.get('content-type'), 'image/webp')
  t.match(headers.get('content-disposition'), /^inline/)
})

t.test('one bad file does not fail the others', async t => {
  const { status, body } = await upload(parley, 'alice', chatId, [{ name: 'a.txt', bytes: 'one' }, { name: 'evil.txt', bytes: '<html><script>alert(1)</script></html>' }, { name: 'c.txt', bytes: 'three' }])
  t.equal(status, 201)
  t.strictSame(body.summary, { totalAttempted: 3, successful: 2, failed: 1 })
  t.strictSame(body.data.map(({ error }) => error?.code), [undefined, 'MEDIA_TYPE_REFUSED', undefined])
})
t.test('when all are bad the answer is an error, with the same in its details', async t => {
  const { status, body } = await upload(parley, 'alice', chatId, [{ name: 'x.png', bytes: '<svg xmlns="http://www.w3.org/2000/svg"/>' }, { name: 'empty', bytes: '' }])
  t.equal(status, 415)
  t.match(body, { code: 'MEDIA_TYPE_REFUSED', details: { summary: { totalAttempted: 2, successful: 0, failed: 2 }, data: [{ error: { code: 'MEDIA_TYPE_REFUSED' } }, { error: { code: 'VALIDATION_FAILED' } }] } })
})

t.test('parts, and what has not changed', async t => {
  const { url } = await uploadOne(parley, 'alice', chatId, { name: 'digits.txt', bytes: '0123456789' })
  const get = async (headers: Record<string, string>, method = 'GET') => download(parley, url, { as: 'alice', headers, method })
  const part = async (range: string, more = {}) => {
    const { status, bytes, headers } = await get({ range, ...more })
    return [status, String(bytes), headers.get('content-range')]
  }
  t.strictSame(await part('bytes=2-4'), [206, '234', 'bytes 2-4/10'])
  t.strictSame(await part('bytes=0-0'), [206, '0', 'bytes 0-0/10'])
  t.strictSame(await part('bytes=8-'), [206, '89', 'bytes 8-9/10'])
  t.strictSame(await part('bytes=8-99'), [206, '89', 'bytes 8-9/10'])
  t.strictSame(await part('bytes=-3'), [206, '789', 'bytes 7-9/10'])
  t.strictSame(await part('bytes=-99'), [206, '0123456789', 'bytes 0-9/10'])
  t.strictSame(await part('bytes=10-'), [416, '', 'bytes */10'])
  for (const all of ['bytes=4-2', 'bytes=0-1,3-4', 'bytes=-', 'bytes=x', 'lines=1-2']) t.strictSame(await part(all), [200, '0123456789', null], all)
  const etag = String((await get({})).headers.get('etag'))
  t.match(etag, /^"[0-9a-f]{64}"$/)
  t.strictSame(await part('bytes=2-4', { 'if-range': etag }), [206, '234', 'bytes 2-4/10'])
  t.strictSame(await part('bytes=2-4', { 'if-range': '"another"' }), [200, '0123456789', null])
  t.match(await get({ 'if-none-match': `"x", W/${etag}` }), { status: 304 })
  t.match(await get({ 'if-none-match': '"x"' }), { status: 200 })
  const head = await get({}, 'HEAD')
  t.match(head, { status: 200, bytes: Buffer.alloc(0) })
  t.equal(head.headers.get('content-length'), '10')
})

t.test('a reader who is slow gets the same bytes', async t => {
  const bytes = Buffer.from(Array.from({ length: 480_000 }, (_, index) => `${index}`.padStart(63) + '\n').join('')) // more than the kernel holds of a connection
  const { url } = await uploadOne(parley, 'alice', chatId, { name: 'numbers.txt', bytes })
  const [answer] = await once(httpRequest(`${parley.url}${url}`, { headers: { authorization: `Bearer ${parley.token('alice')}` } }).end(), 'response')
  const received: Buffer[] = []
  for await (const chunk of answer) {
    received.push(chunk)
    if (received.length % 100 === 1) await new Promise(resolve => setTimeout(resolve, 50)) // all that lies between is full by then
  }
  t.ok(Buffer.concat(received).equals(bytes))
})

t.test('limits: of a file, of a request, of a user', async t => {
  const small = await startParley(t, { MEDIA_MAX_BYTES: '1000', MEDIA_MAX_REQUEST_BYTES: '5000', MEDIA_USER_QUOTA_BYTES: '2500' })
  const chatId = await makeGroup(small, 'alice', ['bob'])
  const file = (size: number) => ({ name: `${size}.txt`, bytes: 'x'.repeat(size) })
  const { status, body } = await upload(small, 'alice', chatId, [file(1000), file(1001), file(3)])
  t.equal(status, 201)
  t.strictSame(body.data.map(({ error }) => error?.code ?? null), [null, 'TOO_LARGE', null])
  t.equal((await upload(small, 'alice', chatId, [file(900), file(900), file(900), file(900), file(900), file(900)])).status, 413, 'a request')
  const over = await upload(small, 'alice', chatId, [file(998), file(997), file(499)])
  t.strictSame(over.body.data.map(({ error }) => error?.code ?? null), [null, 'TOO_LARGE', null], 'the quota')
  t.equal((await upload(small, 'bob', chatId, [file(1000)])).status, 201, 'which is of one user')
  t.equal((await upload(small, 'bob', chatId, Array.from({ length: 11 }, () => file(1)))).body.code, 'VALIDATION_FAILED', 'eleven files')
  t.equal((await upload(small, 'bob', undefined, [file(1)])).body.code, 'VALIDATION_FAILED', 'for no chat')
  t.equal((await upload(small, 'zoe', chatId, [file(1)])).body.code, 'CHAT_NOT_FOUND', 'for a chat of others')
  t.equal((await upload(small, 'bob', chatId, [])).body.code, 'VALIDATION_FAILED', 'no file')
  t.strictSame(await filesOf(join(small.mediaDir, 'tmp')), [], 'nothing is left of them')
  t.equal((await filesOf(small.mediaDir)).length, 4, 'but what was taken, the same bytes once')
})

t.test('an upload that is broken off leaves nothing', async t => {
  const before = await filesOf(parley.mediaDir)
  const boundary = 'xxxx'
  const sent = httpRequest(`${parley.url}/api/v1/chat/media`, { method: 'POST', headers: { authorization: `Bearer ${parley.token('alice')}`, 'content-type': `multipart/form-data; boundary=${boundary}` } })
  sent.on('error', () => {})
  sent.write(`--${boundary}\r\ncontent-disposition: form-data; name="chatId"\r\n\r\n${chatId}\r\n--${boundary}\r\ncontent-disposition: form-data; name="f"; filename="f.txt"\r\n\r\n${'x'.repeat(100_000)}`)
  await until(async () => (await filesOf(parley.mediaDir)).length > before.length)
  sent.destroy()
  await until(async () => (await filesOf(parley.mediaDir)).length === before.length)
  t.strictSame(await filesOf(parley.mediaDir), before)
})

t.test('a user has only so many uploads on their way', async t => {
  const few = await startParley(t, { MEDIA_UPLOADS_PER_USER: '2' })
  const chatId = await makeGroup(few, 'alice', ['bob'])
  const half = () => {
    const bytes = new Readable({ read () {} })
    bytes.push('half of it')
    return { bytes, answer: uploadSlowly(few, 'alice', chatId, bytes) }
  }
  const underWay = [half(), half()]
  await until(async () => (await filesOf(join(few.mediaDir, 'tmp'))).length === 2)
  const refused = await upload(few, 'alice', chatId, [{ bytes: 'x' }])
  t.match(refused, { status: 429, body: { code: 'RATE_LIMITED', details: { limit: 'MEDIA_UPLOADS_PER_USER', max: 2 } } })
  t.equal((await upload(few, 'bob', chatId, [{ bytes: 'x' }])).status, 201, 'others have their own')
  for (const { bytes, answer } of underWay) {
    bytes.push(null)
    t.equal((await answer).status, 201)
  }
  t.equal((await upload(few, 'alice', chatId, [{ bytes: 'x' }])).status, 201, 'afterwards there is room again')
})

t.test('many notes of one file do not hide those of another', async t => {
  const sql = (text: string, values: unknown[] = []) => parley.app.db.pool.query(text, values)
  const [kept, gone] = [await uploadOne(parley, 'alice', chatId, { bytes: 'noted often' }), await uploadOne(parley, 'alice', chatId, { bytes: 'noted last' })]
  const before = await filesOf(parley.mediaDir)
  await sql('INSERT INTO chat.media_garbage (key) SELECT a.object_hash FROM chat.attachment a, generate_series(1, 250) WHERE a.id = $1', [kept.id])
  await sql('DELETE FROM chat.attachment a WHERE a.id = $1', [gone.id])
  await sweep(parley.app)
  t.equal((await filesOf(parley.mediaDir)).length, before.length - 1)
  t.equal((await sql('SELECT FROM chat.media_garbage')).rowCount, 0)
  t.equal(String((await download(parley, kept.url, { as: 'alice' })).bytes), 'noted often')
})
t.end()

async function until (holds: () => Promise<boolean>): Promise<void> {
  while (!await holds()) await new Promise(resolve => setTimeout(resolve, 5))
}
