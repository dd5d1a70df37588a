import { ApiError } from '../errors.ts'
import type { EncodedJson } from '../json.ts'
import type { Database } from '../plugins/database.ts'
import { parseMessageId } from './message-id.ts'
import { nextCursorOf, rangeOf } from './range.ts'
import type { ThreadQuery } from './schemas.ts'
import { listReplies } from './thread-queries.ts'

export type ThreadsService = ReturnType<typeof threadsService>

export function threadsService (db: Database) {
  return {
    /** A page of a thread, by the message at its top or any reply in it. @throws {ApiError} MESSAGE_NOT_FOUND also for what the user may not see */
    async replies (userId: string, messageId: string, query: ThreadQuery): Promise<EncodedJson> {
      const rows = await listReplies(db, parseMessageId(messageId), userId, rangeOf(query))
      if (!rows) throw new ApiError('MESSAGE_NOT_FOUND')
      return rows.page.with({ nextCursor: nextCursorOf(query, rows) })
    },
  }
}
