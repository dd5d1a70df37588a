import type { Static } from 'typebox'
import { v7 as uuidv7 } from 'uuid'
import { ApiError } from '../errors.ts'
import { parseMessageId } from '../messages/message-id.ts'
import { requireMessage } from '../messages/visible.ts'
import type { Database } from '../plugins/database.ts'
import { insertReport, reportBy } from './queries.ts'
import type { ReportReply } from './schemas.ts'

export type ReportsService = ReturnType<typeof reportsService>

/** What people report. Nobody else in the chat hears of it. */
export function reportsService (db: Database) {
  return {
    /**
     * Once a message and person: again, the first report is the answer, also when the message has been deleted since.
     * @throws {ApiError} MESSAGE_NOT_FOUND, MESSAGE_DELETED; TARGET_IS_SELF for one's own; VALIDATION_FAILED for a SYSTEM message, which nobody has sent
     */
    async report (userId: string, messageId: string, reason: string): Promise<{ created: boolean, reply: Static<typeof ReportReply> }> {
      const key = parseMessageId(messageId)
      const { senderId, deleted } = await requireMessage(db, key, userId)
      const before = await reportBy(db, key, userId)
      if (before) return { created: false, reply: { report: before } }
      if (senderId === null) throw new ApiError('VALIDATION_FAILED', 'messageId is of a SYSTEM message: nobody has sent it', { details: { field: 'messageId' } })
      if (senderId === userId) throw new ApiError('TARGET_IS_SELF')
      if (deleted) throw new ApiError('MESSAGE_DELETED')
      const made = await insertReport(db, key, { id: uuidv7(), reporterId: userId, reason })
      if (made) return { created: true, reply: { report: made } }
      const raced = await reportBy(db, key, userId)
      if (!raced) throw new ApiError('MESSAGE_NOT_FOUND') // deleted, removed or out of sight just now
      return { created: false, reply: { report: raced } }
    },
  }
}
