// Files on their way in and out.
import t from 'tap'
import { startParley } from '../helpers/parley.ts'
import { download, picture, upload, uploadOne } from '../helpers/media.ts'
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
t.end()
