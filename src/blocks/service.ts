import type { Changes } from '../changes.ts'
import { ApiError } from '../errors.ts'
import type { Database, Queryable } from '../plugins/database.ts'
import { deleteBlock, directChatWith, directPeer, insertBlock, markBlocksChanged } from './queries.ts'
import type { BlockChange, Blocks, BlockTarget } from './schemas.ts'

export type BlocksService = ReturnType<typeof blocksService>

export interface BlocksDependencies {
  db: Database
  changes: Changes
  /** Sees to it that these users exist. */
  ensureUsers: (tx: Queryable, userIds: string[]) => Promise<void>
  /** The two may see each other again, as far as it is for this one. */
  unblocked: (userId: string, otherId: string) => Promise<void>
}

/** Enough for a person; a client gets the whole list at once. */
const MAX_BLOCKS = 1_000

export function blocksService ({ db, changes, ensureUsers, unblocked }: BlocksDependencies) {
  async function targetOf (userId: string, target: BlockTarget): Promise<string> {
    if (target.userId === userId) throw new ApiError('TARGET_IS_SELF')
    if (target.userId !== undefined) return target.userId
    const peer = target.chatId === undefined ? undefined : await directPeer(db, target.chatId, userId)
    if (!peer) throw new ApiError('CHAT_NOT_FOUND')
    if (peer.type !== 'DIRECT' || peer.userId === null) throw new ApiError('VALIDATION_FAILED', 'chatId is not of a DIRECT chat', { details: { field: 'chatId' } })
    return peer.userId
  }

  async function set (userId: string, target: BlockTarget, blocked: boolean): Promise<BlockChange> {
    const targetId = await targetOf(userId, target)
    const isChanged = await write(userId, targetId, blocked) ?? await write(userId, targetId, blocked)
    if (isChanged && !blocked) await unblocked(userId, targetId)
    return { userId: targetId, blocked }
  }

  /**
   * A send in their DIRECT chat and the block happen one after the other: the chat's lock decides.
   * @returns whether that changed anything; undefined: the chat has just been made (which takes the lock of both inboxes), and its lock is not held
   */
  async function write (userId: string, targetId: string, blocked: boolean): Promise<boolean | undefined> {
    const chatId = await directChatWith(db, userId, targetId)
    const prepare = (tx: Queryable) => ensureUsers(tx, blocked ? [targetId] : [])
    return changes.run({ ...(chatId !== undefined && { chatId }), inboxes: [userId], prepare }, async change => {
      if (chatId === undefined && await directChatWith(change.tx, userId, targetId) !== undefined) return undefined
      const isChanged = await (blocked ? insertBlock : deleteBlock)(change.tx, userId, targetId)
      if (!isChanged) return false
      const inboxRevisions = await change.takeInboxRevisions([userId])
      await markBlocksChanged(change.tx, userId, inboxRevisions.get(userId) ?? 0)
      return true
    })
  }

  return {
    /** Neither can send to the other's DIRECT chat; in groups the blocked one's messages are redacted for the blocker. */
    block: (userId: string, target: BlockTarget) => set(userId, target, true),
    unblock: (userId: string, target: BlockTarget) => set(userId, target, false),

    async list (userId: string): Promise<Blocks> {
      const blocks = await db.prisma.userBlock.findMany({ where: { userId }, include: { blockedUser: true }, orderBy: { createdAt: 'desc' }, take: MAX_BLOCKS })
      return {
        data: blocks.map(({ blockedUserId, createdAt }) => ({ userId: blockedUserId, blockedAt: createdAt.toISOString() })),
        users: Object.fromEntries(blocks.map(({ blockedUser: { id, displayName, avatarUrl } }) => [id, { id, displayName, avatarUrl }])),
        nextCursor: null,
      }
    },
  }
}
