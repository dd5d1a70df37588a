import { Type, type Static } from 'typebox'
import {
  ChatId, ChatRef, ClientKey, Count, Cursor, Dictionary, Input, InputWithLabels, InputWithOneOf, Labels, Metadata, Nullable, Page, PageLimit, Revision, Seq, Time, UserId, UserRef,
} from '../primitives.ts'
import { Message, MessageType } from '../messages/schemas.ts'
import { Watermark } from '../receipts/schemas.ts'
import { Users } from '../users/schemas.ts'
import { Participant, ParticipantState, Role } from './participant.ts'

export { Participant, Role } from './participant.ts'

export const ChatType = Type.Enum(['DIRECT', 'GROUP', 'SUPPORT', 'STREAM'])
export const SupportStatus = Type.Enum(['OPEN', 'ASSIGNED', 'CLOSED'])

export const ChatSettings = Type.Object({
  slowModeSeconds: Type.Integer({ minimum: 0, maximum: 86_400 }),
  retentionDays: Nullable(Type.Integer({ minimum: 1, maximum: 36_500 })),
  historyForNewMembers: Type.Enum(['NONE', 'ALL']),
  whoMaySend: Role,
  whoMayInvite: Role,
})

export const Chat = Type.Object({
  id: ChatId,
  type: ChatType,
  name: Nullable(Type.String()),
  avatarUrl: Nullable(Type.String()),
  description: Nullable(Type.String()),
  externalRef: Nullable(Type.String()),
  labels: Labels,
  metadata: Metadata,
  settings: ChatSettings,
  request: Nullable(Type.Object({
    status: Type.Enum(['PENDING', 'ACCEPTED', 'REJECTED', 'AUTO_ACCEPTED']), requestedById: UserId, answeredAt: Nullable(Time),
  })),
  support: Nullable(Type.Object({ status: SupportStatus, assigneeId: Nullable(UserId) })),
  createdById: UserId,
  revision: Revision,
  createdAt: Time,
  updatedAt: Time,
})
export type Chat = Static<typeof Chat>

/** A participant as they see themselves. */
export const Membership = Type.Object({
  chatId: ChatId,
  inboxRevision: Revision,
  state: ParticipantState,
  role: Role,
  notifications: Type.Enum(['ALL', 'MENTIONS', 'NONE']),
  mutedUntil: Nullable(Time),
  archived: Type.Boolean({ description: 'As it was told. It ends when lastOrdinalSeq is above archivedSeq, unless the chat is muted' }),
  archivedSeq: Nullable(Seq),
  pinnedAt: Nullable(Time),
  markedUnread: Type.Boolean(),
  visibleFromSeq: Seq,
  clearedSeq: Seq,
  joinRevision: Revision,
  invitedById: Nullable(Type.String({ description: 'While the state is INVITED' })),
})
export type Membership = Static<typeof Membership>

/** The counters of a chat, and where the viewer stands in it. */
export const Head = Type.Object({
  chatId: ChatId,
  lastRevision: Revision,
  lastSeq: Seq,
  lastOrdinalSeq: Type.Integer({ ...Seq, description: 'Of the newest message that is not SYSTEM' }),
  minSeq: Seq,
  messageCount: Count,
  memberCount: Count,
  readSeq: Seq,
  deliveredSeq: Seq,
  unreadCount: Count,
  mentionCount: Count,
  lastMessageAt: Nullable(Time),
})
export type Head = Static<typeof Head>

export const ChatView = Type.Object({
  chat: Chat,
  head: Head,
  membership: Nullable(Membership),
  lastMessage: Nullable(Message),
  participants: Type.Array(Participant, { maxItems: 50, description: 'The viewer and the staff first' }),
  users: Users,
})
export type ChatView = Static<typeof ChatView>

const Name = Type.String({ minLength: 1, maxLength: 256 })
const Url = Type.String({ minLength: 1, maxLength: 2048 })
const Description = Type.String({ maxLength: 2048 })
const Label = Type.String({ minLength: 1, maxLength: 64 })

const NewChat = {
  clientChatId: Type.Optional(ClientKey),
  externalRef: Type.Optional(Type.String({ minLength: 1, maxLength: 256, description: 'Unique among the chats of its type: find or create' })),
  labels: Type.Optional(Labels),
  metadata: Type.Optional(Metadata),
}

const ParticipantLabels = Dictionary(Label, { maxProperties: 1000, description: "The application's own roles of those who are in it from the beginning, by user id" })

export const CreateDirect = Input({ type: Type.Literal('DIRECT'), targetUserId: UserId, participantLabels: Type.Optional(ParticipantLabels), ...NewChat })
export const CreateGroup = Input({
  type: Type.Literal('GROUP'),
  name: Name,
  participantIds: Type.Array(UserId, { maxItems: 999, description: 'Beside the creator, who becomes the owner' }),
  participantLabels: Type.Optional(ParticipantLabels),
  avatarUrl: Type.Optional(Url),
  description: Type.Optional(Description),
  settings: Type.Optional(Type.Partial(ChatSettings, { additionalProperties: false })),
  ...NewChat,
})
export const CreateSupport = Input({
  type: Type.Literal('SUPPORT'),
  name: Type.Optional(Name),
  description: Type.Optional(Description),
  ...NewChat,
})
export const CreateStream = Input({
  type: Type.Literal('STREAM'),
  name: Name,
  avatarUrl: Type.Optional(Url),
  description: Type.Optional(Description),
  settings: Type.Optional(Type.Partial(ChatSettings, { additionalProperties: false })),
  ...NewChat,
})
export type CreateDirect = Static<typeof CreateDirect>
export type CreateGroup = Static<typeof CreateGroup>
export type CreateStream = Static<typeof CreateStream>
export type CreateSupport = Static<typeof CreateSupport>
export type CreateChat = CreateDirect | CreateGroup | CreateStream | CreateSupport

/** `type` decides which. */
export const CreateChat = Type.Unsafe<CreateDirect | CreateGroup | CreateStream | CreateSupport>({
  type: 'object', required: ['type'], discriminator: { propertyName: 'type' }, oneOf: [CreateDirect, CreateGroup, CreateStream, CreateSupport],
})

export const UpdateChat = Type.Object({
  name: Type.Optional(Name),
  avatarUrl: Type.Optional(Nullable(Url)),
  description: Type.Optional(Nullable(Description)),
  labels: Type.Optional(Labels),
  metadata: Type.Optional(Metadata),
  settings: Type.Optional(Type.Partial(ChatSettings, { additionalProperties: false })),
}, { additionalProperties: false, minProperties: 1 })
export type UpdateChat = Static<typeof UpdateChat>

export const ListChats = Input({
  state: Type.Optional(Type.Enum(['active', 'archived', 'requests'])),
  direction: Type.Optional(Type.Enum(['received', 'sent'], { description: 'Of requests: default both' })),
  type: Type.Optional(ChatType),
  q: Type.Optional(Type.String({ minLength: 1, maxLength: 256, description: 'A part of the name (of a DIRECT chat: of the other’s), whatever its case and accents' })),
  labels: Type.Optional(Labels),
  cursor: Type.Optional(Cursor),
  limit: Type.Optional(PageLimit),
})
export type ListChats = Static<typeof ListChats>
export const ChatPage = Page(ChatView)

/** In a URL the labels are `label.<key>=<value>`. */
export const ListChatsQuery = InputWithLabels(ListChats.properties)

export const ListUserChats = Input({ includeArchived: Type.Optional(Type.Boolean()), cursor: Type.Optional(Cursor), limit: Type.Optional(PageLimit) })
export type ListUserChats = Static<typeof ListUserChats>

/** An entry of a user's history. What is null is not for a former member to know. */
export const UserChat = Type.Object({
  chatId: ChatId,
  type: ChatType,
  participant: Participant,
  archived: Type.Boolean(),
  chat: Nullable(Chat),
  messageCount: Nullable(Count),
  lastMessageAt: Nullable(Time),
})
export type UserChat = Static<typeof UserChat>
export const UserChatPage = Page(UserChat)

/** The chat's own: the same for all members, but for whom they have blocked. Counts of messages include those deleted since. */
export const Stats = Type.Object({
  chatId: ChatId,
  messageCount: Count,
  memberCount: Count,
  attachmentCount: Count,
  byType: Type.Array(Type.Object({ type: MessageType, count: Count }), { description: 'Of the messages that are kept; most first' }),
  byMember: Type.Array(Type.Object({ userId: UserId, count: Count }), { maxItems: 50, description: 'Who is in the chat and has written; most first' }),
  byDay: Type.Array(Type.Object({ date: Type.String({ pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' }), count: Count }), { description: 'The last 30 days, UTC, oldest first; those without messages, too' }),
  reactions: Type.Array(Type.Object({ emoji: Type.String(), count: Count }), { maxItems: 50, description: 'Of the newest 100,000; most first' }),
  users: Users,
})
export type Stats = Static<typeof Stats>

export const DeleteChat = Input({ scope: Type.Optional(Type.Enum(['me', 'everyone'])) })

export const ListParticipants = Input({ cursor: Type.Optional(Cursor), limit: Type.Optional(PageLimit) })
export type ListParticipants = Static<typeof ListParticipants>
export const ParticipantPage = Type.Object({ ...Page(Participant).properties, users: Users })

export const AddParticipants = Input({
  userIds: Type.Array(UserId, { minItems: 1, maxItems: 1000 }),
  role: Type.Optional(Role),
  label: Type.Optional(Label),
})
export type AddParticipants = Static<typeof AddParticipants>

export const UpdateParticipant = Type.Object({
  role: Type.Optional(Role),
  label: Type.Optional(Nullable(Label)),
  transfer: Type.Optional(Type.Boolean({ description: 'With the role OWNER: who gives it away becomes an ADMIN' })),
}, { additionalProperties: false, minProperties: 1 })
export type UpdateParticipant = Static<typeof UpdateParticipant>

export const ParticipantRef = Input({ ...ChatRef.properties, userId: UserId })
export const ParticipantChange = Type.Object({ participants: Type.Array(Participant), message: Nullable(Message) })
export type ParticipantChange = Static<typeof ParticipantChange>

/** My own settings of a chat. `archived` lasts until something new comes, or for as long as the chat is muted. */
export const UpdateMembership = Type.Object({
  notifications: Type.Optional(Membership.properties.notifications),
  mutedUntil: Type.Optional(Nullable(Time)),
  pinned: Type.Optional(Type.Boolean()),
  markedUnread: Type.Optional(Type.Boolean()),
  archived: Type.Optional(Type.Boolean()),
}, { additionalProperties: false, minProperties: 1 })
export type UpdateMembership = Static<typeof UpdateMembership>

/** How long somebody may not speak. */
export const Silence = InputWithOneOf(['until', 'seconds'], {
  until: Type.Optional(Time),
  seconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 31_536_000 })),
})
export type Silence = Static<typeof Silence>

export const Ok = Type.Object({ chatId: ChatId })

export const commands = {
  create_chat: { data: CreateChat, reply: 'chat_created', result: ChatView, errors: ['TARGET_IS_SELF', 'USER_NOT_FOUND', 'CHAT_BLOCKED', 'REQUEST_LIMIT', 'EXTERNAL_REF_TAKEN'] },
  get_chats: { data: ListChats, reply: 'ok', result: ChatPage, errors: [] },
  get_user_chats: { data: Input({ ...UserRef.properties, ...ListUserChats.properties }), reply: 'ok', result: UserChatPage, errors: ['USER_NOT_FOUND'] },
  get_stats: { data: ChatRef, reply: 'ok', result: Stats, errors: ['CHAT_NOT_FOUND'] },
  get_chat: { data: ChatRef, reply: 'ok', result: ChatView, errors: ['CHAT_NOT_FOUND'] },
  update_chat: { data: Type.Object({ ...ChatRef.properties, ...UpdateChat.properties }, { additionalProperties: false, minProperties: 2 }), reply: 'ok', result: ChatView, errors: ['CHAT_NOT_FOUND', 'NOT_IN_CHAT', 'ROLE_REQUIRED', 'CHAT_BLOCKED'] },
  delete_chat: { data: Input({ ...ChatRef.properties, ...DeleteChat.properties }), reply: 'ok', result: Ok, errors: ['CHAT_NOT_FOUND', 'NOT_IN_CHAT', 'ROLE_REQUIRED'] },
  leave_membership: { data: ChatRef, reply: 'ok', result: Ok, errors: ['CHAT_NOT_FOUND', 'NOT_IN_CHAT', 'ROLE_REQUIRED'] },
  accept_chat: { data: ChatRef, reply: 'ok', result: ChatView, errors: ['CHAT_NOT_FOUND', 'ROLE_REQUIRED', 'CHAT_BLOCKED'] },
  reject_chat: { data: ChatRef, reply: 'ok', result: Ok, errors: ['CHAT_NOT_FOUND', 'ROLE_REQUIRED'] },
  clear_chat: { data: ChatRef, reply: 'ok', result: Membership, errors: ['CHAT_NOT_FOUND', 'NOT_IN_CHAT'] },
  get_participants: { data: Input({ ...ChatRef.properties, ...ListParticipants.properties }), reply: 'ok', result: ParticipantPage, errors: ['CHAT_NOT_FOUND'] },
  add_participants: { data: Input({ ...ChatRef.properties, ...AddParticipants.properties }), reply: 'ok', result: ParticipantChange, errors: ['CHAT_NOT_FOUND', 'NOT_IN_CHAT', 'ROLE_REQUIRED', 'USER_NOT_FOUND', 'USER_BANNED', 'CHAT_BLOCKED', 'REQUEST_LIMIT'] },
  update_participant: {
    data: Type.Object({ ...ParticipantRef.properties, ...UpdateParticipant.properties }, { additionalProperties: false, minProperties: 3 }),
    reply: 'ok',
    result: ParticipantChange,
    errors: ['CHAT_NOT_FOUND', 'NOT_IN_CHAT', 'ROLE_REQUIRED', 'USER_NOT_FOUND', 'TARGET_IS_SELF', 'LAST_OWNER'],
  },
  update_membership: {
    data: Type.Object({ ...ChatRef.properties, ...UpdateMembership.properties }, { additionalProperties: false, minProperties: 2 }),
    reply: 'ok',
    result: Membership,
    errors: ['CHAT_NOT_FOUND', 'NOT_IN_CHAT'],
  },
  ban_user: { data: ParticipantRef, reply: 'ok', result: ParticipantChange, errors: ['CHAT_NOT_FOUND', 'NOT_IN_CHAT', 'ROLE_REQUIRED', 'USER_NOT_FOUND'] },
  unban_user: { data: ParticipantRef, reply: 'ok', result: ParticipantChange, errors: ['CHAT_NOT_FOUND', 'NOT_IN_CHAT', 'ROLE_REQUIRED', 'USER_NOT_FOUND'] },
  silence_user: {
    data: InputWithOneOf(['until', 'seconds'], { ...ParticipantRef.properties, ...Silence.properties }),
    reply: 'ok',
    result: ParticipantChange,
    errors: ['CHAT_NOT_FOUND', 'NOT_IN_CHAT', 'ROLE_REQUIRED', 'USER_NOT_FOUND'],
  },
  unsilence_user: { data: ParticipantRef, reply: 'ok', result: ParticipantChange, errors: ['CHAT_NOT_FOUND', 'NOT_IN_CHAT', 'ROLE_REQUIRED', 'USER_NOT_FOUND'] },
  remove_participant: { data: ParticipantRef, reply: 'ok', result: ParticipantChange, errors: ['CHAT_NOT_FOUND', 'NOT_IN_CHAT', 'ROLE_REQUIRED', 'USER_NOT_FOUND'] },
} as const

const ParticipantsEvent = Type.Object({
  participants: Type.Array(Participant),
  reason: Type.String({ description: 'added, invited, rejected, left, removed, role_changed …' }),
  actorId: UserId,
  message: Type.Optional(Message),
})

/** The frames that carry a revision of the chat. */
export const events = {
  chat_created: ChatView,
  /** The answer to a request also tells who is in the chat now, and how far they had read. */
  chat_updated: Type.Object({ chat: Chat, participants: Type.Optional(Type.Array(Participant)), watermark: Type.Optional(Watermark) }),
  participant_joined: ParticipantsEvent,
  participant_left: ParticipantsEvent,
  participant_updated: ParticipantsEvent,
  chat_deleted: Type.Object({ chatId: ChatId }),
} as const
