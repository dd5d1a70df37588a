import { Type, type Static } from 'typebox'
import { ChatId, ChatRef, Count, Cursor, Input, MessageId, MessageRef, Nullable, Page, PageLimit, Seq, Time, UserId } from '../primitives.ts'

/** What somebody has got and read: everything up to it. Only moves forward. */
export const Watermark = Type.Object({ userId: UserId, deliveredSeq: Seq, readSeq: Seq })
export type Watermark = Static<typeof Watermark>

/** Up to a seq, up to the highest of some messages, or (without either) everything. */
export const MarkUpTo = Input({
  upToSeq: Type.Optional(Seq),
  messageIds: Type.Optional(Type.Array(MessageId, { minItems: 1, maxItems: 100 })),
})
export type MarkUpTo = Static<typeof MarkUpTo>

export const Marked = Type.Object({
  chatId: ChatId,
  userId: UserId,
  at: Time,
  readSeq: Seq,
  deliveredSeq: Seq,
  unreadCount: Count,
  mentionCount: Count,
  updated: Type.Boolean({ description: 'Whether a watermark has moved' }),
})
export type Marked = Static<typeof Marked>

export const ChatUnread = Type.Object({ chatId: ChatId, unreadCount: Count, mentionCount: Count })
export const Unread = Type.Object({
  totalUnread: Count,
  totalMentions: Count,
  chats: Type.Array(ChatUnread, { description: 'Chats with unread messages, muted and archived ones too (they do not count in the total)' }),
})

export const Receipt = Type.Object({
  userId: UserId,
  status: Type.Enum(['delivered', 'read']),
  deliveredAt: Nullable(Time),
  readAt: Nullable(Time),
})
export type Receipt = Static<typeof Receipt>
export const Receipts = Page(Receipt)
export const ListReceipts = Input({ cursor: Type.Optional(Cursor), limit: Type.Optional(PageLimit) })
export type ListReceipts = Static<typeof ListReceipts>

const UnreadCommand = Input({ chatId: Type.Optional(ChatId) })

export const commands = {
  mark_as_read: { data: Input({ ...ChatRef.properties, ...MarkUpTo.properties }), reply: 'messages_read', result: Marked, errors: ['CHAT_NOT_FOUND', 'MESSAGE_NOT_FOUND'] },
  mark_as_delivered: { data: Input({ ...ChatRef.properties, ...MarkUpTo.properties }), reply: 'messages_delivered', result: Marked, errors: ['CHAT_NOT_FOUND', 'MESSAGE_NOT_FOUND'] },
  get_unread: { data: UnreadCommand, reply: 'ok', result: Type.Union([ChatUnread, Unread]), errors: ['CHAT_NOT_FOUND'] },
  get_receipts: { data: Input({ ...MessageRef.properties, ...ListReceipts.properties }), reply: 'ok', result: Receipts, errors: ['MESSAGE_NOT_FOUND'] },
} as const

// Without a revision: watermarks are merged by their maximum, in whatever order they come.
export const events = {
  messages_read: Type.Object({ userId: UserId, readSeq: Seq, at: Time }),
  messages_delivered: Type.Object({ userId: UserId, deliveredSeq: Seq, at: Time }),
} as const
