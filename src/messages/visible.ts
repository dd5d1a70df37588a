import type { Change, Changes } from '../changes.ts'
import { ApiError } from '../errors.ts'
import { EncodedJson } from '../json.ts'
import type { Queryable } from '../plugins/database.ts'
import { redactData } from '../realtime/frames.ts'
import { parseMessageId, type MessageKey } from './message-id.ts'
import { messageState, type MessageState } from './queries.ts'
import type { NewMentions } from './schemas.ts'

interface StateOptions { content?: string, mentions?: NewMentions, editWindowSeconds?: number }

/** A message that the user may see. @throws {ApiError} MESSAGE_NOT_FOUND */
export async function requireMessage (db: Queryable, key: MessageKey, userId: string, options?: StateOptions): Promise<MessageState> {
  const state = await messageState(db, key, userId, options)
  if (!state || state.hidden) throw new ApiError('MESSAGE_NOT_FOUND')
  return state
}

/** Changes a message that the user may see, under the lock of its chat. @throws {ApiError} MESSAGE_NOT_FOUND also when it is the chat that they are not in */
export async function changeMessage<Result> (
  changes: Changes, userId: string, messageId: string, work: (change: Change, key: MessageKey, state: MessageState) => Promise<Result>, options?: StateOptions
): Promise<Result> {
  const key = parseMessageId(messageId)
  try {
    return await changes.run({ chatId: key.chatId, participants: [userId] }, async change => {
      change.member(userId)
      return work(change, key, await requireMessage(change.tx, key, userId, options))
    })
  } catch (cause) {
    if (cause instanceof ApiError && cause.code === 'CHAT_NOT_FOUND') throw new ApiError('MESSAGE_NOT_FOUND', '', { cause })
    throw cause
  }
}

/** What an event says, as the answer to who has caused it: of somebody whom they block they see no more here than there. */
export function asSeen (data: string, { redacted }: MessageState): EncodedJson {
  return new EncodedJson(redacted ? redactData(data) : data)
}

/** Whoever may not speak may not say it by an edit or a reaction either. @throws {ApiError} SILENCED, CHAT_BLOCKED */
export function requireVoice ({ silenced, blocked }: MessageState): void {
  if (silenced) throw new ApiError('SILENCED')
  if (blocked) throw new ApiError('CHAT_BLOCKED')
}

/** Until a request is accepted there is nothing to do in the chat but to write. @throws {ApiError} REQUEST_PENDING */
export function requireAnswer ({ unanswered }: MessageState): void {
  if (unanswered) throw new ApiError('REQUEST_PENDING')
}
