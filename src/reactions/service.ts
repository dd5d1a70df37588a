import { Type } from 'typebox'
import { usersOf } from '../chats/queries.ts'
import { refusal } from '../errors.ts'
import { EncodedJson } from '../json.ts'
import { parseMessageId } from '../messages/message-id.ts'
import { requireMessage } from '../messages/visible.ts'
import type { Database } from '../plugins/database.ts'
import { compile } from '../plugins/validation.ts'
import { decodeCursor, toPage } from '../pages.ts'
import { Input, Time, UserId } from '../primitives.ts'
import { encodeChange, type Reactions } from './grouped.ts'
import { listReactions } from './queries.ts'
import type { ListReactions } from './schemas.ts'

export type ReactionsService = ReturnType<typeof reactionsService>

const checkCursor = compile(Input({ at: Time, userId: UserId, emoji: Type.String({ maxLength: 32 }) }), 'cursor')

export function reactionsService (db: Database, reactions: Pick<Reactions, 'do'>) {
  /** @returns the message, whether or not there was anything to change */
  async function change (userId: string, messageId: string, emoji: string, { isAdded }: { isAdded: boolean }): Promise<EncodedJson> {
    const item = { ...parseMessageId(messageId), userId, emoji, isAdded }
    const outcome = await reactions.do(item)
    if (outcome.status === 'rejected') throw refusal(outcome)
    return new EncodedJson(encodeChange(item, outcome))
  }

  return {
    /** @throws {ApiError} MESSAGE_NOT_FOUND, NOT_IN_CHAT, MESSAGE_DELETED, SILENCED, CHAT_BLOCKED, REQUEST_PENDING; REACTION_LIMIT beyond 20 distinct emoji */
    add: (userId: string, messageId: string, emoji: string) => change(userId, messageId, emoji, { isAdded: true }),
    remove: (userId: string, messageId: string, emoji: string) => change(userId, messageId, emoji, { isAdded: false }),

    /** Who reacted how and when, oldest first. */
    async list (userId: string, messageId: string, { cursor, limit = 50 }: ListReactions) {
      const key = parseMessageId(messageId)
      await requireMessage(db, key, userId)
      const page = toPage(await listReactions(db, key, decodeCursor(cursor, checkCursor), limit + 1), limit, row => row, row => row)
      return { ...page, users: await usersOf(db, page.data.map(reaction => reaction.userId)) }
    },
  }
}
