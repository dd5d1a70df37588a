// Uploads by a URL: to this server where files lie on its disk, straight into the store where that takes them.
import { createHash } from 'node:crypto'
import { mkdir, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { request } from '../helpers/live.ts'
import { download, filesOf, picture, sweep, uploadOne } from '../helpers/media.ts'
import { startParley } from '../helpers/parley.ts'
import { startS3 } from '../helpers/s3.ts'
import { rest } from '../helpers/wire.ts'
import { makeGroup, sendAny } from '../helpers/world.ts'

interface Target { id: string, method: string, url: string, headers: Record<string, string> }

const sha256 = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex')

for (const kind of ['disk', 's3'] as const) {
  t.test(kind, async t => {
    const s3 = kind === 's3' ? await startS3(t) : undefined
    const parley = await startParley(t, s3
      ? { STORAGE: 's3', S3_BUCKET: s3.bucket, S3_ENDPOINT: String(s3.endpoint), S3_ACCESS_KEY_ID: String(s3.credentials?.accessKeyId), S3_SECRET_ACCESS_KEY: String(s3.credentials?.secretAccessKey) }
      : {})
    const chatId = await makeGroup(parley, 'alice', ['bob'])
    const announce = (bytes: Buffer | string, more: object = {}) =>
      request<Target>(parley, 'alice', 'POST', '/media/upload-url', { chatId, fileName: 'by-url.txt', size: Buffer.byteLength(bytes), sha256: sha256(bytes), ...more })
    const put = async ({ url, method, headers }: Target, bytes: Buffer | string) =>
      (await fetch(new URL(url, parley.url), { method, headers, body: typeof bytes === 'string' ? bytes : new Uint8Array(bytes) })).status
    const complete = async ({ id }: Target) => rest(parley, 'POST', `/api/v1/chat/media/${id}/complete`, { token: parley.token('alice') })
    const left = async () => {
      const keys: string[] = []
      for (const folder of ['objects', 'uploads']) for await (const { key } of parley.app.storage.list(folder)) keys.push(key)
      return keys.toSorted()
    }

    t.test('announced, put, completed, sent', async t => {
      const bytes = await picture('teal', 800, 600)
      const target = await announce(bytes, { fileName: 'sea.jpg' })
      t.equal(target.url.startsWith('http'), kind === 's3')
      t.match(await complete(target), { code: 'VALIDATION_FAILED' }, 'nothing has come')
      const again = await announce(bytes, { fileName: 'sea.jpg' })
      t.ok(await put(again, bytes) < 300)
      const { body } = await complete(again)
      t.match(body, { attachment: { id: again.id, kind: 'image', fileName: 'sea.jpg', width: 800, height: 600 } })
      t.strictSame((await complete(again)).body, body, 'once more says the same')
      const { message: { attachments: [attachment] } } = await sendAny(parley, 'alice', chatId, { attachmentIds: [again.id] })
      t.strictSame(attachment, body.attachment)
      const { status, headers } = await download(parley, String(attachment?.url), { as: 'bob' })
      t.equal(status, 200)
      t.equal(headers.get('content-type'), 'image/jpeg')
      await sweep(parley.app)
      t.strictSame((await left()).filter(key => key.startsWith('uploads/')), [], 'what was uploaded has been kept elsewhere')
    })

    t.test('what is not as announced is void', async t => {
      const before = await left()
      const bad: [string, string, object][] = [
        ['other bytes', 'hellO', {}],
        ['of a type that is not taken', '<html><script>x</script>', { size: 24, sha256: sha256('<html><script>x</script>') }],
      ]
      for (const [name, bytes, more] of bad) {
        const target = await announce('hello', more)
        t.ok(await put(target, bytes) < 300, name)
        t.match((await complete(target)).code, /VALIDATION_FAILED|MEDIA_TYPE_REFUSED/, name)
        t.equal((await complete(target)).code, 'MEDIA_NOT_FOUND', `${name}: gone`)
      }
      await sweep(parley.app)
      t.strictSame(await left(), before)
    })

    t.test('parts of a file, with a token and by a signed URL; and a forged one', async t => {
      const file = await uploadOne(parley, 'alice', chatId, { name: 'digits.txt', bytes: '0123456789' })
      const { data: [signed] } = await request<{ data: { url: string }[] }>(parley, 'alice', 'POST', '/media/urls', { ids: [file.id] })
      const ways: [string, object][] = [[file.url, { as: 'alice' }], [String(signed?.url), {}]]
      for (const [url, who] of ways) {
        const part = async (range: string) => {
          const { status, bytes, headers } = await download(parley, url, { ...who, headers: { range } })
          return [status, String(bytes), headers.get('content-range')]
        }
        t.strictSame(await part('bytes=2-4'), [206, '234', 'bytes 2-4/10'])
        t.strictSame(await part('bytes=-3'), [206, '789', 'bytes 7-9/10'])
        t.strictSame(await part('bytes=9-99'), [206, '9', 'bytes 9-9/10'])
        t.strictSame(await part('bytes=10-'), [416, '', 'bytes */10'])
      }
      const [path, ticket = ''] = String(signed?.url).split('ticket=')
      const [payload = '', signature = ''] = ticket.split('.')
      const forged = Buffer.from(JSON.stringify({ ...JSON.parse(String(Buffer.from(payload, 'base64url'))), userId: 'bob' })).toString('base64url')
      for (const wrong of [`${forged}.${signature}`, `${payload}.`, `${payload}.${'A'.repeat(43)}`]) t.equal((await download(parley, `${path}ticket=${wrong}`)).status, 401)
      t.equal((await rest(parley, 'DELETE', file.url, { token: parley.token('alice') })).status, 204)
      t.equal((await download(parley, String(signed?.url))).status, 404, 'of a file that is no more')
    })

    t.test('larger than files may be', async t => {
      await t.rejects(announce('x', { size: 200 * 1024 * 1024 }), { code: 'TOO_LARGE' })
    })

    if (kind === 'disk') {
      t.test('a URL is good once, and for that size', async t => {
        const target = await announce('hello')
        t.equal(await put(target, 'hello, world'), 413)
        t.equal(await put(target, 'hell'), 400)
        t.equal(await put(target, 'hello'), 204)
        t.equal(await put(target, 'hello'), 409)
        t.match(await complete(target), { status: 200 })
        t.equal(await put(target, 'hello'), 409)
        t.equal(await put({ ...target, url: target.url.replace('ticket=', 'ticket=x') }, 'hello'), 401)
      })
    }

    t.test('what nobody sends goes after a day, and what nobody announced', async t => {
      await sweep(parley.app)
      const kept = await announce('young')
      await put(kept, 'young')
      const before = await left()
      const [waiting, done] = [await announce('waiting'), await announce('done')]
      await put(waiting, 'waiting')
      await put(done, 'done')
      await complete(done)
      await sweep(parley.app)
      t.equal((await left()).length, before.length + 2, 'not yet')
      await parley.app.db.pool.query("UPDATE chat.attachment SET created_at = created_at - interval '25 hours' WHERE id = ANY ($1)", [[waiting.id, done.id]])
      if (kind === 'disk') await stray(parley.mediaDir)
      await sweep(parley.app)
      t.strictSame(await left(), before)
      t.match(await complete(kept), { status: 200 })
      t.equal((await complete(waiting)).code, 'MEDIA_NOT_FOUND')
      t.strictSame((await filesOf(join(parley.mediaDir, 'tmp'))), [])
    })
  })
}
t.end()

/** What a process leaves that is killed, a day ago. */
async function stray (dir: string): Promise<void> {
  const old = new Date(Date.now() - 25 * 3_600_000)
  await mkdir(join(dir, 'tmp', 'killed'), { recursive: true })
  for (const path of ['tmp/killed/0', 'uploads/00000000-0000-7000-8000-000000000000', 'uploads/junk']) {
    await writeFile(join(dir, path), 'x')
    await utimes(join(dir, path), old, old)
  }
  await utimes(join(dir, 'tmp', 'killed'), old, old)
}
