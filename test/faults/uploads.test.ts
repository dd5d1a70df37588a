// A server that is killed in the middle of uploads: nobody sees half a file, and the sweep finds all that is left.
import { createHash } from 'node:crypto'
import { readFile, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import t from 'tap'
import { createDatabase } from '../helpers/database.ts'
import { filesOf, sweep, uploadSlowly } from '../helpers/media.ts'
import { startParley } from '../helpers/parley.ts'
import { dataFolder } from '../helpers/process.ts'
import { makeGroup } from '../helpers/world.ts'
import { ServerProcess } from './helpers/server-process.ts'

const UPLOADS = 20

interface Row { hash: string | null, ready: boolean }

t.test('killed in the middle of 20 uploads', async t => {
  const DATABASE_URL = await createDatabase(t)
  const DATA_DIR = await dataFolder(t)
  const dir = join(DATA_DIR, 'media')
  const server = await ServerProcess.start(t, { DATABASE_URL, DATA_DIR, JOBS: 'off' })
  const chatId = await makeGroup(server, 'alice', ['bob'])

  // Some are half way in, others as good as done, a few in the steps between. It is killed as soon as one has been answered.
  const answers: string[] = []
  const first = Promise.withResolvers<void>()
  const underWay = Array.from({ length: UPLOADS }, async (_, n) => {
    const size = 40_000 + n * 20_000
    const isStuck = n % 4 === 3
    const bytes = Buffer.from(`${n} `.repeat(size))
    const stream = new Readable({ read () {} })
    stream.push(isStuck ? bytes.subarray(0, size) : bytes)
    if (!isStuck) stream.push(null)
    const { body } = await uploadSlowly(server, 'alice', chatId, stream)
    answers.push(String(body.data[0]?.attachment?.id))
    first.resolve()
  })
  void Promise.allSettled(underWay)
  await first.promise
  await server.kill()

  const parley = await startParley(t, { DATABASE_URL, DATA_DIR })
  const sql = async <Result extends object>(text: string, values: unknown[] = []) => (await parley.app.db.pool.query<Result>(text, values)).rows
  const left = await filesOf(dir)
  t.ok(left.some(path => path.startsWith('tmp/')), 'there is something to sweep')

  for (const { hash, ready } of await sql<Row>('SELECT object_hash AS hash, ready FROM chat.attachment')) {
    if (!ready) continue
    const bytes = await readFile(join(dir, 'objects', String(hash).slice(0, 2), String(hash).slice(2, 4), String(hash)))
    t.equal(createHash('sha256').update(bytes).digest('hex'), hash, 'who can be seen is whole')
  }
  t.equal((await sql('SELECT FROM chat.attachment WHERE ready AND id = ANY ($1)', [answers])).length, answers.length, 'what was answered is there')
  for (const path of left.filter(each => each.startsWith('objects/'))) {
    t.equal(createHash('sha256').update(await readFile(join(dir, path))).digest('hex'), path.split('/').at(-1), 'in the store there is no half file')
  }

  // A day later: of what was sent with a message everything is there, of all else nothing.
  const kept = String(answers[0])
  await parley.app.db.pool.query('UPDATE chat.attachment SET created_at = created_at + interval \'1 day\' WHERE id = $1', [kept])
  await parley.app.db.pool.query("UPDATE chat.attachment SET created_at = created_at - interval '25 hours'")
  const old = new Date(Date.now() - 25 * 3_600_000)
  for (const path of left) {
    await utimes(join(dir, path), old, old)
    await utimes(join(dir, path, '..'), old, old)
  }
  await sweep(parley.app)
  const [row] = await sql<Row>('SELECT object_hash AS hash, ready FROM chat.attachment')
  t.strictSame(await filesOf(dir), [`objects/${row?.hash?.slice(0, 2)}/${row?.hash?.slice(2, 4)}/${row?.hash}`])
  t.strictSame(await sql<{ hash: string }>('SELECT hash FROM chat.media_object'), [{ hash: row?.hash }])
  t.strictSame(await sql('SELECT FROM chat.media_garbage'), [])
})
t.end()
