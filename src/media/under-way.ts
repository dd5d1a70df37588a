import { randomUUID } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ApiError } from '../errors.ts'

const COME_AGAIN_MS = 1_000

/** Uploads that this process has under way: each has a folder, and a user only so many, so that nobody has all its memory, disk and turns. */
export function underWay ({ tmpDir, maxPerUser }: { tmpDir: string, maxPerUser: number }) {
  const counts = new Map<string, number>()

  /** With a folder that is gone afterwards, whatever happens. @throws {ApiError} RATE_LIMITED: as many are under way already */
  return async function inFolder<Result> (userId: string, work: (dir: string) => Promise<Result>): Promise<Result> {
    const others = counts.get(userId) ?? 0
    if (maxPerUser > 0 && others >= maxPerUser) throw new ApiError('RATE_LIMITED', '', { retryAfterMs: COME_AGAIN_MS, details: { limit: 'MEDIA_UPLOADS_PER_USER', max: maxPerUser } })
    counts.set(userId, others + 1)
    const dir = join(tmpDir, randomUUID())
    try {
      await mkdir(dir, { recursive: true, mode: 0o700 })
      return await work(dir)
    } finally {
      const left = counts.get(userId)! - 1
      if (left > 0) counts.set(userId, left)
      else counts.delete(userId)
      await rm(dir, { recursive: true, force: true })
    }
  }
}
