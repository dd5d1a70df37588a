import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, rename, stat, unlink, type FileHandle } from 'node:fs/promises'
import { once } from 'node:events'
import { dirname, join, relative, sep } from 'node:path'
import type { Storage } from './storage.ts'

/**
 * Files in a folder, which several processes may share. A file comes under its name by a rename, after its bytes are on the
 * disk: whoever finds it finds all of it, also after the power has failed. `put` takes files of the same file system.
 */
export function diskStorage (root: string): Storage {
  const pathOf = (key: string) => join(root, ...key.split('/'))

  return {
    async put (key, path) {
      const target = pathOf(key)
      const folder = dirname(target)
      const made = await mkdir(folder, { recursive: true, mode: 0o700 })
      await sync(path)
      await rename(path, target)
      await sync(folder)
      // New folders are entries of those above them.
      if (made) for (let above = folder; above.length >= made.length; above = dirname(above)) await sync(dirname(above))
    },

    async size (key) {
      const found = await ifThere(stat(pathOf(key)))
      return found?.size
    },

    async read (key, range) {
      const stream = createReadStream(pathOf(key), range)
      return ifThere(once(stream, 'open').then(() => stream))
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
