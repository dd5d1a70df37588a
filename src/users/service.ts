import type { Changes } from '../changes.ts'
import type { Config } from '../config.ts'
import { ApiError } from '../errors.ts'
import type { Identity } from '../plugins/auth.ts'
import type { Database, Queryable } from '../plugins/database.ts'
import { acquaintances, countUsers, getMe, insertUnknownUsers, markUserChanged, mirrorUser, updateUser, visibleUsers, type UserChange } from './queries.ts'
import type { Me, UpdateMe, User } from './schemas.ts'

export type UsersService = ReturnType<typeof usersService>

/** How long a REST caller who has just been looked up is not looked up again: a ban takes effect within it. */
const KNOWN_FOR_MS = 5_000
const KNOWN_MAX = 10_000

export interface UsersDependencies { db: Database, changes: Changes, config: Pick<Config, 'unknownUsers'> }

export function usersService ({ db, changes, config: { unknownUsers } }: UsersDependencies) {
  const known = new Map<string, number>()

  /** All devices of the user follow; what others see of it, those are told with whom they share a small chat. */
  async function change (userId: string, wanted: UserChange): Promise<void> {
    await changes.run({ inboxes: [userId] }, async change => {
      const changed = await updateUser(change.tx, userId, wanted)
      if (!changed) return
      const inboxRevisions = await change.takeInboxRevisions([userId])
      await markUserChanged(change.tx, userId, inboxRevisions.get(userId) ?? 0)
      if (!changed.profileChanged) return
      const userIds = await acquaintances(change.tx, userId)
      if (userIds.length > 0) change.tell({ kind: 'fleeting', type: 'user_updated', data: JSON.stringify({ user: changed.user }), userIds })
    })
  }

  async function admit (identity: Identity): Promise<void> {
    const user = await mirrorUser(db, identity)
    if (user.banned) throw new ApiError('USER_BANNED')
    if (user.tokensValidFrom && (identity.issuedAt ?? 0) < user.tokensValidFrom.getTime()) throw new ApiError('TOKEN_INVALID')
    const { userId, displayName, avatarUrl } = identity
    if (user.differs) await change(userId, { ...(displayName !== null && { displayName }), ...(avatarUrl !== null && { avatarUrl }) })
  }

  /** The same for every REST request, at the cost of a look-up every few seconds. */
  async function admitOften (identity: Identity): Promise<void> {
    const key = JSON.stringify([identity.userId, identity.displayName, identity.avatarUrl, identity.issuedAt])
    if ((known.get(key) ?? 0) > Date.now()) return
    known.delete(key)
    await admit(identity)
    if (known.size >= KNOWN_MAX) known.clear()
    known.set(key, Date.now() + KNOWN_FOR_MS)
  }

  async function me (userId: string): Promise<Me> {
    const found = await getMe(db, userId)
    if (!found) throw new ApiError('USER_NOT_FOUND')
    return found
  }

  return {
    /** Mirrors the user of a verified token. @throws {ApiError} USER_BANNED; TOKEN_INVALID if issued before `tokensValidFrom` */
    admit,

    admitOften,

    /** The same for who has something else than a token, that was given to them then (in milliseconds). */
    async admitWithoutToken (userId: string, issuedAt: number): Promise<void> {
      await admitOften({ userId, issuedAt, displayName: null, avatarUrl: null, role: null, expiresAt: 0 })
    },

    /** What has changed about the user counts for their next request. */
    forget (userId: string): void {
      const prefix = JSON.stringify([userId]).slice(0, -1)
      for (const key of known.keys()) if (key.startsWith(`${prefix},`)) known.delete(key)
    },

    /** Sees to it that these users exist; in a transaction, so that what is refused leaves nobody behind. @throws {ApiError} USER_NOT_FOUND where unknown users are refused */
    async ensure (tx: Queryable, userIds: string[]): Promise<void> {
      const distinct = [...new Set(userIds)]
      if (unknownUsers === 'create') await insertUnknownUsers(tx, distinct)
      else if (await countUsers(tx, distinct) < distinct.length) throw new ApiError('USER_NOT_FOUND')
    },

    me,

    /** What the application says of a user who is there. */
    change,

    /** @throws {ApiError} VALIDATION_FAILED for a name or picture that the token says */
    async update ({ userId, displayName, avatarUrl }: Identity, wanted: UpdateMe): Promise<Me> {
      const claims = { displayName, avatarUrl }
      for (const field of ['displayName', 'avatarUrl'] as const) {
        if (wanted[field] !== undefined && claims[field] !== null) throw new ApiError('VALIDATION_FAILED', `${field} is what your token says`, { details: { field } })
      }
      await change(userId, wanted)
      return me(userId)
    },

    /** @throws {ApiError} USER_NOT_FOUND unless it is the viewer or somebody with whom they share a chat */
    async get (viewerId: string, userId: string): Promise<User> {
      const [user] = await visibleUsers(db, viewerId, [userId])
      if (!user) throw new ApiError('USER_NOT_FOUND')
      return user
    },
  }
}
