import { ApiError } from '../errors.ts'
import type { Admin } from '../plugins/admin.ts'
import type { Database, Queryable } from '../plugins/database.ts'
import type { Hub } from '../realtime/hub.ts'
import { CLOSE } from '../realtime/protocol.ts'
import { setBan } from './queries.ts'
import type { Ban, BanUser } from './schemas.ts'

export type BansService = ReturnType<typeof bansService>

export interface BansDependencies {
  db: Database
  hub: Hub
  /** Sees to it that these users exist. */
  ensureUsers: (tx: Queryable, userIds: string[]) => Promise<void>
}

/** The last time that RFC 3339 can say. */
const FOR_EVER = '9999-12-31T23:59:59.999Z'

/** Who may not use the application at all. Their sockets are closed at once, on all nodes; where that is not heard, by the sweep. */
export function bansService ({ db, hub, ensureUsers }: BansDependencies) {
  /** As a part of something more; call what it returns once that is committed. @throws {ApiError} TARGET_IS_SELF, USER_NOT_FOUND */
  async function write (tx: Queryable, admin: Admin, userId: string, until: string | null, reason: string | null): Promise<() => Ban> {
    if (admin.userId === userId) throw new ApiError('TARGET_IS_SELF')
    await ensureUsers(tx, [userId])
    const written = await setBan(tx, userId, until, reason)
    if (!written) throw new ApiError('USER_NOT_FOUND')
    const { isBanned, ...ban } = written
    return () => {
      if (isBanned) hub.publish([{ kind: 'expel', userId, code: CLOSE.BANNED }])
      return ban
    }
  }

  return {
    write,

    /** Until a time, for some seconds, or for ever; in place of any ban before. @throws {ApiError} TARGET_IS_SELF, USER_NOT_FOUND */
    async ban (admin: Admin, userId: string, { seconds, until, reason }: BanUser): Promise<Ban> {
      if (seconds !== undefined && until !== undefined) throw new ApiError('VALIDATION_FAILED', 'Only one of seconds and until can be given', { details: { field: 'until' } })
      const end = until ?? after(seconds)
      return (await db.transaction(tx => write(tx, admin, userId, end, reason ?? null)))()
    },

    async unban (admin: Admin, userId: string): Promise<Ban> {
      return (await db.transaction(tx => write(tx, admin, userId, null, null)))()
    },
  }
}

/** When so many seconds are over; undefined: at the end of time. */
export function after (seconds: number | undefined): string {
  return seconds === undefined ? FOR_EVER : new Date(Date.now() + seconds * 1000).toISOString()
}
