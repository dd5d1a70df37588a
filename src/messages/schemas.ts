import { Type, type Static } from 'typebox'
import { ChatId, ChatRef, ClientKey, Count, Dictionary, Input, InputWithOneOf, MessageId, MessageRef, Metadata, Nullable, Page, PageLimit, Revision, Seq, Time, UserId } from '../primitives.ts'
import { Participant } from '../chats/participant.ts'
import { Attachment, AttachmentIds } from '../media/schemas.ts'
import { Users } from '../users/schemas.ts'
import { Watermark } from '../receipts/schemas.ts'

export const MessageType = Type.Enum(['TEXT', 'IMAGE', 'VIDEO', 'AUDIO', 'VOICE', 'FILE', 'SYSTEM', 'ENCRYPTED'])

const MessageLink = Type.Object({ messageId: MessageId, seq: Seq })

/** Deleted for everyone: content is null, lists and metadata are empty. From somebody whom the viewer has blocked: the same, and `fromBlocked`. */
export const Message = Type.Object({
  id: MessageId,
  chatId: ChatId,
  seq: Seq,
  revision: Revision,
  senderId: Nullable(UserId),
  senderLabel: Nullable(Type.String()),
  type: MessageType,
  content: Nullable(Type.String()),
  attachments: Type.Array(Attachment),
  metadata: Metadata,
  system: Nullable(Type.Object({ kind: Type.String(), actorId: Nullable(UserId), targetIds: Type.Array(UserId), data: Dictionary(Type.Unknown()) })),
  replyTo: Nullable(MessageLink),
  threadRoot: Nullable(MessageLink),
  thread: Nullable(Type.Object({ replyCount: Count, lastReplySeq: Seq })),
  forwardedFrom: Nullable(Type.Object({ senderId: UserId, createdAt: Time })),
  mentions: Type.Object({ userIds: Type.Array(UserId), all: Type.Boolean() }),
  reactions: Type.Array(Type.Object({ emoji: Type.String(), count: Count, userIds: Type.Array(UserId), mine: Type.Optional(Type.Boolean()) })),
  pinned: Nullable(Type.Object({ userId: UserId, at: Time })),
  clientMessageId: Nullable(Type.String()),
  createdAt: Time,
  editedAt: Nullable(Time),
  deletedAt: Nullable(Time),
  deletedById: Nullable(UserId),
  fromBlocked: Type.Optional(Type.Literal(true)),
})
export type Message = Static<typeof Message>

/** Deleted, or nothing that the viewer may see. */
const MessageOrUnavailable = Type.Union([Message, Type.Object({ unavailable: Type.Literal(true) })])

export const Related = Dictionary(MessageOrUnavailable, {
  description: 'The messages that the page quotes, and the tops of the threads that it is of, by id',
})

const Content = Type.String({ minLength: 1, maxLength: 10_000 })

/** Of the people named, those who are in the chat. `all`: MODERATOR and above; in a DIRECT chat either. */
export const NewMentions = Input({
  userIds: Type.Optional(Type.Array(UserId, { maxItems: 50 })),
  all: Type.Optional(Type.Boolean()),
})
export type NewMentions = Static<typeof NewMentions>

/** A text, or files, or both. */
export const NewMessage = Input({
  content: Type.Optional(Content),
  type: Type.Optional(Type.Enum(['TEXT', 'IMAGE', 'VIDEO', 'AUDIO', 'VOICE', 'FILE', 'ENCRYPTED'], {
    description: 'ENCRYPTED: the content is opaque to the server. With attachments it is what they are, or FILE where they are of several kinds, or if it is so named',
  })),
  attachmentIds: Type.Optional(AttachmentIds),
  replyToId: Type.Optional(MessageId),
  threadRootId: Type.Optional(MessageId),
  mentions: Type.Optional(NewMentions),
  metadata: Type.Optional(Metadata),
  clientMessageId: Type.Optional(ClientKey),
})
export type NewMessage = Static<typeof NewMessage>

export const NewMessageToUser = Input({ targetUserId: UserId, ...NewMessage.properties })
export const MessageSent = Type.Object({ message: Message, duplicate: Type.Boolean({ description: 'This clientMessageId has been sent before: the message as it is now' }) })
export type MessageSent = Static<typeof MessageSent>

export const SendMessage = InputWithOneOf(['chatId', 'targetUserId'], { chatId: Type.Optional(ChatId), targetUserId: Type.Optional(UserId), ...NewMessage.properties })

export const History = Input({
  before: Type.Optional(Seq),
  after: Type.Optional(Seq),
  around: Type.Optional(Seq),
  limit: Type.Optional(PageLimit),
  type: Type.Optional(MessageType),
  senderId: Type.Optional(UserId),
  from: Type.Optional(Time),
  to: Type.Optional(Time),
  hasAttachment: Type.Optional(Type.Boolean()),
})
export type History = Static<typeof History>

export const HistoryPage = Type.Object({
  data: Type.Array(Message, { description: 'Ascending by seq' }),
  related: Related,
  users: Users,
  watermarks: Type.Array(Watermark),
  nextCursor: Nullable(Type.String({ description: 'The next `before` (of a page asked with `after`: the next `after`)' })),
})

export const ThreadQuery = Input({ before: Type.Optional(Seq), after: Type.Optional(Seq), limit: Type.Optional(PageLimit) })
export type ThreadQuery = Static<typeof ThreadQuery>

export const ThreadPage = Type.Object({
  root: MessageOrUnavailable,
  data: Type.Array(Message, { description: 'The replies, ascending by seq' }),
  related: Related,
  users: Users,
  unreadCount: Count,
  nextCursor: Nullable(Type.String({ description: 'The next `before` (of a page asked with `after`: the next `after`)' })),
})

export const Forward = Input({
  chatIds: Type.Array(ChatId, { minItems: 1, maxItems: 20, uniqueItems: true }),
  clientMessageId: Type.Optional(ClientKey),
})
export type Forward = Static<typeof Forward>
export const MessageForwarded = Type.Object({
  messages: Type.Array(Message, { description: 'One for each chat that could be sent to, in their order' }),
  failed: Type.Array(Type.Object({ chatId: ChatId, code: Type.String() })),
})
export type MessageForwarded = Static<typeof MessageForwarded>

export const EditMessage = Input({ content: Content, mentions: Type.Optional(NewMentions) })
export type EditMessage = Static<typeof EditMessage>
export const DeleteMessage = Input({ scope: Type.Optional(Type.Enum(['me', 'everyone'])) })
export const MessageReply = Type.Object({ message: Message })
export type MessageReply = Static<typeof MessageReply>
/** A change of a message, which may have changed the count of its thread. */
export const MessageChange = Type.Object({ message: Message, threadRoot: Type.Optional(Message) })
export const MessageView = Type.Object({ message: Message, related: Related, users: Users })

export const Version = Type.Object({ version: Type.Integer({ minimum: 1 }), content: Nullable(Type.String()), metadata: Metadata, replacedAt: Time })
export const Versions = Page(Version)

export const AdminMessageView = Type.Object({
  message: Message,
  deleted: Nullable(Type.Object({
    content: Nullable(Type.String()),
    metadata: Metadata,
    mentions: Message.properties.mentions,
    forwardedFrom: Message.properties.forwardedFrom,
    restorableUntil: Time,
  }, { description: 'What it said before it was deleted, for DELETED_CONTENT_DAYS' })),
  versions: Type.Array(Version, { description: 'Earlier contents, oldest first: the newest 100' }),
  users: Users,
})

/** One message, or a page of a chat's history. */
const GetMessages = InputWithOneOf(['messageId', 'chatId'], { messageId: Type.Optional(MessageId), chatId: Type.Optional(ChatId), ...History.properties })

const SendMedia = Input({ ...ChatRef.properties, ...NewMessage.properties, attachmentIds: AttachmentIds })

/** Why a message is not sent. CHAT_CLOSED: a support chat that is closed again and again, meanwhile. */
const NOT_SENT = [
  'CHAT_NOT_FOUND', 'NOT_IN_CHAT', 'ROLE_REQUIRED', 'CHAT_BLOCKED', 'CHAT_CLOSED', 'CHAT_READ_ONLY', 'SILENCED', 'USER_BANNED', 'REQUEST_PENDING', 'REQUEST_LIMIT',
  'MESSAGE_NOT_FOUND', 'MEDIA_NOT_FOUND', 'ATTACHMENT_USED', 'MESSAGE_ID_CONFLICT', 'SLOW_MODE',
] as const

export const commands = {
  send_message: { data: SendMessage, reply: 'message_sent', result: MessageSent, errors: [...NOT_SENT, 'TARGET_IS_SELF', 'USER_NOT_FOUND'] },
  /** send_message with files. */
  send_media: { data: SendMedia, reply: 'message_sent', result: MessageSent, errors: NOT_SENT },
  edit_message: { data: Input({ ...MessageRef.properties, ...EditMessage.properties }), reply: 'message_edited', result: MessageReply, errors: ['MESSAGE_NOT_FOUND', 'NOT_IN_CHAT', 'ROLE_REQUIRED', 'NOT_YOURS', 'MESSAGE_DELETED', 'EDIT_WINDOW_CLOSED', 'SILENCED', 'CHAT_BLOCKED'] },
  delete_message: { data: Input({ ...MessageRef.properties, ...DeleteMessage.properties }), reply: 'message_deleted', result: MessageReply, errors: ['MESSAGE_NOT_FOUND', 'NOT_IN_CHAT', 'ROLE_REQUIRED'] },
  forward_message: { data: Input({ ...MessageRef.properties, ...Forward.properties }), reply: 'message_forwarded', result: MessageForwarded, errors: ['MESSAGE_NOT_FOUND', 'MESSAGE_DELETED'] },
  get_history: { data: Input({ ...ChatRef.properties, ...History.properties }), reply: 'ok', result: HistoryPage, errors: ['CHAT_NOT_FOUND'] },
  get_messages: { data: GetMessages, reply: 'ok', result: Type.Union([MessageView, HistoryPage]), errors: ['CHAT_NOT_FOUND', 'MESSAGE_NOT_FOUND'] },
  get_thread: { data: Input({ ...MessageRef.properties, ...ThreadQuery.properties }), reply: 'ok', result: ThreadPage, errors: ['MESSAGE_NOT_FOUND'] },
  get_edits: { data: MessageRef, reply: 'ok', result: Versions, errors: ['MESSAGE_NOT_FOUND'] },
} as const

export const events = {
  message_received: Type.Object({ message: Message, threadRoot: Type.Optional(Message), participant: Type.Optional(Participant), watermark: Type.Optional(Watermark) }),
  message_edited: MessageChange,
  message_deleted: MessageChange,
  /** Messages below have gone by the chat's `retentionDays`: the bound of everybody rises. */
  history_trimmed: Type.Object({ minSeq: Seq }),
} as const
