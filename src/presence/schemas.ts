import { Type, type Static } from 'typebox'
import { ChatId, ChatRef, Count, Input, Nullable, Time, UserId } from '../primitives.ts'
import { ChatView } from '../chats/schemas.ts'
import { Watermark } from '../receipts/schemas.ts'

export const Presence = Type.Object({
  userId: UserId,
  status: Type.Enum(['ONLINE', 'AWAY', 'BUSY', 'INVISIBLE', 'OFFLINE'], { description: 'Of all devices together. INVISIBLE is told to oneself alone, to others it is OFFLINE' }),
  statusText: Nullable(Type.String({ description: 'Of who is OFFLINE there is none' })),
  lastSeenAt: Nullable(Type.String({ ...Time, description: 'Of who is OFFLINE, unless they hide it' })),
})
export type Presence = Static<typeof Presence>

const StatusText = Type.Optional(Nullable(Type.String({ maxLength: 256, description: 'Stays as it is, if not given' })))

/** What somebody says of themselves, until they say something else. ONLINE: nothing. */
export const SetPresence = Input({ status: Type.Enum(['ONLINE', 'AWAY', 'BUSY', 'INVISIBLE']), statusText: StatusText })
export type SetPresence = Static<typeof SetPresence>

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
  join_chat: { data: ChatRef, reply: 'chat_joined', result: ChatJoined, errors: ['CHAT_NOT_FOUND'] },
  leave_chat: { data: ChatRef, reply: 'chat_left', result: Accepted, errors: ['CHAT_NOT_FOUND', 'NOT_IN_CHAT'] },
  presence_update: { data: SetPresence, reply: 'presence_update', result: Presence, errors: ['USER_NOT_FOUND'] },
  user_online: { data: Input({ statusText: StatusText }), reply: 'presence_update', result: Presence, errors: ['USER_NOT_FOUND'] },
  user_offline: { data: Input({}), reply: 'presence_update', result: Presence, errors: ['USER_NOT_FOUND'] },
  get_presence: { data: PresenceQuery, reply: 'ok', result: PresenceList, errors: [] },
  get_online_users: { data: Input({ chatId: Type.Optional(ChatId) }), reply: 'online_users', result: OnlineUsers, errors: ['CHAT_NOT_FOUND'] },
  typing_start: { data: ChatRef, reply: 'ok', result: Accepted, errors: ['CHAT_NOT_FOUND', 'REQUEST_PENDING'] },
  typing_stop: { data: ChatRef, reply: 'ok', result: Accepted, errors: ['CHAT_NOT_FOUND', 'REQUEST_PENDING'] },
  typing_indicator: { data: Input({ ...ChatRef.properties, isTyping: Type.Boolean() }), reply: 'ok', result: Accepted, errors: ['CHAT_NOT_FOUND', 'REQUEST_PENDING'] },
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
  presence_update: Presence,
} as const
