import { Type, type Static } from 'typebox'
import { Chat, CreateChat, Head, Participant } from '../chats/schemas.ts'
import { Message, NewMessage } from '../messages/schemas.ts'
import { ClientKey, Dictionary, Input, Metadata, Nullable, PageLimit, Seq, Time, UserId } from '../primitives.ts'
import { UpdateMe, User, UserSettings, Users } from '../users/schemas.ts'

/** A user, with what administrators alone are told. */
export const AdminUser = Type.Object({
  ...User.properties,
  metadata: Metadata,
  settings: UserSettings,
  bannedUntil: Nullable(Time),
  banReason: Nullable(Type.String()),
  tokensValidFrom: Nullable(Time),
  createdAt: Time,
})
export type AdminUser = Static<typeof AdminUser>

const { displayName, avatarUrl } = UpdateMe.properties
const profile = { displayName, avatarUrl, metadata: Type.Optional(Metadata) }
/** What is not given stays as it is. */
export const PutUser = Input(profile)
export const PutUsers = Input({ users: Type.Array(Input({ id: UserId, ...profile }), { minItems: 1, maxItems: 500 }) })
export type PutUsers = Static<typeof PutUsers>
export const UsersPut = Type.Object({ users: Type.Array(AdminUser), created: Type.Integer({ minimum: 0, description: 'How many of them are new' }) })
export type UsersPut = Static<typeof UsersPut>

export const CreateChatFor = Input({ createdById: UserId, chat: CreateChat })
export type CreateChatFor = Static<typeof CreateChatFor>

const { readSeq, deliveredSeq, unreadCount, mentionCount, ...counters } = Head.properties
/** A chat as nobody in particular sees it. */
export const AdminChat = Type.Object({
  chat: Chat,
  deletedAt: Nullable(Time),
  head: Type.Object(counters),
  participants: Type.Array(Participant, { maxItems: 50, description: 'The staff first' }),
  users: Users,
})
export type AdminChat = Static<typeof AdminChat>

export const AdminHistory = Input({ before: Type.Optional(Seq), after: Type.Optional(Seq), limit: Type.Optional(PageLimit) })
export type AdminHistory = Static<typeof AdminHistory>
export const AdminHistoryPage = Type.Object({
  data: Type.Array(Message, { description: 'Ascending by seq; of deleted ones that they were' }),
  users: Users,
  nextCursor: Nullable(Type.String({ description: 'The next `before` (of a page asked with `after`: the next `after`)' })),
})

/** By somebody in the chat, with all that their rights are; without a sender: a SYSTEM message of the application. */
export const SendAs = Type.Object({ ...NewMessage.properties, senderId: UserId }, { additionalProperties: false })
export const SendAsSystem = Input({
  senderId: Type.Null(),
  content: Type.Optional(Type.String({ minLength: 1, maxLength: 10_000 })),
  kind: Type.Optional(Type.String({ minLength: 1, maxLength: 64, pattern: '^[a-z0-9_.:-]*$', description: 'system.kind: of the application’s own; default application' })),
  targetIds: Type.Optional(Type.Array(UserId, { maxItems: 100 })),
  data: Type.Optional(Dictionary(Type.Unknown(), { description: 'system.data' })),
  metadata: Type.Optional(Metadata),
  clientMessageId: Type.Optional(ClientKey),
})
export type SendAsSystem = Static<typeof SendAsSystem>
export const SendAsAny = Type.Union([SendAs, SendAsSystem])
export const SendAsToUser = Input({ senderId: UserId, targetUserId: UserId, ...NewMessage.properties })
