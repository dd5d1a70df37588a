import type { Change, Changes } from '../changes.ts'
import { chatRules } from '../chats/queries.ts'
import { requireRole } from '../chats/roles.ts'
import { ApiError } from '../errors.ts'
import { EncodedJson } from '../json.ts'
import type { MessageState } from '../messages/queries.ts'
import { asSeen, changeMessage, requireAnswer } from '../messages/visible.ts'
import type { Database } from '../plugins/database.ts'
import { compile } from '../plugins/validation.ts'
import { decodeCursor, encodeCursor } from '../pages.ts'
import { Input, Seq, Time } from '../primitives.ts'
import { listPins, setPin } from './queries.ts'
import type { ListPins } from './schemas.ts'

export type PinsService = ReturnType<typeof pinsService>

const checkCursor = compile(Input({ at: Time, seq: Seq }), 'cursor')

export function pinsService (db: Database, changes: Changes) {
  /** Either of two; in a group whoever keeps order. */
  async function requirePinner (change: Change, userId: string, state: MessageState): Promise<void> {
    const { role } = change.member(userId)
    const rules = await chatRules(change.tx, change.chatId)
    if (rules?.type !== 'DIRECT') return requireRole(role, 'MODERATOR')
    if (state.blocked) throw new ApiError('CHAT_BLOCKED')
    requireAnswer(state)
  }

  async function set (userId: string, messageId: string, isPinned: boolean): Promise<EncodedJson> {
    return changeMessage(changes, userId, messageId, async (change, key, state) => {
      await requirePinner(change, userId, state)
      if (state.deleted) throw new ApiError('MESSAGE_DELETED')
      if (state.pinned === isPinned) return new EncodedJson(`{"message":${state.message}}`)
      const data = `{"message":${await setPin(change.tx, key, await change.takeRevisions(), isPinned ? userId : null)}}`
      change.publish({ type: isPinned ? 'message_pinned' : 'message_unpinned', data, message: { seq: key.seq, senderId: state.senderId } })
      return asSeen(data, state)
    })
  }

  return {
    /** @throws {ApiError} MESSAGE_NOT_FOUND, MESSAGE_DELETED; ROLE_REQUIRED below MODERATOR, but in DIRECT chats; there CHAT_BLOCKED, REQUEST_PENDING */
    pin: (userId: string, messageId: string) => set(userId, messageId, true),
    unpin: (userId: string, messageId: string) => set(userId, messageId, false),

    /** Newest pin first. */
    async list (userId: string, chatId: string, { cursor, limit = 50 }: ListPins): Promise<EncodedJson> {
      const found = await listPins(db, chatId, userId, decodeCursor(cursor, checkCursor), limit)
      if (!found) throw new ApiError('CHAT_NOT_FOUND')
      return found.page.with({ nextCursor: found.last && encodeCursor(found.last) })
    },
  }
}
