import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, rename, stat, unlink, type FileHandle } from 'node:fs/promises'
import { once } from 'node:events'
import { dirname, join, relative, sep } from 'node:path'
import { Readable } from 'node:stream'
import type { ByteRange, Storage } from './storage.ts'

/** Each read is a trip to another thread, which costs more than to read. */
const READ_BYTES = 256 * 1024
/** Smaller files are on the disk in no time. */
const WORTH_AN_EARLY_START = 1024 * 1024
/** One is on its way out, one waits, one is read into. */
const BUFFERS = 3

/**
 * Files in a folder, which several processes may share. A file comes under its name by a rename, after its bytes are on the
 * disk: whoever finds it finds all of it, also after the power has failed. `put` takes files of the same file system.
 */
export function diskStorage (root: string): Storage {
  const pathOf = (key: string) => join(root, ...key.split('/'))

  return {
    async prepare (path, size) {
      if (size >= WORTH_AN_EARLY_START) await sync(path)
    },

    async put (key, path) {
      const target = pathOf(key)
      const folder = dirname(target)
      const [made] = await Promise.all([mkdir(folder, { recursive: true, mode: 0o700 }), sync(path)])
      await rename(path, target)
      // New folders are entries of those above them.
      const changed = [folder]
      if (made) for (let above = folder; above.length >= made.length;) changed.push(above = dirname(above))
      await Promise.all(changed.map(sync))
    },

    async size (key) {
      const found = await ifThere(stat(pathOf(key)))
      return found?.size
    },

    async read (key, range) {
      const stream = createReadStream(pathOf(key), { ...range, highWaterMark: READ_BYTES })
      return ifThere(once(stream, 'open').then(() => stream))
    },

    async readToPipe (key, range) {
      const handle = await ifThere(open(pathOf(key), 'r'))
      return handle && piped(handle, range)
    },

    async remove (key) {
      await ifThere(unlink(pathOf(key)))
    },

    async * list (folder) {
      const entries = await ifThere(readdir(pathOf(folder), { recursive: true, withFileTypes: true })) ?? []
      for (const entry of entries) {
        if (!entry.isFile()) continue
        const path = join(entry.parentPath, entry.name)
        const found = await ifThere(stat(path))
        if (found) yield { key: relative(root, path).split(sep).join('/'), changedAt: found.mtime }
      }
    },

    uploadTarget: async () => undefined,
    close: async () => {},
  }
}

/**
 * Reads into the same few buffers again and again: new ones for every piece of a large file are what V8 collects the whole heap for, every 64 MB.
 * A piece is taken from the stream only when the one before has gone out (pipe() waits for 'drain', since each fills what may wait), and one more is held ready.
 */
function piped (handle: FileHandle, { start, end }: ByteRange = { start: 0, end: Infinity }): Readable {
  const buffers: Buffer[] = []
  let position = start
  let turn = 0
  return new Readable({
    highWaterMark: READ_BYTES,
    read () {
      const buffer = buffers[turn] ??= Buffer.allocUnsafeSlow(READ_BYTES)
      turn = (turn + 1) % BUFFERS
      handle.read(buffer, 0, Math.min(READ_BYTES, end + 1 - position), position).then(({ bytesRead }) => {
        position += bytesRead
        this.push(bytesRead === 0 ? null : buffer.subarray(0, bytesRead))
      }, error => this.destroy(error))
    },
    destroy (error, done) {
      handle.close().then(() => done(error), done)
    },
  })
}

/** File or folder, down to the disk. */
async function sync (path: string): Promise<void> {
  const handle: FileHandle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function ifThere<Result> (result: Promise<Result>): Promise<Result | undefined> {
  try {
    return await result
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
