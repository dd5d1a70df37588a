import { ApiError, refusal } from '../errors.ts'
import { parseMessageId } from '../messages/message-id.ts'
import type { Database } from '../plugins/database.ts'
import type { FleetingFrame } from '../realtime/frames.ts'
import type { Hub } from '../realtime/hub.ts'
import { decodeCursor, toPage } from '../pages.ts'
import { compile } from '../plugins/validation.ts'
import { Input, Nullable, Time, UserId } from '../primitives.ts'
import type { Marks } from './marks.ts'
import { allUnread, chatUnread, messageReceipts, mutualWatermarks } from './queries.ts'
import type { ListReceipts, Marked, MarkUpTo } from './schemas.ts'

export type ReceiptsService = ReturnType<typeof receiptsService>

export interface ReceiptsDependencies {
  db: Database
  hub: Hub
  marks: Pick<Marks, 'do'>
  /** Reading takes "unread" off a chat that its member has marked so. */
  unmark: (userId: string, chatId: string) => Promise<unknown>
}

const checkCursor = compile(Input({ at: Nullable(Time), userId: UserId }), 'cursor')

export function receiptsService ({ db, hub, marks, unmark }: ReceiptsDependencies) {
  async function mark (userId: string, chatId: string, request: MarkUpTo, { isRead }: { isRead: boolean }): Promise<Marked> {
    const id = chatId.toLowerCase()
    const outcome = await marks.do({ chatId: id, userId, isRead, upToSeq: upToSeqOf(id, request), isNamed: request.messageIds !== undefined })
    if (outcome.status === 'rejected' || outcome.status === 'busy') throw refusal(outcome)
    const { readSeq, deliveredSeq } = outcome
    const stand = { chatId: id, userId, at: outcome.at.toISOString(), readSeq, deliveredSeq }
    if (outcome.status === 'onlooker') return { ...stand, unreadCount: 0, mentionCount: 0, updated: false }
    const { unreadCount, mentionCount, readMoved, deliveredMoved, publicReadMoved, wasMarkedUnread } = outcome
    if (isRead && wasMarkedUnread) await unmark(userId, id)
    return { ...stand, unreadCount, mentionCount, updated: readMoved || deliveredMoved || publicReadMoved }
  }

  return {
    /** Up to a seq, the highest of some messages, or everything. Watermarks only move forward; answered after the commit. */
    read: (userId: string, chatId: string, request: MarkUpTo) => mark(userId, chatId, request, { isRead: true }),
    delivered: (userId: string, chatId: string, request: MarkUpTo) => mark(userId, chatId, request, { isRead: false }),

    async unread (userId: string, chatId: string) {
      const counts = await chatUnread(db, chatId, userId)
      if (!counts) throw new ApiError('CHAT_NOT_FOUND')
      return { chatId: chatId.toLowerCase(), ...counts }
    },

    allUnread: (userId: string) => allUnread(db, userId),

    /** Who has got and read a message. @throws {ApiError} MESSAGE_NOT_FOUND also for what the user may not see */
    async receipts (userId: string, messageId: string, { cursor, limit = 50 }: ListReceipts = {}) {
      const rows = await messageReceipts(db, parseMessageId(messageId), userId, limit + 1, decodeCursor(cursor, checkCursor))
      if (!rows) throw new ApiError('MESSAGE_NOT_FOUND')
      return toPage(rows, limit, ({ at, ...receipt }) => receipt, ({ at, userId }) => ({ at, userId }))
    },

    /** Two people see each other again: what they have got and read meanwhile is told. */
    async reveal (userId: string, otherId: string): Promise<void> {
      const at = new Date().toISOString()
      const watermarks = await mutualWatermarks(db, userId, otherId)
      hub.publish(watermarks.flatMap(({ chatId, userId: whose, readSeq, deliveredSeq }): FleetingFrame[] => {
        const userIds = [whose === userId ? otherId : userId]
        return [
          { kind: 'fleeting', chatId, userIds, type: 'messages_delivered', data: JSON.stringify({ userId: whose, deliveredSeq, at }) },
          { kind: 'fleeting', chatId, userIds, type: 'messages_read', data: JSON.stringify({ userId: whose, readSeq, at }) },
        ]
      }))
    },
  }
}

function upToSeqOf (chatId: string, { upToSeq, messageIds }: MarkUpTo): number | null {
  if (!messageIds) return upToSeq ?? null
  if (upToSeq !== undefined) throw new ApiError('VALIDATION_FAILED', 'Only one of upToSeq and messageIds can be given')
  const keys = messageIds.map(parseMessageId)
  if (keys.some(key => key.chatId !== chatId)) throw new ApiError('MESSAGE_NOT_FOUND')
  return Math.max(...keys.map(key => key.seq))
}
