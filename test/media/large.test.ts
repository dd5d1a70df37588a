// A large file goes through, and not through memory.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import t from 'tap'
import { dataFolder } from '../helpers/process.ts'
import { createDatabase } from '../helpers/database.ts'
import { uploadOne, uploadSlowly } from '../helpers/media.ts'
import { makeGroup } from '../helpers/world.ts'
import { ServerProcess } from '../faults/helpers/server-process.ts'

const MIB = 1024 * 1024
const CHUNK = Buffer.from('0123456789abcdef'.repeat(4096))
const SIZE = 200 * MIB

/** The process and its children: what files are looked at with is one of them. */
function processes (pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap(task => readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number))
  return [pid, ...children.flatMap(processes)]
}

const bytesOf = (pid: number, field: string) => Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024
const total = (pid: number, field: string) => processes(pid).reduce((sum, each) => sum + bytesOf(each, field), 0)

t.test('200 MB, with less than 60 MB more memory', { skip: process.platform !== 'linux' && 'the peak of a process is told by Linux' }, async t => {
  const dir = await dataFolder(t)
  const server = await ServerProcess.start(t, { DATABASE_URL: await createDatabase(t), DATA_DIR: dir, MEDIA_MAX_BYTES: `${SIZE}`, JOBS: 'off' })
  const chatId = await makeGroup(server, 'alice', ['bob'])
  await uploadOne(server, 'alice', chatId, { name: 'small.txt', bytes: 'small' }) // what is loaded for any file is loaded
  const before = total(server.pid, 'VmRSS')
  for (const pid of processes(server.pid)) writeFileSync(`/proc/${pid}/clear_refs`, '5') // the peak begins anew

  const hash = createHash('sha256')
  const { status, body } = await uploadSlowly(server, 'alice', chatId, Readable.from((function * () {
    for (let sent = 0; sent < SIZE; sent += CHUNK.length) {
      hash.update(CHUNK)
      yield CHUNK
    }
  })(), { objectMode: false }))
  t.equal(status, 201)
  t.match(body.data[0], { attachment: { size: SIZE, mimeType: 'text/plain' } })
  const response = await fetch(`${server.url}${body.data[0]?.attachment?.url}`, { headers: { authorization: `Bearer ${server.token('alice')}` } })
  const received = createHash('sha256')
  for await (const chunk of response.body as unknown as AsyncIterable<Buffer>) received.update(chunk)
  t.equal(received.digest('hex'), hash.digest('hex'))
  const grown = (total(server.pid, 'VmHWM') - before) / MIB
  t.comment(`${grown.toFixed(1)} MB more`)
  t.ok(grown < 60, `${grown.toFixed(1)} MB more`)
})
t.end()
