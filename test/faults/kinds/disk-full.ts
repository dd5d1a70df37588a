import { rm, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Fault } from './fault.ts'

const FULL_MS = 10_000
const ONE_MIB = Buffer.alloc(1024 * 1024)

/** Nothing more can be written: until the file has gone. */
async function fill (dir: string): Promise<() => Promise<void>> {
  const file = join(dir, 'ballast')
  await writeFile(file, '')
  for (let piece = ONE_MIB; piece.length > 0;) {
    const { bavail } = await statfs(dir)
    if (bavail === 0) break
    await writeFile(file, piece, { flag: 'a' }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOSPC') throw error
      piece = piece.subarray(0, Math.floor(piece.length / 2))
    })
  }
  return () => rm(file)
}

export const diskFull: Fault = {
  name: 'disk-full',
  what: `the file system with the tables has no space left for ${FULL_MS / 1000} s (that of the WAL has: else PostgreSQL ends, which is postgres-killed)`,
  needsDisk: true,
  async strike ({ disk }) {
    if (disk === null) throw new Error('There is no small disk')
    const empty = await fill(disk)
    await pause(FULL_MS)
    await empty()
  },
}
