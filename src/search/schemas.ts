import { Type, type Static } from 'typebox'
import { ChatId, Cursor, Input, PageLimit, Page, Time, UserId } from '../primitives.ts'
import { Message, MessageType } from '../messages/schemas.ts'
import { Users } from '../users/schemas.ts'

export const SearchQuery = Input({
  q: Type.String({ minLength: 1, maxLength: 512, description: 'Words or parts of words, all of which must be there; "phrases" in quotes' }),
  order: Type.Optional(Type.Enum(['newest', 'best'], { description: 'best: the newest 500 hits, those with whole words before those with parts; then the next 500' })),
  type: Type.Optional(MessageType),
  senderId: Type.Optional(UserId),
  from: Type.Optional(Time),
  to: Type.Optional(Time),
  hasAttachment: Type.Optional(Type.Boolean()),
  cursor: Type.Optional(Cursor),
  limit: Type.Optional(PageLimit),
})
export type SearchQuery = Static<typeof SearchQuery>

export const SearchHit = Type.Object({
  message: Message,
  snippet: Type.Array(Type.Object({ text: Type.String(), match: Type.Boolean() }), { description: 'The text of the message, or the stretch of it with the first match' }),
})
export const SearchPage = Type.Object({ ...Page(SearchHit).properties, users: Users })
export type SearchPage = Static<typeof SearchPage>

export const commands = {
  search: { data: Input({ chatId: Type.Optional(ChatId), ...SearchQuery.properties }), reply: 'ok', result: SearchPage, errors: ['CHAT_NOT_FOUND'] },
} as const
