import { ApiError } from '../errors.ts'
import { parseMessageId } from '../messages/message-id.ts'
import type { Database } from '../plugins/database.ts'
import type { FleetingFrame } from '../realtime/frames.ts'
import type { Hub } from '../realtime/hub.ts'
import { decodeCursor, toPage } from '../pages.ts'
import { compile } from '../plugins/validation.ts'
import { Input, Nullable, Time, UserId } from '../primitives.ts'
import { ownWatermarkFrames, watermarkFrames } from './frames.ts'
import { advanceWatermark, allUnread, chatUnread, isVisible, messageReceipts, mutualWatermarks, onlookerHead } from './queries.ts'
import type { ListReceipts, Marked, MarkUpTo } from './schemas.ts'

export type ReceiptsService = ReturnType<typeof receiptsService>

export interface ReceiptsDependencies {
  db: Database
  hub: Hub
  /** Reading takes "unread" off a chat that its member has marked so. */
  unmark: (userId: string, chatId: string) => Promise<unknown>
}

const checkCursor = compile(Input({ at: Nullable(Time), userId: UserId }), 'cursor')

export function receiptsService ({ db, hub, unmark }: ReceiptsDependencies) {
  async function advance (mark: 'read' | 'delivered', userId: string, chatId: string, upToSeq: number | null): Promise<Marked> {
    const advanced = await advanceWatermark(db, mark, chatId, userId, upToSeq)
    if (!advanced) return onlooker(userId, chatId)
    const { readSeq, deliveredSeq, publicReadSeq, unreadCount, mentionCount, blocked, readMoved, deliveredMoved, publicReadMoved } = advanced
    const at = advanced.at.toISOString()
    const moved = { read: readMoved, delivered: deliveredMoved, publicRead: publicReadMoved }
    const movement = { chatId: chatId.toLowerCase(), userId, at, readSeq, deliveredSeq, publicReadSeq, hiddenFrom: blocked, moved }
    hub.publish(advanced.isSmall ? watermarkFrames(movement) : ownWatermarkFrames(movement))
    if (mark === 'read' && advanced.wasMarkedUnread) await unmark(userId, chatId)
    return { chatId: chatId.toLowerCase(), userId, at, readSeq, deliveredSeq, unreadCount, mentionCount, updated: Object.values(moved).some(Boolean) }
  }

  /** Who only looks at a STREAM has nothing to mark. */
  async function onlooker (userId: string, chatId: string): Promise<Marked> {
    const head = await onlookerHead(db, chatId, userId)
    if (!head) throw new ApiError('CHAT_NOT_FOUND')
    return { chatId: chatId.toLowerCase(), userId, at: new Date().toISOString(), ...head, unreadCount: 0, mentionCount: 0, updated: false }
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
  if (keys.some(key => key.chatId !== chatId.toLowerCase())) throw new ApiError('MESSAGE_NOT_FOUND')
  return Math.max(...keys.map(key => key.seq))
}
