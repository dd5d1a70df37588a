import type { Change, Changes } from '../changes.ts'
import { ApiError } from '../errors.ts'
import type { Database } from '../plugins/database.ts'
import { chatView, clearHistory, updateMembership } from './queries.ts'
import type { Membership, UpdateMembership } from './schemas.ts'

export type MembershipsService = ReturnType<typeof membershipsService>

/** A member's own settings of a chat: nobody else sees them, and all of the member's devices do. */
export function membershipsService (db: Database, changes: Changes) {
  async function change (userId: string, chatId: string, work: (change: Change, inboxRevision: number) => Promise<void>): Promise<Membership> {
    await changes.run({ chatId, head: false, participants: [userId], inboxes: [userId] }, async change => {
      change.member(userId)
      const inboxRevisions = await change.takeInboxRevisions([userId])
      await work(change, inboxRevisions.get(userId) ?? 0)
    })
    const view = await chatView(db, chatId, userId)
    if (!view?.membership) throw new ApiError('CHAT_NOT_FOUND')
    return view.membership
  }

  return {
    /** What is not given stays as it is. */
    update: (userId: string, chatId: string, settings: UpdateMembership) => change(userId, chatId, (change, inboxRevision) =>
      updateMembership(change.tx, change.chatId, userId, settings, inboxRevision)),

    /** Takes the history out of this user's sight. With `unlist`, the chat too, until something new comes. */
    clear: (userId: string, chatId: string, { unlist = false } = {}) => change(userId, chatId, (change, inboxRevision) =>
      clearHistory(change.tx, change.chatId, userId, { clearedSeq: change.head.lastSeq, unlist, inboxRevision })),
  }
}
