// The body of an upload, by itself: what is written is what came, and who stands still is told so.
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import multipart from '@fastify/multipart'
import fastify from 'fastify'
import t from 'tap'
import { errorHandler } from '../../src/plugins/error-handler.ts'
import { closeInTheEnd, FORM_LIMITS, FORM_OPTIONS, receiveForm } from '../../src/media/receive.ts'
import { save } from '../../src/media/spool.ts'
import { postRaw } from './raw-http.ts'

const KIB = 1024
const dir = await mkdtemp(join(tmpdir(), 'parley-receive-'))
t.teardown(() => rm(dir, { recursive: true }))

t.test('what is written is what came, however it came', async t => {
  for (const [name, sizes] of Object.entries({
    nothing: [],
    'a byte': [1],
    'pieces, exactly': [512 * KIB, 512 * KIB],
    'more than two pieces at once': [1500 * KIB, 1, 512 * KIB - 1],
    'many, of all sizes': Array.from({ length: 400 }, (_, index) => (index * 7919) % 70_000),
  })) {
    const chunks = sizes.map(size => randomBytes(size))
    const whole = Buffer.concat(chunks)
    const path = join(dir, name)
    t.strictSame(await save(Readable.from(chunks), path), { size: whole.length, hash: createHash('sha256').update(whole).digest('hex') }, name)
    t.ok(whole.equals(await readFile(path)), name)
  }
})

t.test('memory that others use as well is left alone', async t => {
  const shared = Buffer.from(new ArrayBuffer(8), 0, 8).fill('abcdefgh')
  await save(Readable.from([shared.subarray(0, 4)]), join(dir, 'shared'))
  t.equal(String(shared), 'abcdefgh')
})

t.test('who sends nothing any more is told so', async t => {
  const app = fastify()
  await app.register(errorHandler)
  await app.register(multipart, { ...FORM_OPTIONS, limits: FORM_LIMITS })
  app.post('/', (request, reply) => receiveForm(request, { dir, maxRequestBytes: 1e6, onField: async () => {}, stalledMs: 200 }).catch(error => {
    closeInTheEnd(request.raw, reply)
    throw error
  }))
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => app.close())
  const part = '--x\r\ncontent-disposition: form-data; name="f"; filename="f"\r\n\r\nhalf of'
  const answer = await postRaw(url, '/', { headers: { 'content-type': 'multipart/form-data; boundary=x', 'content-length': '1000' }, body: [part] })
  t.match(answer, { status: 400, code: 'VALIDATION_FAILED', body: /stalled/ })
})
t.end()
