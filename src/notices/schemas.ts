import { Type } from 'typebox'
import { Count, UserId } from '../primitives.ts'
import { Message } from '../messages/schemas.ts'

export const events = {
  unread_message: Type.Object({
    unreadCount: Count,
    mentionCount: Count,
    totalUnread: Type.Integer({ ...Count, description: 'Of all chats that are neither muted nor archived' }),
    lastMessage: Message,
    senderId: UserId,
  }),
} as const
