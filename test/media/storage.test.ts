// Both stores promise the same. S3 is spoken over HTTP, with a server of the registry.
import { createHash, randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { diskStorage } from '../../src/media/storage/disk.ts'
import { s3Storage } from '../../src/media/storage/s3.ts'
import type { Storage } from '../../src/media/storage/storage.ts'
import { startS3 } from '../helpers/s3.ts'

const folder = async (t: Test) => {
  const dir = await mkdtemp(join(tmpdir(), 'parley-storage-'))
  t.after(() => rm(dir, { recursive: true }))
  return dir
}

interface Kind { open: (t: Test, dir: string) => Promise<Storage>, takesUploads: boolean }

const KINDS: Record<string, Kind> = {
  disk: { takesUploads: false, open: async (_t, dir) => diskStorage(dir) },
  s3: {
    takesUploads: true,
    open: async t => {
      const storage = s3Storage(await startS3(t))
      t.after(() => storage.close())
      return storage
    },
  },
}

for (const [kind, { open, takesUploads }] of Object.entries(KINDS)) {
  t.test(kind, async t => {
    const dir = await folder(t)
    const storage = await open(t, dir)
    await mkdir(join(dir, 'tmp'))
    let files = 0
    const put = async (key: string, bytes: Buffer) => {
      const path = join(dir, 'tmp', `${++files}`)
      await writeFile(path, bytes)
      await storage.put(key, path)
    }
    const get = async (key: string, range?: { start: number, end: number }) => buffer(await storage.read(key, range) as Readable)
    const keys = async (under: string) => {
      const found: string[] = []
      for await (const { key } of storage.list(under)) found.push(key)
      return found.toSorted()
    }

    t.test('what was put there is read, whole and in parts', async t => {
      const bytes = randomBytes(300_000)
      await put('objects/ab/cd/one', bytes)
      t.equal(await storage.size('objects/ab/cd/one'), 300_000)
      t.ok(bytes.equals(await get('objects/ab/cd/one')))
      t.ok(bytes.subarray(0, 2).equals(await get('objects/ab/cd/one', { start: 0, end: 1 })))
      t.ok(bytes.subarray(99_000, 200_001).equals(await get('objects/ab/cd/one', { start: 99_000, end: 200_000 })))
      t.ok(bytes.subarray(299_999).equals(await get('objects/ab/cd/one', { start: 299_999, end: 299_999 })))
    })

    t.test('again, and with other bytes', async t => {
      await put('objects/ab/cd/two', Buffer.from('one'))
      await put('objects/ab/cd/two', Buffer.from('one'))
      t.equal(String(await get('objects/ab/cd/two')), 'one')
      await put('objects/ab/cd/two', Buffer.from('another'))
      t.equal(String(await get('objects/ab/cd/two')), 'another')
    })

    t.test('what is not there', async t => {
      t.equal(await storage.size('objects/no/no/no'), undefined)
      t.equal(await storage.read('objects/no/no/no'), undefined)
      await storage.remove('objects/no/no/no')
      t.strictSame(await keys('nothing'), [])
    })

    t.test('what has been removed', async t => {
      await put('objects/xx/yy/gone', Buffer.from('x'))
      await storage.remove('objects/xx/yy/gone')
      t.equal(await storage.size('objects/xx/yy/gone'), undefined)
      t.equal(await storage.read('objects/xx/yy/gone'), undefined)
    })

    t.test('the list of a folder, with times', async t => {
      const before = Date.now()
      await put('uploads/a', Buffer.from('a'))
      await put('uploads/b', Buffer.from('b'))
      await put('uploadsnot/c', Buffer.from('c'))
      t.strictSame(await keys('uploads'), ['uploads/a', 'uploads/b'])
      for await (const { changedAt } of storage.list('uploads')) t.ok(Math.abs(changedAt.getTime() - before) < 3_600_000)
    })

    t.test('a large file, which goes in parts', async t => {
      const bytes = randomBytes(17 * 1024 * 1024)
      await put('objects/la/rg/e', bytes)
      const hash = createHash('sha256')
      for await (const chunk of await storage.read('objects/la/rg/e') as Readable) hash.update(chunk)
      t.equal(hash.digest('hex'), createHash('sha256').update(bytes).digest('hex'))
    })

    t.test('a file that is not there cannot be put, and nothing is there then', async t => {
      await t.rejects(storage.put('objects/fa/il/ed', join(dir, 'tmp', 'none')))
      t.equal(await storage.size('objects/fa/il/ed'), undefined)
    })

    t.test('an upload by the client itself', async t => {
      const target = await storage.uploadTarget('uploads/mine', { size: 5, seconds: 60 })
      t.equal(target !== undefined, takesUploads)
      if (!target) return
      const { status } = await fetch(target.url, { method: 'PUT', body: 'hello', headers: { ...target.headers } })
      t.equal(status, 200)
      t.equal(String(await get('uploads/mine')), 'hello')
    })

    if (kind === 'disk') t.test('what was put has left nothing behind', async t => t.strictSame(await readdir(join(dir, 'tmp')), []))
  })
}
t.end()
