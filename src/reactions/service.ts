import { Type } from 'typebox'
import type { Changes } from '../changes.ts'
import { usersOf } from '../chats/queries.ts'
import { ApiError } from '../errors.ts'
import { EncodedJson } from '../json.ts'
import { parseMessageId } from '../messages/message-id.ts'
import { asSeen, changeMessage, requireAnswer, requireMessage, requireVoice } from '../messages/visible.ts'
import type { Database } from '../plugins/database.ts'
import { compile } from '../plugins/validation.ts'
import { decodeCursor, toPage } from '../pages.ts'
import { Input, Time, UserId } from '../primitives.ts'
import { deleteReaction, insertReaction, listReactions, reactionState, summarise, type ReactionState } from './queries.ts'
import type { ListReactions } from './schemas.ts'

export type ReactionsService = ReturnType<typeof reactionsService>

/** Distinct emoji on one message. */
const MAX_EMOJI = 20

const checkCursor = compile(Input({ at: Time, userId: UserId, emoji: Type.String({ maxLength: 32 }) }), 'cursor')

export function reactionsService (db: Database, changes: Changes) {
  /** @returns the message, whether or not there was anything to change */
  async function change (
    kind: 'added' | 'removed', userId: string, messageId: string, emoji: string, isDone: (state: ReactionState) => boolean, write: typeof insertReaction
  ): Promise<EncodedJson> {
    return changeMessage(changes, userId, messageId, async (change, key, state) => {
      if (state.deleted) throw new ApiError('MESSAGE_DELETED')
      requireVoice(state)
      requireAnswer(state)
      const encode = (message: string) => `{"message":${message},"userId":${JSON.stringify(userId)},"emoji":${JSON.stringify(emoji)}}`
      const before = await reactionState(change.tx, key, userId, emoji)
      if (isDone(before)) return new EncodedJson(encode(state.message))
      if (kind === 'added' && !before.isUsed && before.emojiCount >= MAX_EMOJI) throw new ApiError('REACTION_LIMIT')
      await write(change.tx, key, userId, emoji)
      const data = encode(await summarise(change.tx, key, await change.takeRevisions()))
      change.publish({ type: `reaction_${kind}`, data, message: { seq: key.seq, senderId: state.senderId } })
      return asSeen(data, state)
    })
  }

  return {
    /** @throws {ApiError} MESSAGE_NOT_FOUND, MESSAGE_DELETED, SILENCED, CHAT_BLOCKED, REQUEST_PENDING; REACTION_LIMIT beyond 20 distinct emoji */
    add: (userId: string, messageId: string, emoji: string) => change('added', userId, messageId, emoji, before => before.isMine, insertReaction),
    remove: (userId: string, messageId: string, emoji: string) => change('removed', userId, messageId, emoji, before => !before.isMine, deleteReaction),

    /** Who reacted how and when, oldest first. */
    async list (userId: string, messageId: string, { cursor, limit = 50 }: ListReactions) {
      const key = parseMessageId(messageId)
      await requireMessage(db, key, userId)
      const page = toPage(await listReactions(db, key, decodeCursor(cursor, checkCursor), limit + 1), limit, row => row, row => row)
      return { ...page, users: await usersOf(db, page.data.map(reaction => reaction.userId)) }
    },
  }
}
