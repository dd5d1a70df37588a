import type { Changes } from '../changes.ts'
import type { Config } from '../config.ts'
import { ApiError } from '../errors.ts'
import { EncodedJson } from '../json.ts'
import type { Database } from '../plugins/database.ts'
import { messageForAdmin, restorable, restoreMessage } from './admin-queries.ts'
import { changeInThread } from './deletion.ts'
import { parseMessageId } from './message-id.ts'

export type RecoveryService = ReturnType<typeof recoveryService>

/** Deleted messages, for administrators, who need not be in the chat. */
export function recoveryService ({ db, changes, config: { deletedContentDays } }: { db: Database, changes: Changes, config: Pick<Config, 'deletedContentDays'> }) {
  return {
    /** A message as it is, its earlier contents, and what it said before it was deleted. @throws {ApiError} MESSAGE_NOT_FOUND */
    async get (messageId: string): Promise<EncodedJson> {
      const view = await messageForAdmin(db, parseMessageId(messageId), deletedContentDays)
      if (!view) throw new ApiError('MESSAGE_NOT_FOUND')
      return view
    },

    /**
     * Gives a message that was deleted for everyone what it said, its metadata, mentions and origin back: to its readers it
     * has been edited. Reactions and the pin do not come back, nor does it for those who have deleted it for themselves. Its files were
     * deleted with it: of a message that had some the text comes back, as a TEXT.
     * @throws {ApiError} MESSAGE_NOT_FOUND; MESSAGE_DELETED after DELETED_CONTENT_DAYS, and where it had no text
     */
    async restore (messageId: string): Promise<EncodedJson> {
      const key = parseMessageId(messageId)
      return changes.run({ chatId: key.chatId }, async change => {
        const state = await restorable(change.tx, key, deletedContentDays)
        if (!state) throw new ApiError('MESSAGE_NOT_FOUND')
        if (!state.deleted) return new EncodedJson(`{"message":${state.message}}`)
        if (!state.restorable) throw new ApiError('MESSAGE_DELETED')
        const message = await changeInThread(change, key, state, { type: 'message_edited', difference: 1 }, revision => restoreMessage(change.tx, key, revision))
        return new EncodedJson(`{"message":${message}}`)
      }).catch((cause: unknown) => {
        if (cause instanceof ApiError && cause.code === 'CHAT_NOT_FOUND') throw new ApiError('MESSAGE_NOT_FOUND', '', { cause })
        throw cause
      })
    },
  }
}
