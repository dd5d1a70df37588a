import { Type, type Static } from 'typebox'
import { Cursor, Input, MessageRef, Page, PageLimit, Time, UserId } from '../primitives.ts'
import { Message } from '../messages/schemas.ts'
import { Users } from '../users/schemas.ts'

const Emoji = Type.String({ minLength: 1, maxLength: 32, pattern: '^[^\\s\\u0000-\\u001f\\u007f-\\u009f]+$', description: "An emoji, or the application's own name of one" })

export const EmojiBody = Input({ emoji: Emoji })
export const ReactionRef = Input({ ...MessageRef.properties, emoji: Emoji })

export const ReactionChange = Type.Object({ message: Message, userId: UserId, emoji: Type.String() })
export type ReactionChange = Static<typeof ReactionChange>

export const Reaction = Type.Object({ userId: UserId, emoji: Type.String(), at: Time })
export const ListReactions = Input({ cursor: Type.Optional(Cursor), limit: Type.Optional(PageLimit) })
export type ListReactions = Static<typeof ListReactions>
export const ReactionPage = Type.Object({ ...Page(Reaction).properties, users: Users })

export const commands = {
  add_reaction: { data: ReactionRef, reply: 'reaction_added', result: ReactionChange, errors: ['MESSAGE_NOT_FOUND', 'NOT_IN_CHAT', 'MESSAGE_DELETED', 'SILENCED', 'CHAT_BLOCKED', 'REQUEST_PENDING', 'REACTION_LIMIT'] },
  remove_reaction: { data: ReactionRef, reply: 'reaction_removed', result: ReactionChange, errors: ['MESSAGE_NOT_FOUND', 'NOT_IN_CHAT', 'MESSAGE_DELETED', 'SILENCED', 'CHAT_BLOCKED', 'REQUEST_PENDING'] },
  get_reactions: { data: Input({ ...MessageRef.properties, ...ListReactions.properties }), reply: 'ok', result: ReactionPage, errors: ['MESSAGE_NOT_FOUND'] },
} as const

export const events = {
  reaction_added: ReactionChange,
  reaction_removed: ReactionChange,
} as const
