import { ApiError } from '../errors.ts'
import { parseMessageId } from '../messages/message-id.ts'
import type { Database } from '../plugins/database.ts'
import type { Hub } from '../realtime/hub.ts'
import { advanceWatermark, allUnread, chatUnread, isVisible, messageReceipts } from './queries.ts'
import type { Marked, MarkUpTo } from './schemas.ts'

export type ReceiptsService = ReturnType<typeof receiptsService>

export interface ReceiptsDependencies {
  db: Database
  hub: Hub
  /** Reading takes "unread" off a chat that its member has marked so. */
  unmark: (userId: string, chatId: string) => Promise<unknown>
}

export function receiptsService ({ db, hub, unmark }: ReceiptsDependencies) {
  async function advance (mark: 'read' | 'delivered', userId: string, chatId: string, upToSeq: number | null): Promise<Marked> {
    const advanced = await advanceWatermark(db, mark, chatId, userId, upToSeq)
    if (!advanced) throw new ApiError('CHAT_NOT_FOUND')
    const { updated, isSmall, readSeq, deliveredSeq, unreadCount, mentionCount } = advanced
    const at = advanced.at.toISOString()
    if (updated) {
      const data = JSON.stringify(mark === 'read' ? { userId, readSeq, at } : { userId, deliveredSeq, at })
      hub.publish([{ kind: 'fleeting', type: `messages_${mark}`, chatId: chatId.toLowerCase(), data, ...(isSmall ? { audience: 'followers' } : { userIds: [userId] }) }])
    }
    if (mark === 'read' && advanced.wasMarkedUnread) await unmark(userId, chatId)
    return { chatId: chatId.toLowerCase(), userId, at, readSeq, deliveredSeq, unreadCount, mentionCount, updated }
  }

  async function mark (kind: 'read' | 'delivered', userId: string, chatId: string, request: MarkUpTo): Promise<Marked> {
    const upToSeq = upToSeqOf(chatId, request)
    // A number is cut to what there is; a message that is named has to be there.
    if (request.messageIds && await isVisible(db, chatId, userId, upToSeq ?? 0) === false) throw new ApiError('MESSAGE_NOT_FOUND')
    return advance(kind, userId, chatId, upToSeq)
  }

  return {
    /** Up to a seq, the highest of some messages, or everything. Watermarks only move forward; answered after the commit. */
    read: (userId: string, chatId: string, request: MarkUpTo) => mark('read', userId, chatId, request),
    delivered: (userId: string, chatId: string, request: MarkUpTo) => mark('delivered', userId, chatId, request),

    async unread (userId: string, chatId: string) {
      const counts = await chatUnread(db, chatId, userId)
      if (!counts) throw new ApiError('CHAT_NOT_FOUND')
      return { chatId: chatId.toLowerCase(), ...counts }
    },

    allUnread: (userId: string) => allUnread(db, userId),

    /** Who has got and read a message. @throws {ApiError} MESSAGE_NOT_FOUND also for what the user may not see */
    async receipts (userId: string, messageId: string) {
      const data = await messageReceipts(db, parseMessageId(messageId), userId)
      if (!data) throw new ApiError('MESSAGE_NOT_FOUND')
      return { data, nextCursor: null }
    },
  }
}

function upToSeqOf (chatId: string, { upToSeq, messageIds }: MarkUpTo): number | null {
  if (!messageIds) return upToSeq ?? null
  if (upToSeq !== undefined) throw new ApiError('VALIDATION_FAILED', 'Only one of upToSeq and messageIds can be given')
  const keys = messageIds.map(parseMessageId)
  if (keys.some(key => key.chatId !== chatId.toLowerCase())) throw new ApiError('MESSAGE_NOT_FOUND')
  return Math.max(...keys.map(key => key.seq))
}
