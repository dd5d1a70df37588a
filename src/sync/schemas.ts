import { Type, type Static } from 'typebox'
import { ChatId, ChatRef, Cursor, Input, Limit, MessageId, Nullable, Revision, UserId } from '../primitives.ts'
import { Chat, Head, Membership, Participant } from '../chats/schemas.ts'
import { Message, Related } from '../messages/schemas.ts'
import { Watermark } from '../receipts/schemas.ts'
import { Me, Users } from '../users/schemas.ts'

export const Sync = Input({
  epoch: Type.Optional(Type.String({ maxLength: 64 })),
  inboxRevision: Type.Optional(Revision),
  cursor: Type.Optional(Cursor),
})
export type Sync = Static<typeof Sync>

const Hidden = Type.Object({ chatId: ChatId, messageId: MessageId })

export const Synced = Type.Object({
  epoch: Type.String(),
  inboxRevision: Revision,
  reset: Type.Boolean({ description: 'Forget what you have: this starts from the beginning' }),
  user: Type.Optional(Type.Object(Me.properties, { description: 'You, when your profile or settings have changed' })),
  blocks: Type.Optional(Type.Array(UserId, { description: 'Whom you block, when that has changed' })),
  memberships: Type.Array(Membership, { description: 'Those that have changed' }),
  invitations: Type.Optional(Type.Array(Membership, { description: 'On the first page: every chat that you are invited to. What is not named is withdrawn' })),
  hidden: Type.Array(Hidden, { description: 'Messages newly deleted for you alone' }),
  heads: Type.Array(Head, { maxItems: 200, description: 'Over all pages: every chat that you are in. What is not named is gone' }),
  nextCursor: Nullable(Type.String()),
})
export type Synced = Static<typeof Synced>

export const ChangesSince = Input({ since: Revision, limit: Type.Optional(Limit(200, 200)) })
export type ChangesSince = Static<typeof ChangesSince>

const ChangeRows = {
  chatId: ChatId,
  upTo: Type.Integer({ description: 'The cursor after this page' }),
  head: Head,
  participants: Type.Array(Participant, { description: 'To be applied before the messages' }),
  messages: Type.Array(Message),
  watermarks: Type.Array(Watermark, { description: 'Of all members in chats of ≤ 256, else the viewer’s own' }),
  related: Related,
  users: Users,
}

/** What has changed in a chat. With `reset`: its newest page, to be taken instead of what you have. */
export const Changes = Type.Union([
  Type.Object({ since: Revision, hasMore: Type.Boolean(), chat: Nullable(Chat), ...ChangeRows }),
  Type.Object({ reset: Type.Literal(true), hasOlder: Type.Boolean(), chat: Chat, ...ChangeRows }),
])
export type Changes = Static<typeof Changes>

export const commands = {
  sync: { data: Sync, reply: 'synced', result: Synced, errors: ['EPOCH_CHANGED'] },
  changes: { data: Input({ ...ChatRef.properties, ...ChangesSince.properties }), reply: 'changes', result: Changes, errors: ['CHAT_NOT_FOUND', 'EPOCH_CHANGED'] },
} as const

export const InboxUpdate = Type.Object({
  previousInboxRevision: Revision,
  inboxRevision: Revision,
  memberships: Type.Array(Membership, { description: 'INVITED: you are asked to come into the chat' }),
  hidden: Type.Array(Hidden),
  blocks: Type.Optional(Type.Array(UserId)),
  user: Type.Optional(Me),
  removed: Type.Array(ChatId, { description: 'Chats that you are no longer in, or invited to' }),
})
export type InboxUpdate = Static<typeof InboxUpdate>

export const events = {
  changes: Changes,
  revision_skipped: Type.Object({}),
  inbox_updated: InboxUpdate,
} as const
