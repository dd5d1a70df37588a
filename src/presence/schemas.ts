import { Type, type Static } from 'typebox'
import { ChatId, ChatRef, Count, Input, Nullable, Time, UserId } from '../primitives.ts'
import { ChatView } from '../chats/schemas.ts'
import { Watermark } from '../receipts/schemas.ts'

export const Presence = Type.Object({
  userId: UserId,
  status: Type.Enum(['ONLINE', 'OFFLINE']),
  statusText: Nullable(Type.String()),
  lastSeenAt: Nullable(Time),
})
export type Presence = Static<typeof Presence>

export const PresenceQuery = Input({ userIds: Type.Array(UserId, { minItems: 1, maxItems: 100 }) })
export const PresenceList = Type.Object({ data: Type.Array(Presence, { description: 'Only people with whom you share a chat' }) })

export const OnlineUsers = Type.Object({ chatId: Type.Optional(ChatId), userIds: Type.Array(UserId, { maxItems: 1000 }), onlineCount: Count })

/** You are looking at the chat: who else is there. */
export const ChatJoined = Type.Object({
  ...ChatView.properties,
  onlineUsers: Type.Array(UserId, { maxItems: 100 }),
  onlineCount: Count,
  viewerCount: Count,
  watermarks: Type.Array(Watermark),
})
export type ChatJoined = Static<typeof ChatJoined>

const Accepted = Type.Object({ chatId: ChatId })

export const commands = {
  join_chat: { data: ChatRef, reply: 'chat_joined', result: ChatJoined },
  leave_chat: { data: ChatRef, reply: 'chat_left', result: Accepted },
  get_online_users: { data: Input({ chatId: Type.Optional(ChatId) }), reply: 'online_users', result: OnlineUsers },
  typing_start: { data: ChatRef, reply: 'ok', result: Accepted },
  typing_stop: { data: ChatRef, reply: 'ok', result: Accepted },
  typing_indicator: { data: Input({ ...ChatRef.properties, isTyping: Type.Boolean() }), reply: 'ok', result: Accepted },
} as const

const Somebody = Type.Object({ userId: UserId, at: Time })

export const events = {
  user_typing: Somebody,
  user_stopped_typing: Somebody,
  user_joined_chat: Somebody,
  user_left_chat: Somebody,
  viewer_count: Type.Object({ viewerCount: Count, at: Time }),
  user_online: Presence,
  user_offline: Presence,
} as const
